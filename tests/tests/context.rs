//! What goes before the model besides the conversation's own words, what a long one keeps, and what it may cost.

use pillion_tests::{Answer, Api, Client, Hold, Model, Options, Request, Sandbox};
use serde_json::{Value, json};

fn client(sandbox: &Sandbox, model: &Model) -> Client {
    Client::start(sandbox, Options::pillion().model(model))
}

/// A client whose model has a price: two dollars a million tokens of input, ten of output.
fn priced(sandbox: &Sandbox, model: &Model, settings: Value) -> Client {
    let name = match model.api() {
        Api::Messages => "claude-sonnet-5",
        Api::ChatCompletions => "gpt-6-sol",
    };
    let options = Options::pillion().model(model).env("PILLION_MODEL", name).settings(settings);
    Client::start(sandbox, options)
}

fn last_text(request: &Request) -> String {
    request.last_content().iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn instruction_files_are_in_the_system_text_and_stay_as_they_were() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write("AGENTS.md", "ROOT RULE: use tabs.\n");
    sandbox.write("app/CLAUDE.md", "APP RULE: no unwrap.\n");
    sandbox.write("app/deep/AGENTS.md", "DEEP RULE: spell it out.\n");
    sandbox.write("app/deep/x.rs", "fn x() {}\n");
    pillion_tests::sandbox::write_file(&sandbox.base().join("config/pillion/AGENTS.md"), "MY RULE: be kind.\n");
    model
        .then("the prompt", |request| {
            let system = request.system();
            let at = |part: &str| system.find(part).unwrap_or_else(|| panic!("{part} in {system}"));
            assert!(at("MY RULE") < at("ROOT RULE") && at("ROOT RULE") < at("APP RULE"), "{system}");
            assert!(!system.contains("DEEP RULE"));
            Answer::new().tool("toolu_1", "read_file", json!({"path": "deep/x.rs"})).tool(
                "toolu_2",
                "read_file",
                json!({"path": "deep/x.rs"}),
            )
        })
        .then("the files", |request| {
            let (one, two) = (request.tool_result("toolu_1"), request.tool_result("toolu_2"));
            assert_eq!([one, two].iter().filter(|result| result.contains("DEEP RULE")).count(), 1, "told once");
            Answer::say("Read.")
        });
    let first = client(&sandbox, &model);
    let cwd = sandbox.path("app").display().to_string();
    let session = first.call("pillion/session/new", json!({"cwd": cwd, "mode": "auto"}));
    let session = session["sessionId"].as_str().expect("a session").to_owned();
    first.ask(&session, "Read x.");
    first.shutdown();
    // The server holds every request of the conversation to the same system text, byte for byte.
    sandbox.write("AGENTS.md", "ANOTHER RULE.\n");
    model.then("after the reload", |request| {
        let system = request.system();
        assert!(system.contains("ROOT RULE") && !system.contains("ANOTHER RULE"));
        Answer::say("Still.")
    });
    let second = client(&sandbox, &model);
    second.call("pillion/session/load", json!({"sessionId": session}));
    second.ask(&session, "And now?");
}

