//! A person steers while the agent works: words that are typed meanwhile, a cancel at any moment. What was said is not lost,
//! and the next request is one that the service takes (the model server checks every one).

use pillion_tests::{Answer, Client, DEADLINE, Hold, Model, Options, Sandbox};
use serde_json::{Value, json};

fn client(sandbox: &Sandbox, model: &Model) -> Client {
    Client::start(sandbox, Options::pillion().model(model))
}

fn cancel(client: &Client, session: &str) {
    client.notify("pillion/session/cancel", json!({"sessionId": session}));
}

#[test]
fn words_typed_while_a_command_runs_are_in_the_next_request_behind_its_result() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let (gate, ended) = (sandbox.gate("gate"), sandbox.gate("ended"));
    let (foreground, background) = (gate.wait(), ended.wait());
    model.answer(
        "the prompt",
        Answer::new().tool("toolu_1", "background_run", json!({"command": background})).tool(
            "toolu_2",
            "bash",
            json!({"command": foreground, "run_in_background": false}),
        ),
    );
    model.then("the results", |request| {
        let content = request.last_content();
        let kinds: Vec<&str> = content.iter().filter_map(|block| block["type"].as_str()).collect();
        assert_eq!(kinds[..2], ["tool_result", "tool_result"], "{kinds:?}");
        let words: Vec<&str> = content[2..].iter().filter_map(|block| block["text"].as_str()).collect();
        assert!(words.last().is_some_and(|text| text.contains("Use the other one.")), "{words:?}");
        assert!(request.notification_in_place().contains("<task_notification>"), "the end is told with the result");
        Answer::say("I do.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Run both.");
    let task = client.wait_task("the task", |task| task["command"] == background && task["status"] == "running");
    client.wait_tool_call("toolu_2", "in_progress");
    let queued = client.prompt(&session, "Use the other one.");
    assert!(queued.queued);
    ended.open();
    client.wait_task_end(task["id"].as_str().expect("an id"));
    gate.open();
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "end_turn");
    // What has reached the model cannot be edited any more.
    let edit = json!({"sessionId": session, "promptId": queued.prompt_id, "remove": true});
    let refused = client.refused("pillion/session/queue", edit);
    assert_eq!((refused.code, &refused.data["kind"]), (-32012, &json!("not_queued")));
}

#[test]
fn a_cut_answer_keeps_its_text_and_drops_its_thinking() {
    let (sandbox, model, hold) = (Sandbox::new(), Model::start(), Hold::new());
    model.answer("the prompt", Answer::new().thinking("Secret thoughts.").text("Half an!").hold(&hold).text(" answer"));
    model.then("the next prompt", |request| {
        let messages = request.messages();
        assert_eq!(messages[1]["role"], "assistant");
        let said = messages[1].to_string();
        assert!(said.contains("Half an!") && !said.contains("Secret thoughts"), "{said}");
        Answer::say("Fine.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Tell me.");
    // The text comes in pieces that are cut anywhere.
    let is_last = |params: &Value| params["update"]["content"]["text"].as_str().is_some_and(|text| text.ends_with('!'));
    client.wait_update(0, &session, "agent_message_chunk", is_last);
    cancel(&client, &session);
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "cancelled");
    hold.release();
    client.ask(&session, "Go on.");
}

#[test]
fn a_cancel_while_only_thinking_came_leaves_a_valid_history() {
    let (sandbox, model, hold) = (Sandbox::new(), Model::start(), Hold::new());
    model.answer("the prompt", Answer::new().thinking("Secret thoughts.").hold(&hold).text("Never."));
    model.then("the next prompt", |request| {
        assert!(!request.body.to_string().contains("Secret thoughts"));
        assert!(request.all_text().contains("Tell me.") && request.all_text().contains("Something else."));
        Answer::say("Fine.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Tell me.");
    client.wait_update(0, &session, "agent_thought_chunk", |_| true);
    cancel(&client, &session);
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "cancelled");
    hold.release();
    client.ask(&session, "Something else.");
}

#[test]
fn a_cancel_ends_the_wait_for_another_try() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", Answer::status(429, "rate_limit_error", "Slow down").header("retry-after", "30"));
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Tell me.");
    client.wait_update(0, &session, "retrying", |_| true);
    cancel(&client, &session);
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "cancelled");
    model.then("the next prompt", |request| {
        assert!(request.all_text().contains("Tell me."), "nothing that was said is lost");
        Answer::say("Fine.")
    });
    assert_eq!(client.ask(&session, "Now?")["stopReason"], "end_turn");
}

#[test]
fn a_cancel_while_several_calls_are_open_answers_each_once() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    sandbox.write("a.txt", "one\n");
    let (running, never) = (sandbox.signal("running"), sandbox.gate("never"));
    let command = format!("{}; {}", running.give(), never.wait());
    model.answer(
        "the prompt",
        Answer::new()
            .tool("toolu_1", "read_file", json!({"path": "a.txt"}))
            .tool("toolu_2", "bash", json!({"command": command, "run_in_background": false}))
            .tool("toolu_3", "edit_file", json!({"path": "a.txt", "old_string": "one", "new_string": "two"}))
            .tool("toolu_4", "bash", json!({"command": "touch made"})),
    );
    model.then("the next prompt", |request| {
        assert!(request.tool_result("toolu_1").contains("one"), "what was done is told");
        for call in ["toolu_2", "toolu_3", "toolu_4"] {
            assert!(request.is_error(call), "{call}: {}", request.tool_result(call));
        }
        Answer::say("Fine.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Do it all.");
    running.wait();
    client.wait_tool_call("toolu_1", "completed");
    let shells = sandbox.task_processes();
    let shell = shells.iter().find(|process| process.command.contains(&never.path())).expect("the command");
    cancel(&client, &session);
    // Once more: it is over already.
    cancel(&client, &session);
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "cancelled");
    for call in ["toolu_2", "toolu_3", "toolu_4"] {
        client.wait_tool_call(call, "failed");
    }
    assert!(shell.wait_gone(DEADLINE), "the command goes on");
    assert_eq!(sandbox.read("a.txt"), "one\n");
    assert!(!sandbox.path("made").exists());
    client.ask(&session, "What was done?");
}

#[test]
fn words_at_a_question_are_its_no_and_the_turn_goes_on() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", Answer::call("toolu_1", "bash", json!({"command": "touch made"})));
    model.then("the refusal", |request| {
        assert!(request.tool_result("toolu_1").contains("use cargo instead"), "{}", request.tool_result("toolu_1"));
        Answer::say("I see.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "Make it.");
    client.question("pillion/session/request_permission");
    // A command of the chat is no answer.
    let help = client.prompt(&session, "/help");
    assert_eq!(help.turn_id, prompt.turn_id);
    let said = client.prompt(&session, "use cargo instead");
    assert_eq!((said.turn_id.as_str(), said.queued), (prompt.turn_id.as_str(), false));
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "end_turn");
    assert!(!sandbox.path("made").exists());
}

#[test]
fn a_cancel_of_nothing_is_nothing() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.answer("the prompt", Answer::say("Yes."));
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    cancel(&client, &session);
    client.notify("pillion/session/cancel", json!({"sessionId": "snone"}));
    client.notify("pillion/session/cancel", Value::Null);
    assert_eq!(client.ask(&session, "There?")["stopReason"], "end_turn");
}
