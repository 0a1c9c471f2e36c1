//! The window reloads, or its sidecar crashes: tasks run on, and the next sidecar of the window goes on with them as if
//! nothing had been. Other windows leave them alone meanwhile.

use pillion_tests::connection::Message;
use pillion_tests::options::uri;
use pillion_tests::process::Process;
use pillion_tests::task::{id_of, status_of};
use pillion_tests::{Answer, Client, DEADLINE, Gate, Model, Options, Sandbox, Signal};
use serde_json::{Value, json};

/// The first snapshot's row of that task.
fn shown(client: &Client, id: &str) -> Value {
    let (_, tasks) = client.wait_for("the snapshot", 0, |message| {
        (message.method() == Some("pillion/task/snapshot")).then(|| message.body["params"]["tasks"].clone())
    });
    let found = tasks.as_array().and_then(|tasks| tasks.iter().find(|task| task["id"] == id).cloned());
    found.unwrap_or_else(|| client.fail(&format!("task {id} is not in the snapshot: {tasks}")))
}

fn killed(client: &Client) {
    client.process().kill();
    assert!(client.process().wait_gone(DEADLINE));
}

fn settings(background: Value) -> Options {
    Options::pillion().settings(json!({"background": background}))
}

/// How a sidecar goes away.
type End = fn(Client);

fn crash(client: Client) {
    killed(&client);
}

/// Every status of a task that a client was told, in order.
fn statuses(client: &Client, id: &str) -> Vec<String> {
    let of = |message: &Message| {
        let task = status_of(message).filter(|task| task["id"] == id)?;
        task["status"].as_str().map(str::to_owned)
    };
    let mut told: Vec<String> = client.log().iter().filter_map(of).collect();
    told.dedup();
    told
}

/// The command line's tree: children that try every way out.
fn stubborn(sandbox: &Sandbox, ready: &Signal) -> String {
    let script = format!(
        "trap '' TERM HUP INT\nsetsid sleep 1000 &\n( setsid bash -c 'trap \"\" TERM; sleep 1000; true' & )\n\
         nohup sleep 1000 >/dev/null 2>&1 &\nbash -c 'trap \"\" TERM HUP; sleep 1000; true' &\n{}\nwait\n",
        ready.give()
    );
    format!("bash '{}'", sandbox.write("stubborn.sh", &script).display())
}

#[track_caller]
fn all_end(sandbox: &Sandbox, tree: &[Process]) {
    for process in tree {
        assert!(process.wait_gone(DEADLINE), "still there: {}", process.command);
    }
    for late in sandbox.task_processes() {
        assert!(late.wait_gone(DEADLINE), "more came: {}", late.command);
    }
}

/// The shim above a running task.
fn shim_of(task: &Value) -> Process {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", task["pid"])).expect("a running task");
    let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)).expect("a parent");
    Process::open(parent.parse().expect("a pid")).expect("the shim")
}

/// The whole story: one task, one row, one notification.
fn one_continuous_task(end: End) {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let gate = sandbox.gate("gate");
    let source = sandbox.write("a.c", "one\ntwo\nthree\n");
    let command = format!("echo a.c:2:1: error: broken; echo next; {}; echo after; exit 3", gate.wait());
    model.answer("the prompt", Answer::call("toolu_1", "background_run", json!({"command": command})));
    model.answer("the started task", Answer::say("Started."));
    let window = Options::pillion().model(&model);
    let first = Client::start(&sandbox, window.clone());
    let session = first.new_session("auto");
    first.ask(&session, "Build it.");
    let before =
        first.wait_task("its output", |task| task["output"]["lines"] == 2 && task["diagnostics"]["errors"] == 1);
    let id = id_of(&before);
    end(first);

    let second = Client::start(&sandbox, window);
    let row = shown(&second, &id);
    for field in ["id", "run", "status", "startedAt", "createdAt", "pid", "command", "sessionId", "toolCallId", "runs"]
    {
        assert_eq!(row[field], before[field], "{field}");
    }
    assert_eq!((&row["status"], &row["owned"]), (&json!("running"), &json!(true)));
    let again = second.wait_task("its output, read again", |task| {
        task["id"] == id && task["output"]["lines"] == 2 && task["diagnostics"]["errors"] == 1
    });
    assert!(again["elapsedMs"].as_u64() >= before["elapsedMs"].as_u64(), "{again}");
    second.wait_notification("textDocument/publishDiagnostics", 0, |params| {
        params["uri"] == uri(&source) && params["diagnostics"].as_array().is_some_and(|found| found.len() == 1)
    });
    second.call("pillion/session/load", json!({"sessionId": session}));
    gate.open();
    let ended = second.wait_task_end(&id);
    assert_eq!(
        (&ended["status"], &ended["exitCode"], &ended["summary"]),
        (&json!("failed"), &json!(3), &json!("1 error"))
    );
    assert_eq!((&ended["startedAt"], &ended["run"]), (&before["startedAt"], &json!(1)));
    assert_eq!(statuses(&second, &id), ["running", "failed"]);
    assert_eq!(second.output(&id), "a.c:2:1: error: broken\nnext\nafter\n");

    model.answer("the next prompt", Answer::say("It failed."));
    second.ask(&session, "And?");
    let asked = model.wait_request(3);
    assert_eq!(asked.notified(&id, 1), 1);
    assert!(asked.notification_in_place().contains("a.c:2:1 broken"), "{}", asked.notification_in_place());
    model.answer("another prompt", Answer::say("It did."));
    second.ask(&session, "Sure?");
    assert_eq!(model.wait_request(4).notified(&id, 1), 1, "once in the history");
}

