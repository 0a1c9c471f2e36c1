//! What the server answers, whichever API it speaks: text, thinking and calls, streamed with cuts at odd places, or an
//! error.

use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};

use super::api::Api;
use super::body::Body;
use super::{chat, chat_stream, messages_stream};
use crate::DEADLINE;

/// Holds an answer back until the test releases it.
#[derive(Clone, Debug, Default)]
pub struct Hold {
    shared: Arc<(Mutex<bool>, Condvar)>,
}

impl Hold {
    /// A new one, not released.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the answer go on.
    pub fn release(&self) {
        *self.shared.0.lock().unwrap_or_else(|error| error.into_inner()) = true;
        self.shared.1.notify_all();
    }

    /// Waits until it is released.
    pub(super) fn wait(&self) {
        let guard = self.shared.0.lock().unwrap_or_else(|error| error.into_inner());
        // Twice the deadline: the test that forgot to release it fails by then.
        let _ = self.shared.1.wait_timeout_while(guard, DEADLINE * 2, |released| !*released);
    }
}

/// What the service puts under its own thinking.
pub(super) const SIGNATURE: &str = "c2lnbmVkIGJ5IHRoZSB0ZXN0";

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(String),
    Thinking(String),
    Tool {
        id: String,
        name: String,
        input: Value,
    },
    /// A call whose input ends too early.
    CutTool {
        id: String,
        name: String,
        input: String,
    },
    Hold(Hold),
}

/// What the server answers to one request. Built in the order in which it is streamed.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub(super) pieces: Vec<Piece>,
    pub(super) stop: Option<String>,
    /// Bytes per write; whole events when 0.
    drip: usize,
    /// The connection is cut instead of ending the message.
    pub(super) cut: bool,
    /// An HTTP error instead of a stream: status, type, message.
    error: Option<(u16, String, String)>,
    headers: Vec<(String, String)>,
    /// An `error` event after the last piece: type, message.
    pub(super) error_event: Option<(String, String)>,
    /// Why the service ended the answer: category, explanation.
    pub(super) stop_details: Option<(String, String)>,
    /// Something else with status 200: media type, body.
    other: Option<(String, String)>,
    /// Events with names and fields that no version of the API has yet.
    pub(super) unknown_events: bool,
    pub(super) input_tokens: Option<u64>,
}

impl Answer {
    /// An answer with nothing in it yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A plain text.
    pub fn say(text: &str) -> Self {
        Self::new().text(text)
    }

    /// One tool call.
    pub fn call(id: &str, name: &str, input: Value) -> Self {
        Self::new().tool(id, name, input)
    }

    /// An HTTP error as the service words it.
    pub fn status(status: u16, kind: &str, message: &str) -> Self {
        Self { error: Some((status, kind.into(), message.into())), ..Self::default() }
    }

    /// Something with status 200 that is no stream.
    pub fn other(media_type: &str, body: &str) -> Self {
        Self { other: Some((media_type.into(), body.into())), ..Self::default() }
    }

    /// Adds text. Texts with only a hold between them are one block.
    pub fn text(mut self, text: &str) -> Self {
        self.pieces.push(Piece::Text(text.into()));
        self
    }

    /// Adds a thinking block, signed.
    pub fn thinking(mut self, text: &str) -> Self {
        self.pieces.push(Piece::Thinking(text.into()));
        self
    }

    /// Adds a tool call.
    pub fn tool(mut self, id: &str, name: &str, input: Value) -> Self {
        self.pieces.push(Piece::Tool { id: id.into(), name: name.into(), input });
        self
    }

    /// Adds a tool call whose input is only this beginning.
    pub fn cut_tool(mut self, id: &str, name: &str, input: &str) -> Self {
        self.pieces.push(Piece::CutTool { id: id.into(), name: name.into(), input: input.into() });
        self
    }

    /// Ends with an `error` event after the last piece.
    pub fn error_event(mut self, kind: &str, message: &str) -> Self {
        self.error_event = Some((kind.into(), message.into()));
        self
    }

