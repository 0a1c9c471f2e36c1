//! The conversation as the model will see it, in neutral form: no provider's JSON, no LSP, no clock. Append-only: an item
//! that is in the history is never changed, so that a request is the previous request plus a suffix (prompt caching
//! depends on it) until a compaction. Providers render these items, each in its own API's words.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{PromptId, ToolCallId};

/// A block of a person's prompt (ACP's ContentBlock, and Pillion's `range` on a link).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    Text {
        text: String,
    },
    Image {
        /// Base64.
        data: String,
        mime_type: String,
    },
    /// A file that the person points at; lines are 1-based, inclusive.
    Link {
        uri: String,
        name: String,
        lines: Option<(u32, u32)>,
    },
    /// A text that the client sent along.
    Resource {
        uri: String,
        text: String,
    },
}

/// What a tool call came to, for the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolResult {
    pub call: ToolCallId,
    pub text: String,
    pub is_error: bool,
}

/// A person's prompt inside a user item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    pub id: PromptId,
    pub content: Vec<Content>,
}

/// What one drain put before the model: everything new since its last answer. Rendered in this order, as one message:
/// the tool results; then the block of task notifications, *inside* the last result's content when there is a result,
/// else as a text block; then the context; then the prompts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UserItem {
    pub results: Vec<ToolResult>,
    /// The whole block, opening line included, exactly as the model is given it.
    pub notification: Option<String>,
    /// What changes from message to message (date, mode, open files, running tasks); `None` when nothing is to be said.
    pub context: Option<String>,
    pub prompts: Vec<Prompt>,
    /// Text that Pillion itself adds for the model ("Continue."), after the prompts.
    pub nudge: Option<String>,
}

/// A part of a model's answer, in its order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AssistantPart {
    Text {
        text: String,
    },
    /// The signature is the provider's own proof and goes back to that provider unchanged.
    Thinking {
        text: String,
        signature: Option<String>,
    },
    /// Thinking that only the provider can read.
    RedactedThinking {
        data: String,
    },
    ToolCall {
        id: ToolCallId,
        name: String,
        /// Always a JSON object; a call whose input was not valid JSON holds `{}` and `invalid` says why.
        input: Value,
        invalid: Option<String>,
    },
}

/// Why the model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelStop {
    EndTurn,
    ToolUse,
    MaxTokens,
    /// The service paused a long answer; the same history goes back to go on.
    Pause,
    Refusal,
    /// The model's context window is full.
    ContextFull,
    /// Something in it only a model could have answered, and none is configured.
    NeedsModel,
}

/// One answer of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssistantItem {
    pub parts: Vec<AssistantPart>,
    pub stop: ModelStop,
    /// Which provider answered, for instance `anthropic`: raw parts go back only there.
    pub provider: String,
    pub model: String,
}

impl AssistantItem {
    /// The tool calls of this answer, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = (&ToolCallId, &str, &Value)> {
        self.parts.iter().filter_map(|part| match part {
            AssistantPart::ToolCall { id, name, input, .. } => Some((id, name.as_str(), input)),
            _ => None,
        })
    }
}

/// Says from where on, and how, the history goes into requests. What stands before it stays in the history, for people;
/// [`super::compaction::view`] makes what the model is sent. Whole in itself: the newest one alone counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Compaction {
    /// The number of the first item that requests still hold.
    pub kept_from: usize,
    /// What stands in place of the items before that one; `None` when there are none.
    pub summary: Option<String>,
    /// What went on at that moment: running tasks, open questions, the plan.
    pub standing: Option<String>,
    /// Calls of kept items whose results are left out.
    pub left_out: Vec<ToolCallId>,
    /// Tokens of the request before and after, estimated.
    pub before: u64,
    pub after: u64,
}

/// One entry of the history. Two user items may follow each other (a request failed between them); a provider that
/// demands alternating roles renders them as one message, content in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Item {
    User(UserItem),
    Assistant(AssistantItem),
    /// Never in a request.
    Compaction(Compaction),
}

/// The items of a request. A clone costs nothing, and so does a push where nobody else holds the list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History(Arc<Vec<Arc<Item>>>);

impl History {
    /// Appends an item. Where a request still holds the list, its pointers are copied first.
    pub fn push(&mut self, item: Arc<Item>) {
        Arc::make_mut(&mut self.0).push(item);
    }
}

impl Deref for History {
    type Target = [Arc<Item>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl From<Vec<Arc<Item>>> for History {
    fn from(items: Vec<Arc<Item>>) -> Self {
        Self(Arc::new(items))
    }
}

impl FromIterator<Arc<Item>> for History {
    fn from_iter<I: IntoIterator<Item = Arc<Item>>>(items: I) -> Self {
        Self(Arc::new(items.into_iter().collect()))
    }
}

impl<'a> IntoIterator for &'a History {
    type Item = &'a Arc<Item>;
    type IntoIter = std::slice::Iter<'a, Arc<Item>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// A file that a tool changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDiff {
    pub path: PathBuf,
    /// `None` for a new file.
    pub old_text: Option<String>,
    pub new_text: String,
    /// How many folders were made for it, from the file upwards.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub new_folders: u32,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}