#[test]
fn a_crash_does_not_show() {
    one_continuous_task(crash);
}

#[test]
fn a_reload_does_not_show() {
    one_continuous_task(Client::shutdown);
}

#[test]
fn calls_of_the_same_name_in_two_conversations_lead_to_their_own_tasks() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    model.allow_conversations(2);
    let gate = sandbox.gate("gate");
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let started = ["one", "two"].map(|name| {
        let command = format!("{}; echo {name}", gate.wait());
        model.answer("the prompt", Answer::call("toolu_1", "background_run", json!({"command": command})));
        model.answer("the started task", Answer::say("Started."));
        let session = client.new_session("auto");
        client.ask(&session, "Start it.");
        let task = client.wait_task("it runs", |task| task["command"] == command && task["status"] == "running");
        (session, id_of(&task))
    });
    for (session, id) in &started {
        let at = client.mark();
        client.call("pillion/session/load", json!({"sessionId": session}));
        client.wait_update(at, session, "replay_ended", |_| true);
        let rows = client.updates(session, "tool_call_update");
        let shown: Vec<&Value> = rows.iter().map(|row| &row["update"]["taskId"]).filter(|id| id.is_string()).collect();
        assert!(!shown.is_empty() && shown.iter().all(|shown| *shown == id), "{id}: {shown:?}");
    }
    for (_, id) in &started {
        client.call("pillion/task/stop", json!({"taskId": id}));
    }
}

#[test]
fn an_end_while_nobody_was_there_is_told_with_its_failures() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let gate = sandbox.gate("gate");
    sandbox.write("a.c", "one\ntwo\nthree\n");
    let command = format!("{}; echo a.c:2:1: error: broken; exit 3", gate.wait());
    model.answer("the prompt", Answer::call("toolu_1", "background_run", json!({"command": command})));
    model.answer("the started task", Answer::say("Started."));
    let window = Options::pillion().model(&model);
    let first = Client::start(&sandbox, window.clone());
    let session = first.new_session("auto");
    first.ask(&session, "Build it.");
    let running = first.wait_task("it runs", |task| task["status"] == "running");
    let (id, shim) = (id_of(&running), shim_of(&running));
    killed(&first);
    gate.open();
    assert!(shim.wait_gone(DEADLINE), "nothing is left to watch over");

    let second = Client::start(&sandbox, window);
    let ended = second.wait_task_end(&id);
    assert_eq!(
        (&ended["status"], &ended["exitCode"], &ended["startedAt"]),
        (&json!("failed"), &json!(3), &running["startedAt"])
    );
    assert_eq!((&ended["diagnostics"]["errors"], &ended["output"]["lines"]), (&json!(1), &json!(1)));
    second.call("pillion/session/load", json!({"sessionId": session}));
    second.wait_update(0, &session, "replay_ended", |_| true);
    let rows = second.updates(&session, "tool_call_update");
    assert!(rows.iter().any(|row| row["update"]["taskId"] == id), "the call's row leads to its task: {rows:?}");
    model.answer("the next prompt", Answer::say("It failed."));
    second.ask(&session, "And?");
    let block = model.wait_request(3).notification_in_place();
    for part in ["<exit_code>3</exit_code>", "<summary>1 error</summary>", "a.c:2:1 broken"] {
        assert!(block.contains(part), "{part}: {block}");
    }
}

