//! One session, two services: the model is changed between turns, and each service gets a history that it takes, with the
//! other's calls and without the other's thinking.

use pillion_tests::{Answer, Api, Client, Model, Options, Request, Sandbox};
use serde_json::json;

fn glob(id: &str) -> Answer {
    Answer::new().thinking("Which?").text("Looking.").tool(id, "glob", json!({"pattern": "*.txt"}))
}

/// The parts that only their own service may see.
#[track_caller]
fn holds(request: &Request, own: &[&str], foreign: &[&str]) {
    let text = request.body["messages"].to_string();
    for part in own {
        assert!(text.contains(part), "{part:?} is missing: {text}");
    }
    for part in foreign {
        assert!(!text.contains(part), "{part:?} is another service's: {text}");
    }
}

#[test]
fn a_session_changes_its_service_and_comes_back() {
    let sandbox = Sandbox::new();
    sandbox.write("notes.txt", "text\n");
    let (anthropic, openai) = (Model::speaking(Api::Messages), Model::speaking(Api::ChatCompletions));
    let client = Client::start(&sandbox, Options::pillion().model(&anthropic).reaching(&openai));
    let session = client.new_session("ask");
    let choose = |model: &str| client.call("pillion/session/set_model", json!({"sessionId": session, "model": model}));

    anthropic.answer("the first prompt", glob("toolu_1"));
    anthropic.answer("its result", Answer::say("One file."));
    assert_eq!(client.ask(&session, "What is there?")["stopReason"], "end_turn");

    choose("openai:claude-test");
    openai.then("the second prompt", |request| {
        assert!(request.tool_result("toolu_1").contains("notes.txt"));
        holds(request, &["One file.", "toolu_1"], &["Which?", "signature"]);
        glob("call_1")
    });
    openai.then("its result", |request| {
        assert!(request.tool_result("call_1").contains("notes.txt"));
        holds(request, &[r#""reasoning_content":"Which?""#], &["signature"]);
        Answer::say("Still one.")
    });
    assert_eq!(client.ask(&session, "And now?")["stopReason"], "end_turn");

    choose("anthropic:claude-test");
    anthropic.then("the third prompt", |request| {
        assert!(request.tool_result("call_1").contains("notes.txt"));
        holds(request, &["Still one.", "signature", "c2ln"], &["reasoning"]);
        Answer::say("Done.")
    });
    assert_eq!(client.ask(&session, "Thanks.")["stopReason"], "end_turn");
}
