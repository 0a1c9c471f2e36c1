//! The tools of these tests, tested: a strict server that lets mistakes pass, or an editor that edits wrongly, would
//! make every other test worthless.

use std::io::{Read, Write};
use std::net::TcpStream;

use pillion_tests::model::rules::{Conversations, check_body};
use pillion_tests::{Answer, Model, editor, rules::Rules, wire};
use serde_json::{Value, json};

fn request(messages: Value) -> Value {
    json!({
        "model": "m", "max_tokens": 10, "stream": true, "system": "Be brief.", "messages": messages,
        "tools": [{"name": "bash", "description": "runs", "input_schema": {"type": "object"}}]
    })
}

fn user(content: Value) -> Value {
    json!({"role": "user", "content": content})
}

fn assistant(content: Value) -> Value {
    json!({"role": "assistant", "content": content})
}

fn call(id: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": "bash", "input": {}})
}

fn result(id: &str) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": "ok"})
}

#[track_caller]
fn refused(messages: Value, why: &str) {
    let broken = check_body(&request(messages));
    assert!(broken.iter().any(|text| text.contains(why)), "{why:?} is not among {broken:?}");
}

#[test]
fn good_requests_pass() {
    let good =
        json!([user(json!("hi")), assistant(json!([call("a"), call("b")])), user(json!([result("b"), result("a")]))]);
    assert_eq!(check_body(&request(good)), Vec::<String>::new());
}

#[test]
fn what_the_service_refuses_is_refused() {
    refused(json!([]), "at least one");
    refused(json!([assistant(json!("hi"))]), "roles alternate");
    refused(json!([user(json!("a")), user(json!("b"))]), "roles alternate");
    refused(json!([user(json!(" \n"))]), "non-whitespace");
    refused(json!([user(json!([]))]), "content is empty");
    refused(json!([user(json!("a")), assistant(json!("b "))]), "trailing whitespace");
    refused(json!([user(json!("a")), assistant(json!([call("a")]))]), "without tool_result");
    refused(json!([user(json!("a")), assistant(json!([call("a")])), user(json!("b"))]), "has 0 tool_result");
    let twice = json!([result("a"), result("a")]);
    refused(json!([user(json!("a")), assistant(json!([call("a")])), user(twice)]), "has 2 tool_result");
    let late = json!([{"type": "text", "text": "x"}, result("a")]);
    refused(json!([user(json!("a")), assistant(json!([call("a")])), user(late)]), "stand first");
    refused(json!([user(json!([result("z")]))]), "answers no call");
    refused(json!([user(json!([{"type": "text", "text": "x", "colour": "red"}]))]), "extra inputs");
    refused(json!([user(json!([call("a")]))]), "tool_use in a message of user");
    let mark = json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}});
    refused(json!([user(json!([mark, mark, mark, mark, mark]))]), "at most 4");
}

#[test]
fn tools_must_be_well_formed() {
    let mut body = request(json!([user(json!("hi"))]));
    body["tools"] = json!([
        {"name": "a b", "input_schema": {"type": "object"}},
        {"name": "c", "input_schema": {"type": "string"}},
        {"name": "c", "input_schema": {"type": "object"}}
    ]);
    let broken = check_body(&body).join("\n");
    for why in ["\"a b\"", "not of type object", "must be unique"] {
        assert!(broken.contains(why), "{why}: {broken}");
    }
}

#[test]
fn a_history_only_grows() {
    let mut known = Conversations::default();
    let first = json!([user(json!("hi"))]);
    assert!(known.check(0, &request(first.clone())).is_empty());
    known.answered(0, Some(vec![json!({"type": "text", "text": "yes \n"})]));
    let next = json!([
        user(json!([{"type": "text", "text": "hi", "cache_control": {}}])),
        assistant(json!("yes")),
        user(json!("go"))
    ]);
    assert_eq!(known.check(1, &request(next.clone())), Vec::<String>::new());
    let mut changed = next;
    changed[1]["content"] = json!("no");
    assert!(known.check(2, &request(changed)).join("").contains("no prefix"));
    let other = json!([user(json!("other"))]);
    assert!(known.check(3, &request(other)).join("").contains("first message"));
    let mut frozen = request(first);
    frozen["system"] = json!("Be long.");
    assert!(known.check(4, &frozen).join("").contains("model, system or tools"));
}

