//! Requests to a model and its words: how long from a prompt to the whole request at the service, with a long history, and
//! from the first text that the service sends to the client. The service is a thread here that answers every request with
//! the same few words.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use pillion_tests::Sandbox;
use serde_json::json;

use crate::sidecar::Sidecar;
use crate::{Row, Times};

/// Items of the history at which is measured; two a turn. Several, to see that time grows with the history and no faster.
const ITEMS: [usize; 4] = [500, 1_000, 2_000, 4_000];
/// Turns that are measured at each.
const TURNS: usize = 40;
/// Characters of a prompt.
const PROMPT: usize = 600;

/// One request as the service saw it.
struct Seen {
    /// Its last byte was read.
    arrived: Instant,
    bytes: usize,
    /// The first text of the answer is written from now on.
    answered: Instant,
}

/// Starts the service; returns its address and what it sees.
fn service() -> (String, Receiver<Seen>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let (tell, seen) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tell = tell.clone();
            thread::spawn(move || {
                let _ = stream.set_nodelay(true);
                let mut reader = BufReader::with_capacity(1 << 20, &stream);
                while let Some(bytes) = read_request(&mut reader) {
                    let arrived = Instant::now();
                    let head =
                        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
                    let mut out = &stream;
                    out.write_all(head.as_bytes()).expect("written");
                    write_event(&stream, &json!({"type": "message_start", "message": {"model": "claude-sonnet-5"}}));
                    let block = json!({"type": "text", "text": ""});
                    write_event(&stream, &json!({"type": "content_block_start", "index": 0, "content_block": block}));
                    let answered = Instant::now();
                    let delta =
                        json!({"type": "text_delta", "text": "So be it, and here is a sentence of some length."});
                    write_event(&stream, &json!({"type": "content_block_delta", "index": 0, "delta": delta}));
                    write_event(&stream, &json!({"type": "content_block_stop", "index": 0}));
                    write_event(&stream, &json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}));
                    write_event(&stream, &json!({"type": "message_stop"}));
                    out.write_all(b"0\r\n\r\n").expect("written");
                    let _ = tell.send(Seen { arrived, bytes, answered });
                }
            });
        }
    });
    (format!("http://{address}"), seen)
}

/// Reads a request over; returns the bytes of its body. `None` when the connection is over.
fn read_request(reader: &mut impl BufRead) -> Option<usize> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.to_ascii_lowercase().strip_prefix("content-length:") {
            Some(text) => length = text.trim().parse().expect("a length"),
            None if line == "\r\n" => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(length)
}

fn write_event(mut stream: &std::net::TcpStream, data: &serde_json::Value) {
    let event = format!("event: {}\ndata: {data}\n\n", data["type"].as_str().expect("a type"));
    stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).expect("written");
}

/// A conversation that grows.
pub fn conversation() -> Vec<Row> {
    let (url, seen) = service();
    let sandbox = Sandbox::new();
    let env = [
        ("PILLION_PROVIDER", "anthropic"),
        // A window that no compaction makes room in, up to the last turn.
        ("PILLION_MODEL", "claude-sonnet-5"),
        ("ANTHROPIC_API_KEY", "sk-bench"),
        ("ANTHROPIC_BASE_URL", url.as_str()),
    ];
    let (mut sidecar, _) = Sidecar::start_with(&sandbox, json!({}), &env);
    let (session, _) = sidecar.call("pillion/session/new", json!({"mode": "auto"}));
    let session = session["sessionId"].as_str().expect("an id").to_owned();
    let mut rows = Vec::new();
    let (mut turns, mut first_words) = (0, Vec::new());
    for items in ITEMS {
        let (mut requests, mut bytes) = (Vec::new(), 0);
        while turns < items / 2 {
            turns += 1;
            let text = format!("{turns} {}", "is a number and this is a line about it. ".repeat(PROMPT / 40));
            let began = Instant::now();
            let prompt = json!({"sessionId": session, "prompt": [{"type": "text", "text": text}]});
            sidecar.call("pillion/session/prompt", prompt);
            let update = |params: &serde_json::Value| params["update"]["sessionUpdate"].as_str().map(str::to_owned);
            let (told, ()) = sidecar.until(|_, params| (update(params)? == "agent_message_chunk").then_some(()));
            sidecar.until(|_, params| (update(params)? == "turn_ended").then_some(()));
            let request = seen.recv().expect("the service was asked");
            if turns + TURNS > items / 2 {
                requests.push(request.arrived - began);
                bytes = request.bytes;
                first_words.push(told.saturating_duration_since(request.answered));
            }
        }
        let times = Times::new(requests);
        let more = format!("p99 {:.2}, {} KB, n {TURNS}", times.percentile(99), bytes / 1_000);
        let what = format!("a prompt to its whole request at the service, {items} items, p50");
        // What the budget is for is the writing of the request; all that is around it is measured too.
        rows.push(crate::row(&what, (items == 1_000).then_some(5.0), times.percentile(50), "ms", more));
    }
    rows.push(Times::new(first_words).row("first text of an answer at the client", 20.0));
    rows
}
