//! An answer of Anthropic's Messages API, put together from its events. Pure. Source: the API reference, "Streaming
//! messages", "Stop reasons" and "Handle streaming refusals". Unknown events, blocks, deltas and fields are read over; the
//! reference announces that more will come. Blocks of tools that the service runs itself are among them: none is asked for.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::NAME;
use crate::agent::history::{AssistantItem, AssistantPart, ModelStop};
use crate::ids::ToolCallId;
use crate::provider::exchange::Reader;
use crate::provider::failure::{Failure, ServiceError};
use crate::provider::sse::Event;
use crate::provider::{Answer, CUT_CALL, StreamEvent, Usage};

/// Most bytes of a whole answer: beyond any model's longest.
const ANSWER_CAP: usize = 64 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Wire {
    MessageStart {
        message: MessageStart,
    },
    ContentBlockStart {
        index: u64,
        content_block: WireBlock,
    },
    ContentBlockDelta {
        index: u64,
        delta: WireDelta,
    },
    ContentBlockStop {
        index: u64,
    },
    MessageDelta {
        #[serde(default, deserialize_with = "or_default")]
        delta: StopDelta,
        #[serde(default)]
        usage: Option<WireUsage>,
    },
    MessageStop,
    Error {
        error: Value,
    },
    /// A whole answer, as it comes without a stream.
    Message(Message),
    /// `ping` and what is to come.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct MessageStart {
    #[serde(default, deserialize_with = "or_default")]
    model: String,
    #[serde(default)]
    usage: Option<WireUsage>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(flatten)]
    start: MessageStart,
    #[serde(default, deserialize_with = "or_default")]
    content: Vec<WireBlock>,
    #[serde(flatten)]
    stop: StopDelta,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireBlock {
    Text {
        #[serde(default, deserialize_with = "or_default")]
        text: String,
    },
    Thinking {
        #[serde(default, deserialize_with = "or_default")]
        thinking: String,
        #[serde(default, deserialize_with = "or_default")]
        signature: String,
    },
    RedactedThinking {
        data: String,
    },
    ToolUse {
        id: String,
        name: String,
        #[serde(default)]
        input: Value,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireDelta {
    TextDelta {
        text: String,
    },
    ThinkingDelta {
        thinking: String,
    },
    SignatureDelta {
        signature: String,
    },
    InputJsonDelta {
        partial_json: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Default, Deserialize)]
struct StopDelta {
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    stop_details: Option<StopDetails>,
}

/// Why the service ended a refused answer; both may be missing.
#[derive(Deserialize)]
struct StopDetails {
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    explanation: Option<String>,
}

/// Cumulative counts; a field that an event leaves out keeps its value.
#[derive(Default, Deserialize)]
struct WireUsage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
}

/// Gateways send `null` where the API leaves a field out.
fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(value: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or_default())
}

struct Block {
    kind: Kind,
    /// Its end has come.
    closed: bool,
}

enum Kind {
    Text(String),
    Thinking { text: String, signature: String },
    Redacted(String),
    Tool { id: String, name: String, whole: Value, pieces: String },
}

/// Takes the events of one answer, in order.
#[derive(Default)]
pub struct Assembler {
    asked_model: String,
    /// In the order in which they began. The API's indexes are in that order too; a gateway may give one twice.
    blocks: Vec<Block>,
    /// The block that an index speaks of.
    at: BTreeMap<u64, usize>,
    usage: Usage,
    model: String,
    stop: Option<String>,
    why: Option<String>,
    bytes: usize,
    ended: bool,
}

impl Assembler {
    /// For the answer of `asked_model`, which the API may call by a longer name.
    pub fn new(asked_model: &str) -> Self {
        Self { asked_model: asked_model.to_owned(), ..Self::default() }
    }

    fn count(&mut self, usage: Option<WireUsage>) {
        let usage = usage.unwrap_or_default();
        let Usage { input, output, cache_read, cache_write, .. } = &mut self.usage;
        for (field, value) in [
            (input, usage.input_tokens),
            (output, usage.output_tokens),
            (cache_read, usage.cache_read_input_tokens),
            (cache_write, usage.cache_creation_input_tokens),
        ] {
            *field = value.unwrap_or(*field);
        }
    }

