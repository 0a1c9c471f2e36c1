//! The rules by which the real service refuses a request, and the one that makes prompt caching work: a request is the
//! previous request of its conversation plus a suffix.

use std::collections::BTreeSet;

use serde_json::Value;

use super::api::Api;
use super::http::Call;
use super::request::blocks;
use super::{chat, chat_rules};

/// What is wrong with the HTTP side of a request.
pub fn check_call(api: Api, call: &Call) -> Vec<String> {
    let mut broken = Vec::new();
    if call.method != "POST" || call.path != api.path() {
        broken.push(format!("{} {}", call.method, call.path));
    }
    if call.header("content-type") != Some("application/json") {
        broken.push(format!("header content-type is {:?}", call.header("content-type")));
    }
    broken.extend(check_key(api, call));
    broken
}

/// Whether the request comes as it should from who it should.
pub fn check_key(api: Api, call: &Call) -> Vec<String> {
    let wrong = api.headers().into_iter().filter(|(name, wanted)| call.header(name) != Some(wanted));
    wrong.map(|(name, _)| format!("header {name} is {:?}", call.header(name))).collect()
}

/// What is wrong with the body, taken alone, by the rules of the API.
pub fn check_body_of(api: Api, body: &Value) -> Vec<String> {
    match api {
        Api::Messages => check_body(body),
        Api::ChatCompletions => chat_rules::check_body(body),
    }
}

/// What is wrong with the body, taken alone.
pub fn check_body(body: &Value) -> Vec<String> {
    const KNOWN: &[&str] = &[
        "model",
        "messages",
        "max_tokens",
        "system",
        "tools",
        "tool_choice",
        "stream",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "metadata",
        "thinking",
        "service_tier",
    ];
    let mut broken = Vec::new();
    only(KNOWN, "request", body, &mut broken);
    if body["model"].as_str().is_none_or(str::is_empty) {
        broken.push("model: a name is required".into());
    }
    if body["max_tokens"].as_u64().is_none_or(|most| most == 0) {
        broken.push(format!("max_tokens: {}", body["max_tokens"]));
    }
    if body["stream"] != true {
        broken.push("stream: this server only streams".into());
    }
    let marks = count_marks(body);
    if marks > 4 {
        broken.push(format!("cache_control: at most 4 blocks, found {marks}"));
    }
    for block in blocks(&body["system"]) {
        check_text("system", &block, &mut broken);
    }
    tools(&body["tools"], &mut broken);
    messages(body["messages"].as_array().map_or(&[], Vec::as_slice), &mut broken);
    broken
}

/// Fields that the service does not know are refused.
pub fn only(known: &[&str], place: &str, value: &Value, broken: &mut Vec<String>) {
    for name in value.as_object().into_iter().flat_map(serde_json::Map::keys) {
        if !known.contains(&name.as_str()) {
            broken.push(format!("{place}: extra inputs are not permitted: {name}"));
        }
    }
}

/// `^[a-zA-Z0-9_-]{1,most}$`
pub fn is_name(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn tools(tools: &Value, broken: &mut Vec<String>) {
    let mut names = BTreeSet::new();
    for tool in tools.as_array().into_iter().flatten() {
        let name = tool["name"].as_str().unwrap_or_default();
        only(&["type", "name", "description", "input_schema", "cache_control"], &format!("tool {name}"), tool, broken);
        if !is_name(name, 64) {
            broken.push(format!("tool name {name:?}"));
        }
        if !names.insert(name) {
            broken.push(format!("tool names must be unique: {name}"));
        }
        if tool["input_schema"]["type"] != "object" {
            broken.push(format!("tool {name}: input_schema is not of type object"));
        }
    }
}

fn messages(messages: &[Value], broken: &mut Vec<String>) {
    if messages.is_empty() {
        broken.push("messages: at least one is required".into());
    }
    let mut calls_ever = BTreeSet::new();
    let mut asked = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let place = format!("messages.{index}");
        only(&["role", "content"], &place, message, broken);
        let wanted = if index % 2 == 0 { "user" } else { "assistant" };
        if message["role"] != wanted {
            broken.push(format!("{place}: roles alternate, starting with user; this is {}", message["role"]));
        }
        let content = blocks(&message["content"]);
        if content.is_empty() {
            broken.push(format!("{place}: content is empty"));
        }
        for block in &content {
            check_block(&place, wanted, block, broken);
        }
        results(&place, &asked, &content, broken);
        asked = calls(&place, &content, &mut calls_ever, broken);
    }
    if !asked.is_empty() {
        broken.push(format!("tool_use without tool_result: {asked:?}"));
    }
    // Only an answer that the model is to go on with may stand last, and it may not end in white space.
    if let Some(last) = messages.last()
        && last["role"] == "assistant"
        && let Some(block) = blocks(&last["content"]).last()
        && block["text"].as_str().is_some_and(|text| text.ends_with(char::is_whitespace))
    {
        broken.push("final assistant content cannot end with trailing whitespace".into());
    }
}

