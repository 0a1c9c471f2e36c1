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

fn replayed(client: &Client, session: &str, from: usize) -> (Vec<Value>, usize) {
    let (start, _) = client.wait_update(from, session, "replay_started", |_| true);
    let (end, _) = client.wait_update(start, session, "replay_ended", |_| true);
    let log = client.log();
    let updates = log[start..=end].iter().filter(|message| message.method() == Some("pillion/session/update"));
    (updates.map(|message| message.body["params"].clone()).collect(), end + 1)
}

#[test]
fn a_long_conversation_comes_in_pages_with_stable_names() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    for at in 0..6 {
        model.answer("a prompt", Answer::say(&format!("Answer {at}.")));
        client.ask(&session, &format!("Question {at}."));
    }
    let mut live: Vec<Value> = client
        .updates(&session, "agent_message_chunk")
        .iter()
        .map(|params| params["update"]["messageId"].clone())
        .collect();
    // An answer comes in several pieces of one name.
    live.dedup();
    let (mut from, mut before, mut seen) = (client.mark(), Value::Null, Vec::new());
    for page in 0.. {
        let params = json!({"sessionId": session, "limit": 4, "before": before});
        let loaded = client.call("pillion/session/load", params);
        let (updates, end) = replayed(&client, &session, from);
        from = end;
        assert_eq!(updates[0]["update"]["before"], before);
        let last = &updates[updates.len() - 1]["update"];
        assert_eq!((&last["before"], &last["hasMore"]), (&loaded["before"], &loaded["hasMore"]));
        let chunks = updates.iter().filter(|params| params["update"]["sessionUpdate"] == "agent_message_chunk");
        let ids: Vec<Value> = chunks.map(|params| params["update"]["messageId"].clone()).collect();
        assert_eq!(ids.len(), 2, "page {page}");
        seen.splice(0..0, ids);
        before = loaded["before"].clone();
        if loaded["hasMore"] == false {
            break;
        }
    }
    assert_eq!((seen, before), (live, Value::Null));
    let refused = client.refused("pillion/session/load", json!({"sessionId": session, "before": "x"}));
    assert_eq!((refused.code, &refused.data["field"]), (-32602, &json!("before")));
}

#[test]
fn a_turn_that_a_crash_cuts_ends_interrupted() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let (running, never) = (sandbox.signal("running"), sandbox.gate("never"));
    let command = format!("{}; {}", running.give(), never.wait());
    let call = json!({"command": command, "run_in_background": false});
    model.answer("the prompt", Answer::new().text("I run it.").tool("toolu_1", "bash", call));
    let first = client(&sandbox, &model);
    let session = first.new_session("auto");
    let prompt = first.prompt(&session, "Run it.");
    running.wait();
    first.process().kill();
    assert!(first.process().wait_gone(pillion_tests::DEADLINE));
    let second = client(&sandbox, &model);
    second.call("pillion/session/load", json!({"sessionId": session}));
    let (updates, _) = replayed(&second, &session, 0);
    let ended: Vec<&Value> =
        updates.iter().filter(|params| params["update"]["sessionUpdate"] == "turn_ended").collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(
        (&ended[0]["turnId"], &ended[0]["replay"], &ended[0]["update"]["stopReason"]),
        (&json!(prompt.turn_id), &json!(true), &json!("interrupted"))
    );
    assert!(ended[0]["update"]["error"]["message"].as_str().is_some_and(|text| text.contains("go on")));
    let mut calls = updates.iter().filter(|params| params["update"]["toolCallId"] == "toolu_1");
    assert_eq!(calls.next_back().map(|params| params["update"]["status"].clone()), Some(json!("failed")));
    model.then("the next prompt", |request| {
        assert!(request.is_error("toolu_1"), "{}", request.tool_result("toolu_1"));
        Answer::say("I see.")
    });
    assert_eq!(second.ask(&session, "Go on.")["stopReason"], "end_turn");
}