    fn stopped(&mut self, stop: StopDelta) {
        self.stop = stop.stop_reason.or(self.stop.take());
        if let Some(StopDetails { category, explanation }) = stop.stop_details {
            self.why = explanation.filter(|text| !text.is_empty()).or(category).or(self.why.take());
        }
    }

    fn start(&mut self, index: u64, block: WireBlock) -> Vec<StreamEvent> {
        let mut events = Vec::new();
        let kind = match block {
            WireBlock::Text { text } => {
                events.extend((!text.is_empty()).then(|| StreamEvent::Text(text.clone())));
                Kind::Text(text)
            }
            WireBlock::Thinking { thinking, signature } => {
                events.extend((!thinking.is_empty()).then(|| StreamEvent::Thinking(thinking.clone())));
                Kind::Thinking { text: thinking, signature }
            }
            WireBlock::RedactedThinking { data } => Kind::Redacted(data),
            WireBlock::ToolUse { mut id, name, input } => {
                // Results are told by id: a gateway that gives one id to two calls would leave one of them unanswered.
                let taken =
                    self.blocks.iter().any(|block| matches!(&block.kind, Kind::Tool { id: other, .. } if *other == id));
                if taken {
                    id = format!("{id}_{}", self.blocks.len());
                }
                events.push(StreamEvent::ToolCallStarted { id: ToolCallId(id.clone()), name: name.clone() });
                Kind::Tool { id, name, whole: input, pieces: String::new() }
            }
            // What follows under its index is not of the block before.
            WireBlock::Other => {
                self.at.remove(&index);
                return events;
            }
        };
        if self.blocks.is_empty() {
            events.insert(0, StreamEvent::ContentStarted);
        }
        self.at.insert(index, self.blocks.len());
        self.blocks.push(Block { kind, closed: false });
        events
    }

