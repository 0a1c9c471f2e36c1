//! A request of Chat Completions in the form of the other API, so that a test reads both alike: tool messages and the
//! user's become one message with results and texts, calls become blocks.

use serde_json::{Value, json};

use super::request::OPENING;

/// The messages without the system text, oldest first, roles alternating.
pub fn messages(body: &Value) -> Vec<Value> {
    let mut messages: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in body["messages"].as_array().into_iter().flatten() {
        let (role, blocks) = match message["role"].as_str().unwrap_or_default() {
            "system" => continue,
            "assistant" => ("assistant", assistant(message)),
            "tool" => ("user", vec![result(message)]),
            _ => ("user", said(&message["content"])),
        };
        match messages.last_mut() {
            Some((last, content)) if *last == role => content.extend(blocks),
            _ => messages.push((role, blocks)),
        }
    }
    messages.into_iter().map(|(role, content)| json!({"role": role, "content": content})).collect()
}

/// What does not change within a conversation, beside model and tools.
pub fn system(body: &Value) -> Value {
    let messages = body["messages"].as_array().into_iter().flatten();
    messages.filter(|message| message["role"] == "system").cloned().collect()
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn result(message: &Value) -> Value {
    let content = message["content"].as_str().unwrap_or_default();
    let parts = match content.find(OPENING) {
        Some(at) => vec![text(content[..at].trim_end()), text(&content[at..])],
        None => vec![text(content)],
    };
    let is_error = content.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("error"));
    json!({"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": parts, "is_error": is_error})
}

/// One block a paragraph, so that a message that was lengthened begins with the blocks that it had. A block of
/// notifications stays whole.
fn said(content: &Value) -> Vec<Value> {
    const END: &str = "</task_notification>";
    let Some(mut rest) = content.as_str() else { return content.as_array().cloned().unwrap_or_default() };
    let mut blocks = Vec::new();
    if rest.starts_with(OPENING) {
        let end = rest.rfind(END).map_or(rest.len(), |at| at + END.len());
        blocks.push(text(&rest[..end]));
        rest = rest[end..].trim_start();
    }
    blocks.extend(rest.split("\n\n").filter(|part| !part.is_empty()).map(text));
    blocks
}

fn assistant(message: &Value) -> Vec<Value> {
    let calls = message["tool_calls"].as_array().into_iter().flatten();
    let calls = calls.map(|call| {
        let input: Value =
            call["function"]["arguments"].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        json!({"type": "tool_use", "id": call["id"], "name": call["function"]["name"], "input": input})
    });
    let thinking = message["reasoning_content"].as_str().map(|text| json!({"type": "thinking", "thinking": text}));
    let said = message["content"].as_str().filter(|text| !text.trim().is_empty()).map(text);
    thinking.into_iter().chain(said).chain(calls).collect()
}

/// An answer's blocks as its client has to send them back: one text, then the calls; the thinking only where it called.
pub fn answered(blocks: Vec<Value>) -> Vec<Value> {
    let joined = |kind: &str, field: &str| -> String {
        blocks.iter().filter(|block| block["type"] == kind).filter_map(|block| block[field].as_str()).collect()
    };
    let calls: Vec<Value> = blocks.iter().filter(|block| block["type"] == "tool_use").cloned().collect();
    let (thinking, said) = (joined("thinking", "thinking"), joined("text", "text"));
    let thinking =
        (!calls.is_empty() && !thinking.is_empty()).then(|| json!({"type": "thinking", "thinking": thinking}));
    let said = (!said.trim().is_empty()).then(|| text(&said));
    thinking.into_iter().chain(said).chain(calls).collect()
}