#[test]
fn a_panel_that_reconnects_sees_what_goes_on() {
    let (sandbox, model, hold) = (Sandbox::new(), Model::start(), pillion_tests::Hold::new());
    model.answer("the prompt", Answer::new().thinking("Hm.").text("Half an ").hold(&hold).text("answer."));
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Tell me.");
    let (at, live) = client.wait_update(0, &session, "agent_message_chunk", |_| true);
    client.prompt(&session, "And then?");
    client.call("pillion/session/load", json!({"sessionId": session}));
    let (updates, end) = replayed(&client, &session, at);
    let of = |kind: &str| -> Vec<&Value> {
        updates.iter().filter(|params| params["update"]["sessionUpdate"] == kind).collect()
    };
    assert_eq!(of("turn_started")[0]["turnId"], json!(prompt.turn_id));
    assert!(of("turn_ended").is_empty(), "it still runs");
    let half = of("agent_message_chunk")[0];
    assert_eq!((&half["update"]["content"]["text"], &half["turnId"]), (&json!("Half an "), &json!(prompt.turn_id)));
    assert_eq!(half["update"]["messageId"], live["update"]["messageId"], "the rest is appended to it");
    assert_eq!(of("agent_thought_chunk")[0]["update"]["content"]["text"], "Hm.");
    assert_eq!(of("queue")[0]["update"]["prompts"][0]["prompt"][0]["text"], "And then?");
    model.answer("the queued prompt", Answer::say("Nothing."));
    hold.release();
    client.wait_turn_ended(&session, &prompt.turn_id);
    let (_, rest) = client.wait_update(end, &session, "agent_message_chunk", |params| params["replay"] == false);
    assert_eq!(rest["update"]["messageId"], live["update"]["messageId"]);
}

#[test]
fn a_session_that_is_deleted_unopened_leaves_its_tasks() {
    let sandbox = Sandbox::new();
    let window = Options::pillion().token(Some("a window"));
    let first = Client::start(&sandbox, window.clone());
    let gate = sandbox.gate("gate");
    let session = first.new_session("auto");
    let params = json!({"command": gate.wait(), "sessionId": session});
    let id = first.call("pillion/task/start", params)["task"]["id"].as_str().expect("an id").to_owned();
    first.wait_task_status(&id, "running");
    first.shutdown();
    // The window has reloaded: it has the task, and has not opened the session.
    let second = Client::start(&sandbox, window);
    assert_eq!(second.task(&id)["sessionId"], json!(session));
    second.call("pillion/session/delete", json!({"sessionId": session}));
    let left = second.wait_task("its task is of no session", |task| task["id"] == id && task["sessionId"].is_null());
    assert_eq!(left["status"], "running");
    gate.open();
    second.wait_task_end(&id);
    assert_eq!(second.refused("pillion/session/load", json!({"sessionId": session})).code, -32010);
}

#[test]
fn a_title_is_not_blank_and_not_endless() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    for title in [String::new(), " \n\t".into(), "x".repeat(201)] {
        let refused = client.refused("pillion/session/rename", json!({"sessionId": session, "title": title}));
        assert_eq!((refused.code, &refused.data["field"]), (-32602, &json!("title")));
    }
    client.call("pillion/session/rename", json!({"sessionId": session, "title": " Two\nlines "}));
    let (_, info) = client.wait_update(0, &session, "session_info", |params| !params["update"]["title"].is_null());
    assert_eq!(info["update"]["title"], "Two lines");
}

#[test]
fn a_session_that_was_away_says_what_happened() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", Answer::say("Yes."));
    let soon = Options::pillion().model(&model).settings(json!({"sessions": {"sinceMs": 1}}));
    let first = Client::start(&sandbox, soon.clone());
    let session = first.new_session("auto");
    first.ask(&session, "There?");
    let task = first.start_command("exit 3");
    first.wait_task_end(&task);
    first.shutdown();
    sandbox.write("src/new.rs", "fn new() {}\n");
    let second = Client::start(&sandbox, soon);
    second.call("pillion/session/load", json!({"sessionId": session}));
    let (_, params) = second.wait_update(0, &session, "since", |_| true);
    let since = &params["update"];
    let named: Vec<&Value> = since["tasks"].as_array().into_iter().flatten().collect();
    assert_eq!((&named[0]["taskId"], &named[0]["status"]), (&json!(task), &json!("failed")), "{since}");
    assert!(since["changes"]["files"].as_u64().is_some_and(|files| files >= 1), "{since}");
    assert!(since["text"].as_str().is_some_and(|text| text.contains("failed")), "{since}");
}

