//! Turns with a model: what streams to the client, what the tools do, cancelling and queueing.

use pillion_tests::session::update_of;
use pillion_tests::{Answer, Client, Hold, Model, Options, Sandbox};
use serde_json::{Value, json};

fn client(sandbox: &Sandbox, model: &Model) -> Client {
    Client::start(sandbox, Options::pillion().model(model))
}

#[test]
fn text_streams_as_it_comes() {
    let (sandbox, model, hold) = (Sandbox::new(), Model::start(), Hold::new());
    model.then("the prompt", {
        let hold = hold.clone();
        move |request| {
            assert!(request.all_text().contains("Say hello."), "the prompt is there");
            Answer::new().thinking("How?").text("Grüße, ").hold(&hold).text("世界 😀!").drip(5).unknown_events()
        }
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Say hello.");
    assert!(!prompt.queued);
    let turn = &prompt.turn_id;
    let (started, params) = client.wait_update(0, &session, "turn_started", |params| params["turnId"] == *turn);
    assert_eq!(params["update"]["reason"], "prompt");
    // The second half is still held back.
    let (first, _) = client.wait_update(0, &session, "agent_message_chunk", |_| true);
    assert!(started < first);
    hold.release();
    let ended = client.wait_turn_ended(&session, turn);
    assert_eq!((&ended["stopReason"], &ended["error"]), (&json!("end_turn"), &Value::Null));
    assert_eq!(client.said(&session, turn), "Grüße, 世界 😀!");
    let thoughts = client.updates(&session, "agent_thought_chunk");
    let thought: String = thoughts.iter().filter_map(|params| params["update"]["content"]["text"].as_str()).collect();
    assert_eq!(thought, "How?");
    let chunks = client.updates(&session, "agent_message_chunk");
    assert!(chunks.iter().all(|params| params["update"]["messageId"] == chunks[0]["update"]["messageId"]));
    assert_eq!(chunks[0]["update"]["content"]["type"], "text");
    let usage = &client.updates(&session, "usage").pop().expect("usage is told")["update"];
    assert_eq!(
        (&usage["inputTokens"], &usage["cacheReadTokens"], &usage["cacheWriteTokens"], &usage["outputTokens"]),
        (&json!(25), &json!(11), &json!(7), &json!(15))
    );
}

#[test]
fn the_model_reads_and_searches() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write("src/one.rs", "fn one() {}\n// needle\n");
    sandbox.write("src/two.rs", "fn two() {}\n");
    sandbox.write("notes.txt", "needle in a text\n");
    // Files that are no regular files are passed over, not opened.
    std::fs::rename(sandbox.gate("trap").path(), sandbox.path("trap.rs")).expect("a FIFO in the workspace");
    model.answer(
        "the prompt",
        Answer::new()
            .text("Looking.")
            .tool("toolu_read", "read_file", json!({"path": "src/one.rs", "offset": 2, "limit": 1}))
            .tool("toolu_glob", "glob", json!({"pattern": "**/*.rs"}))
            .tool("toolu_grep", "grep", json!({"pattern": "needle", "glob": "*.rs"})),
    );
    model.then("the results", |request| {
        let read = request.tool_result("toolu_read");
        assert!(read.contains("// needle") && !read.contains("fn one"), "read: {read}");
        let glob = request.tool_result("toolu_glob");
        assert!(glob.contains("src/one.rs") && glob.contains("src/two.rs") && !glob.contains("notes"), "glob: {glob}");
        let grep = request.tool_result("toolu_grep");
        assert!(grep.contains("src/one.rs") && grep.contains('2') && !grep.contains("notes"), "grep: {grep}");
        Answer::say("Done.")
    });
    let client = client(&sandbox, &model);
    // Reading needs no permission in any mode: a question would fail the test.
    let session = client.new_session("ask");
    assert_eq!(client.ask(&session, "Look around.")["stopReason"], "end_turn");
    for (id, name, kind) in
        [("toolu_read", "read_file", "read"), ("toolu_glob", "glob", "search"), ("toolu_grep", "grep", "search")]
    {
        let calls = client.updates(&session, "tool_call");
        let call = calls.iter().find(|params| params["update"]["toolCallId"] == id).expect("the call is told");
        assert_eq!((&call["update"]["name"], &call["update"]["kind"]), (&json!(name), &json!(kind)));
        client.wait_tool_call(id, "completed");
    }
    let (_, read) = client.wait_tool_call("toolu_read", "completed");
    assert_eq!(read["toolCallId"], "toolu_read");
}

#[test]
fn the_model_writes_and_edits() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let path = sandbox.write("a.txt", "one\ntwo\nthree\n");
    model.answer("the prompt", Answer::call("toolu_1", "read_file", json!({"path": "a.txt"})));
    let edit = json!({"path": "a.txt", "old_string": "two", "new_string": "2"});
    let write = json!({"path": "sub/new.txt", "content": "new\n"});
    model.answer("the text", Answer::new().tool("toolu_2", "edit_file", edit).tool("toolu_3", "write_file", write));
    model.then("the results", |request| {
        assert!(!request.is_error("toolu_2"), "{}", request.tool_result("toolu_2"));
        assert!(!request.is_error("toolu_3"), "{}", request.tool_result("toolu_3"));
        Answer::say("Done.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("accept_edits");
    client.ask(&session, "Edit.");
    assert_eq!(sandbox.read("a.txt"), "one\n2\nthree\n");
    assert_eq!(sandbox.read("sub/new.txt"), "new\n");
    let log = client.log();
    let update = |message| {
        ["tool_call", "tool_call_update"].into_iter().find_map(|kind| update_of(message, &session, kind).cloned())
    };
    let contents = log.iter().filter_map(update).filter(|params| params["update"]["toolCallId"] == "toolu_2");
    let blocks = contents.filter_map(|params| params["update"]["content"].as_array().cloned()).flatten();
    let diff = blocks.into_iter().find(|block| block["type"] == "diff").expect("the edit is shown as a diff");
    assert_eq!(diff["path"], path.display().to_string());
    let change = (diff["oldText"].as_str().unwrap_or_default(), diff["newText"].as_str().unwrap_or_default());
    assert!(change.0.contains("two") && change.1.contains('2') && !change.1.contains("two"), "{diff}");
}

#[test]
fn a_tool_error_is_told_and_the_turn_goes_on() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write("a.txt", "one\n");
    model.answer(
        "the prompt",
        Answer::new()
            .tool("toolu_1", "fly_to_the_moon", json!({}))
            .tool("toolu_2", "read_file", json!({"file": "a.txt"}))
            .tool("toolu_3", "read_file", json!({"path": "missing.txt"}))
            .tool("toolu_4", "read_file", json!({"path": "/etc/passwd"}))
            .tool("toolu_5", "edit_file", json!({"path": "a.txt", "old_string": "zzz", "new_string": "y"})),
    );
    model.then("the errors", |request| {
        for call in ["toolu_1", "toolu_2", "toolu_3", "toolu_5"] {
            assert!(request.is_error(call), "{call}: {}", request.tool_result(call));
        }
        assert!(request.tool_result("toolu_1").contains("fly_to_the_moon"));
        assert!(request.tool_result("toolu_2").contains("path"), "the missing field is named");
        assert!(request.tool_result("toolu_3").contains("missing.txt"));
        Answer::say("I see.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    assert_eq!(client.ask(&session, "Try.")["stopReason"], "end_turn");
    client.wait_tool_call("toolu_1", "failed");
    assert_eq!(sandbox.read("a.txt"), "one\n");
}

#[test]
fn a_foreground_command_gives_its_output_and_exit_code() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", Answer::call("toolu_1", "bash", json!({"command": "echo out; echo err >&2; exit 4"})));
    model.then("the result", |request| {
        let result = request.tool_result("toolu_1");
        assert!(result.contains("out\n") && result.contains("err") && result.contains('4'), "{result}");
        assert!(request.notification_blocks().is_empty(), "a result that tells the end is its delivery");
        Answer::say("Done.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    client.ask(&session, "Run it.");
}

#[test]
fn cancel_ends_the_turn_and_the_next_request_is_valid() {
    let (sandbox, model, hold) = (Sandbox::new(), Model::start(), Hold::new());
    model.answer("the prompt", Answer::new().text("Half an ").hold(&hold).text("answer"));
    model.then("the next prompt", |request| {
        assert!(request.all_text().contains("Something else."));
        Answer::say("Fine.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Tell me.");
    client.wait_update(0, &session, "agent_message_chunk", |_| true);
    client.notify("pillion/session/cancel", json!({"sessionId": session, "turnId": "another turn"}));
    client.notify("pillion/session/cancel", json!({"sessionId": session}));
    let ended = client.wait_turn_ended(&session, &prompt.turn_id);
    assert_eq!(ended["stopReason"], "cancelled");
    assert_eq!(client.ask(&session, "Something else.")["stopReason"], "end_turn");
    hold.release();
}

#[test]
fn a_stale_cancel_is_ignored() {
    let (sandbox, model, hold) = (Sandbox::new(), Model::start(), Hold::new());
    model.answer("the first prompt", Answer::say("One."));
    model.answer("the second prompt", Answer::new().text("Two").hold(&hold).text(" and a half."));
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let first = client.prompt(&session, "One?");
    client.wait_turn_ended(&session, &first.turn_id);
    let second = client.prompt(&session, "Two?");
    client.wait_update(0, &session, "agent_message_chunk", |params| params["turnId"] == second.turn_id);
    client.notify("pillion/session/cancel", json!({"sessionId": session, "turnId": first.turn_id}));
    // Answered after the cancel was read.
    client.call("pillion/task/list", json!({}));
    hold.release();
    assert_eq!(client.wait_turn_ended(&session, &second.turn_id)["stopReason"], "end_turn");
    assert_eq!(client.said(&session, &second.turn_id), "Two and a half.");
}

#[test]
fn cancel_ends_a_foreground_command_and_leaves_background_tasks() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let (running, never, later) = (sandbox.signal("running"), sandbox.gate("never"), sandbox.gate("later"));
    let foreground = format!("{}; {}", running.give(), never.wait());
    let background = later.wait();
    model.answer(
        "the prompt",
        Answer::new().tool("toolu_1", "background_run", json!({"command": background, "on_exit": "none"})).tool(
            "toolu_2",
            "bash",
            json!({"command": foreground, "run_in_background": false}),
        ),
    );
    model.then("the next prompt", |request| {
        // Both calls are answered: the server checks it.
        assert!(request.all_text().contains("Go on."));
        Answer::say("Fine.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Run both.");
    let task =
        client.wait_task("the background task", |task| task["command"] == background && task["status"] == "running");
    running.wait();
    // The shell that waits at the gate, by its command line.
    let shells = sandbox.task_processes();
    let shell = shells.iter().find(|process| process.command.contains(&never.path())).expect("the foreground command");
    client.notify("pillion/session/cancel", json!({"sessionId": session, "turnId": prompt.turn_id}));
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "cancelled");
    assert!(shell.wait_gone(pillion_tests::DEADLINE), "the foreground command goes on");
    let id = task["id"].as_str().expect("an id");
    assert_eq!(client.task(id)["status"], "running", "background tasks go on");
    client.ask(&session, "Go on.");
    later.open();
    assert_eq!(client.wait_task_end(id)["status"], "succeeded");
}

#[test]
fn a_prompt_during_a_turn_is_queued_and_the_turn_goes_on() {
    let (sandbox, model, hold) = (Sandbox::new(), Model::start(), Hold::new());
    model.answer("the prompt", Answer::new().text("First").hold(&hold).text(" answer. "));
    model.then("the queued prompt", |request| {
        let last = request.last_content();
        assert!(last.iter().any(|block| block["text"].as_str().is_some_and(|text| text.contains("And this?"))));
        Answer::say("Second answer.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "This?");
    client.wait_update(0, &session, "agent_message_chunk", |_| true);
    let queued = client.prompt(&session, "And this?");
    assert!(queued.queued);
    let waiting = |params: &Value| params["update"]["prompts"][0]["promptId"] == queued.prompt_id;
    let (at, _) = client.wait_update(0, &session, "queue", waiting);
    hold.release();
    let ended = client.wait_turn_ended(&session, &prompt.turn_id);
    assert_eq!(ended["stopReason"], "end_turn");
    client.wait_update(at, &session, "queue", |params| params["update"]["prompts"] == json!([]));
    assert_eq!(client.said(&session, &prompt.turn_id), "First answer. Second answer.");
}

#[test]
fn a_queued_prompt_can_be_edited_and_comes_back_on_cancel() {
    let (sandbox, model, hold) = (Sandbox::new(), Model::start(), Hold::new());
    model.answer("the prompt", Answer::new().text("One").hold(&hold).text(" moment."));
    model.then("the next prompt", |request| {
        let text = request.all_text();
        assert!(!text.contains("secret words") && !text.contains("other words"), "an unsent prompt was sent: {text}");
        Answer::say("Fine.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "This?");
    client.wait_update(0, &session, "agent_message_chunk", |_| true);
    let queued = client.prompt(&session, "secret words");
    let replace = json!([{"type": "text", "text": "other words"}]);
    let params = json!({"sessionId": session, "promptId": queued.prompt_id, "replace": replace});
    assert_eq!(client.call("pillion/session/queue", params), json!({}));
    let holds = |params: &Value| params["update"]["prompts"][0]["prompt"] == replace;
    client.wait_update(0, &session, "queue", holds);
    client.notify("pillion/session/cancel", json!({"sessionId": session}));
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "cancelled");
    hold.release();
    client.ask(&session, "Next.");
}

#[test]
fn a_long_answer_that_is_cut_is_told() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", Answer::say("So it begins").stop("max_tokens"));
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    assert_eq!(client.ask(&session, "A long story.")["stopReason"], "max_tokens");
}