/// The calls of a message, each id new in the conversation.
fn calls(place: &str, content: &[Value], ever: &mut BTreeSet<String>, broken: &mut Vec<String>) -> Vec<String> {
    let calls = content.iter().filter(|block| block["type"] == "tool_use");
    let ids: Vec<String> = calls.map(|block| block["id"].as_str().unwrap_or_default().to_owned()).collect();
    for id in &ids {
        if !ever.insert(id.clone()) {
            broken.push(format!("{place}: tool_use ids must be unique: {id}"));
        }
    }
    ids
}

/// Each call of the message before is answered once, and the answers stand first.
fn results(place: &str, asked: &[String], content: &[Value], broken: &mut Vec<String>) {
    let is_result = |block: &&Value| block["type"] == "tool_result";
    let answered: Vec<&str> =
        content.iter().filter(is_result).map(|block| block["tool_use_id"].as_str().unwrap_or_default()).collect();
    for id in asked {
        let times = answered.iter().filter(|answer| *answer == id).count();
        if times != 1 {
            broken.push(format!("{place}: tool_use {id} has {times} tool_result blocks"));
        }
    }
    for id in answered.iter().filter(|answer| !asked.iter().any(|id| id == *answer)) {
        broken.push(format!("{place}: tool_result {id} answers no call of the message before"));
    }
    if content.iter().skip_while(is_result).any(|block| block["type"] == "tool_result") {
        broken.push(format!("{place}: tool results stand first"));
    }
}

fn check_block(place: &str, role: &str, block: &Value, broken: &mut Vec<String>) {
    let kind = block["type"].as_str().unwrap_or_default();
    let (of, known): (&str, &[&str]) = match kind {
        "text" => ("", &["type", "text", "cache_control", "citations"]),
        "image" | "document" => ("user", &["type", "source", "cache_control", "title", "context"]),
        "tool_use" => ("assistant", &["type", "id", "name", "input", "cache_control"]),
        "tool_result" => ("user", &["type", "tool_use_id", "content", "is_error", "cache_control"]),
        "thinking" => ("assistant", &["type", "thinking", "signature"]),
        "redacted_thinking" => ("assistant", &["type", "data"]),
        _ => {
            broken.push(format!("{place}: a block of type {}", block["type"]));
            return;
        }
    };
    only(known, &format!("{place}: {kind}"), block, broken);
    if !of.is_empty() && of != role {
        broken.push(format!("{place}: {kind} in a message of {role}"));
    }
    match kind {
        "text" => check_text(place, block, broken),
        "tool_use" if !is_name(block["name"].as_str().unwrap_or_default(), 64) || !block["input"].is_object() => {
            broken.push(format!("{place}: a bad tool_use: {block}"));
        }
        "tool_result" => {
            let inner = blocks(&block["content"]);
            for part in block["content"].as_array().into_iter().flatten() {
                check_text(place, part, broken);
            }
            if block["is_error"] == true && inner.iter().all(|part| part["text"] == "") {
                broken.push(format!("{place}: content cannot be empty if is_error is true"));
            }
        }
        "thinking" if block["signature"].as_str().is_none_or(str::is_empty) => {
            broken.push(format!("{place}: thinking without a signature"));
        }
        _ => {}
    }
}

fn check_text(place: &str, block: &Value, broken: &mut Vec<String>) {
    if block["type"] == "text" && block["text"].as_str().is_none_or(|text| text.trim().is_empty()) {
        broken.push(format!("{place}: text content blocks must contain non-whitespace text"));
    }
}

fn count_marks(value: &Value) -> usize {
    match value {
        Value::Object(map) => {
            // A tool's input may hold any key.
            let inner = map.iter().filter(|(name, _)| *name != "input" && *name != "input_schema");
            usize::from(map.contains_key("cache_control")) + inner.map(|(_, value)| count_marks(value)).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(count_marks).sum(),
        _ => 0,
    }
}

fn without_marks(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(name, _)| *name != "cache_control")
            .map(|(name, value)| (name.clone(), if name == "input" { value.clone() } else { without_marks(value) }))
            .collect(),
        Value::Array(items) => items.iter().map(without_marks).collect(),
        other => other.clone(),
    }
}

/// A mark of caching as Pillion writes it.
const MARK: &str = r#","cache_control":{"type":"ephemeral"}"#;

/// One block with its role, in one form however it was written.
type Flat = Vec<(String, Value)>;