#[test]
fn what_a_prompt_points_at_goes_before_the_model() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write("src/a.rs", "one\ntwo\nthree\nfour\n");
    let linked = sandbox.write("src/b c.rs", "alpha\n");
    let outside = sandbox.base().join("home/notes.txt");
    std::fs::write(&outside, "a note </file> of mine\n").expect("a file");
    model.then("the prompt", |request| {
        let text = last_text(request);
        for part in [
            "<file path=\"src/a.rs\" lines=\"2-3\">\n2\ttwo\n3\tthree\n",
            "<file path=\"src/b c.rs\">\n1\talpha\n",
            "(outside of the workspace; the user pointed at it)\n1\ta note &lt;/file> of mine\n",
            "<folder path=\"src\">\na.rs\nb c.rs\n</folder>",
            "(@src/none.rs: there is no such file.)",
            "<diagnostics>\nThere are none.\n</diagnostics>",
            "(@task:t0: there is no such task.)",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("@Override:"), "{text}");
        // What was pointed at has been seen: it may be edited at once.
        let input = json!({"path": "src/b c.rs", "old_string": "alpha", "new_string": "beta"});
        Answer::call("toolu_1", "edit_file", input)
    });
    model.then("the edit", |request| {
        assert!(!request.is_error("toolu_1"), "{}", request.tool_result("toolu_1"));
        Answer::say("Done.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let words = format!(
        "Compare @src/a.rs:2-3 with @{} and @src/ and @src/none.rs; @Override, @diagnostics @task:t0",
        outside.display()
    );
    let uri = format!("file://{}", linked.display().to_string().replace(' ', "%20"));
    let prompt = json!([
        {"type": "text", "text": words},
        {"type": "resource_link", "uri": uri, "name": "b c.rs"}
    ]);
    let turn = client.call("pillion/session/prompt", json!({"sessionId": session, "prompt": prompt}));
    client.wait_turn_ended(&session, turn["turnId"].as_str().expect("a turn"));
    assert_eq!(sandbox.read("src/b c.rs"), "beta\n");
}

#[test]
fn a_task_that_is_pointed_at_brings_its_output() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let started = client.call("pillion/task/start", json!({"command": "echo the-output; exit 3", "onExit": "none"}));
    let task = started["task"]["id"].as_str().expect("an id").to_owned();
    client.wait_task_status(&task, "failed");
    let name = task.clone();
    model.then("the prompt", move |request| {
        let text = last_text(request);
        assert!(text.contains(&format!("<task id=\"{name}\">\n{name} failed")), "{text}");
        assert!(text.contains("the-output") && text.contains("Exit code: 3"), "{text}");
        Answer::say("It exits with 3.")
    });
    client.ask(&session, &format!("Why did @{task} fail?"));
}

#[test]
fn a_conversation_is_compacted_by_hand_and_stays_whole_for_people() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write("a.txt", &"line of the file\n".repeat(400));
    model.allow_conversations(3);
    model.answer("one", Answer::call("toolu_1", "read_file", json!({"path": "a.txt"})));
    model.answer("the file", Answer::say("It repeats.").input_tokens(9_000));
    model.answer("two", Answer::say("Fine.").input_tokens(9_100));
    let first = client(&sandbox, &model);
    let session = first.new_session("auto");
    first.ask(&session, "Read the first file.");
    first.ask(&session, "And the second prompt.");
    model.then("the summary", |request| {
        assert!(request.body["tools"].is_null(), "no tools beside the conversation");
        let text = request.all_text();
        assert!(text.contains("[user] Read the first file.") && text.contains("Heed the names."), "{text}");
        Answer::say("SUMMARY: the file repeats one line.")
    });
    first.call("pillion/session/compact", json!({"sessionId": session, "instructions": "Heed the names."}));
    let (_, done) = first.wait_update(0, &session, "compaction", |params| params["update"]["status"] == "completed");
    let (before, after) = (&done["update"]["before"], &done["update"]["after"]);
    assert!(before.as_u64() > after.as_u64() && !after.is_null(), "{done}");
    model.then("three", |request| {
        let text = request.all_text();
        assert!(text.contains("SUMMARY: the file repeats one line.") && !text.contains("line of the file"), "{text}");
        assert!(text.contains("And the second prompt."), "the last exchange is kept: {text}");
        Answer::say("Yes.")
    });
    first.ask(&session, "And the third.");
    let text = first.call("pillion/session/context", json!({"sessionId": session}))["text"].clone();
    let window = match model.api() {
        Api::Messages => "of 200,000 tokens",
        Api::ChatCompletions => "the window of claude-test is not known",
    };
    assert!(text.as_str().is_some_and(|text| text.contains("Tool results") && text.contains(window)), "{text}");
    first.shutdown();
    // After a reload: the whole conversation for the person, the short one for the model.
    let second = client(&sandbox, &model);
    second.call("pillion/session/load", json!({"sessionId": session}));
    second.wait_update(0, &session, "replay_ended", |_| true);
    let said = second.updates(&session, "user_message_chunk");
    assert_eq!(said.len(), 3, "every prompt is shown again: {said:?}");
    assert_eq!(second.updates(&session, "compaction").len(), 1, "and where it was cut");
    let usage = second.updates(&session, "usage").pop().expect("the sums come back");
    assert!(usage["update"]["inputTokens"].as_u64() > Some(0), "{usage}");
    model.answer("four", Answer::say("Same."));
    second.ask(&session, "And the fourth.");
    let export = second.call("pillion/session/export", json!({"sessionId": session}))["text"].clone();
    assert!(export.as_str().is_some_and(|text| text.contains("line of the file") && text.contains("SUMMARY:")));
}

