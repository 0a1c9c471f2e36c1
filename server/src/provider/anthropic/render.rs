//! The neutral history in the words of Anthropic's Messages API. Pure. Source: the API reference, "Create a Message", and
//! "Prompt caching".
//!
//! Invariants: the blocks of an item depend on that item alone, so a request is the request before it plus a suffix, but for
//! the cache marks. Roles alternate. No text block is blank. Blocks of thinking go back unchanged, to Anthropic only, empty
//! ones too: their signature is the thought. A model that cannot read another's leaves them out by itself.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::NAME;
use super::thinking::{OutputConfig, Plan, Thinking};
use crate::agent::history::{AssistantItem, AssistantPart, Content, Item, UserItem};
use crate::provider::ModelRequest;

/// What a tool result without any text says: the API refuses blank text.
pub const NO_OUTPUT: &str = "(no output)";

/// Media types that the API takes; any other image would make it refuse the whole conversation, for good.
const IMAGE_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// How a request is written.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub plan: Plan,
    /// Tokens that the model gives at most.
    pub max_output: Option<u32>,
    /// Whether thoughts go back. They are left out for a service that has refused one of them.
    pub thoughts: bool,
}

/// Most characters of an image's Base64: 5 MB, the least that Anthropic's platforms take.
const IMAGE_CAP: usize = 5_000_000 / 3 * 4;

/// The body of a request.
#[derive(Debug, Serialize)]
pub struct Body<'a> {
    pub model: &'a str,
    pub max_tokens: u32,
    pub stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_config: Option<OutputConfig>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub system: Vec<Marked<'a>>,
    pub messages: Vec<Message<'a>>,
}

/// A tool as the API wants it.
#[derive(Debug, Serialize)]
pub struct Tool<'a> {
    pub name: &'a str,
    pub description: &'a str,
    pub input_schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<CacheControl>,
}

/// `{"type": "ephemeral"}`: the service keeps what it made of everything up to here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CacheControl {
    Ephemeral,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    User,
    Assistant,
}

/// Everything that one side said until the other spoke.
#[derive(Debug, PartialEq, Serialize)]
pub struct Message<'a> {
    pub role: Role,
    pub content: Vec<Marked<'a>>,
}

/// A block and its cache mark.
#[derive(Debug, PartialEq, Serialize)]
pub struct Marked<'a> {
    #[serde(flatten)]
    pub block: Block<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<CacheControl>,
}

/// A block of content.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block<'a> {
    Text {
        text: Cow<'a, str>,
    },
    Image {
        source: ImageSource<'a>,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: Cow<'a, str>,
        input: &'a Value,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        content: Vec<Block<'a>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
}

/// An image inside the request.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ImageSource<'a> {
    Base64 { media_type: &'a str, data: &'a str },
}

/// The whole request, cache marks included: the last tool, the system text, and two in the messages (see [`mark`]).
pub fn body<'a>(request: &'a ModelRequest, form: &Form) -> Body<'a> {
    let mut tools: Vec<Tool<'_>> = request
        .tools
        .iter()
        .map(|tool| Tool {
            name: &tool.name,
            description: &tool.description,
            input_schema: &tool.input_schema,
            cache_control: None,
        })
        .collect();
    if let Some(last) = tools.last_mut() {
        last.cache_control = Some(CacheControl::Ephemeral);
    }
    let system = text(&request.system)
        .map(|block| Marked { block, cache_control: Some(CacheControl::Ephemeral) })
        .into_iter()
        .collect();
    let mut messages = messages_with(&request.history, form.thoughts);
    mark(&mut messages);
    Body {
        model: &request.model,
        max_tokens: form.max_output.map_or(request.max_tokens, |most| most.min(request.max_tokens)),
        stream: true,
        thinking: form.plan.thinking,
        output_config: form.plan.output_config,
        tools,
        system,
        messages,
    }
}

/// The history as messages without cache marks. Items of one side that follow each other become one message; an item
/// with nothing to say is left out, and its neighbours join.
pub fn messages(history: &[Arc<Item>]) -> Vec<Message<'_>> {
    messages_with(history, true)
}

fn messages_with(history: &[Arc<Item>], thoughts: bool) -> Vec<Message<'_>> {
    let mut messages: Vec<Message<'_>> = Vec::new();
    for item in history {
        let role = match &**item {
            Item::User(_) => Role::User,
            Item::Assistant(_) => Role::Assistant,
            Item::Compaction(_) => continue,
        };
        let joins = messages.pop_if(|last| last.role == role);
        let mut content = joins.map_or_else(Vec::new, |message| message.content);
        match &**item {
            Item::User(item) => user(item, &mut content),
            Item::Assistant(item) => content.extend(assistant(item, thoughts).into_iter().map(unmarked)),
            Item::Compaction(_) => {}
        }
        if !content.is_empty() {
            messages.push(Message { role, content });
        }
    }
    messages
}

