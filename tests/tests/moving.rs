//! A session moves from one window to another: "move here". The other window goes on with it, its tasks and what is still
//! to be told, and the first one has nothing to do with it any more.

use pillion_tests::process::Process;
use pillion_tests::session::update_of;
use pillion_tests::{Answer, Client, DEADLINE, Hold, Model, Options, Sandbox};
use serde_json::{Value, json};

fn moved(client: &Client, session: &str) -> Value {
    client.call("pillion/session/load", json!({"sessionId": session, "move": true}))
}

#[test]
fn a_session_moves_with_its_running_task_and_hears_of_its_end_once() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let gate = sandbox.gate("gate");
    let command = format!("echo begun; {}; echo over; exit 3", gate.wait());
    model.answer("the prompt", Answer::call("toolu_1", "background_run", json!({"command": command})));
    model.answer("the start", Answer::say("It runs."));
    let first = Client::start(&sandbox, Options::pillion().model(&model));
    let session = first.new_session("auto");
    first.ask(&session, "Start it.");
    let task = first.wait_task("the task", |task| task["command"] == command && task["status"] == "running");
    let id = task["id"].as_str().expect("an id").to_owned();
    let main = Process::open(task["pid"].as_u64().expect("a pid") as u32).expect("it runs");

    let second = Client::start(&sandbox, Options::pillion().model(&model));
    let refused = second.refused("pillion/session/load", json!({"sessionId": session}));
    assert_eq!((refused.code, &refused.data["kind"]), (-32012, &json!("session_in_use")));
    assert!(refused.message.contains("move"), "the remedy names the way: {}", refused.message);

    moved(&second, &session);
    let (_, closed) = first.wait_update(0, &session, "session_closed", |_| true);
    assert_eq!(closed["update"]["reason"], "moved");
    second.wait_task("the task is the second window's", |task| {
        task["id"] == id && task["owned"] == true && task["status"] == "running"
    });
    first.wait_task("and not the first one's", |task| task["id"] == id && task["owned"] == false);
    assert!(main.is_alive(), "the command itself runs on");
    let text = json!([{"type": "text", "text": "hi"}]);
    let gone = first.refused("pillion/session/prompt", json!({"sessionId": session, "prompt": text}));
    assert_eq!(gone.code, -32010);

    // The first window may end: nothing of the session is its own any more.
    first.shutdown();
    assert!(main.is_alive(), "the command runs on without the first window");
    gate.open();
    let ended = second.wait_task_end(&id);
    assert_eq!((&ended["status"], &ended["exitCode"]), (&json!("failed"), &json!(3)));
    assert_eq!(second.output(&id), "begun\nover\n");
    let told = id.clone();
    model.then("the next prompt", move |request| {
        assert_eq!(request.notified(&told, 1), 1, "the end is told once");
        Answer::say("It failed.")
    });
    assert_eq!(second.ask(&session, "And?")["stopReason"], "end_turn");
}

#[test]
fn a_session_in_which_a_turn_runs_is_not_given_up() {
    let (sandbox, model, hold) = (Sandbox::new(), Model::start(), Hold::new());
    model.answer("the prompt", Answer::new().text("Half").hold(&hold).text(" and whole."));
    let first = Client::start(&sandbox, Options::pillion().model(&model));
    let session = first.new_session("auto");
    let prompt = first.prompt(&session, "Tell me.");
    first.wait_update(0, &session, "agent_message_chunk", |_| true);
    let second = Client::start(&sandbox, Options::pillion().model(&model));
    let refused = second.refused("pillion/session/load", json!({"sessionId": session, "move": true}));
    assert_eq!((refused.code, &refused.data["kind"]), (-32012, &json!("turn_running")), "{}", refused.message);
    hold.release();
    assert_eq!(first.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "end_turn");
    assert_eq!(first.said(&session, &prompt.turn_id), "Half and whole.");
    moved(&second, &session);
    let replayed = second.wait_update(0, &session, "agent_message_chunk", |params| params["replay"] == true).1;
    assert_eq!(replayed["update"]["content"]["text"], "Half and whole.");
}

#[test]
fn a_queued_task_and_an_end_that_nobody_heard_go_along() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let gate = sandbox.gate("gate");
    let first = Client::start(
        &sandbox,
        Options::pillion().model(&model).settings(json!({
            "background": {"maxConcurrent": 1}
        })),
    );
    let session = first.new_session("auto");
    let start = |command: &str| {
        let params = json!({"command": command, "group": "test", "sessionId": session});
        first.call("pillion/task/start", params)["task"]["id"].as_str().expect("an id").to_owned()
    };
    let over = start("exit 4");
    first.wait_task_end(&over);
    let (running, queued) = (start(&gate.wait()), start("exit 5"));
    first.wait_task_status(&running, "running");
    first.wait_task_status(&queued, "queued");
    let second = Client::start(&sandbox, Options::pillion().model(&model));
    moved(&second, &session);
    for id in [&running, &queued] {
        second.wait_task("it is the second window's", |task| task["id"] == **id && task["owned"] == true);
    }
    gate.open();
    assert_eq!(second.wait_task_end(&running)["exitCode"], 0);
    assert_eq!(second.wait_task_end(&queued)["exitCode"], 5);
    let ids = [over, running, queued];
    model.then("the prompt", move |request| {
        for id in &ids {
            assert_eq!(request.notified(id, 1), 1, "{id} is told once: {}", request.all_text());
        }
        Answer::say("I see.")
    });
    second.ask(&session, "What happened?");
}

#[test]
fn the_session_of_a_window_that_is_gone_needs_no_moving() {
    let sandbox = Sandbox::new();
    let first = Client::start(&sandbox, Options::pillion());
    let session = first.new_session("ask");
    first.ask(&session, "hello");
    let second = Client::start(&sandbox, Options::pillion());
    first.process().kill();
    assert!(first.process().wait_gone(DEADLINE));
    assert_eq!(moved(&second, &session)["sessionId"], session);
    second.ask(&session, "hello again");
    let log = second.log();
    assert!(log.iter().any(|message| update_of(message, &session, "replay_ended").is_some()));
}

#[test]
fn a_session_moves_there_and_back() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    for said in ["One.", "Two.", "Three."] {
        model.answer("a prompt", Answer::say(said));
    }
    let first = Client::start(&sandbox, Options::pillion().model(&model));
    let second = Client::start(&sandbox, Options::pillion().model(&model));
    let session = first.new_session("auto");
    first.ask(&session, "One?");
    moved(&second, &session);
    second.ask(&session, "Two?");
    moved(&first, &session);
    // The history is the same without a changed byte: the model server checks it.
    first.ask(&session, "Three?");
}
