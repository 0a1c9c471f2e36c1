//! Sessions beyond one turn: lists, names, loading with its replay, errors.

use pillion_tests::{Answer, Client, Model, Options, Sandbox};
use serde_json::{Value, json};

fn client(sandbox: &Sandbox, model: &Model) -> Client {
    Client::start(sandbox, Options::pillion().model(model))
}

#[test]
fn an_unknown_session_is_refused() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let client = client(&sandbox, &model);
    let text = json!([{"type": "text", "text": "hi"}]);
    for (method, params) in [
        ("prompt", json!({"sessionId": "snone", "prompt": text})),
        ("load", json!({"sessionId": "snone"})),
        ("set_mode", json!({"sessionId": "snone", "mode": "ask"})),
        ("delete", json!({"sessionId": "snone"})),
    ] {
        let error = client.refused(&format!("pillion/session/{method}"), params);
        assert_eq!(error.code, -32010, "{method}: {error:?}");
        assert!(error.data["kind"].is_string(), "{method}: {error:?}");
        assert!(error.message.contains("snone"), "{method}: {error:?}");
    }
}

#[test]
fn bad_params_are_refused_by_the_field() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let client = client(&sandbox, &model);
    let session = client.new_session("ask");
    for (method, params, field) in [
        ("prompt", json!({"sessionId": session}), "prompt"),
        ("prompt", json!({"sessionId": session, "prompt": []}), "prompt"),
        ("prompt", json!({"prompt": [{"type": "text", "text": "hi"}]}), "sessionId"),
        ("set_mode", json!({"sessionId": session, "mode": "chaos"}), "mode"),
        ("new", json!({"mode": "chaos"}), "mode"),
    ] {
        let error = client.refused(&format!("pillion/session/{method}"), params.clone());
        assert_eq!(error.code, -32602, "{method} {params}: {error:?}");
        assert_eq!(error.data["field"], field, "{method} {params}: {error:?}");
    }
}

#[test]
fn sessions_are_listed_newest_first_renamed_and_deleted() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.allow_conversations(2).answer("one", Answer::say("1")).answer("two", Answer::say("2"));
    let client = client(&sandbox, &model);
    let (old, new) = (client.new_session("auto"), client.new_session("auto"));
    client.ask(&old, "The old one.");
    client.ask(&new, "The new one.");
    let list = || client.call("pillion/session/list", json!({}))["sessions"].clone();
    let sessions = list();
    let ids: Vec<_> = sessions.as_array().into_iter().flatten().map(|session| &session["sessionId"]).collect();
    assert_eq!(ids, [&json!(new), &json!(old)]);
    let first = &sessions[0];
    for name in ["title", "cwd", "createdAt", "updatedAt", "turns", "open"] {
        assert!(first.get(name).is_some(), "{name} in {first}");
    }
    assert_eq!((&first["turns"], &first["open"]), (&json!(1), &json!(true)));
    assert_eq!(first["cwd"], sandbox.workspace().display().to_string());
    client.call("pillion/session/rename", json!({"sessionId": old, "title": "Better"}));
    assert!(list().as_array().into_iter().flatten().any(|session| session["title"] == "Better"));
    client.call("pillion/session/delete", json!({"sessionId": old}));
    assert_eq!(list().as_array().map(Vec::len), Some(1));
}

#[test]
fn a_loaded_session_is_replayed_and_goes_on() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write("notes.txt", "the notes\n");
    model
        .answer("the prompt", Answer::new().text("I read.").tool("toolu_1", "read_file", json!({"path": "notes.txt"})));
    model.answer("the text", Answer::say("I have read."));
    let first = client(&sandbox, &model);
    let session = first.new_session("auto");
    first.ask(&session, "Read the notes.");
    first.shutdown();
    let second = client(&sandbox, &model);
    second.call("pillion/session/load", json!({"sessionId": session}));
    let (start, _) = second.wait_update(0, &session, "replay_started", |_| true);
    let (end, _) = second.wait_update(start, &session, "replay_ended", |_| true);
    let log = second.log();
    let updates: Vec<&Value> = log[start + 1..end]
        .iter()
        .filter(|message| message.method() == Some("pillion/session/update"))
        .map(|message| &message.body["params"])
        .collect();
    assert!(updates.iter().all(|params| params["replay"] == true), "{updates:#?}");
    let text = |kind: &str| -> String {
        let chunks = updates.iter().filter(|params| params["update"]["sessionUpdate"] == kind);
        chunks.filter_map(|params| params["update"]["content"]["text"].as_str()).collect()
    };
    assert!(text("user_message_chunk").contains("Read the notes."));
    assert_eq!(text("agent_message_chunk"), "I read.I have read.");
    let call = updates.iter().find(|params| params["update"]["toolCallId"] == "toolu_1").expect("the call is replayed");
    assert_eq!(call["update"]["name"], "read_file");
    // The same conversation goes on, without a changed byte: the model server checks it.
    model.then("the next prompt", |request| {
        assert!(request.tool_result("toolu_1").contains("the notes"));
        Answer::say("Yes.")
    });
    assert_eq!(second.ask(&session, "Still there?")["stopReason"], "end_turn");
}

#[test]
fn a_session_exports_as_text() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", Answer::say("The answer."));
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    client.ask(&session, "The question.");
    for format in ["markdown", "jsonl"] {
        let export = client.call("pillion/session/export", json!({"sessionId": session, "format": format}));
        let text = export["text"].as_str().expect("a text");
        assert!(text.contains("The question.") && text.contains("The answer."), "{format}: {text}");
    }
}
