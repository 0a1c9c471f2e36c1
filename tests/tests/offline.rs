//! Nothing configured: no key, no model, no settings. The main job still works.

use pillion_tests::{Client, Options, Sandbox, project};
use serde_json::{Value, json};

fn is_test(task: &Value) -> bool {
    task["group"] == "test" && task["status"] == "running"
}

#[test]
fn the_tests_run_in_the_background_and_the_failure_is_told() {
    let sandbox = Sandbox::new();
    let gate = sandbox.gate("go");
    let place = project::node(&sandbox);
    let client = Client::start(&sandbox, Options::pillion().env("GATE", &gate.path()));
    client.always_choose("allow_once");
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "Please run the tests");
    let task = client.wait_task("the tests run", is_test);
    assert_eq!(client.wait_turn_ended(&session, &prompt.turn_id)["stopReason"], "end_turn");
    let id = task["id"].as_str().expect("an id");
    assert_eq!(client.task(id)["status"], "running", "nobody waits for the tests");
    assert_eq!((&task["origin"], &task["sessionId"]), (&json!("agent"), &json!(session)));
    let at = client.mark();
    gate.open();
    assert_eq!(client.wait_task_end(id)["status"], "failed");
    let turn = client.wait_wake(at, &session);
    client.wait_turn_ended(&session, &turn);
    let said = client.said(&session, &turn);
    let wanted = format!("sum.test.js:{}", place.line);
    assert!(said.contains(&wanted), "{wanted} in {said:?}");
}

#[test]
fn a_question_is_answered_with_what_is_missing() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    let session = client.new_session("ask");
    let prompt = client.prompt(&session, "What is the airspeed of an unladen swallow?");
    client.wait_turn_ended(&session, &prompt.turn_id);
    let said = client.said(&session, &prompt.turn_id);
    assert!(said.to_lowercase().contains("no model"), "{said:?}");
    assert!(said.contains("ANTHROPIC_API_KEY"), "the remedy: {said:?}");
}

#[test]
fn a_plain_client_runs_the_tests_by_a_command_without_arguments() {
    let sandbox = Sandbox::new();
    let place = project::node(&sandbox);
    let client = Client::start(&sandbox, Options::plain());
    let commands = client.server["capabilities"]["executeCommandProvider"]["commands"].clone();
    for command in ["pillion.test", "pillion.build", "pillion.lint", "pillion.task.start", "pillion.task.stop"] {
        assert!(commands.as_array().is_some_and(|all| all.contains(&json!(command))), "{command} in {commands}");
    }
    client.call("workspace/executeCommand", json!({"command": "pillion.test"}));
    let uri = pillion_tests::options::uri(&place.file);
    client.wait_notification("textDocument/publishDiagnostics", 0, |params| {
        let first = &params["diagnostics"][0];
        params["uri"] == uri && first["range"]["start"]["line"].as_u64() == Some(place.line - 1)
    });
}