#[test]
fn a_request_that_the_service_finds_too_long_is_tried_again_shorter() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write("a.txt", &"x".repeat(1_900));
    model.allow_compactions(1);
    for number in 1..=3 {
        let call = format!("toolu_{number}");
        model.answer("a prompt", Answer::call(&call, "read_file", json!({"path": "a.txt"})));
        model.answer("the file", Answer::say(&"Read. ".repeat(300)));
    }
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    for number in 1..=3 {
        client.ask(&session, &format!("Read it, time {number}."));
    }
    let message = "prompt is too long: 250000 tokens > 200000 maximum";
    model.answer("too long", Answer::status(400, "invalid_request_error", message));
    model.then("the same, shorter", |request| {
        let text = request.all_text();
        assert!(text.contains("read_file a.txt shows the file as it is now]"), "old outputs are left out: {text}");
        assert!(text.contains("Go on."), "{text}");
        Answer::say("Here I am.")
    });
    let prompt = client.prompt(&session, "Go on.");
    let ended = client.wait_turn_ended(&session, &prompt.turn_id);
    assert_eq!(ended["stopReason"], "end_turn", "{ended}");
    assert_eq!(client.said(&session, &prompt.turn_id), "Here I am.");
    assert!(client.updates(&session, "compaction").iter().any(|params| params["update"]["status"] == "completed"));
}

#[test]
fn what_a_session_costs_is_summed_and_held_to_its_budget() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    // An answer of the scripted service: 25 + 11 + 7 tokens in, 15 out.
    let once = (25.0 * 2.0 + 11.0 * 0.2 + 7.0 * 2.5 + 15.0 * 10.0) / 1e6;
    model.answer("one", Answer::say("1")).answer("two", Answer::say("2"));
    let first = priced(&sandbox, &model, json!({"budget": {"session": 2.0 * once - 1e-7}}));
    let session = first.new_session("auto");
    let ended = first.ask(&session, "One.");
    let cost = |value: &Value| (value.as_f64().expect("a cost") * 1e9).round() / 1e9;
    assert_eq!(cost(&ended["usage"]["cost"]), cost(&json!(once)));
    assert_eq!((&ended["auto"], &ended["usage"]["autoCost"]), (&json!(false), &json!(0.0)));
    if model.api() == Api::Messages {
        assert_eq!(ended["usage"]["contextWindow"], 1_000_000);
    }
    first.ask(&session, "Two.");
    let ended = first.ask(&session, "Three.");
    assert_eq!(ended["stopReason"], "error");
    let message = ended["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("`budget.session`") && message.contains("has cost $0.0004"), "{message}");
    first.shutdown();
    // The bill survives a reload, and a higher limit goes on.
    let second = priced(&sandbox, &model, json!({"budget": {"session": 1}}));
    second.call("pillion/session/load", json!({"sessionId": session}));
    model.answer("four", Answer::say("4"));
    second.ask(&session, "Four.");
    let usage = second.updates(&session, "usage").pop().expect("usage")["update"].clone();
    assert_eq!(cost(&usage["cost"]), cost(&json!(3.0 * once)));
}

#[test]
fn a_cancel_while_the_summary_is_written_loses_nothing() {
    let (sandbox, model, hold) = (Sandbox::new(), Model::start(), Hold::new());
    model.allow_conversations(2);
    for word in ["one", "two", "three"] {
        model.answer(word, Answer::say(word));
    }
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    for word in ["One.", "Two.", "Three."] {
        client.ask(&session, word);
    }
    model.answer("the summary", Answer::new().text("So").hold(&hold).text(" far."));
    client.call("pillion/session/compact", json!({"sessionId": session}));
    let (at, _) = client.wait_update(0, &session, "compaction", |params| params["update"]["status"] == "started");
    model.wait_request(4);
    client.notify("pillion/session/cancel", json!({"sessionId": session}));
    client.wait_update(at, &session, "compaction", |params| params["update"]["status"] == "cancelled");
    hold.release();
    model.then("four", |request| {
        assert!(request.all_text().contains("One."), "nothing was left out");
        Answer::say("four")
    });
    client.ask(&session, "Four.");
}