#[test]
fn another_window_leaves_it_alone_within_the_grace() {
    let sandbox = Sandbox::new();
    let gate = sandbox.gate("gate");
    let window = Options::pillion();
    let first = Client::start(&sandbox, window.clone());
    let id = first.start_command(&format!("echo begun; {}; exit 3", gate.wait()));
    first.wait_task_status(&id, "running");
    // A status does not wait for the disk; what is read from the store comes after what was written before.
    first.call("pillion/session/list", json!({}));
    killed(&first);

    let other = Client::start(&sandbox, Options::pillion());
    let row = shown(&other, &id);
    assert_eq!((&row["status"], &row["owned"]), (&json!("running"), &json!(false)));
    assert_eq!(other.refused("pillion/task/rerun", json!({"taskId": id})).data["kind"], "not_owned");

    let second = Client::start(&sandbox, window);
    assert_eq!(shown(&second, &id)["owned"], true);
    gate.open();
    assert_eq!(second.wait_task_end(&id)["exitCode"], 3);
    let seen = other.wait_task_end(&id);
    assert_eq!((&seen["owned"], &seen["exitCode"]), (&json!(false), &json!(3)));
    assert_eq!(statuses(&other, &id).last().map(String::as_str), Some("failed"));
}

#[test]
fn the_next_sidecar_waits_for_the_last_one_that_is_on_its_way_out() {
    let sandbox = Sandbox::new();
    let gate = sandbox.gate("gate");
    let window = Options::pillion();
    let first = Client::start(&sandbox, window.clone());
    let session = first.new_session("ask");
    first.ask(&session, "hello");
    let id = first.start_command(&format!("{}; exit 3", gate.wait()));
    first.wait_task_status(&id, "running");
    // Both live; the first is asked to go only when the second has been asked to load the session.
    let second = Client::start(&sandbox, window);
    let load = second.send("pillion/session/load", json!({"sessionId": session}));
    first.shutdown();
    assert!(second.response(load).is_ok(), "it is no session of another window");
    assert_eq!(shown(&second, &id)["owned"], true);
    gate.open();
    assert_eq!(second.wait_task_end(&id)["exitCode"], 3);
    assert_eq!(statuses(&second, &id).last().map(String::as_str), Some("failed"));
}

#[test]
fn nobody_in_time_is_the_end_of_the_whole_tree() {
    for end in [crash as End, Client::shutdown] {
        let sandbox = Sandbox::new();
        let ready = sandbox.signal("ready");
        let window = settings(json!({"reattachGraceMs": 300, "stopGraceMs": 100}));
        let first = Client::start(&sandbox, window.clone());
        let id = first.start_command(&stubborn(&sandbox, &ready));
        ready.wait();
        let tree = sandbox.task_processes();
        assert!(!tree.is_empty());
        end(first);
        all_end(&sandbox, &tree);
        let second = Client::start(&sandbox, window);
        let ended = second.wait_task_end(&id);
        assert_eq!((&ended["status"], &ended["stoppedBy"]), (&json!("killed"), &json!("exit")));
    }
}

#[test]
fn a_stop_after_the_reload_ends_the_whole_tree() {
    let sandbox = Sandbox::new();
    let ready = sandbox.signal("ready");
    let window = settings(json!({"stopGraceMs": 100}));
    let first = Client::start(&sandbox, window.clone());
    let id = first.start_command(&stubborn(&sandbox, &ready));
    ready.wait();
    let tree = sandbox.task_processes();
    killed(&first);
    let second = Client::start(&sandbox, window);
    second.call("pillion/task/stop", json!({"taskId": id}));
    let ended = second.wait_task_end(&id);
    assert_eq!((&ended["status"], &ended["stoppedBy"]), (&json!("killed"), &json!("user")));
    assert!(tree.iter().all(|process| !process.is_alive()), "the final status waits for the empty tree");
    all_end(&sandbox, &tree);
}

#[test]
fn a_shim_that_is_killed_after_the_takeover_leaves_nothing() {
    let sandbox = Sandbox::new();
    let ready = sandbox.signal("ready");
    let window = Options::pillion();
    let first = Client::start(&sandbox, window.clone());
    let id = first.start_command(&stubborn(&sandbox, &ready));
    ready.wait();
    let shim = shim_of(&first.wait_task_status(&id, "running"));
    let tree = sandbox.task_processes();
    killed(&first);
    let second = Client::start(&sandbox, window);
    second.wait_task_status(&id, "running");
    shim.kill();
    let ended = second.wait_task_end(&id);
    assert_eq!(ended["status"], "interrupted");
    assert!(ended["summary"].as_str().is_some_and(|summary| summary.contains("not seen")), "{ended}");
    all_end(&sandbox, &tree);
}

