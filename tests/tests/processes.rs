//! What is left of a command's processes: nothing, when it should be nothing. Looked at from outside, in `/proc`.

use pillion_tests::process::Process;
use pillion_tests::task::id_of;
use pillion_tests::{Client, DEADLINE, Options, Sandbox, Signal};
use serde_json::{Value, json};

/// A command whose children try every way out: their own session, a double fork, nohup, no ear for TERM.
fn stubborn(sandbox: &Sandbox, ready: &Signal) -> String {
    let script = format!(
        "trap '' TERM HUP INT
setsid sleep 1000 &
( setsid bash -c 'trap \"\" TERM; sleep 1000; true' & )
nohup sleep 1000 >/dev/null 2>&1 &
bash -c 'trap \"\" TERM HUP; sleep 1000; true' &
{}
wait
",
        ready.give()
    );
    format!("bash '{}'", sandbox.write("stubborn.sh", &script).display())
}

fn names(processes: &[Process]) -> Vec<&str> {
    processes.iter().map(|process| process.command.as_str()).collect()
}

#[track_caller]
fn all_gone(processes: &[Process]) {
    let left: Vec<_> = processes.iter().filter(|process| process.is_alive()).map(|process| &process.command).collect();
    assert!(left.is_empty(), "still there: {left:?}");
}

#[test]
fn stop_ends_the_whole_tree() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion().settings(json!({"background": {"stopGraceMs": 100}})));
    let ready = sandbox.signal("ready");
    let id = client.start_command(&stubborn(&sandbox, &ready));
    ready.wait();
    let tree = sandbox.task_processes();
    assert!(tree.len() >= 5, "the command's processes carry the marker: {:?}", names(&tree));
    let task = client.call("pillion/task/stop", json!({"taskId": id}))["task"].clone();
    assert!(task["stopping"] == true || task["status"] == "killed", "{task}");
    let ended = client.wait_task_end(&id);
    assert_eq!((&ended["status"], &ended["stoppedBy"]), (&json!("killed"), &json!("user")));
    // The final status waits until the tree is empty: no waiting here.
    all_gone(&tree);
    let left = sandbox.task_processes();
    assert!(left.is_empty(), "left: {:?}", names(&left));
}

#[test]
fn a_time_limit_ends_the_whole_tree() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion().settings(json!({"background": {"stopGraceMs": 100}})));
    let ready = sandbox.signal("ready");
    let task = client.start_task(json!({"command": stubborn(&sandbox, &ready), "timeoutMs": 3000}));
    ready.wait();
    let tree = sandbox.task_processes();
    assert_eq!(client.wait_task_end(&id_of(&task))["status"], "timed_out");
    all_gone(&tree);
}

#[test]
fn a_command_that_heeds_term_has_time_for_it() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    let (ready, gate) = (sandbox.signal("ready"), sandbox.gate("never"));
    let script = format!("trap 'echo tidy > tidied; exit 0' TERM\n{}\n{}\n", ready.give(), gate.wait());
    let id = client.start_command(&format!("bash '{}'", sandbox.write("heeds.sh", &script).display()));
    ready.wait();
    client.call("pillion/task/stop", json!({"taskId": id}));
    assert_eq!(client.wait_task_end(&id)["status"], "killed", "stopped is stopped, whatever it exits with");
    assert_eq!(sandbox.read("tidied"), "tidy\n");
}

#[test]
fn a_daemon_left_behind_is_counted_and_ends_with_stop() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion().settings(json!({"background": {"stopGraceMs": 100}})));
    let ready = sandbox.signal("ready");
    let id = client.start_command(&format!("setsid sleep 1000 >/dev/null 2>&1 & {}", ready.give()));
    ready.wait();
    let ended = client.wait_task_end(&id);
    assert_eq!(ended["status"], "succeeded", "the run ends with its main process");
    assert_eq!(ended["stragglers"], 1, "{ended}");
    let left = sandbox.task_processes();
    assert_eq!(left.len(), 1, "{:?}", names(&left));
    client.call("pillion/task/stop", json!({"taskId": id}));
    assert!(left[0].wait_gone(DEADLINE), "the daemon outlived the stop");
}

/// The processes of a running task, after `end` has ended its sidecar; `onClose` is `stop`.
fn after_the_end(end: impl FnOnce(Client)) -> Vec<Process> {
    let sandbox = Sandbox::new();
    let settings = json!({"background": {"onClose": "stop", "stopGraceMs": 100}});
    let client = Client::start(&sandbox, Options::pillion().settings(settings));
    let ready = sandbox.signal("ready");
    client.start_command(&stubborn(&sandbox, &ready));
    ready.wait();
    let tree = sandbox.task_processes();
    assert!(!tree.is_empty());
    end(client);
    let left: Vec<Process> = tree.into_iter().filter(|process| !process.wait_gone(DEADLINE)).collect();
    // One that was just being forked when its tree was ended may be seen once more on its way out.
    for late in sandbox.task_processes() {
        assert!(late.wait_gone(DEADLINE), "more came");
    }
    left
}

#[test]
fn the_end_of_stdin_leaves_no_process() {
    let left = after_the_end(|client| {
        client.close_stdin();
        client.wait_exit();
    });
    assert!(left.is_empty(), "left: {:?}", names(&left));
}

#[test]
fn shutdown_leaves_no_process() {
    let left = after_the_end(Client::shutdown);
    assert!(left.is_empty(), "left: {:?}", names(&left));
}

#[test]
fn a_killed_sidecar_leaves_no_process() {
    let left = after_the_end(|client| {
        client.process().kill();
        client.wait_exit();
    });
    assert!(left.is_empty(), "left: {:?}", names(&left));
}

#[test]
fn a_killed_command_is_told_by_its_signal() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    let id = client.start_command("kill -SEGV $$");
    let ended = client.wait_task_end(&id);
    assert_eq!(ended["status"], "failed");
    let signal = &ended["signal"];
    assert!(*signal == 11 || *signal == "SIGSEGV", "{ended}");
    assert_eq!(ended["stoppedBy"], Value::Null);
}
