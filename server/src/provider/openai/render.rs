//! The neutral history in the words of Chat Completions. Pure. Source: OpenAI's API reference, "Create chat completion";
//! where the compatible services differ, their own references.
//!
//! Invariants: what an item becomes depends on that item and the one before it, so a request is the request before it plus
//! a suffix; `messages` stands last in the body for the same reason. Every tool call is followed at once by its `tool`
//! message. No content is blank, but for that of answers that only call. Reasoning goes back only to the service that wrote it.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::presets::{Limit, Preset, Reasoning};
use super::refused::Learned;
use crate::agent::history::{AssistantItem, AssistantPart, Content, Item, UserItem};
use crate::provider::ModelRequest;
use crate::provider::anthropic::NO_OUTPUT;

/// Media types that OpenAI takes ("Images and vision").
const IMAGE_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// Most characters of a tool call's id and of a function's name. OpenAI refuses longer ones.
const ID_CAP: usize = 40;
const NAME_CAP: usize = 64;

/// The body of a request.
#[derive(Debug, Serialize)]
pub struct Body<'a> {
    pub model: &'a str,
    pub stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool<'a>>,
    pub messages: Vec<Message<'a>>,
}

/// Asks for a last chunk with the usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StreamOptions {
    pub include_usage: bool,
}

/// A tool as the API wants it.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Tool<'a> {
    Function { function: Function<'a> },
}

/// What the model may call.
#[derive(Debug, Serialize)]
pub struct Function<'a> {
    pub name: &'a str,
    pub description: &'a str,
    pub parameters: &'a Value,
}

/// A message of the conversation.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message<'a> {
    System {
        content: &'a str,
    },
    User {
        content: Said<'a>,
    },
    Assistant(Assistant<'a>),
    /// The result of one call.
    Tool {
        tool_call_id: Cow<'a, str>,
        content: Cow<'a, str>,
    },
}

/// An answer of a model.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Assistant<'a> {
    /// Empty beside tool calls alone: DeepSeek refuses a message without the field, llama-cpp-python one with `null`.
    pub content: Cow<'a, str>,
    #[serde(flatten)]
    pub reasoning: Option<OwnReasoning<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<Call<'a>>,
}

/// An answer's reasoning, under the name by which the service knows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnReasoning<'a> {
    ReasoningContent(&'a str),
    Reasoning(&'a str),
    ReasoningDetails(&'a RawValue),
}

impl PartialEq for OwnReasoning<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::ReasoningContent(one), Self::ReasoningContent(two))
            | (Self::Reasoning(one), Self::Reasoning(two)) => one == two,
            (Self::ReasoningDetails(one), Self::ReasoningDetails(two)) => one.get() == two.get(),
            _ => false,
        }
    }
}

/// A tool call of an answer.
#[derive(Debug, PartialEq, Serialize)]
pub struct Call<'a> {
    pub id: Cow<'a, str>,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub function: Called<'a>,
}

/// What was called, with its input as text.
#[derive(Debug, PartialEq, Serialize)]
pub struct Called<'a> {
    pub name: Cow<'a, str>,
    pub arguments: String,
}

/// The content of a user message: one text, which every server takes, or parts where there is an image.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Said<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<Part<'a>>),
}

/// A part of a user message.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part<'a> {
    Text { text: Cow<'a, str> },
    ImageUrl { image_url: ImageUrl },
}

/// An image as a data URI: services do not fetch from this machine.
#[derive(Debug, PartialEq, Serialize)]
pub struct ImageUrl {
    pub url: String,
}