#[test]
fn slash_commands_are_listed_and_carried_out_without_a_model() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    let listed = client.call("pillion/command/list", json!({}));
    let names: Vec<&str> =
        listed["commands"].as_array().into_iter().flatten().filter_map(|command| command["name"].as_str()).collect();
    for name in
        ["tasks", "stop", "clear", "compact", "context", "resume", "model", "permissions", "plan", "init", "help"]
    {
        assert!(names.contains(&name), "{name} among {names:?}");
    }
    let session = client.new_session("ask");
    let said = |text: &str| {
        let prompt = client.prompt(&session, text);
        let ended = client.wait_turn_ended(&session, &prompt.turn_id);
        assert_eq!(ended["stopReason"], "end_turn");
        (client.said(&session, &prompt.turn_id), ended["unsent"].clone(), prompt.turn_id)
    };
    assert!(said("/help").0.contains("/stop"));
    let task = client.start_command("sleep 1000");
    client.wait_task_status(&task, "running");
    assert!(said("/tasks").0.contains(&task));
    assert!(said(&format!("/stop {task}")).0.contains(&task));
    assert_eq!(client.wait_task_end(&task)["status"], "killed");
    let (answer, unsent, _) = said("/taks please");
    assert!(answer.contains("/tasks"), "{answer}");
    assert_eq!(unsent[0]["prompt"][0]["text"], "/taks please");
    said("/plan");
    client.wait_update(0, &session, "session_info", |params| params["update"]["mode"] == "plan");
    let (_, _, turn) = said("/clear");
    let (_, switch) = client.wait_update(0, &session, "session_switch", |params| params["turnId"] == turn);
    let fresh = switch["update"]["sessionId"].as_str().expect("an id").to_owned();
    client.call("pillion/session/load", json!({"sessionId": fresh}));
    client.ask(&fresh, "hello");
    let prompt = client.prompt(&session, "/resume hello");
    client.wait_turn_ended(&session, &prompt.turn_id);
    let (_, switch) = client.wait_update(0, &session, "session_switch", |params| params["turnId"] == prompt.turn_id);
    assert_eq!(switch["update"]["sessionId"], json!(fresh));
    // None of it is in the history.
    let export = client.call("pillion/session/export", json!({"sessionId": session, "format": "jsonl"}));
    assert_eq!(export["text"], "");
}

#[test]
fn a_small_model_words_titles_and_labels_beside_the_conversation() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write("notes.txt", "the notes\n");
    model.allow_conversations(3);
    model.answer("the prompt", Answer::call("toolu_1", "read_file", json!({"path": "notes.txt"})));
    let both = |request: &pillion_tests::Request| {
        if request.body["model"] == "small" {
            assert!(request.body.get("tools").is_none_or(|tools| tools == &json!([])), "an aside has no tools");
            return Answer::say("Looked at the notes");
        }
        Answer::say("They say nothing.")
    };
    // The label is asked for while the conversation goes on.
    model.then("the result, or the label", both).then("the label, or the result", both);
    model.then("the title", |request| {
        assert_eq!(request.body["model"], "small");
        Answer::say("What the notes say")
    });
    let options = Options::pillion().model(&model).settings(json!({"model": {"small": "small"}}));
    let client = Client::start(&sandbox, options);
    let session = client.new_session("auto");
    client.ask(&session, "What do the notes say, and why?");
    let labelled = |text: &str| {
        let wanted = text.to_owned();
        client.wait_update(0, &session, "label", move |params| params["update"]["text"] == json!(wanted)).1
    };
    assert_eq!(labelled("Read notes.txt")["update"]["toolCallIds"], json!(["toolu_1"]));
    labelled("Looked at the notes");
    client.wait_update(0, &session, "session_info", |params| params["update"]["title"] == "What the notes say");
}
