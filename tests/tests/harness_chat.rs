//! The model server's other API, tested: rules of Chat Completions that let mistakes pass would make its stories
//! worthless.

use pillion_tests::model::OPENING;
use pillion_tests::model::chat_rules::check_body;
use pillion_tests::model::rules::Conversations;
use pillion_tests::{Api, Request};
use serde_json::{Value, json};

fn request(messages: Value) -> Value {
    let tool = json!({"type": "function", "function": {"name": "bash", "parameters": {"type": "object"}}});
    json!({
        "model": "m", "max_completion_tokens": 10, "stream": true, "stream_options": {"include_usage": true},
        "tools": [tool], "messages": messages
    })
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn calling(ids: &[&str]) -> Value {
    let call = |id: &&str| json!({"id": id, "type": "function", "function": {"name": "bash", "arguments": "{}"}});
    json!({"role": "assistant", "content": "", "tool_calls": ids.iter().map(call).collect::<Vec<_>>()})
}

fn result(id: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": "ok"})
}

#[track_caller]
fn refused(messages: Value, why: &str) {
    let broken = check_body(&request(messages));
    assert!(broken.iter().any(|text| text.contains(why)), "{why:?} is not among {broken:?}");
}

#[test]
fn good_requests_pass() {
    let good = json!([
        {"role": "system", "content": "Be brief."},
        user("hi"),
        calling(&["a", "b"]),
        result("b"),
        result("a"),
        user("and?"),
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]},
    ]);
    assert_eq!(check_body(&request(good)), Vec::<String>::new());
}

#[test]
fn what_the_services_refuse_is_refused() {
    refused(json!([]), "at least one");
    refused(json!([user("a"), user("b")]), "in a row");
    refused(json!([user(" \n")]), "blank");
    refused(json!([{"role": "user", "content": null}]), "content is");
    refused(json!([{"role": "human", "content": "a"}]), "the role");
    refused(json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}]), "a part");
    refused(json!([user("a"), {"role": "assistant", "content": null}, user("b")]), "content is");
    let mut silent = calling(&["x"]);
    silent["content"] = Value::Null;
    refused(json!([user("a"), silent, result("x")]), "content is");
    refused(json!([user("a"), {"role": "assistant", "content": "b"}]), "nothing to answer");
    refused(json!([user("a"), calling(&["x"])]), "without a tool message");
    refused(json!([user("a"), calling(&["x"]), user("b")]), "must be followed by tool messages");
    refused(json!([user("a"), calling(&["x"]), result("x"), result("x")]), "waits for none");
    refused(json!([user("a"), calling(&["x", "y"]), result("x"), user("b"), result("y")]), "waits for none");
    refused(json!([user("a"), result("z")]), "waits for none");
    refused(json!([user("a"), calling(&["x"]), result("x"), calling(&["x"]), result("x")]), "must be unique");
    refused(json!([user("a"), calling(&[&"x".repeat(41)]), result(&"x".repeat(41))]), "a bad call");
    let signed = json!({"role": "assistant", "content": "b", "signature": "c2ln"});
    refused(json!([user("a"), signed, user("c")]), "extra inputs");
    let mut body = request(json!([user("a")]));
    body["max_tokens"] = json!(5);
    assert!(check_body(&body).iter().any(|text| text.contains("max_completion_tokens")));
}

#[test]
fn every_other_binary_speaks_messages() {
    assert_eq!(Api::of_this_binary(), Api::Messages);
}

#[test]
fn both_apis_are_read_alike() {
    let block = format!("{OPENING}\n<task_notification>\n<task_id>t1</task_id>\n<run>1</run>\n\n</task_notification>");
    let after =
        json!([user("a"), calling(&["x"]), {"role": "tool", "tool_call_id": "x", "content": format!("ok\n\n{block}")}]);
    let seen = Request::new(Api::ChatCompletions, request(after));
    assert_eq!(seen.notification_in_place(), block);
    assert_eq!((seen.notified("t1", 1), seen.tool_result("x").starts_with("ok")), (1, true));
    let before = request(json!([user(&format!("{block}\n\nhello"))]));
    assert_eq!(Request::new(Api::ChatCompletions, before).notification_in_place(), block);
    let wrong = request(json!([user(&format!("hello\n\n{block}"))]));
    let panics = std::panic::catch_unwind(|| Request::new(Api::ChatCompletions, wrong).notification_in_place());
    assert!(panics.is_err(), "a block in the wrong place was let pass");
}

#[test]
fn a_changed_past_is_seen() {
    let check = |second: Value| {
        let mut conversations = Conversations::default();
        assert_eq!(conversations.check_of(Api::ChatCompletions, 0, &request(json!([user("a")]))), Vec::<String>::new());
        conversations.answered(0, Some(vec![json!({"type": "text", "text": "b"})]));
        conversations.check_of(Api::ChatCompletions, 1, &request(second))
    };
    let said = |text: &str| json!({"role": "assistant", "content": text});
    assert_eq!(check(json!([user("a"), said("b"), user("c")])), Vec::<String>::new());
    assert!(!check(json!([user("a"), said("x"), user("c")])).is_empty(), "another answer");
    assert!(!check(json!([user("x"), said("b"), user("c")])).is_empty(), "another beginning");
}