/// The whole request, as the table and what the service has refused so far say.
pub fn body<'a>(request: &'a ModelRequest, model: &'a str, preset: &Preset, learned: &Learned) -> Body<'a> {
    let tools: Vec<Tool<'_>> = request
        .tools
        .iter()
        .map(|tool| Tool::Function {
            function: Function { name: &tool.name, description: &tool.description, parameters: &tool.input_schema },
        })
        .collect();
    let limit = learned.limit(request.max_tokens);
    let older = (preset.limit == Limit::MaxTokens) != learned.other_limit_name;
    let calls_in_parallel = preset.parallel_tool_calls && !learned.no_parallel_tool_calls && !tools.is_empty();
    Body {
        model,
        stream: true,
        stream_options: (preset.stream_options && !learned.no_stream_options)
            .then_some(StreamOptions { include_usage: true }),
        max_tokens: limit.filter(|_| older),
        max_completion_tokens: limit.filter(|_| !older),
        reasoning_effort: (learned.no_reasoning_with_tools && !tools.is_empty()).then_some("none"),
        parallel_tool_calls: calls_in_parallel.then_some(true),
        tools,
        messages: messages(&request.system, &request.history, preset, learned),
    }
}

/// The system text and the history as messages. User items that follow each other become one message (templates of
/// some models refuse two), and so do items around an answer with nothing in it.
pub fn messages<'a>(system: &'a str, history: &'a [Arc<Item>], preset: &Preset, learned: &Learned) -> Vec<Message<'a>> {
    let mut messages = Vec::new();
    if !system.trim().is_empty() {
        messages.push(Message::System { content: system });
    }
    // Whose calls the next results answer: ids of others are fitted, on both sides alike.
    let mut own = false;
    for item in history {
        match &**item {
            Item::Compaction(_) => {}
            Item::User(item) => user(item, own, learned, &mut messages),
            Item::Assistant(item) => {
                own = item.provider == preset.word;
                messages.extend(assistant(item, own, preset, learned).map(Message::Assistant));
            }
        }
    }
    messages
}

fn user<'a>(item: &'a UserItem, own: bool, learned: &Learned, messages: &mut Vec<Message<'a>>) {
    messages.extend(item.results.iter().map(|result| Message::Tool {
        tool_call_id: call_id(result.call.as_str(), own),
        content: match result.text.as_str() {
            text if text.trim().is_empty() => NO_OUTPUT.into(),
            // The API has no mark for a failed call.
            text if result.is_error && !starts_with_error(text) => format!("Error: {text}").into(),
            text => text.into(),
        },
    }));
    let mut parts: Vec<Part<'a>> = Vec::new();
    if let Some(notification) = item.notification.as_deref().filter(|text| !text.trim().is_empty()) {
        match messages.last_mut() {
            // It may have come with an item of its own.
            Some(Message::Tool { content, .. }) => {
                let content = content.to_mut();
                content.push_str("\n\n");
                content.push_str(notification);
            }
            _ => parts.extend(text(notification)),
        }
    }
    parts.extend(item.context.as_deref().and_then(text));
    let typed = item.prompts.iter().flat_map(|prompt| &prompt.content);
    parts.extend(typed.filter_map(|content| part(content, learned)));
    parts.extend(item.nudge.as_deref().and_then(text));
    if parts.is_empty() {
        return;
    }
    match messages.last_mut() {
        Some(Message::User { content }) => content.extend(parts),
        _ => messages.push(Message::User { content: Said::from(parts) }),
    }
}

fn starts_with_error(text: &str) -> bool {
    text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("error"))
}

fn text(text: &str) -> Option<Part<'_>> {
    (!text.trim().is_empty()).then(|| Part::Text { text: text.into() })
}

fn part<'a>(content: &'a Content, learned: &Learned) -> Option<Part<'a>> {
    let written = match content {
        Content::Text { text: typed } => return text(typed),
        Content::Image { .. } if learned.no_images => "[image left out: this model takes none]".into(),
        Content::Image { data, mime_type } if IMAGE_TYPES.contains(&mime_type.as_str()) && !data.is_empty() => {
            let url = format!("data:{mime_type};base64,{data}");
            return Some(Part::ImageUrl { image_url: ImageUrl { url } });
        }
        Content::Image { mime_type, .. } => format!("[image left out: {mime_type} is not supported]"),
        Content::Link { uri, name, lines: None } => format!("[file: {name} ({uri})]"),
        Content::Link { uri, name, lines: Some((first, last)) } => {
            format!("[file: {name} ({uri}), lines {first}-{last}]")
        }
        Content::Resource { uri, text } => format!("[file: {uri}]\n{text}"),
    };
    Some(Part::Text { text: written.into() })
}

