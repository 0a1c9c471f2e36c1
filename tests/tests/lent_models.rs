//! Models that the client lends: the sidecar asks, the client answers piece by piece, and what goes wrong there is told
//! with what to do.

use pillion_tests::connection::Question;
use pillion_tests::{Client, Options, Sandbox};
use serde_json::{Value, json};

const COMPLETE: &str = "pillion/model/complete";

fn lending(sandbox: &Sandbox) -> Client {
    Client::start(sandbox, Options::pillion().lends_models().env("PILLION_PROVIDER", "editor"))
}

fn offer(client: &Client) {
    let models = json!([{"id": "gpt", "name": "GPT", "contextWindow": 64_000, "tools": true}, {"id": "small"}]);
    client.notify("pillion/model/offer", json!({"models": models}));
}

fn say(client: &Client, question: &Question, part: Value) {
    client.notify("pillion/model/chunk", json!({"requestId": question.params["requestId"], "part": part}));
}

fn say_text(client: &Client, question: &Question, text: &str) {
    say(client, question, json!({"type": "text", "text": text}));
}

#[test]
fn an_answer_streams_and_a_tool_is_called() {
    let sandbox = Sandbox::new();
    sandbox.write("note.txt", "forty-two\n");
    let client = lending(&sandbox);
    offer(&client);
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "What does the note say?");
    let first = client.question(COMPLETE);
    assert_eq!(first.params["model"], Value::Null, "the session has not chosen, so the client does");
    assert_eq!(first.params["messages"].as_array().map(Vec::len), Some(1));
    assert!(first.params["system"].as_str().is_some_and(|text| !text.is_empty()));
    let tools = first.params["tools"].as_array().expect("tools");
    assert!(
        tools.iter().any(|tool| tool["name"] == "read_file" && tool["inputSchema"]["type"] == "object"),
        "{tools:?}"
    );
    say(&client, &first, json!({"type": "thinking", "text": "Hm."}));
    say_text(&client, &first, "I'll ");
    // It is at the client before the answer is over.
    client.wait_update(0, &session, "agent_message_chunk", |params| params["update"]["content"]["text"] == "I'll ");
    say_text(&client, &first, "look.");
    say(
        &client,
        &first,
        json!({"type": "tool_call", "callId": "c1", "name": "read_file", "input": {"path": "note.txt"}}),
    );
    client.answer(&first, json!({}));

    let second = client.question(COMPLETE);
    let messages = second.params["messages"].as_array().expect("messages");
    assert_eq!(
        messages[1],
        json!({"role": "assistant", "content": [
            {"type": "text", "text": "I'll look."},
            {"type": "tool_call", "callId": "c1", "name": "read_file", "input": {"path": "note.txt"}},
        ]}),
        "thinking does not go back"
    );
    let result = &messages[2]["content"][0];
    assert_eq!(
        (&result["type"], &result["callId"], &result["isError"]),
        (&json!("tool_result"), &json!("c1"), &json!(false))
    );
    assert!(result["content"].as_str().is_some_and(|text| text.contains("forty-two")), "{result}");
    // What nobody asked for disturbs nobody.
    client.notify("pillion/model/chunk", json!({"requestId": "none", "part": {"type": "text", "text": "x"}}));
    say_text(&client, &first, "too late");
    client.notify("pillion/model/chunk", json!(["garbage"]));
    say_text(&client, &second, "Forty-two.");
    client.answer(&second, json!({"stopReason": "end_turn", "usage": {"inputTokens": 10, "outputTokens": 3}}));
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "end_turn");
    assert_eq!(client.said(&session, &prompt.turn_id), "I'll look.Forty-two.");
    let usage = client.updates(&session, "usage").pop().expect("usage");
    assert_eq!((&usage["update"]["inputTokens"], &usage["update"]["contextWindow"]), (&json!(10), &json!(64_000)));
}

#[test]
fn a_cancelled_turn_withdraws_its_request() {
    let sandbox = Sandbox::new();
    let client = lending(&sandbox);
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "one");
    let asked = client.question(COMPLETE);
    say_text(&client, &asked, "Half an ans");
    client.wait_update(0, &session, "agent_message_chunk", |_| true);
    let at = client.mark();
    client.notify("pillion/session/cancel", json!({"sessionId": session}));
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "cancelled");
    client.wait_notification("$/cancelRequest", at, |_| true);
    say_text(&client, &asked, "wer");
    let prompt = client.prompt(&session, "two");
    let again = client.question(COMPLETE);
    assert_ne!(again.params["requestId"], asked.params["requestId"]);
    let messages = again.params["messages"].to_string();
    assert!(messages.contains("Half an ans\""), "what had come stays, and no more: {messages}");
    say_text(&client, &again, "Yes.");
    client.answer(&again, json!({"stopReason": "end_turn"}));
    client.wait_turn_ended(&session, &prompt.turn_id);
    assert_eq!(client.said(&session, &prompt.turn_id), "Yes.");
}

