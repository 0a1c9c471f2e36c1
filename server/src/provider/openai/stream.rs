//! An answer of Chat Completions, put together from its chunks or read from one document. Pure. Source: OpenAI's API
//! reference, "The chat completion chunk object"; what compatible services do differently stands at its place. Unknown
//! fields are read over, and `null` is the same as nothing.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;

use super::calls::{Calls, Delta, Function, Ids};
use crate::agent::history::{AssistantItem, AssistantPart, ModelStop};
use crate::agent::prices::NANO;
use crate::provider::exchange::Reader;
use crate::provider::failure::{Failure, ServiceError};
use crate::provider::sse::Event;
use crate::provider::{Answer, StreamEvent, Usage};

/// Most bytes of a whole answer: beyond any model's longest.
const ANSWER_CAP: usize = 64 * 1024 * 1024;

/// A chunk of a stream, or a whole answer.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Chunk {
    model: Option<String>,
    choices: Option<Vec<Choice>>,
    usage: Option<WireUsage>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Choice {
    index: Option<u64>,
    delta: Option<Said>,
    /// In place of `delta` where the answer is not streamed.
    message: Option<Said>,
    finish_reason: Option<String>,
    /// Moonshot tells the usage here.
    usage: Option<WireUsage>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    /// A text; a list of parts with Mistral's reasoning models.
    content: Value,
    refusal: Option<String>,
    /// DeepSeek, llama.cpp, SGLang, older vLLM.
    reasoning_content: Option<String>,
    /// OpenRouter, Ollama, newer vLLM, Groq.
    reasoning: Value,
    /// OpenRouter, to be given back as they came.
    reasoning_details: Option<Vec<Value>>,
    tool_calls: Option<Vec<Delta>>,
    function_call: Option<Function>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    /// DeepSeek's name for `cached_tokens`.
    prompt_cache_hit_tokens: Option<u64>,
    /// OpenRouter's: what was charged, in US dollars. Source: its documentation, "Usage Accounting".
    cost: Option<f64>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

/// Takes the chunks of one answer, in order.
pub struct Assembler {
    provider: &'static str,
    asked: String,
    /// Different for every answer: part of the ids that are made here.
    salt: String,
    ids_given: usize,
    /// Ids of the conversation's tool calls: results are told by id, so none may come twice.
    taken: HashSet<String>,
    model: String,
    text: String,
    refusal: String,
    thinking: String,
    /// The field that the thinking came in; it goes back in the same.
    thinking_field: Option<&'static str>,
    details: Vec<Value>,
    calls: Calls,
    usage: Usage,
    finish: Option<String>,
    /// A choice has come: this is an answer and not some other document.
    answered: bool,
    begun: bool,
    ended: bool,
    bytes: usize,
}

impl Assembler {
    /// For an answer of `provider` to a request for the model `asked`; `taken` are the ids of the tool calls so far.
    pub fn new(provider: &'static str, asked: &str, salt: String, taken: HashSet<String>) -> Self {
        Self {
            provider,
            asked: asked.to_owned(),
            salt,
            ids_given: 0,
            taken,
            model: String::new(),
            text: String::new(),
            refusal: String::new(),
            thinking: String::new(),
            thinking_field: None,
            details: Vec::new(),
            calls: Calls::default(),
            usage: Usage::default(),
            finish: None,
            answered: false,
            begun: false,
            ended: false,
            bytes: 0,
        }
    }

    fn chunk(&mut self, data: &str) -> Result<Vec<StreamEvent>, Failure> {
        let garbled = |error: serde_json::Error| Failure::Garbled(format!("a chunk cannot be read: {error}"));
        let value: Value = serde_json::from_str(data).map_err(garbled)?;
        if let Some(failure) = told(&value) {
            return Err(failure);
        }
        let chunk: Chunk = serde_json::from_value(value).map_err(garbled)?;
        let mut events = Vec::new();
        self.model = chunk.model.filter(|model| !model.is_empty()).unwrap_or(std::mem::take(&mut self.model));
        self.count(chunk.usage);
        for choice in chunk.choices.unwrap_or_default() {
            // One answer was asked for.
            if choice.index.unwrap_or_default() != 0 {
                continue;
            }
            self.answered = true;
            self.count(choice.usage);
            if let Some(said) = choice.delta.or(choice.message) {
                self.said(said, &mut events);
            }
            if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
                self.finish = Some(reason);
            }
        }
        let ended = self.finish.is_some();
        self.announce(ended, &mut events);
        Ok(events)
    }

    fn said(&mut self, said: Said, events: &mut Vec<StreamEvent>) {
        let mut thoughts: Vec<(&'static str, String)> = Vec::new();
        thoughts.extend(said.reasoning_content.map(|text| ("reasoning_content", text)));
        if let Value::String(text) = said.reasoning {
            // Some servers send both names with the same text.
            if thoughts.iter().all(|(_, other)| *other != text) {
                thoughts.push(("reasoning", text));
            }
        }
        let mut texts = Vec::new();
        match said.content {
            Value::String(text) => texts.push(text),
            Value::Array(parts) => {
                for part in &parts {
                    match (part["type"].as_str(), part["text"].as_str()) {
                        (Some("thinking"), _) => thoughts.push(("content", thinking_of(part))),
                        (_, Some(text)) => texts.push(text.to_owned()),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        for (field, text) in thoughts.into_iter().filter(|(_, text)| !text.is_empty()) {
            self.thinking_field = self.thinking_field.or(Some(field));
            self.thinking.push_str(&text);
            events.push(StreamEvent::Thinking(text));
        }
        for detail in said.reasoning_details.into_iter().flatten() {
            self.detail(detail);
        }
        for text in texts.into_iter().filter(|text| !text.is_empty()) {
            self.text.push_str(&text);
            events.push(StreamEvent::Text(text));
        }
        if let Some(text) = said.refusal.filter(|text| !text.is_empty()) {
            self.refusal.push_str(&text);
            events.push(StreamEvent::Text(text));
        }
        for delta in said.tool_calls.into_iter().flatten() {
            self.calls.take(delta);
            self.announce(false, events);
        }
        if let Some(function) = said.function_call {
            self.calls.take_old(function);
        }
    }

    /// Pieces of one block have its index and type; put together, they go back as one block.
    fn detail(&mut self, mut detail: Value) {
        let key = |detail: &Value| (detail["type"].clone(), detail["index"].clone());
        let known = self.details.last_mut().filter(|last| !detail["index"].is_null() && key(last) == key(&detail));
        let (Some(Value::Object(known)), Value::Object(fields)) = (known, &mut detail) else {
            self.details.push(detail);
            return;
        };
        for (name, value) in std::mem::take(fields) {
            match (known.get_mut(&name), value) {
                (Some(Value::String(text)), Value::String(more)) if GROWING.contains(&name.as_str()) => {
                    text.push_str(&more);
                }
                (_, Value::Null) => {}
                (_, value) => {
                    known.insert(name, value);
                }
            }
        }
    }

    fn announce(&mut self, ended: bool, events: &mut Vec<StreamEvent>) {
        let taken = &mut self.taken;
        let mut taken = |id: &str| !taken.insert(id.to_owned());
        let mut ids = Ids { taken: &mut taken, salt: &self.salt, given: &mut self.ids_given };
        events.extend(self.calls.announce(&mut ids, ended));
        if !self.begun && !events.is_empty() {
            self.begun = true;
            events.insert(0, StreamEvent::ContentStarted);
        }
    }

    fn count(&mut self, usage: Option<WireUsage>) {
        let Some(usage) = usage else { return };
        let details = usage.prompt_tokens_details.unwrap_or_default();
        let prompt = usage.prompt_tokens.unwrap_or_default();
        let cache_read = details.cached_tokens.or(usage.prompt_cache_hit_tokens).unwrap_or_default().min(prompt);
        let cache_write = details.cache_write_tokens.unwrap_or_default().min(prompt - cache_read);
        let input = prompt - cache_read - cache_write;
        let output = usage.completion_tokens.unwrap_or_default();
        let cost = usage.cost.filter(|cost| (0.0..1e6).contains(cost)).map(|dollars| (dollars * NANO).round() as u64);
        self.usage = Usage { input, output, cache_read, cache_write, cost };
    }
}

/// The fields of a reasoning detail that come in pieces.
const GROWING: [&str; 4] = ["text", "summary", "data", "signature"];

/// Mistral: `{"type": "thinking", "thinking": [{"type": "text", "text": "…"}]}`.
fn thinking_of(part: &Value) -> String {
    match &part["thinking"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// An error in place of a chunk: `{"error": {…}}`, or vLLM's `{"object": "error", "message": …}`.
fn told(value: &Value) -> Option<Failure> {
    let choice = &value["choices"][0];
    let failed = |value: &Value| value.get("error").is_some_and(|error| !error.is_null());
    let body = match value {
        value if failed(value) || value["object"] == "error" => value,
        _ if failed(choice) => choice,
        _ => return None,
    };
    let error = ServiceError::from_value(body).unwrap_or_default();
    let status = status_of(&error);
    Some(Failure::Told { status, error })
}

/// The status that goes with an error's code or word: inside a stream it has none of its own.
fn status_of(error: &ServiceError) -> u16 {
    if let Some(status) = error.code.parse().ok().filter(|status| (400..600).contains(status)) {
        return status;
    }
    match (error.code.as_str(), error.kind.as_str()) {
        ("invalid_api_key", _) | (_, "authentication_error") => 401,
        ("insufficient_quota", _) | (_, "insufficient_quota") => 402,
        (_, "permission_error") => 403,
        ("model_not_found", _) | (_, "not_found_error") => 404,
        ("context_length_exceeded", _) | (_, "exceed_context_size_error" | "invalid_request_error") => 400,
        ("rate_limit_exceeded", _) | (_, "rate_limit_error" | "tokens" | "requests") => 429,
        (_, "unavailable_error" | "overloaded_error") => 503,
        _ => 500,
    }
}

impl Reader for Assembler {
    fn take(&mut self, event: &Event) -> Result<Vec<StreamEvent>, Failure> {
        self.bytes += event.data.len();
        if self.bytes > ANSWER_CAP {
            return Err(Failure::Garbled(format!("the answer is larger than {ANSWER_CAP} bytes")));
        }
        match event.data.trim() {
            // Some gateways keep the connection alive with empty events.
            "" => Ok(Vec::new()),
            "[DONE]" => {
                self.ended = true;
                let mut events = Vec::new();
                self.announce(true, &mut events);
                Ok(events)
            }
            data => self.chunk(data),
        }
    }

    fn take_whole(&mut self, document: &[u8]) -> Result<Vec<StreamEvent>, Failure> {
        let mut events = self.chunk(&String::from_utf8_lossy(document))?;
        if !self.answered {
            let start: String = String::from_utf8_lossy(document).chars().take(200).collect();
            return Err(Failure::Garbled(format!("no answer is in {start:?}")));
        }
        self.ended = true;
        self.announce(true, &mut events);
        Ok(events)
    }

    fn ended(&self) -> bool {
        self.ended
    }

    /// The whole answer. A stream that ended after its finish reason is whole: only `[DONE]` was lost. One that gave neither
    /// content nor a reason is not, whatever its end: llama-cpp-python ends so when another request comes in between.
    fn finish(self) -> Result<Answer, Failure> {
        if self.finish.is_none() && (!self.ended || !self.begun) {
            return Err(Failure::Cut);
        }
        let mut parts = Vec::new();
        if !self.details.is_empty() {
            parts.push(AssistantPart::RedactedThinking { data: Value::Array(self.details).to_string() });
        }
        if !self.thinking.is_empty() {
            let signature = self.thinking_field.map(str::to_owned);
            parts.push(AssistantPart::Thinking { text: self.thinking, signature });
        }
        let refused = !self.refusal.is_empty();
        let text = self.text + &self.refusal;
        if !text.is_empty() {
            parts.push(AssistantPart::Text { text });
        }
        let before = parts.len();
        let cut = matches!(self.finish.as_deref(), Some("length" | "max_tokens"));
        parts.extend(self.calls.into_parts(cut));
        let calls = parts.len() > before;
        let stop = match self.finish.as_deref() {
            _ if cut => ModelStop::MaxTokens,
            Some("content_filter") => ModelStop::Refusal,
            // `stop` comes with tool calls too; `null`, and reasons that nobody has documented: what is in the answer
            // decides.
            _ if calls => ModelStop::ToolUse,
            _ if refused => ModelStop::Refusal,
            _ => ModelStop::EndTurn,
        };
        let model = if self.model.is_empty() { self.asked } else { self.model };
        let filtered = self.finish.as_deref() == Some("content_filter");
        let why = filtered.then(|| "the service's content filter stopped the answer".to_owned());
        let item = AssistantItem { parts, stop, provider: self.provider.to_owned(), model };
        Ok(Answer { item, usage: self.usage, why })
    }
}
