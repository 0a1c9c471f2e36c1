//! Answers as the service streams them: server-sent events, with text and tool input split at odd places.

use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};

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

    fn wait(&self) {
        let guard = self.shared.0.lock().unwrap_or_else(|error| error.into_inner());
        // Twice the deadline: the test that forgot to release it fails by then.
        let _ = self.shared.1.wait_timeout_while(guard, DEADLINE * 2, |released| !*released);
    }
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Thinking(String),
    Tool { id: String, name: String, input: Value },
    Hold(Hold),
}

/// What the server answers to one request. Built in the order in which it is streamed.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pieces: Vec<Piece>,
    stop: Option<String>,
    /// Bytes per write; whole events when 0.
    drip: usize,
    /// The connection is cut instead of ending the message.
    cut: bool,
    /// An HTTP error instead of a stream: status, type, message.
    error: Option<(u16, String, String)>,
    headers: Vec<(String, String)>,
    /// Events with names and fields that no version of the API has yet.
    unknown_events: bool,
    input_tokens: Option<u64>,
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

    /// The content that the client must send back; `None` when it got no whole message.
    pub fn blocks(&self) -> Option<Vec<Value>> {
        if self.cut || self.error.is_some() {
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
                Piece::Tool { id, name, input } => {
                    blocks.push(json!({"type": "tool_use", "id": id, "name": name, "input": input}));
                }
            }
        }
        Some(blocks)
    }

    /// Writes the answer of that model; false when the client went away.
    pub fn send(&self, stream: &TcpStream, model: &Value) -> bool {
        match &self.error {
            Some((status, kind, message)) => self.send_error(stream, *status, kind, message),
            None => self.send_stream(stream, model).is_ok(),
        }
    }

    fn extra_headers(&self) -> String {
        self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect()
    }

    fn send_error(&self, mut stream: &TcpStream, status: u16, kind: &str, message: &str) -> bool {
        let body = json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_test"});
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status} Error\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{}\r\n",
            body.len(),
            self.extra_headers()
        );
        stream.write_all((head + &body).as_bytes()).is_ok()
    }

    fn send_stream(&self, mut stream: &TcpStream, model: &Value) -> std::io::Result<()> {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n{}\r\n",
            self.extra_headers()
        );
        stream.write_all(head.as_bytes())?;
        let mut writer = Writer { stream, drip: self.drip, index: 0, open: None };
        writer.event(&json!({"type": "message_start", "message": {
            "id": "msg_test", "type": "message", "role": "assistant", "model": model, "content": [],
            "stop_reason": null, "stop_sequence": null,
            "usage": {"input_tokens": self.input_tokens.unwrap_or(25), "cache_creation_input_tokens": 7, "cache_read_input_tokens": 11, "output_tokens": 1}
        }}))?;
        writer.event(&json!({"type": "ping"}))?;
        if self.unknown_events {
            writer.event(&json!({"type": "weather_report", "sky": {"colour": "blue"}}))?;
        }
        for piece in &self.pieces {
            writer.piece(piece)?;
        }
        if self.cut {
            return stream.shutdown(std::net::Shutdown::Both);
        }
        writer.close()?;
        let calls = self.pieces.iter().any(|piece| matches!(piece, Piece::Tool { .. }));
        let stop = self.stop.as_deref().unwrap_or(if calls { "tool_use" } else { "end_turn" });
        writer.event(&json!({
            "type": "message_delta",
            "delta": {"stop_reason": stop, "stop_sequence": null},
            "usage": {"output_tokens": 15}
        }))?;
        writer.event(&json!({"type": "message_stop"}))?;
        stream.write_all(b"0\r\n\r\n")
    }
}

/// What the service puts under its own thinking.
const SIGNATURE: &str = "c2lnbmVkIGJ5IHRoZSB0ZXN0";

struct Writer<'a> {
    stream: &'a TcpStream,
    drip: usize,
    index: u64,
    /// The type of the block that has begun.
    open: Option<&'static str>,
}

impl Writer<'_> {
    fn event(&mut self, data: &Value) -> std::io::Result<()> {
        let text = format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default());
        let size = if self.drip == 0 { text.len() } else { self.drip };
        for chunk in text.as_bytes().chunks(size) {
            let mut bytes = format!("{:x}\r\n", chunk.len()).into_bytes();
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
            self.stream.write_all(&bytes)?;
        }
        Ok(())
    }

    fn piece(&mut self, piece: &Piece) -> std::io::Result<()> {
        match piece {
            Piece::Hold(hold) => {
                hold.wait();
                Ok(())
            }
            Piece::Text(text) => {
                if self.open != Some("text") {
                    self.begin("text", &json!({"type": "text", "text": ""}))?;
                }
                odd_parts(text)
                    .into_iter()
                    .try_for_each(|part| self.delta(&json!({"type": "text_delta", "text": part})))
            }
            Piece::Thinking(text) => {
                self.begin("thinking", &json!({"type": "thinking", "thinking": "", "signature": ""}))?;
                for part in odd_parts(text) {
                    self.delta(&json!({"type": "thinking_delta", "thinking": part}))?;
                }
                self.delta(&json!({"type": "signature_delta", "signature": SIGNATURE}))
            }
            Piece::Tool { id, name, input } => {
                self.begin("tool_use", &json!({"type": "tool_use", "id": id, "name": name, "input": {}}))?;
                self.delta(&json!({"type": "input_json_delta", "partial_json": ""}))?;
                for part in odd_parts(&input.to_string()) {
                    self.delta(&json!({"type": "input_json_delta", "partial_json": part}))?;
                }
                self.close()
            }
        }
    }

    fn begin(&mut self, kind: &'static str, block: &Value) -> std::io::Result<()> {
        self.close()?;
        self.open = Some(kind);
        self.event(&json!({"type": "content_block_start", "index": self.index, "content_block": block}))
    }

    fn delta(&mut self, delta: &Value) -> std::io::Result<()> {
        self.event(&json!({"type": "content_block_delta", "index": self.index, "delta": delta}))
    }

    fn close(&mut self) -> std::io::Result<()> {
        if self.open.take().is_some() {
            self.event(&json!({"type": "content_block_stop", "index": self.index}))?;
            self.index += 1;
        }
        Ok(())
    }
}

/// `text` in parts of 1, 3, 7, 2 and 11 letters, over and over.
fn odd_parts(text: &str) -> Vec<String> {
    let mut letters = text.chars().peekable();
    let mut sizes = [1, 3, 7, 2, 11].into_iter().cycle();
    let mut parts = Vec::new();
    while letters.peek().is_some() {
        parts.push(letters.by_ref().take(sizes.next().unwrap_or(1)).collect());
    }
    parts
}