#[test]
fn what_goes_wrong_is_told_and_the_session_goes_on() {
    let sandbox = Sandbox::new();
    let client = lending(&sandbox);
    offer(&client);
    let session = client.call("pillion/session/new", json!({"model": "editor:gone"}));
    let session = session["sessionId"].as_str().expect("an id").to_owned();
    let failed = |text: &str, fail: &dyn Fn(&Question)| {
        let prompt = client.prompt(&session, text);
        let asked = client.question(COMPLETE);
        fail(&asked);
        let ended = client.wait_turn_ended(&session, &prompt.turn_id);
        assert_eq!(ended["stopReason"], "error", "{ended}");
        ended["error"]["message"].as_str().unwrap_or_default().to_owned()
    };
    let error = |kind: &str| json!({"code": -32603, "message": "No consent.", "data": {"kind": kind}});
    let said = failed("one", &|asked| client.answer_error(asked, error("NoPermissions")));
    assert!(said.contains("No consent.") && said.contains("Manage Language Model Access"), "{said}");
    let said = failed("two", &|asked| client.answer_error(asked, error("not_found")));
    assert!(said.contains("\"gone\"") && said.contains("It lends gpt, small"), "{said}");
    let said = failed("three", &|asked| client.answer_error(asked, json!({"code": 1, "message": "Boom"})));
    assert!(said.contains("Boom"), "{said}");
    let said = failed("four", &|asked| client.answer(asked, json!("garbage")));
    assert!(said.contains("cannot be read"), "{said}");
    let said = failed("five", &|asked| client.answer(asked, json!({"usage": {"inputTokens": "many"}})));
    assert!(said.contains("usage.inputTokens"), "{said}");
    let said = failed("six", &|asked| {
        say(&client, asked, json!({"type": "tool_call", "name": "bash"}));
        client.wait_notification("$/cancelRequest", 0, |_| true);
    });
    assert!(said.contains("callId"), "{said}");
    // Nothing is lost: all six are still there, and the next model answers.
    client.call("pillion/session/set_model", json!({"sessionId": session, "model": "editor:small"}));
    let prompt = client.prompt(&session, "seven");
    let asked = client.question(COMPLETE);
    assert_eq!(asked.params["model"], "small");
    let text = asked.params["messages"].to_string();
    assert!(["one", "six", "seven"].iter().all(|word| text.contains(word)), "{text}");
    say_text(&client, &asked, "Here.");
    client.answer(&asked, json!({}));
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "end_turn");
}

#[test]
fn lent_models_are_offered_and_not_taken() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion().lends_models());
    offer(&client);
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "Why is the sky blue?");
    client.wait_turn_ended(&session, &prompt.turn_id);
    let said = client.said(&session, &prompt.turn_id);
    assert!(said.contains("Your editor lends GPT: choose it with `/model editor:gpt`"), "{said}");
    let list = client.call("pillion/model/list", json!({}));
    let models = list["models"].as_array().expect("models");
    let lent: Vec<&Value> = models.iter().filter(|model| model["provider"] == "editor").collect();
    assert_eq!(lent.len(), 2, "{list:#}");
    assert_eq!(
        (&lent[0]["id"], &lent[0]["name"], &lent[0]["offered"]),
        (&json!("editor:gpt"), &json!("GPT"), &json!(true))
    );

    // Chosen, it answers, and is this session's model also under the next sidecar.
    client.call("pillion/session/set_model", json!({"sessionId": session, "model": "editor:gpt"}));
    let prompt = client.prompt(&session, "And now?");
    let asked = client.question(COMPLETE);
    assert_eq!(asked.params["model"], "gpt");
    say_text(&client, &asked, "Because.");
    client.answer(&asked, json!({}));
    client.wait_turn_ended(&session, &prompt.turn_id);
    client.shutdown();
    let load = |client: &Client| client.call("pillion/session/load", json!({"sessionId": session}))["model"].clone();
    let client = Client::start(&sandbox, Options::pillion().lends_models());
    assert_eq!(load(&client), "editor:gpt");
    client.shutdown();
    let client = Client::start(&sandbox, Options::pillion());
    assert_eq!(load(&client), "offline", "this client lends nothing");
}

#[test]
fn who_offers_without_having_said_so_is_not_asked() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    offer(&client);
    client.refused("pillion/session/new", json!({"model": "editor:gpt"}));
    let list = client.call("pillion/model/list", json!({}));
    assert!(!list.to_string().contains("editor:gpt"), "{list}");
}