fn unmarked(block: Block<'_>) -> Marked<'_> {
    Marked { block, cache_control: None }
}

/// Marks the end of the last user message, and the end of the one before it. The second is where the request before
/// this one had its last mark, so what it stored is found directly, however many blocks came since (a mark alone
/// looks back over 20 blocks, and one answer with ten tool calls adds as many).
fn mark(messages: &mut [Message<'_>]) {
    let users = messages.iter_mut().rev().filter(|message| message.role == Role::User);
    for block in users.take(2).filter_map(|message| message.content.last_mut()) {
        block.cache_control = Some(CacheControl::Ephemeral);
    }
}

fn text(text: &str) -> Option<Block<'_>> {
    (!text.trim().is_empty()).then(|| Block::Text { text: text.into() })
}

/// Adds an item to what the user's side has said already. A notification goes into the result before it, also where that came
/// with an item of its own: text right after results teaches models to end their turn with an empty answer.
fn user<'a>(item: &'a UserItem, message: &mut Vec<Marked<'a>>) {
    message.extend(item.results.iter().map(|result| {
        unmarked(Block::ToolResult {
            tool_use_id: api_word(result.call.as_str()),
            content: vec![text(&result.text).unwrap_or(Block::Text { text: NO_OUTPUT.into() })],
            is_error: result.is_error,
        })
    }));
    if let Some(notification) = item.notification.as_deref().and_then(text) {
        match message.last_mut().map(|last| &mut last.block) {
            Some(Block::ToolResult { content, .. }) => content.push(notification),
            _ => message.push(unmarked(notification)),
        }
    }
    let context = item.context.as_deref().and_then(text);
    let typed = item.prompts.iter().flat_map(|prompt| &prompt.content).filter_map(content);
    message.extend(context.into_iter().chain(typed).chain(item.nudge.as_deref().and_then(text)).map(unmarked));
}

fn content(content: &Content) -> Option<Block<'_>> {
    let written = match content {
        Content::Text { text: typed } => return text(typed),
        Content::Image { data, .. } if data.len() > IMAGE_CAP => "[image left out: it is larger than 5 MB]".into(),
        Content::Image { data, mime_type } if IMAGE_TYPES.contains(&mime_type.as_str()) && !data.is_empty() => {
            return Some(Block::Image { source: ImageSource::Base64 { media_type: mime_type, data } });
        }
        Content::Image { mime_type, .. } => format!("[image left out: {mime_type} is not supported]"),
        Content::Link { uri, name, lines: None } => format!("[file: {name} ({uri})]"),
        Content::Link { uri, name, lines: Some((first, last)) } => {
            format!("[file: {name} ({uri}), lines {first}-{last}]")
        }
        Content::Resource { uri, text } => format!("[file: {uri}]\n{text}"),
    };
    Some(Block::Text { text: written.into() })
}

fn assistant(item: &AssistantItem, thoughts: bool) -> Vec<Block<'_>> {
    let own = item.provider == NAME && thoughts;
    let mut blocks: Vec<Block<'_>> = item
        .parts
        .iter()
        .filter_map(|part| match part {
            AssistantPart::Text { text: said } => text(said),
            AssistantPart::Thinking { text, signature: Some(signature) } if own && !signature.is_empty() => {
                Some(Block::Thinking { thinking: text, signature })
            }
            AssistantPart::RedactedThinking { data } if own => Some(Block::RedactedThinking { data }),
            AssistantPart::Thinking { .. } | AssistantPart::RedactedThinking { .. } => None,
            AssistantPart::ToolCall { id, name, input, .. } => {
                Some(Block::ToolUse { id: api_word(id.as_str()), name: api_word(name), input })
            }
        })
        .collect();
    // The API refuses an answer that ends in thinking (a cut one does), or in white space.
    while blocks.pop_if(|last| matches!(last, Block::Thinking { .. } | Block::RedactedThinking { .. })).is_some() {}
    if let Some(Block::Text { text: Cow::Borrowed(said) }) = blocks.last_mut() {
        *said = said.trim_end();
    }
    blocks
}

/// Ids and names may hold only letters, digits, `_` and `-`. Another provider's, or an invented tool's, may hold more.
fn api_word(word: &str) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !word.is_empty() && word.chars().all(fits) {
        return word.into();
    }
    let fitted: String = word.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    if fitted.is_empty() { "_".into() } else { fitted.into() }
}
