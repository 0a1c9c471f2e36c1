//! Subagents: what the client sees of them, what reaches the models, what is left when they end.

use pillion_tests::task::is_final;
use pillion_tests::{Answer, Client, DEADLINE, Hold, Model, Options, Request, Sandbox};
use serde_json::{Value, json};

const QUESTION: &str = "pillion/session/request_permission";

fn client(sandbox: &Sandbox, model: &Model) -> Client {
    Client::start(sandbox, Options::pillion().model(model))
}

fn agent(id: &str, prompt: &str) -> Answer {
    Answer::new().tool(id, "agent", json!({"prompt": prompt, "description": format!("For {id}")}))
}

fn in_background(id: &str, prompt: &str) -> Answer {
    let input = json!({"prompt": prompt, "description": format!("For {id}"), "run_in_background": true});
    Answer::call(id, "agent", input)
}

/// The updates that belong to this call.
fn of_call(client: &Client, call: &str) -> Vec<(Value, Value)> {
    let log = client.log();
    let updates = log.iter().filter(|message| message.method() == Some("pillion/session/update"));
    let params = updates.map(|message| &message.body["params"]).filter(|params| params["parentToolCallId"] == call);
    params.map(|params| (params["turnId"].clone(), params["update"].clone())).collect()
}

/// Whether the session asks, and not its subagent: what both say at the same time comes in any order.
fn is_session(request: &Request) -> bool {
    request.all_text().contains("Ask somebody")
}