impl<'a> Said<'a> {
    fn from(parts: Vec<Part<'a>>) -> Self {
        let mut said = Self::Text("".into());
        said.extend(parts);
        said
    }

    fn extend(&mut self, parts: Vec<Part<'a>>) {
        for part in parts {
            match (&mut *self, part) {
                (Self::Text(all), Part::Text { text }) if all.is_empty() => *all = text,
                (Self::Text(all), Part::Text { text }) => {
                    let all = all.to_mut();
                    all.push_str("\n\n");
                    all.push_str(&text);
                }
                (Self::Text(all), image) => {
                    let before = std::mem::take(all);
                    let before = (!before.is_empty()).then_some(Part::Text { text: before });
                    *self = Self::Parts(before.into_iter().chain([image]).collect());
                }
                (Self::Parts(all), part) => all.push(part),
            }
        }
    }
}

/// `None` where nothing is left to say: the API refuses a message without content and calls.
fn assistant<'a>(item: &'a AssistantItem, own: bool, preset: &Preset, learned: &Learned) -> Option<Assistant<'a>> {
    let mut content = Cow::Borrowed("");
    let mut tool_calls = Vec::new();
    for part in &item.parts {
        match part {
            AssistantPart::Text { text } if text.trim().is_empty() => {}
            AssistantPart::Text { text } if content.is_empty() => content = text.into(),
            AssistantPart::Text { text } => {
                let content = content.to_mut();
                content.push_str("\n\n");
                content.push_str(text);
            }
            AssistantPart::ToolCall { id, name, input, .. } => tool_calls.push(Call {
                id: call_id(id.as_str(), own),
                kind: "function",
                function: Called { name: function_name(name), arguments: input.to_string() },
            }),
            AssistantPart::Thinking { .. } | AssistantPart::RedactedThinking { .. } => {}
        }
    }
    if content.is_empty() && tool_calls.is_empty() {
        return None;
    }
    let wanted = !tool_calls.is_empty() || learned.reasoning_everywhere;
    let reasoning = own.then(|| own_reasoning(item, preset.reasoning)).flatten().filter(|_| wanted);
    let missing = || learned.reasoning_everywhere.then_some(OwnReasoning::ReasoningContent(""));
    let reasoning = if learned.no_reasoning { None } else { reasoning.or_else(missing) };
    Some(Assistant { content, reasoning, tool_calls })
}

/// What the assembler of [`super::stream`] kept: the details as they came, or the name of the field that the text was in.
fn own_reasoning(item: &AssistantItem, how: Reasoning) -> Option<OwnReasoning<'_>> {
    item.parts.iter().find_map(|part| match (how, part) {
        (Reasoning::Details, AssistantPart::RedactedThinking { data }) => {
            serde_json::from_str(data).ok().map(OwnReasoning::ReasoningDetails)
        }
        (Reasoning::SameField, AssistantPart::Thinking { text, signature: Some(field) }) => match field.as_str() {
            "reasoning_content" => Some(OwnReasoning::ReasoningContent(text)),
            "reasoning" => Some(OwnReasoning::Reasoning(text)),
            _ => None,
        },
        _ => None,
    })
}

/// The service's own ids go back as they came, whatever they look like (some gateways keep state in them). Those of
/// others are fitted into what OpenAI takes.
fn call_id(id: &str, own: bool) -> Cow<'_, str> {
    if own || (id.len() <= ID_CAP && is_word(id)) { id.into() } else { format!("call_{:016x}", hash(id)).into() }
}

/// A function's name: letters, digits, `_` and `-`. A model can invent others, and its call stays in the history.
fn function_name(name: &str) -> Cow<'_, str> {
    if name.len() <= NAME_CAP && is_word(name) {
        return name.into();
    }
    let fitted: String =
        name.chars().take(NAME_CAP).map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    if fitted.is_empty() { "_".into() } else { fitted.into() }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// The same for the same text in every request of this process and the next.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    hasher.finish()
}