    fn delta(&mut self, index: u64, delta: WireDelta) -> Vec<StreamEvent> {
        let Some(block) = self.at.get(&index).and_then(|at| self.blocks.get_mut(*at)) else { return Vec::new() };
        match (&mut block.kind, delta) {
            (Kind::Text(text), WireDelta::TextDelta { text: more }) if !more.is_empty() => {
                text.push_str(&more);
                vec![StreamEvent::Text(more)]
            }
            (Kind::Thinking { text, .. }, WireDelta::ThinkingDelta { thinking }) if !thinking.is_empty() => {
                text.push_str(&thinking);
                vec![StreamEvent::Thinking(thinking)]
            }
            (Kind::Thinking { signature, .. }, WireDelta::SignatureDelta { signature: more }) => {
                signature.push_str(&more);
                Vec::new()
            }
            (Kind::Tool { pieces, .. }, WireDelta::InputJsonDelta { partial_json }) => {
                pieces.push_str(&partial_json);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn close(&mut self, index: u64) {
        if let Some(block) = self.at.get(&index).and_then(|at| self.blocks.get_mut(*at)) {
            block.closed = true;
        }
    }

    fn whole(&mut self, message: Message) -> Vec<StreamEvent> {
        let Message { start, content, stop } = message;
        self.model = start.model;
        self.count(start.usage);
        let mut events = Vec::new();
        for (index, block) in (0..).zip(content) {
            events.extend(self.start(index, block));
            self.close(index);
        }
        self.stopped(stop);
        self.ended = true;
        events
    }
}

impl Reader for Assembler {
    fn ended(&self) -> bool {
        self.ended
    }

    fn take(&mut self, event: &Event) -> Result<Vec<StreamEvent>, Failure> {
        self.bytes += event.data.len();
        if self.bytes > ANSWER_CAP {
            return Err(Failure::Garbled(format!("the answer is larger than {ANSWER_CAP} bytes")));
        }
        // Some gateways keep the connection alive with empty events.
        if event.data.trim().is_empty() {
            return Ok(Vec::new());
        }
        let wire: Wire = serde_json::from_str(&event.data)
            .map_err(|error| Failure::Garbled(format!("the event {:?} cannot be read: {error}", event.name)))?;
        match wire {
            Wire::MessageStart { message } => {
                self.model = message.model;
                self.count(message.usage);
            }
            Wire::ContentBlockStart { index, content_block } => return Ok(self.start(index, content_block)),
            Wire::ContentBlockDelta { index, delta } => return Ok(self.delta(index, delta)),
            Wire::ContentBlockStop { index } => self.close(index),
            Wire::MessageDelta { delta, usage } => {
                self.stopped(delta);
                self.count(usage);
            }
            Wire::MessageStop => self.ended = true,
            Wire::Message(message) => return Ok(self.whole(message)),
            Wire::Error { error } => {
                let error = ServiceError::from_value(&serde_json::json!({"error": error})).unwrap_or_default();
                return Err(Failure::Told { status: status_of(&error.kind), error });
            }
            Wire::Other => {}
        }
        Ok(Vec::new())
    }

    fn take_whole(&mut self, document: &[u8]) -> Result<Vec<StreamEvent>, Failure> {
        let data = String::from_utf8_lossy(document).into_owned();
        self.take(&Event { name: "the whole answer".into(), data })
    }

    /// A stream that ended after the stop reason is whole: only `message_stop` was lost.
    fn finish(self) -> Result<Answer, Failure> {
        if !self.ended && self.stop.is_none() {
            return Err(Failure::Cut);
        }
        let stop = match self.stop.as_deref() {
            Some("max_tokens") => Some(ModelStop::MaxTokens),
            Some("pause_turn") => Some(ModelStop::Pause),
            Some("refusal") => Some(ModelStop::Refusal),
            Some("model_context_window_exceeded") => Some(ModelStop::ContextFull),
            // `end_turn`, `stop_sequence`, `tool_use`, and reasons of a later API: what is in the answer decides.
            _ => None,
        };
        let cut = matches!(stop, Some(ModelStop::MaxTokens | ModelStop::ContextFull));
        let parts: Vec<AssistantPart> = self.blocks.into_iter().filter_map(|block| part(block, cut)).collect();
        let calls = parts.iter().any(|part| matches!(part, AssistantPart::ToolCall { .. }));
        let stop = stop.unwrap_or(if calls { ModelStop::ToolUse } else { ModelStop::EndTurn });
        let model = if self.model.is_empty() { self.asked_model } else { self.model };
        let item = AssistantItem { parts, stop, provider: NAME.to_owned(), model };
        Ok(Answer { item, usage: self.usage, why: self.why })
    }
}

/// The status that goes with an error's word: an `error` event has no status of its own.
fn status_of(kind: &str) -> u16 {
    match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    }
}

/// `cut`: the answer ended at a limit, which may have been in the middle of its last block.
fn part(block: Block, cut: bool) -> Option<AssistantPart> {
    Some(match block.kind {
        Kind::Text(text) if text.is_empty() => return None,
        Kind::Text(text) => AssistantPart::Text { text },
        Kind::Thinking { text, signature } if text.is_empty() && signature.is_empty() => return None,
        Kind::Thinking { text, signature } => {
            AssistantPart::Thinking { text, signature: (!signature.is_empty()).then_some(signature) }
        }
        Kind::Redacted(data) => AssistantPart::RedactedThinking { data },
        Kind::Tool { id, name, whole, pieces } => {
            let unsaid = pieces.trim().is_empty() && whole.as_object().is_none_or(Map::is_empty);
            let (input, mut invalid) = tool_input(whole, &pieces);
            // A cut input is no JSON, or none at all; all that is there of a whole one is an object.
            if cut && (invalid.is_some() || unsaid || !block.closed) {
                invalid = Some(CUT_CALL.into());
            }
            let input = if invalid.is_some() { Value::Object(Map::new()) } else { input };
            AssistantPart::ToolCall { id: ToolCallId(id), name, input, invalid }
        }
    })
}

/// A tool call's input from its pieces: always an object, and what was wrong where the pieces give none.
fn tool_input(whole: Value, pieces: &str) -> (Value, Option<String>) {
    let empty = || Value::Object(Map::new());
    if pieces.trim().is_empty() {
        return (if whole.is_object() { whole } else { empty() }, None);
    }
    match serde_json::from_str::<Value>(pieces) {
        Ok(input) if input.is_object() => (input, None),
        Ok(_) => (empty(), Some("the input is not a JSON object".into())),
        Err(error) => (empty(), Some(format!("the input is not valid JSON: {error}"))),
    }
}
