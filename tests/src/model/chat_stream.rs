//! An answer as Chat Completions streams it: chunks without names, the calls by index, the usage in a chunk of its own.

use serde_json::{Value, json};

use super::answer::{Answer, Piece};
use super::body::{Body, odd_parts};

/// Writes the answer, its end included.
pub fn write(answer: &Answer, mut body: Body<'_>, model: &Value) -> std::io::Result<()> {
    body.send(": processing\n\n")?;
    chunk(&mut body, model, &json!({"role": "assistant", "content": "", "refusal": null}), None)?;
    if answer.unknown_events {
        body.send("event: weather_report\ndata: {\"sky\": {\"colour\": \"blue\"}}\n\n")?;
    }
    let mut index = 0;
    for piece in &answer.pieces {
        match piece {
            Piece::Hold(hold) => hold.wait(),
            Piece::Text(text) => {
                for part in odd_parts(text) {
                    chunk(&mut body, model, &json!({"content": part}), None)?;
                }
            }
            Piece::Thinking(text) => {
                for part in odd_parts(text) {
                    chunk(&mut body, model, &json!({"reasoning_content": part, "content": null}), None)?;
                }
            }
            Piece::CutTool { id, name, input } => {
                let function = json!({"name": name, "arguments": input});
                let call = json!({"index": index, "id": id, "type": "function", "function": function});
                chunk(&mut body, model, &json!({"tool_calls": [call]}), None)?;
                index += 1;
            }
            Piece::Tool { id, name, input } => {
                let head =
                    json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}});
                chunk(&mut body, model, &json!({"tool_calls": [head]}), None)?;
                for part in odd_parts(&input.to_string()) {
                    let more = json!({"index": index, "function": {"arguments": part}});
                    chunk(&mut body, model, &json!({"tool_calls": [more]}), None)?;
                }
                index += 1;
            }
        }
    }
    if answer.cut {
        return body.cut();
    }
    if let Some((kind, message)) = &answer.error_event {
        body.send(&format!("data: {}\n\n", json!({"error": {"type": kind, "message": message}})))?;
        return body.end();
    }
    let reason = match answer.stop.as_deref() {
        Some("max_tokens") => "length",
        Some("refusal") => "content_filter",
        _ if answer.calls() => "tool_calls",
        _ => "stop",
    };
    chunk(&mut body, model, &json!({}), Some(reason))?;
    // The figures of the other API: 25 new, 11 from the cache, 7 into it.
    let prompt = answer.input_tokens.unwrap_or(25) + 18;
    let usage = json!({"prompt_tokens": prompt, "completion_tokens": 15, "total_tokens": prompt + 15,
        "prompt_tokens_details": {"cached_tokens": 11, "cache_write_tokens": 7}});
    let last = json!({"id": "chatcmpl-test", "object": "chat.completion.chunk", "model": model, "choices": [],
        "usage": usage});
    body.send(&format!("data: {last}\n\n"))?;
    body.send("data: [DONE]\n\n")?;
    body.end()
}

fn chunk(body: &mut Body<'_>, model: &Value, delta: &Value, finish: Option<&str>) -> std::io::Result<()> {
    let chunk = json!({"id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1, "model": model,
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}], "usage": null});
    body.send(&format!("data: {chunk}\n\n"))
}
