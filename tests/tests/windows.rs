//! Two windows on one workspace, with one state between them: neither loses what it has, and neither touches what the
//! other has.

use pillion_tests::connection::Message;
use pillion_tests::process::Process;
use pillion_tests::task::{id_of, status_of};
use pillion_tests::{Client, DEADLINE, Options, Sandbox};
use serde_json::{Value, json};

fn snapshot_has(message: &Message, id: &str) -> Option<Value> {
    let tasks = (message.method() == Some("pillion/task/snapshot")).then(|| message.body["params"]["tasks"].clone())?;
    tasks.as_array()?.iter().find(|task| task["id"] == id).cloned()
}

#[test]
fn the_second_window_sees_the_first_ones_task_and_leaves_it_alone() {
    let sandbox = Sandbox::new();
    let first = Client::start(&sandbox, Options::pillion());
    let gate = sandbox.gate("gate");
    let id = first.start_command(&format!("echo begun; {}; exit 3", gate.wait()));
    first.wait_task_status(&id, "running");

    let second = Client::start(&sandbox, Options::pillion());
    let (_, seen) = second.wait_for("the other window's task", 0, |message| snapshot_has(message, &id));
    assert_eq!((&seen["status"], &seen["owned"]), (&json!("running"), &json!(false)));
    assert_eq!(second.refused("pillion/task/rerun", json!({"taskId": id})).data["kind"], "not_owned");

    gate.open();
    assert_eq!(first.wait_task_end(&id)["status"], "failed");
    let ended = second.wait_task_end(&id);
    assert_eq!((&ended["status"], &ended["exitCode"], &ended["owned"]), (&json!("failed"), &json!(3), &json!(false)));
    assert_eq!(second.output(&id), "begun\n");
}

#[test]
fn a_task_is_stopped_from_another_window() {
    let sandbox = Sandbox::new();
    let first = Client::start(&sandbox, Options::pillion());
    let id = first.start_command("sleep 1000");
    first.wait_task_status(&id, "running");
    let second = Client::start(&sandbox, Options::pillion());
    second.wait_for("the other window's task", 0, |message| snapshot_has(message, &id));
    assert_eq!(second.call("pillion/task/stop", json!({"taskId": id}))["task"]["stopping"], true);
    for window in [&first, &second] {
        let ended = window.wait_task_end(&id);
        assert_eq!((&ended["status"], &ended["stoppedBy"]), (&json!("killed"), &json!("user")));
    }
}

#[test]
fn a_window_that_dies_leaves_its_tasks_to_the_other_after_the_grace() {
    let sandbox = Sandbox::new();
    let brief = json!({"background": {"reattachGraceMs": 200}});
    let first = Client::start(&sandbox, Options::pillion().settings(brief));
    let second = Client::start(&sandbox, Options::pillion());
    let id = id_of(&first.start_task(json!({"command": "sleep 1000"})));
    first.wait_task_status(&id, "running");
    second.wait_task("the other window's task", |task| task["id"] == id && task["owned"] == false);
    first.process().kill();
    assert!(first.process().wait_gone(DEADLINE));
    let (_, ended) = second.wait_task_from(0, "its end", |task| {
        task["id"] == id && task["owned"] == true && matches!(task["status"].as_str(), Some("killed" | "interrupted"))
    });
    assert_eq!(ended["delivery"], "pending", "whoever is prompted next hears of it");
}

#[test]
fn a_session_belongs_to_one_window() {
    let sandbox = Sandbox::new();
    let first = Client::start(&sandbox, Options::pillion());
    let session = first.new_session("ask");
    first.ask(&session, "hello");
    let second = Client::start(&sandbox, Options::pillion());
    for method in ["pillion/session/load", "pillion/session/delete"] {
        let refused = second.refused(method, json!({"sessionId": session}));
        assert_eq!((refused.code, &refused.data["kind"]), (-32012, &json!("session_in_use")), "{method}");
    }
    first.shutdown();
    second.call("pillion/session/load", json!({"sessionId": session}));
    second.ask(&session, "hello again");
}

#[test]
fn a_task_that_waits_for_a_slot_is_not_forgotten_in_a_crash() {
    let sandbox = Sandbox::new();
    let settings = json!({"background": {"maxConcurrent": 1, "reattachGraceMs": 0}});
    let first = Client::start(&sandbox, Options::pillion().settings(settings));
    let ids: Vec<String> =
        (0..3).map(|_| id_of(&first.start_task(json!({"command": "sleep 1000", "group": "test"})))).collect();
    // Writes are done in order: what came before a session that can be listed is there too.
    first.new_session("ask");
    first.call("pillion/session/list", json!({}));
    first.process().kill();
    assert!(first.process().wait_gone(DEADLINE));
    let second = Client::start(&sandbox, Options::pillion());
    for id in &ids {
        second.wait_for("its end", 0, |message| {
            let task =
                snapshot_has(message, id).or_else(|| status_of(message).filter(|task| task["id"] == *id).cloned())?;
            matches!(task["status"].as_str(), Some("killed" | "interrupted")).then_some(())
        });
    }
}

#[test]
fn the_next_start_ends_what_nobody_watches_over() {
    let sandbox = Sandbox::new();
    let ready = sandbox.signal("ready");
    let first = Client::start(&sandbox, Options::pillion().settings(json!({"background": {"stopGraceMs": 60_000}})));
    let script = format!("trap '' TERM; setsid sleep 1000 & {}; wait", ready.give());
    let id = first.start_command(&script);
    ready.wait();
    let running = first.wait_task("it runs", |task| task["id"] == id && !task["pid"].is_null());
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", running["pid"])).unwrap();
    let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)).unwrap();
    let shim = Process::open(parent.parse().unwrap()).unwrap();
    let main = Process::open(running["pid"].as_u64().unwrap() as u32).unwrap();
    first.process().kill();
    shim.kill();
    // The main process dies with its shim.
    assert!(first.process().wait_gone(DEADLINE) && shim.wait_gone(DEADLINE) && main.wait_gone(DEADLINE));
    let left = sandbox.task_processes();
    assert_eq!(left.len(), 1, "the one with a session of its own: {left:?}");
    let _second = Client::start(&sandbox, Options::pillion());
    assert!(left[0].wait_gone(DEADLINE));
}