    /// The model refuses, and this is said about it.
    pub fn refused(mut self, category: &str, explanation: &str) -> Self {
        self.stop_details = Some((category.into(), explanation.into()));
        self.stop("refusal")
    }

    /// Waits here until released; all before it has been sent.
    pub fn hold(mut self, hold: &Hold) -> Self {
        self.pieces.push(Piece::Hold(hold.clone()));
        self
    }

    /// Why the model stopped; by default `tool_use` when there is a call, else `end_turn`.
    pub fn stop(mut self, reason: &str) -> Self {
        self.stop = Some(reason.into());
        self
    }

    /// Sends so many bytes a write, wherever that cuts events and letters.
    pub fn drip(mut self, bytes: usize) -> Self {
        self.drip = bytes;
        self
    }

    /// Cuts the connection after the last piece.
    pub fn cut(mut self) -> Self {
        self.cut = true;
        self
    }

    /// Adds events and fields that a tolerant client passes over.
    pub fn unknown_events(mut self) -> Self {
        self.unknown_events = true;
        self
    }

    /// Tokens of the prompt, cached ones aside; 25 unless said otherwise.
    pub fn input_tokens(mut self, tokens: u64) -> Self {
        self.input_tokens = Some(tokens);
        self
    }

    /// Adds a header, for instance `retry-after`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// True when the connection is over after this answer.
    pub fn closes(&self) -> bool {
        self.cut
    }

    /// True when the test decides how far it goes.
    pub fn is_held(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Hold(_)))
    }

    /// True when the model calls a tool.
    pub(super) fn calls(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Tool { .. } | Piece::CutTool { .. }))
    }

    /// The content that the client must send back, as Anthropic's API writes it; `None` when it got no whole message.
    pub fn blocks(&self, api: Api) -> Option<Vec<Value>> {
        let blocks = self.all_blocks()?;
        Some(if api == Api::ChatCompletions { chat::answered(blocks) } else { blocks })
    }

    fn all_blocks(&self) -> Option<Vec<Value>> {
        if self.cut || self.error.is_some() || self.error_event.is_some() || self.other.is_some() {
            return None;
        }
        let mut blocks: Vec<Value> = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Hold(_) => {}
                Piece::Text(text) => match blocks.last_mut() {
                    Some(last) if last["type"] == "text" => {
                        last["text"] = format!("{}{text}", last["text"].as_str().unwrap_or_default()).into();
                    }
                    _ => blocks.push(json!({"type": "text", "text": text})),
                },
                Piece::Thinking(text) => {
                    blocks.push(json!({"type": "thinking", "thinking": text, "signature": SIGNATURE}));
                }
                Piece::CutTool { id, name, .. } => {
                    blocks.push(json!({"type": "tool_use", "id": id, "name": name, "input": {}}));
                }
                Piece::Tool { id, name, input } => {
                    blocks.push(json!({"type": "tool_use", "id": id, "name": name, "input": input}));
                }
            }
        }
        Some(blocks)
    }

    /// Writes the answer of that model; false when the client went away.
    pub fn send(&self, api: Api, stream: &TcpStream, model: &Value) -> bool {
        if let Some((media_type, body)) = &self.other {
            let length = body.len();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n");
            return (&*stream).write_all((head + body).as_bytes()).is_ok();
        }
        match &self.error {
            Some((status, kind, message)) => self.send_error(api, stream, *status, kind, message),
            None => Body::begin(stream, self.drip, &self.extra_headers())
                .and_then(|body| match api {
                    Api::Messages => messages_stream::write(self, body, model),
                    Api::ChatCompletions => chat_stream::write(self, body, model),
                })
                .is_ok(),
        }
    }

    fn extra_headers(&self) -> String {
        self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect()
    }

    fn send_error(&self, api: Api, mut stream: &TcpStream, status: u16, kind: &str, message: &str) -> bool {
        let body = match api {
            Api::Messages => {
                json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_test"})
            }
            Api::ChatCompletions => {
                json!({"error": {"message": message, "type": kind, "param": null, "code": null}})
            }
        };
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status} Error\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{}\r\n",
            body.len(),
            self.extra_headers()
        );
        stream.write_all((head + &body).as_bytes()).is_ok()
    }
}