/// Posts a body and returns the whole answer.
fn post(model: &Model, body: &Value) -> String {
    let address = model.url().replace("http://", "");
    let mut stream = TcpStream::connect(address).expect("the server listens");
    let body = body.to_string();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nx-api-key: {}\r\nanthropic-version: 2023-06-01\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        pillion_tests::model::KEY,
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).expect("the request is sent");
    stream.shutdown(std::net::Shutdown::Write).expect("the request is over");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the answer");
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn the_bytes_of_a_request_stay_where_they_stood() {
    let mut known = Conversations::default();
    let tools = "a tool ".repeat(100);
    let bytes = |tools: &str, words: &str| format!(r#"{{"tools":"{tools}","messages":[{words}]}}"#).into_bytes();
    let body = request(json!([user(json!("a"))]));
    assert!(known.check(0, &body).is_empty());
    assert_eq!(known.check_bytes(0, &bytes(&tools, r#""a","cache_control":{"type":"ephemeral"}"#)), None);
    known.check(1, &body);
    assert_eq!(known.check_bytes(1, &bytes(&tools, r#""a","b""#)), None, "marks of caching move");
    known.check(2, &body);
    let broken = known.check_bytes(2, &bytes(&format!("{tools}, another"), r#""a","b","c""#));
    assert!(broken.is_some_and(|text| text.contains("only the first 710 of")), "the rest moved");
}

#[test]
fn the_server_streams_what_the_script_says() {
    let model = Model::start();
    model.answer(
        "hello",
        Answer::new().thinking("hm").text("Hellö").tool("t", "bash", json!({"command": "ls"})).drip(3),
    );
    let answer = post(&model, &request(json!([user(json!("hi"))])));
    // Reassembled from its chunks of three bytes.
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
    let text: String = body.split("\r\n").skip(1).step_by(2).collect();
    for part in ["event: message_start\n", "\"signature_delta\"", "\"partial_json\"", "\"stop_reason\":\"tool_use\""] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn the_server_fails_for_a_request_too_many_and_one_too_few() {
    let model = Model::start();
    let answer = post(&model, &request(json!([user(json!("hi"))])));
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(model)));
    assert!(dropped.is_err(), "an unexpected request passed");
    let model = Model::start();
    model.answer("never", Answer::say("x"));
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(model)));
    assert!(dropped.is_err(), "a missing request passed");
}

#[test]
fn edits_count_utf16_units() {
    let at = |line: u32, from: u32, to: u32, new: &str| json!({"range": {"start": {"line": line, "character": from}, "end": {"line": line, "character": to}}, "newText": new});
    let edits = json!([at(1, 3, 4, "Y"), at(0, 0, 0, "1"), at(0, 0, 0, "2"), at(2, 0, 9, "end")]);
    assert_eq!(editor::edited("a\r\n😀bx\nlast", &edits).unwrap(), "12a\r\n😀bY\nend");
    assert!(editor::edited("abc", &json!([at(0, 0, 2, ""), at(0, 1, 3, "")])).is_err());
}

#[test]
fn frames_are_read_to_the_letter() {
    let mut good: &[u8] = b"Content-Length: 2\r\n\r\n{}";
    assert_eq!(wire::read_frame(&mut good).unwrap().unwrap(), b"{}");
    assert_eq!(wire::read_frame(&mut good).unwrap(), None);
    for bad in ["log line\n", "Content-Length: x\r\n\r\n", "\r\n", "Content-Length: 9\r\n\r\n{}"] {
        assert!(wire::read_frame(&mut bad.as_bytes()).is_err(), "{bad:?}");
    }
}

#[test]
fn a_final_status_that_changes_is_noticed() {
    let mut rules = Rules::default();
    let status = |seq: u32, status: &str| json!({"seq": seq, "task": {"id": "t1", "run": 1, "status": status}});
    rules.observe("pillion/task/status", &status(1, "failed"));
    let broken = rules.observe("pillion/task/status", &status(1, "running")).join("\n");
    assert!(broken.contains("running after the final failed"), "{broken}");
    assert!(broken.contains("seq 1 after 1"), "{broken}");
}