#[test]
fn what_outlives_its_window_goes_to_whoever_comes() {
    for (start, background) in [
        (json!({"lifetime": "detached"}), json!({"reattachGraceMs": 200})),
        (json!({}), json!({"reattachGraceMs": 200, "onClose": "keep"})),
    ] {
        let sandbox = Sandbox::new();
        let gate = sandbox.gate("gate");
        let first = Client::start(&sandbox, settings(background));
        let mut start = start;
        start["command"] = json!(format!("{}; exit 3", gate.wait()));
        let id = id_of(&first.start_task(start));
        let shim = shim_of(&first.wait_task_status(&id, "running"));
        killed(&first);
        let other = Client::start(&sandbox, Options::pillion());
        other.wait_for("the takeover", 0, |message| {
            let tasks = message.body["params"]["tasks"].as_array().into_iter().flatten();
            let mut all = tasks.chain(status_of(message));
            all.any(|task| task["id"] == id && task["owned"] == true && task["status"] == "running").then_some(())
        });
        assert!(shim.is_alive());
        gate.open();
        let ended = other.wait_task_end(&id);
        assert_eq!((&ended["owned"], &ended["exitCode"]), (&json!(true), &json!(3)));
    }
}

#[test]
fn a_task_that_waits_for_a_slot_goes_on_waiting_in_its_window() {
    let sandbox = Sandbox::new();
    let gates: Vec<Gate> = (0..2).map(|n| sandbox.gate(&format!("gate{n}"))).collect();
    let window = settings(json!({"maxConcurrent": 1}));
    let first = Client::start(&sandbox, window.clone());
    let ids: Vec<String> =
        gates.iter().map(|gate| id_of(&first.start_task(json!({"command": gate.wait(), "group": "test"})))).collect();
    first.wait_task_status(&ids[0], "running");
    // Reads follow the writes before them.
    first.call("pillion/session/list", json!({}));
    killed(&first);
    let second = Client::start(&sandbox, window);
    assert_eq!(
        (&shown(&second, &ids[0])["status"], &shown(&second, &ids[1])["status"]),
        (&json!("running"), &json!("queued"))
    );
    assert_eq!(shown(&second, &ids[1])["waitingFor"]["kind"], "slot");
    gates[0].open();
    second.wait_task_status(&ids[1], "running");
    gates[1].open();
    assert_eq!(second.wait_task_end(&ids[1])["status"], "succeeded");
}

#[test]
fn a_command_that_a_dead_turn_waited_for_ends_at_once() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let ready = sandbox.signal("ready");
    let command = stubborn(&sandbox, &ready);
    model
        .answer("the prompt", Answer::call("toolu_1", "bash", json!({"command": command, "run_in_background": false})));
    let window = settings(json!({"stopGraceMs": 100})).model(&model);
    let first = Client::start(&sandbox, window.clone());
    let session = first.new_session("auto");
    first.prompt(&session, "Run it.");
    ready.wait();
    let tree = sandbox.task_processes();
    assert!(!tree.is_empty());
    killed(&first);
    // The grace would be a minute.
    all_end(&sandbox, &tree);
    let second = Client::start(&sandbox, window);
    second.call("pillion/session/load", json!({"sessionId": session}));
    model.then("the next prompt", |request| {
        assert!(request.tool_result("toolu_1").starts_with("Pillion went away before"));
        Answer::say("I see.")
    });
    assert_eq!(second.ask(&session, "And?")["stopReason"], "end_turn");
}

#[test]
fn a_task_of_a_turn_ends_with_the_turn() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let gate = sandbox.gate("gate");
    model.answer("the prompt", Answer::call("toolu_1", "bash", json!({"command": gate.wait()})));
    model.answer("the result", Answer::say("Done."));
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let session = client.new_session("auto");
    let turn = client.prompt(&session, "Go.");
    model.wait_request(1);
    let start = |lifetime| json!({"command": "sleep 1000", "sessionId": session, "lifetime": lifetime});
    let [of_turn, of_session] = ["turn", "session"].map(|lifetime| id_of(&client.start_task(start(lifetime))));
    client.wait_task_status(&of_turn, "running");
    client.wait_task_status(&of_session, "running");
    gate.open();
    client.wait_turn_ended(&session, &turn.turn_id);
    let ended = client.wait_task_end(&of_turn);
    assert_eq!(
        (&ended["status"], &ended["stoppedBy"], &ended["lifetime"]),
        (&json!("killed"), &json!("exit"), &json!("turn"))
    );
    assert_eq!(client.task(&of_session)["status"], "running");
    let refused = client.refused("pillion/task/start", json!({"command": "true", "lifetime": "turn"}));
    assert_eq!(refused.data["field"], "sessionId");
}

