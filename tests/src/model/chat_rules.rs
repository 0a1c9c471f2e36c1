//! The rules by which OpenAI's Chat Completions refuses a request, and those by which the servers that speak its API do:
//! no two messages of the user in a row, no blank content. Source: the API reference, "Create chat completion".

use std::collections::BTreeSet;

use serde_json::Value;

use super::rules::{is_name, only};

/// What is wrong with the body, taken alone.
pub fn check_body(body: &Value) -> Vec<String> {
    const KNOWN: &[&str] = &[
        "model",
        "messages",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "stream",
        "stream_options",
        "max_completion_tokens",
        "reasoning_effort",
    ];
    let mut broken = Vec::new();
    if body.get("max_tokens").is_some() {
        broken.push("unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.".into());
    }
    only(KNOWN, "request", body, &mut broken);
    if body["model"].as_str().is_none_or(str::is_empty) {
        broken.push("model: a name is required".into());
    }
    if body["max_completion_tokens"].as_u64().is_none_or(|most| most == 0) {
        broken.push(format!("max_completion_tokens: {}", body["max_completion_tokens"]));
    }
    if body["stream"] != true || body["stream_options"]["include_usage"] != true {
        broken.push("stream: this server only streams, and tells the usage".into());
    }
    tools(body, &mut broken);
    messages(body["messages"].as_array().map_or(&[], Vec::as_slice), &mut broken);
    broken
}

fn tools(body: &Value, broken: &mut Vec<String>) {
    if body["tools"].as_array().is_some_and(Vec::is_empty) {
        broken.push("tools: an empty array".into());
    }
    let mut names = BTreeSet::new();
    for tool in body["tools"].as_array().into_iter().flatten() {
        let function = &tool["function"];
        let name = function["name"].as_str().unwrap_or_default();
        only(&["type", "function"], &format!("tool {name}"), tool, broken);
        only(&["name", "description", "parameters", "strict"], &format!("function {name}"), function, broken);
        if tool["type"] != "function" || !is_name(name, 64) {
            broken.push(format!("tool {tool}"));
        }
        if !names.insert(name) {
            broken.push(format!("tool names must be unique: {name}"));
        }
        if function["parameters"]["type"] != "object" {
            broken.push(format!("tool {name}: parameters are not of type object"));
        }
    }
}

fn messages(messages: &[Value], broken: &mut Vec<String>) {
    if messages.is_empty() {
        broken.push("messages: at least one is required".into());
    }
    let mut ever = BTreeSet::new();
    // Calls that have no answer yet.
    let mut open: Vec<String> = Vec::new();
    let mut before = "";
    for (index, message) in messages.iter().enumerate() {
        let place = format!("messages.{index}");
        let role = message["role"].as_str().unwrap_or_default();
        if role != "tool" && !open.is_empty() {
            broken.push(format!(
                "{place}: an assistant message with 'tool_calls' must be followed by tool messages; none for {open:?}"
            ));
            open.clear();
        }
        match role {
            "system" => {
                only(&["role", "content"], &place, message, broken);
                if index != 0 {
                    broken.push(format!("{place}: the system message stands first"));
                }
            }
            "user" => {
                only(&["role", "content"], &place, message, broken);
                if before == "user" {
                    broken.push(format!("{place}: two messages of the user in a row"));
                }
                content(&place, &message["content"], broken);
            }
            "tool" => {
                only(&["role", "content", "tool_call_id"], &place, message, broken);
                content(&place, &message["content"], broken);
                let id = message["tool_call_id"].as_str().unwrap_or_default();
                match open.iter().position(|call| call == id) {
                    Some(at) => drop(open.remove(at)),
                    None => broken.push(format!("{place}: a tool message for {id:?}, which waits for none")),
                }
            }
            "assistant" => open = assistant(&place, message, &mut ever, broken),
            _ => broken.push(format!("{place}: the role {}", message["role"])),
        }
        before = role;
    }
    if !open.is_empty() {
        broken.push(format!("tool calls without a tool message: {open:?}"));
    }
    if !matches!(before, "user" | "tool") {
        broken.push(format!("the last message is one of {before}: there is nothing to answer"));
    }
}

fn content(place: &str, content: &Value, broken: &mut Vec<String>) {
    let parts = match content {
        Value::String(text) => {
            if text.trim().is_empty() {
                broken.push(format!("{place}: content is blank"));
            }
            return;
        }
        Value::Array(parts) if !parts.is_empty() => parts,
        other => return broken.push(format!("{place}: content is {other}")),
    };
    for part in parts {
        let fits = match part["type"].as_str() {
            Some("text") => part["text"].as_str().is_some_and(|text| !text.trim().is_empty()),
            Some("image_url") => part["image_url"]["url"].as_str().is_some_and(|url| url.starts_with("data:image/")),
            _ => false,
        };
        if !fits {
            broken.push(format!("{place}: a part {part}"));
        }
    }
}

/// The calls of an answer, each id new in the conversation.
fn assistant(place: &str, message: &Value, ever: &mut BTreeSet<String>, broken: &mut Vec<String>) -> Vec<String> {
    only(&["role", "content", "tool_calls", "reasoning_content"], place, message, broken);
    let calls = message["tool_calls"].as_array().map_or(&[][..], Vec::as_slice);
    if message.get("tool_calls").is_some() && calls.is_empty() {
        broken.push(format!("{place}: tool_calls is empty"));
    }
    match message.get("content") {
        Some(Value::String(text)) if !text.trim().is_empty() => {}
        // Not `null`, which llama-cpp-python refuses, and not left out, which DeepSeek does.
        Some(Value::String(_)) if !calls.is_empty() => {}
        other => broken.push(format!("{place}: content is {other:?}")),
    }
    let mut ids = Vec::new();
    for call in calls {
        only(&["id", "type", "function"], place, call, broken);
        only(&["name", "arguments"], place, &call["function"], broken);
        let id = call["id"].as_str().unwrap_or_default();
        if id.is_empty() || id.len() > 40 || call["type"] != "function" {
            broken.push(format!("{place}: a bad call: {call}"));
        }
        if !is_name(call["function"]["name"].as_str().unwrap_or_default(), 64) {
            broken.push(format!("{place}: a bad name: {call}"));
        }
        let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
        if !serde_json::from_str::<Value>(arguments).is_ok_and(|input| input.is_object()) {
            broken.push(format!("{place}: arguments are no object: {arguments}"));
        }
        if !ever.insert(id.to_owned()) {
            broken.push(format!("{place}: ids must be unique: {id}"));
        }
        ids.push(id.to_owned());
    }
    ids
}