struct Conversation {
    frozen: [Value; 3],
    flat: Flat,
    /// Which request was the newest of it.
    newest: usize,
    /// The newest answer, where it arrived whole.
    answer: Option<Vec<Value>>,
    /// The newest request as it came, but for the marks of caching; empty where a compaction lies between.
    written: String,
}

/// The first message: conversations may begin with the same block.
fn opening(flat: &Flat) -> &[(String, Value)] {
    let end = flat.iter().position(|(role, _)| role != "user").unwrap_or(flat.len());
    &flat[..end]
}

/// What was asked before, by conversation.
pub struct Conversations {
    all: Vec<Conversation>,
    /// More than so many are a mistake: then a history's beginning has changed.
    pub most: usize,
    /// How often what was sent may still change.
    pub compactions: usize,
}

impl Default for Conversations {
    fn default() -> Self {
        Self { all: Vec::new(), most: 1, compactions: 0 }
    }
}

impl Conversations {
    /// Holds a request against the one before it.
    pub fn check(&mut self, number: usize, body: &Value) -> Vec<String> {
        self.check_of(Api::Messages, number, body)
    }

    /// The same for a request of either API.
    pub fn check_of(&mut self, api: Api, number: usize, body: &Value) -> Vec<String> {
        let mut broken = Vec::new();
        let (messages, system) = match api {
            Api::Messages => (body["messages"].as_array().cloned().unwrap_or_default(), without_marks(&body["system"])),
            Api::ChatCompletions => (chat::messages(body), chat::system(body)),
        };
        let flat = flatten(&messages);
        let frozen = [body["model"].clone(), system, without_marks(&body["tools"])];
        let Some(known) = self.all.iter_mut().find(|known| flat.starts_with(opening(&known.flat))) else {
            if self.all.len() >= self.most {
                broken.push("the first message of the conversation is not that of the requests before".into());
            }
            self.all.push(Conversation { frozen, flat, newest: number, answer: None, written: String::new() });
            return broken;
        };
        if known.frozen != frozen {
            broken.push("model, system or tools are not those of the request before".into());
        }
        let mut wanted = known.flat.clone();
        if let Some(answer) = known.answer.take() {
            wanted.extend(
                answer
                    .into_iter()
                    .map(|block| ("assistant".to_owned(), normal(block)))
                    .filter(|(_, block)| block["text"] != ""),
            );
        }
        for (index, before) in wanted.iter().enumerate() {
            if flat.get(index) != Some(before) && self.compactions > 0 {
                self.compactions -= 1;
                known.written.clear();
                break;
            }
            if flat.get(index) != Some(before) {
                broken.push(format!(
                    "the request before, with its answer, is no prefix of this one: block {index} was {} and is {}",
                    before.1,
                    flat.get(index).map_or(&Value::Null, |block| &block.1)
                ));
                break;
            }
        }
        known.flat = flat;
        known.newest = number;
        broken
    }

    /// Holds the bytes of a request that [`Self::check_of`] has seen against those of the one before it: 99 of 100 stand
    /// where they stood.
    pub fn check_bytes(&mut self, number: usize, body: &[u8]) -> Option<String> {
        let written = String::from_utf8_lossy(body).replace(MARK, "");
        let known = self.all.iter_mut().find(|known| known.newest == number)?;
        let before = std::mem::replace(&mut known.written, written);
        let same = before.bytes().zip(known.written.bytes()).take_while(|(one, other)| one == other).count();
        (same * 100 < before.len() * 99).then(|| {
            let at = same.saturating_sub(60)..same + 60;
            let part =
                |text: &str| String::from_utf8_lossy(&text.as_bytes()[at.start..at.end.min(text.len())]).into_owned();
            format!(
                "only the first {same} of {} bytes are those of the request before: {:?} became {:?}",
                before.len(),
                part(&before),
                part(&known.written)
            )
        })
    }

    /// What was answered to a request: `None` when it did not arrive whole.
    pub fn answered(&mut self, number: usize, answer: Option<Vec<Value>>) {
        if let Some(known) = self.all.iter_mut().find(|known| known.newest == number) {
            known.answer = answer;
        }
    }
}

fn flatten(messages: &[Value]) -> Flat {
    let mut flat = Vec::new();
    for message in messages {
        let role = message["role"].as_str().unwrap_or_default();
        let content = blocks(&without_marks(&message["content"]));
        flat.extend(content.into_iter().map(|block| (role.to_owned(), normal(block))));
    }
    flat
}

/// One form for what may be written in several: a result's bare string, white space at the end of an answer's text.
fn normal(mut block: Value) -> Value {
    if block["type"] == "tool_result" {
        block["content"] = blocks(&block["content"]).into();
    }
    if let Some(text) = block["text"].as_str() {
        block["text"] = text.trim_end().into();
    }
    block
}