#[test]
fn a_daemon_that_was_left_is_owned_after_the_reload() {
    let sandbox = Sandbox::new();
    let ready = sandbox.signal("ready");
    let window = settings(json!({"stopGraceMs": 100}));
    let first = Client::start(&sandbox, window.clone());
    let id = first.start_command(&format!("setsid sleep 1000 >/dev/null 2>&1 & {}", ready.give()));
    ready.wait();
    assert_eq!(first.wait_task_end(&id)["stragglers"], 1);
    first.call("pillion/session/list", json!({}));
    let left = sandbox.task_processes();
    killed(&first);
    let second = Client::start(&sandbox, window);
    let row = shown(&second, &id);
    assert_eq!((&row["status"], &row["stragglers"], &row["owned"]), (&json!("succeeded"), &json!(1), &json!(true)));
    assert!(left[0].is_alive());
    second.call("pillion/task/stop", json!({"taskId": id}));
    second.wait_task("it is gone", |task| task["id"] == id && task["stragglers"] == 0);
    all_end(&sandbox, &left);
}

#[test]
fn the_sweep_at_the_start_spares_what_waits_for_its_window() {
    let sandbox = Sandbox::new();
    let (waits, left) = (sandbox.signal("waits"), sandbox.signal("left"));
    let first = Client::start(&sandbox, Options::pillion());
    let start = |ready: &Signal| {
        let id = first.start_command(&format!("trap '' TERM; setsid sleep 1000 & {}; wait", ready.give()));
        ready.wait();
        (shim_of(&first.wait_task_status(&id, "running")), sandbox.task_processes())
    };
    let (shim, spared) = start(&waits);
    let (other_shim, mut all) = start(&left);
    killed(&first);
    other_shim.kill();
    assert!(other_shim.wait_gone(DEADLINE));
    all.retain(|process| spared.iter().all(|spared| spared.pid != process.pid));
    let _other = Client::start(&sandbox, Options::pillion());
    // Of the second task nobody takes care: when the sweep has ended it, it has seen the first one too.
    for process in &all {
        assert!(process.wait_gone(DEADLINE), "{}", process.command);
    }
    assert!(shim.is_alive() && spared.len() == 2 && spared.iter().all(Process::is_alive));
}

#[test]
fn sockets_that_cannot_be_made_are_told_and_tasks_run() {
    let sandbox = Sandbox::new();
    let long = sandbox.base().join("r".repeat(90));
    std::fs::create_dir(&long).expect("a folder");
    let options = Options::pillion().env("XDG_RUNTIME_DIR", &long.display().to_string());
    let client = Client::start(&sandbox, options);
    client.wait_notification("window/showMessage", 0, |params| {
        params["message"].as_str().is_some_and(|text| text.contains("XDG_RUNTIME_DIR"))
    });
    let ready = sandbox.signal("ready");
    let id = client.start_command(&format!("{}; sleep 1000", ready.give()));
    ready.wait();
    client.wait_task_status(&id, "running");
    let tree = sandbox.task_processes();
    killed(&client);
    all_end(&sandbox, &tree);
}

#[test]
fn a_task_that_waits_for_an_answer_waits_on() {
    let sandbox = Sandbox::new();
    let window = Options::pillion();
    let first = Client::start(&sandbox, window.clone());
    let start = json!({"command": "printf 'Go on? (y/n) '; read -r x; echo got $x", "stdin": "pipe"});
    let id = id_of(&first.start_task(start));
    let before = first.wait_task_status(&id, "waiting_for_input");
    // Reads follow the writes before them.
    first.call("pillion/session/list", json!({}));
    killed(&first);
    let second = Client::start(&sandbox, window);
    let row = shown(&second, &id);
    assert_eq!((&row["status"], &row["waitingFor"]), (&json!("waiting_for_input"), &before["waitingFor"]));
    second.wait_task("its output, read again", |task| task["id"] == id && task["output"]["bytes"] == 13);
    second.call("pillion/task/input", json!({"taskId": id, "text": "y\n"}));
    assert_eq!(second.wait_task_end(&id)["status"], "succeeded");
    assert_eq!(statuses(&second, &id)[0], "waiting_for_input", "it did not look as if it went on");
    assert_eq!(second.output(&id), "Go on? (y/n) got y\n");
}
