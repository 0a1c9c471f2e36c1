//! Tasks that run again when files change, over the real binary and the real file system. A second task, which watches one
//! file alone, says when a change of it has been seen.

use pillion_tests::task::{id_of, is_final};
use pillion_tests::{Client, Gate, Options, Sandbox};
use serde_json::{Value, json};

/// Files are quiet for so long before a run.
const DEBOUNCE: u64 = 20;

fn client(sandbox: &Sandbox) -> Client {
    Client::start(sandbox, Options::pillion())
}

/// Starts a command that waits at the gate, and runs again on changes of these files.
fn watched(client: &Client, command: &str, paths: &[&str], ignore: &[&str]) -> String {
    let watch = json!({"paths": paths, "ignore": ignore, "debounceMs": DEBOUNCE});
    let task = client.start_task(json!({"command": command, "watch": watch}));
    assert_eq!(task["watching"], true);
    id_of(&task)
}

fn running(client: &Client, id: &str, run: u64) -> Value {
    client.wait_task(&format!("run {run} of {id}"), |task| {
        task["id"] == id && task["run"] == run && task["status"] == "running"
    })
}

/// A task that says when a change of one file has been seen.
struct Witness<'a> {
    client: &'a Client,
    id: String,
    runs: u64,
}

impl<'a> Witness<'a> {
    fn new(client: &'a Client, path: &str) -> Self {
        let id = watched(client, "true", &[path], &[]);
        client.wait_run_end(&id, 1);
        Self { client, id, runs: 1 }
    }

    /// Waits until a change after the last call has been seen.
    fn saw(&mut self) {
        let before = self.runs;
        let task = self.client.wait_task("the witness has seen a change", |task| {
            task["id"] == self.id.as_str() && task["run"].as_u64() > Some(before) && is_final(task)
        });
        self.runs = task["run"].as_u64().expect("a number");
    }
}

fn pass(client: &Client, gate: &Gate, id: &str, run: u64) -> Value {
    gate.open();
    client.wait_run_end(id, run)
}

#[test]
fn a_change_runs_it_again_and_a_stop_ends_that() {
    let sandbox = Sandbox::new();
    sandbox.write("in.txt", "one\n");
    sandbox.write(".gitignore", "ignored.txt\n");
    let client = client(&sandbox);
    let id = watched(&client, "cat in.txt", &[], &[]);
    let first = client.wait_run_end(&id, 1);
    assert_eq!((&first["watching"], &first["runs"][0]["startedBy"]), (&json!(true), &json!("user")));
    sandbox.write("ignored.txt", "no run\n");
    sandbox.write("in.txt", "two\n");
    let second = client.wait_run_end(&id, 2);
    assert_eq!((&second["runs"][1]["startedBy"], &second["delivery"]), (&json!("watch"), &json!("none")));
    assert_eq!(client.output(&id), "two\n");
    assert_eq!(client.call("pillion/task/stop", json!({"taskId": id}))["task"]["watching"], false);
    let mut witness = Witness::new(&client, "in.txt");
    sandbox.write("in.txt", "three\n");
    witness.saw();
    assert_eq!(client.task(&id)["run"], 2);
}

#[test]
fn what_the_command_writes_itself_does_not_loop() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let gate = sandbox.gate("run");
    let wrote = sandbox.signal("wrote");
    let command = format!("date +%N > out.txt; {}; {}", wrote.give(), gate.wait());
    let id = watched(&client, &command, &[], &["probe*"]);
    // What was written before this is seen, and what begins for it has begun: a file of its own each time, or the witness
    // would take it for what its own runs write.
    let probe = |name: &str| {
        let mut witness = Witness::new(&client, name);
        sandbox.write(name, "written");
        witness.saw();
    };
    let run = |run: u64| {
        running(&client, &id, run);
        wrote.wait();
        probe(&format!("probe{run}"));
        pass(&client, &gate, &id, run);
    };
    let rests = |run: u64| {
        probe(&format!("probe-behind{run}"));
        let at_rest = client.task(&id);
        assert_eq!((&at_rest["run"], is_final(&at_rest)), (&json!(run), true), "{at_rest}");
    };
    // Twice it may be anybody's; then it is known.
    (1..=3).for_each(run);
    rests(3);
    sandbox.write("in.txt", "a person's edit\n");
    run(4);
    rests(4);
}

#[test]
fn changes_during_a_run_are_one_more_run() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let gate = sandbox.gate("run");
    let mut witness = Witness::new(&client, "in.txt");
    let id = watched(&client, &gate.wait(), &[], &[]);
    running(&client, &id, 1);
    for text in ["one\n", "two\n"] {
        sandbox.write("in.txt", text);
        witness.saw();
    }
    gate.open();
    running(&client, &id, 2);
    pass(&client, &gate, &id, 2);
    assert_eq!(client.task(&id)["run"], 2);
}

#[test]
fn with_restart_a_change_stops_the_run_that_is_alive() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let gate = sandbox.gate("never");
    let task = client.start_task(json!({
        "command": gate.wait(),
        "kind": "monitor",
        "watch": {"debounceMs": DEBOUNCE, "restart": true},
    }));
    let id = id_of(&task);
    running(&client, &id, 1);
    sandbox.write("in.txt", "one\n");
    let second = running(&client, &id, 2);
    assert_eq!((&second["runs"][0]["status"], &second["runs"][1]["startedBy"]), (&json!("killed"), &json!("watch")));
    client.call("pillion/task/stop", json!({"taskId": id}));
    assert_eq!(client.wait_run_end(&id, 2)["stoppedBy"], "user");
}

#[test]
fn a_glob_that_is_none_is_refused() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    for (watch, part) in [
        (json!({"paths": ["["]}), "is no glob"),
        (json!({"ignore": ["/etc/**"]}), "not relative"),
        (json!({"paths": ["../other"]}), "not relative"),
        (json!({"path": ["src"]}), "unknown field `path`"),
        (json!("yes"), "true, false or an object"),
    ] {
        let error = client.refused("pillion/task/start", json!({"command": "true", "watch": watch}));
        assert_eq!(error.code, -32602);
        assert!(error.message.contains(part), "{}", error.message);
    }
}