#[test]
fn a_subagent_works_in_a_conversation_of_its_own_and_its_last_message_is_the_result() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.allow_conversations(2);
    sandbox.write("notes.txt", "the notes\n");
    model.answer("the prompt", agent("toolu_1", "What is in notes.txt?"));
    model.then("the subagent's prompt", |request| {
        assert!(request.all_text().contains("What is in notes.txt?"));
        assert!(!request.all_text().contains("Ask somebody"), "nothing of the session: {}", request.all_text());
        let system = request.system();
        assert!(system.contains("You are a subagent"), "{system}");
        let name = |tool: &Value| tool["name"].as_str().or(tool["function"]["name"].as_str()).map(str::to_owned);
        let tools: Vec<_> = request.body["tools"].as_array().expect("tools").iter().filter_map(name).collect();
        assert!(tools.iter().any(|tool| tool == "bash") && !tools.iter().any(|tool| tool == "agent"), "{tools:?}");
        Answer::new().text("I read it.").tool("toolu_a", "read_file", json!({"path": "notes.txt"}))
    });
    model.then("what it read", |request| {
        assert!(request.tool_result("toolu_a").contains("the notes"));
        Answer::say("It says: the notes.")
    });
    model.then("the report", |request| {
        assert_eq!(request.tool_result("toolu_1"), "It says: the notes.");
        assert!(!request.all_text().contains("I read it."), "only its last message");
        Answer::say("Notes.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Ask somebody what is in the notes.");
    let ended = client.wait_turn_ended(&session, &prompt.turn_id);
    assert_eq!(ended["stopReason"], "end_turn");
    assert_eq!(client.said(&session, &prompt.turn_id).matches("Notes.").count(), 1);
    let inner = of_call(&client, "toolu_1");
    let kinds: Vec<_> = inner.iter().map(|(_, update)| update["sessionUpdate"].as_str().expect("a kind")).collect();
    assert!(kinds.contains(&"agent_message_chunk") && kinds.contains(&"tool_call"), "{kinds:?}");
    assert!(!kinds.iter().any(|kind| kind.starts_with("turn_") || *kind == "user_message_chunk"), "{kinds:?}");
    assert!(inner.iter().all(|(turn, _)| *turn == prompt.turn_id), "it belongs to the turn that waits for it");
    let usage = client.updates(&session, "usage").pop().expect("usage");
    assert_eq!(usage["update"]["inputTokens"], 100, "of all four requests: {usage}");
    let listed = client.call("pillion/session/list", json!({}));
    assert_eq!(listed["sessions"].as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(client.call("pillion/task/list", json!({"includeFinished": true}))["tasks"], json!([]));
    client.shutdown();
}

#[test]
fn two_in_one_answer_work_at_the_same_time() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.allow_conversations(3);
    let holds = [Hold::new(), Hold::new()];
    let both = json!({"prompt": "Count.", "description": "Count"});
    model.answer(
        "the prompt",
        Answer::new().tool("toolu_1", "agent", both).tool(
            "toolu_2",
            "agent",
            json!({"prompt": "Weigh.", "description": "Weigh"}),
        ),
    );
    for hold in &holds {
        model.answer("a subagent's prompt", Answer::new().hold(hold).text("Done."));
    }
    model.then("both reports", |request| {
        assert_eq!(
            (request.tool_result("toolu_1").as_str(), request.tool_result("toolu_2").as_str()),
            ("Done.", "Done.")
        );
        Answer::say("Both.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Do two things.");
    // Both ask before either is answered.
    model.wait_request(3);
    holds.iter().for_each(Hold::release);
    client.wait_turn_ended(&session, &prompt.turn_id);
    client.shutdown();
}

#[test]
fn one_in_the_background_is_a_task_and_its_report_wakes_the_session() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.allow_conversations(2);
    sandbox.write("notes.txt", "the notes\n");
    let hold = Hold::new();
    model.answer("the prompt", in_background("toolu_1", "Read the notes."));
    for _ in 0..3 {
        let hold = hold.clone();
        model.then("the session, or one of the subagent's two", move |request| {
            if is_session(request) {
                Answer::say("It works.")
            } else if request.messages().len() == 1 {
                Answer::call("toolu_a", "read_file", json!({"path": "notes.txt"}))
            } else {
                assert!(request.tool_result("toolu_a").contains("the notes"));
                Answer::new().hold(&hold).text("The notes say <report> nothing.")
            }
        });
    }
    model.then("its report", |request| {
        let block = request.notification_in_place();
        assert!(block.contains("<report>\nThe notes say &lt;report> nothing.\n</report>"), "{block}");
        assert!(block.contains("<status>succeeded</status>"), "{block}");
        Answer::say("So it is.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Ask somebody what is in the notes.");
    client.wait_turn_ended(&session, &prompt.turn_id);
    model.wait_request(4);
    let task = client.wait_task("it has read", |task| task["progress"]["message"] == "1 request, Read notes.txt");
    assert_eq!((&task["kind"], &task["pid"], &task["status"]), (&json!("agent"), &Value::Null, &json!("running")));
    assert_eq!((&task["label"], &task["toolCallId"]), (&json!("For toolu_1"), &json!("toolu_1")));
    assert_eq!((&task["sessionId"], &task["origin"]), (&json!(session), &json!("agent")));
    let from = client.mark();
    hold.release();
    let ended = client.wait_task("its end", is_final);
    assert_eq!((&ended["status"], &ended["exitCode"]), (&json!("succeeded"), &Value::Null));
    assert_eq!(ended["summary"], "The notes say <report> nothing.");
    let id = ended["id"].as_str().expect("an id");
    let output = client.output(id);
    assert!(output.starts_with("> Read the notes.\n"), "{output}");
    assert!(output.contains("• Read notes.txt") && output.ends_with("The notes say <report> nothing.\n"), "{output}");
    assert_eq!(ended["output"]["bytes"].as_u64(), Some(output.len() as u64));
    let turn = client.wait_wake(from, &session);
    client.wait_turn_ended(&session, &turn);
    let told = client.wait_task("it is told", |task| task["delivery"] == "delivered");
    assert_eq!(told["id"], ended["id"]);
    let refused = client.refused("pillion/task/rerun", json!({"taskId": id}));
    assert_eq!(refused.code, -32012);
    assert!(of_call(&client, "toolu_1").iter().any(|(turn, _)| turn.is_null()), "in the background it is of no turn");
    client.shutdown();
}

#[test]
fn a_question_names_the_call_and_a_prompt_is_its_no() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.allow_conversations(2);
    model.answer("the prompt", agent("toolu_1", "Make it."));
    model.answer("the subagent's prompt", Answer::call("toolu_a", "bash", json!({"command": "touch made"})));
    model.then("the refusal", |request| {
        assert!(request.is_error("toolu_a") && request.tool_result("toolu_a").contains("with ninja"));
        Answer::say("I was not let.")
    });
    model.then("the report", |request| {
        let result = request.tool_result("toolu_1");
        assert!(result.starts_with("I was not let.") && result.contains("with ninja"), "{result}");
        Answer::say("I see.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "Have it made.");
    let question = client.question(QUESTION);
    assert_eq!(question.params["parentToolCallId"], "toolu_1");
    assert_eq!(question.params["sessionId"], json!(session));
    assert_eq!(question.params["toolCall"]["toolCallId"], "toolu_a");
    let words = client.call(
        "pillion/session/prompt",
        json!({"sessionId": session, "prompt": [{"type": "text", "text": "with ninja"}]}),
    );
    assert_eq!(words["queued"], false);
    client.wait_turn_ended(&session, &prompt.turn_id);
    assert!(!sandbox.path("made").exists());
    client.shutdown();
}

#[test]
fn a_cancel_stops_it_with_its_command() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.allow_conversations(2);
    let (gate, runs) = (sandbox.gate("never"), sandbox.signal("runs"));
    let command = format!("{}; {}", runs.give(), gate.wait());
    model.answer("the prompt", agent("toolu_1", "Wait."));
    let waits = Answer::new().text("I wait.").tool("toolu_a", "bash", json!({"command": command}));
    model.answer("the subagent's prompt", waits);
    model.then("the next prompt", |request| {
        assert!(request.is_error("toolu_1"));
        let result = request.tool_result("toolu_1");
        assert!(result.contains("the user cancelled the turn") && result.contains("I wait."), "{result}");
        Answer::say("Well.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    let prompt = client.prompt(&session, "Have it wait.");
    runs.wait();
    let shells = sandbox.task_processes();
    assert!(!shells.is_empty());
    client.notify("pillion/session/cancel", json!({"sessionId": session}));
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "cancelled");
    assert!(shells.iter().all(|process| process.wait_gone(DEADLINE)), "{shells:?}");
    client.ask(&session, "And now?");
    client.shutdown();
}

#[test]
fn its_background_task_outlives_it_and_is_its_parents() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.allow_conversations(2);
    let gate = sandbox.gate("task");
    let command = gate.wait();
    model.answer("the prompt", agent("toolu_1", "Start it."));
    model.answer("the subagent's prompt", Answer::call("toolu_a", "background_run", json!({"command": command})));
    model.answer("the started task", Answer::say("It runs."));
    model.then("the report", |request| {
        assert!(request.tool_result("toolu_1").contains("Background tasks that it started go on: t"));
        Answer::say("Fine.")
    });
    model.then("the task's end", |request| {
        assert!(request.notification_in_place().contains("<status>succeeded</status>"));
        Answer::say("Over.")
    });
    let client = client(&sandbox, &model);
    let session = client.new_session("auto");
    client.ask(&session, "Have it started.");
    let from = client.mark();
    gate.open();
    let turn = client.wait_wake(from, &session);
    client.wait_turn_ended(&session, &turn);
    client.shutdown();
}

#[test]
fn one_whose_sidecar_is_killed_is_interrupted_and_told_once() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.allow_conversations(2);
    let hold = Hold::new();
    model.answer("the prompt", in_background("toolu_1", "Think."));
    for _ in 0..2 {
        let hold = hold.clone();
        model.then("the session, or the subagent", move |request| match is_session(request) {
            true => Answer::say("It thinks."),
            false => Answer::new().hold(&hold).text("Never said."),
        });
    }
    let first = client(&sandbox, &model);
    let session = first.new_session("auto");
    first.ask(&session, "Ask somebody to think.");
    let task = first.wait_task("it works", |task| task["kind"] == "agent" && task["status"] == "running");
    model.wait_request(3);
    // It is read behind what is still to be written: the answer that was seen is kept.
    first.call("pillion/session/list", json!({}));
    first.process().kill();
    assert!(first.process().wait_gone(DEADLINE));
    drop(first);
    hold.release();
    model.then("what became of it", |request| {
        let block = request.notification_in_place();
        assert!(block.contains("<status>interrupted</status>") && block.contains("no report"), "{block}");
        Answer::say("A pity.")
    });
    let second = client(&sandbox, &model);
    let id = task["id"].as_str().expect("an id");
    assert_eq!(second.task(id)["status"], "interrupted");
    second.call("pillion/session/load", json!({"sessionId": session}));
    second.ask(&session, "And?");
    model.answer("one more word", Answer::say("Yes."));
    second.ask(&session, "Is that so?");
    let last = model.requests().pop().expect("a request");
    assert_eq!(last.notified(id, 1), 1, "once");
    second.shutdown();
}
