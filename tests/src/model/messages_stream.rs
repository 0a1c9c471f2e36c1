//! An answer as Anthropic's API streams it: named events, blocks with beginnings and ends.

use serde_json::{Value, json};

use super::answer::{Answer, Piece, SIGNATURE};
use super::body::{Body, odd_parts};

/// Writes the answer, its end included.
pub fn write(answer: &Answer, body: Body<'_>, model: &Value) -> std::io::Result<()> {
    let mut writer = Writer { body, index: 0, open: None };
    writer.event(&json!({"type": "message_start", "message": {
        "id": "msg_test", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": answer.input_tokens.unwrap_or(25), "cache_creation_input_tokens": 7,
            "cache_read_input_tokens": 11, "output_tokens": 1}
    }}))?;
    writer.event(&json!({"type": "ping"}))?;
    if answer.unknown_events {
        writer.event(&json!({"type": "weather_report", "sky": {"colour": "blue"}}))?;
    }
    for piece in &answer.pieces {
        writer.piece(piece)?;
    }
    if answer.cut {
        return writer.body.cut();
    }
    if let Some((kind, message)) = &answer.error_event {
        writer.event(&json!({"type": "error", "error": {"type": kind, "message": message}}))?;
        return writer.body.end();
    }
    writer.close()?;
    let details = answer
        .stop_details
        .as_ref()
        .map(|(category, explanation)| json!({"type": "refusal", "category": category, "explanation": explanation}));
    let stop = answer.stop.as_deref().unwrap_or(if answer.calls() { "tool_use" } else { "end_turn" });
    writer.event(&json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop, "stop_sequence": null, "stop_details": details},
        "usage": {"output_tokens": 15}
    }))?;
    writer.event(&json!({"type": "message_stop"}))?;
    writer.body.end()
}

struct Writer<'a> {
    body: Body<'a>,
    index: u64,
    /// The type of the block that has begun.
    open: Option<&'static str>,
}

impl Writer<'_> {
    fn event(&mut self, data: &Value) -> std::io::Result<()> {
        self.body.send(&format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default()))
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
            Piece::CutTool { id, name, input } => {
                self.begin("tool_use", &json!({"type": "tool_use", "id": id, "name": name, "input": {}}))?;
                self.delta(&json!({"type": "input_json_delta", "partial_json": input}))?;
                self.close()
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
