//! Background tasks by the client's own calls: the object, its notifications, output, input, reruns, errors.

use pillion_tests::task::{FINAL, id_of, status_of};
use pillion_tests::{Client, Options, Sandbox};
use serde_json::{Value, json};

fn client(sandbox: &Sandbox) -> Client {
    Client::start(sandbox, Options::pillion())
}

#[test]
fn a_start_answers_at_once_with_the_whole_task() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let gate = sandbox.gate("go");
    let command = gate.wait();
    // Checked for every field on the way.
    let task = client.start_task(json!({"command": command, "label": "a wait", "timeoutMs": 60_000, "priority": 3}));
    let id = id_of(&task);
    assert_eq!(task["kind"], "shell");
    assert_eq!(task["label"], "a wait");
    assert_eq!(task["command"], command);
    assert_eq!(task["cwd"], sandbox.workspace().display().to_string());
    assert_eq!(task["origin"], "user");
    assert_eq!(task["owned"], true);
    assert_eq!(task["run"], 1);
    assert_eq!(task["priority"], 3);
    assert_eq!(task["timeoutMs"], 60_000);
    assert_eq!(task["onExit"], "next_turn", "the default of what a person starts");
    assert_eq!(task["lifetime"], "session");
    assert_eq!(task["sessionId"], Value::Null);
    assert_eq!(task["toolCallId"], Value::Null);
    assert!(["queued", "running"].iter().any(|status| task["status"] == *status), "{task}");
    let running = client.wait_task_status(&id, "running");
    assert!(running["pid"].is_number(), "{running}");
    assert!(running["startedAt"].is_string(), "{running}");
    gate.open();
    let ended = client.wait_task_end(&id);
    assert_eq!(ended["status"], "succeeded");
    assert_eq!(ended["exitCode"], 0);
    assert_eq!(ended["runs"][0]["run"], 1);
    assert_eq!(ended["runs"][0]["status"], "succeeded");
    assert_eq!(ended["runs"][0]["exitCode"], 0);
    assert!(ended["runs"][0]["endedAt"].is_string(), "{ended}");
}

#[test]
fn groups_are_seen_from_the_command() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    for (command, group) in [
        ("cargo test --no-such-option", "test"),
        ("cargo build --no-such-option", "build"),
        ("echo cargo test", "other"),
    ] {
        let task = client.start_task(json!({"command": command}));
        assert_eq!(task["group"], group, "{command}");
        client.wait_task_end(&id_of(&task));
    }
    let task = client.start_task(json!({"command": "true", "group": "lint"}));
    assert_eq!(task["group"], "lint", "the caller's word counts");
    client.wait_task_end(&id_of(&task));
}

#[test]
fn status_notifications_tell_the_whole_story_in_order() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let gate = sandbox.gate("go");
    let id = client.start_command(&format!("echo one; {}; echo two; exit 3", gate.wait()));
    let seen = client.wait_task("the first line", |task| task["id"] == id && task["output"]["lastLine"] == "one");
    assert_eq!(seen["status"], "running");
    gate.open();
    let ended = client.wait_task_end(&id);
    assert_eq!(ended["status"], "failed");
    assert_eq!(ended["exitCode"], 3);
    assert_eq!(ended["output"]["lastLine"], "two");
    assert_eq!(ended["output"]["bytes"], 8);
    assert_eq!(ended["output"]["lines"], 2);
    // The growing seq and the final status that stays are checked for every notification; here the order.
    let log = client.log();
    let statuses = log.iter().filter_map(status_of).filter(|task| task["id"] == id);
    let mut statuses: Vec<&str> = statuses.filter_map(|task| task["status"].as_str()).collect();
    statuses.dedup();
    assert!(statuses.ends_with(&["running", "failed"]), "{statuses:?}");
    assert_eq!(client.task(&id)["status"], "failed");
}

#[test]
fn output_comes_in_pages_and_by_its_end() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let id = client.start_command("for i in 0 1 2 3 4 5 6 7 8 9; do echo line $i; done");
    client.wait_task_end(&id);
    let whole: String = (0..10).map(|i| format!("line {i}\n")).collect();
    assert_eq!(client.output(&id), whole);
    let (mut text, mut offset) = (String::new(), json!(0));
    loop {
        let page = client.call("pillion/task/output", json!({"taskId": id, "offset": offset, "limit": 7}));
        assert_eq!(page["offset"], offset, "{page}");
        assert_eq!(page["totalBytes"], whole.len(), "{page}");
        text.push_str(page["text"].as_str().expect("text"));
        assert!(page["nextOffset"].as_u64() > offset.as_u64() || page["eof"] == true, "it goes on: {page}");
        offset = page["nextOffset"].clone();
        if page["eof"] == true {
            break;
        }
    }
    assert_eq!(text, whole);
    let page = client.call("pillion/task/output", json!({"taskId": id, "tail": 2}));
    assert_eq!(page["text"], "line 8\nline 9\n");
    assert_eq!(page["eof"], true);
}

#[test]
fn colours_and_overwrites_are_resolved() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let id = client.start_command(r"printf '\033[31mred\033[0m\n10%%\r50%%\r100%%\nend'");
    let ended = client.wait_task_end(&id);
    assert_eq!(client.output(&id), "red\n100%\nend");
    assert_eq!(ended["output"]["lastLine"], "end");
}

#[test]
fn a_time_limit_ends_the_command() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let gate = sandbox.gate("never");
    let task = client.start_task(json!({"command": gate.wait(), "timeoutMs": 200}));
    let ended = client.wait_task_end(&id_of(&task));
    assert_eq!(ended["status"], "timed_out");
    assert!(ended["elapsedMs"].as_u64() >= Some(200), "{ended}");
}

#[test]
fn an_unknown_command_says_what_is_missing() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let id = client.start_command("no-such-program-anywhere --now");
    let ended = client.wait_task_end(&id);
    assert_eq!(ended["status"], "failed");
    assert_eq!(ended["exitCode"], 127);
    let summary = ended["summary"].as_str().unwrap_or_default();
    assert!(summary.contains("no-such-program-anywhere"), "the summary names the program: {summary:?}");
}

#[test]
fn a_start_that_cannot_be_is_refused_by_the_field() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    for (params, field, part) in [
        (json!({"command": "a\0b"}), "command", "NUL"),
        (json!({"command": "true", "env": {"A": "x\0y"}}), "env", "NUL"),
        (json!({"command": "true", "env": {"A=B": "c"}}), "env", "no name of a variable"),
        (json!({"command": "true", "dependsOn": ["nothing"]}), "dependsOn", "there is no task \"nothing\""),
    ] {
        let error = client.refused("pillion/task/start", params);
        assert_eq!((error.code, &error.data["field"]), (-32602, &json!(field)), "{error:?}");
        assert!(error.message.contains(part), "{error:?}");
    }
    let error =
        client.refused("workspace/executeCommand", json!({"command": "pillion.task.start", "arguments": ["x"]}));
    assert!(error.message.contains("no object") && error.data["field"].is_null(), "{error:?}");
    let listed = client.call("pillion/task/list", json!({"includeFinished": true}));
    assert_eq!(listed["tasks"], json!([]), "nothing was started");
}

#[test]
fn a_folder_that_does_not_exist_is_refused_by_name() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let error = client.refused("pillion/task/start", json!({"command": "true", "cwd": "/no/such/folder"}));
    assert_eq!(error.code, -32602, "{error:?}");
    assert_eq!(error.data["field"], "cwd", "{error:?}");
    assert!(error.message.contains("/no/such/folder"), "{error:?}");
    let listed = client.call("pillion/task/list", json!({"includeFinished": true}));
    assert_eq!(listed["tasks"], json!([]), "nothing was started");
}

#[test]
fn cwd_and_env_reach_the_command() {
    let sandbox = Sandbox::new();
    sandbox.write("sub/file", "");
    let client = client(&sandbox);
    let cwd = sandbox.path("sub").display().to_string();
    let task = client.start_task(json!({"command": "pwd; echo $COLOUR", "cwd": cwd, "env": {"COLOUR": "blue"}}));
    let id = id_of(&task);
    assert_eq!(task["cwd"], cwd);
    client.wait_task_end(&id);
    assert_eq!(client.output(&id), format!("{cwd}\nblue\n"));
}

#[test]
fn an_unknown_task_is_refused_with_the_remedy() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    for method in ["get", "output", "stop", "rerun", "dismiss"] {
        let error = client.refused(&format!("pillion/task/{method}"), json!({"taskId": "tnone00"}));
        assert_eq!(error.code, -32011, "{method}: {error:?}");
        assert!(error.data["kind"].is_string(), "{method}: {error:?}");
        assert!(error.data["remedy"].as_str().is_some_and(|text| !text.is_empty()), "{method}: {error:?}");
        assert!(error.message.contains("tnone00"), "{method}: {error:?}");
    }
}

#[test]
fn bad_params_are_refused_by_the_field() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let cases = [
        ("start", json!({}), "command"),
        ("start", json!({"command": 7}), "command"),
        ("start", json!({"command": "  "}), "command"),
        ("start", json!({"command": "true", "timeoutMs": -1}), "timeoutMs"),
        ("start", json!({"command": "true", "stdin": "tty"}), "stdin"),
        ("start", json!({"command": "true", "onExit": "explode"}), "onExit"),
        ("start", json!({"command": "true", "lifetime": "forever"}), "lifetime"),
        ("start", json!({"command": "true", "group": "party"}), "group"),
        ("get", json!({}), "taskId"),
        ("stop", json!({"taskId": 5}), "taskId"),
    ];
    for (method, params, field) in cases {
        let error = client.refused(&format!("pillion/task/{method}"), params.clone());
        assert_eq!(error.code, -32602, "{method} {params}: {error:?}");
        assert_eq!(error.data["field"], field, "{method} {params}: {error:?}");
        assert!(error.message.contains(field), "{method} {params}: {error:?}");
    }
    assert_eq!(client.call("pillion/task/list", json!({"includeFinished": true}))["tasks"], json!([]));
}

#[test]
fn a_rerun_is_a_new_run_of_the_same_task() {
    let sandbox = Sandbox::new();
    sandbox.write("answer", "1");
    let client = client(&sandbox);
    let gate = sandbox.gate("go");
    let id = client.start_command(&format!("{}; cat answer; exit $(cat answer)", gate.wait()));
    let error = client.refused("pillion/task/rerun", json!({"taskId": id}));
    assert_eq!(error.code, -32012, "a running task: {error:?}");
    assert!(error.data["kind"].is_string(), "{error:?}");
    gate.open();
    let first = client.wait_run_end(&id, 1);
    assert_eq!(first["exitCode"], 1);
    sandbox.write("answer", "0");
    gate.open();
    let task = client.call("pillion/task/rerun", json!({"taskId": id}))["task"].clone();
    assert_eq!((&task["id"], &task["run"]), (&json!(id), &json!(2)));
    let second = client.wait_run_end(&id, 2);
    assert_eq!(second["status"], "succeeded");
    let runs: Vec<_> = second["runs"].as_array().into_iter().flatten().map(|run| &run["status"]).collect();
    assert_eq!(runs, ["failed", "succeeded"]);
    assert_ne!(first["output"]["path"], second["output"]["path"], "each run has its own file");
    assert_eq!(client.output(&id), "0");
    let old = client.call("pillion/task/output", json!({"taskId": id, "run": 1}));
    assert_eq!(old["text"], "1");
}

#[test]
fn a_retry_is_another_attempt_of_the_same_run() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let command = "if [ -e tried ]; then echo ok; else touch tried; exit 1; fi";
    let task = client.start_task(json!({"command": command, "retries": 2}));
    let id = id_of(&task);
    assert_eq!(task["maxAttempts"], 3);
    let ended = client.wait_task_end(&id);
    assert_eq!(ended["status"], "succeeded");
    assert_eq!((&ended["run"], &ended["attempt"]), (&json!(1), &json!(2)));
    assert_eq!(ended["flaky"], true);
}

#[test]
fn the_snapshot_comes_right_after_initialized() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let (_, snapshot) = client.wait_notification("pillion/task/snapshot", 0, |_| true);
    assert_eq!(snapshot["tasks"], json!([]));
    assert!(snapshot["seq"].is_u64(), "{snapshot}");
    let id = client.start_command("true");
    client.wait_task_end(&id);
    let list = client.call("pillion/task/list", json!({"includeFinished": true}));
    assert_eq!(list["tasks"][0]["id"], json!(id));
    assert!(list["seq"].as_u64() > snapshot["seq"].as_u64(), "{list}");
}

#[test]
fn input_goes_to_the_pipe() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let task = client.start_task(json!({"command": "read -r name; echo \"hello $name\"; cat", "stdin": "pipe"}));
    let id = id_of(&task);
    assert_eq!(client.call("pillion/task/input", json!({"taskId": id, "text": "Ada\n"})), json!({}));
    client.wait_task("the greeting", |task| task["id"] == id && task["output"]["lastLine"] == "hello Ada");
    client.call("pillion/task/input", json!({"taskId": id, "text": "the rest", "eof": true}));
    assert_eq!(client.wait_task_end(&id)["status"], "succeeded");
    assert_eq!(client.output(&id), "hello Ada\nthe rest");
}

#[test]
fn tasks_run_side_by_side() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    // Each lets the other pass: one after the other they would never end.
    let (one, two) = (sandbox.gate("one"), sandbox.gate("two"));
    let first = client.start_command(&format!("echo > '{}'; {}", two.path(), one.wait()));
    let second = client.start_command(&format!("echo > '{}'; {}", one.path(), two.wait()));
    for id in [first, second] {
        assert_eq!(client.wait_task_end(&id)["status"], "succeeded");
    }
}

#[test]
fn a_plain_client_sees_each_task_as_progress() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::plain());
    let gate = sandbox.gate("go");
    let command = format!("echo first; {}; echo second; {}", gate.wait(), gate.wait());
    client.call(
        "workspace/executeCommand",
        json!({"command": "pillion.task.start", "arguments": [{"command": command, "label": "two steps"}]}),
    );
    let kind_is = |kind: &'static str| move |params: &Value| params["value"]["kind"] == kind;
    let (at, begin) = client.wait_notification("$/progress", 0, kind_is("begin"));
    assert!(begin["value"]["title"].as_str().is_some_and(|title| title.contains("two steps")), "{begin}");
    assert_eq!(begin["value"]["cancellable"], true, "{begin}");
    let says = |text: &'static str| {
        move |params: &Value| params["value"]["message"].as_str().is_some_and(|message| message.contains(text))
    };
    gate.open();
    client.wait_notification("$/progress", at, says("second"));
    gate.open();
    let (_, end) = client.wait_notification("$/progress", at, kind_is("end"));
    assert_eq!(end["token"], begin["token"]);
}

/// What a server prints is no news, and neither is what the person stopped. A workflow fails in one line.
#[test]
fn a_plain_client_is_told_calmly() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::plain());
    let (gate, never) = (sandbox.gate("go"), sandbox.gate("never"));
    let start = |params: Value| {
        let params = json!({"command": "pillion.task.start", "arguments": [params]});
        client.call("workspace/executeCommand", params)["task"]["id"].as_str().expect("an id").to_owned()
    };
    let command = format!("echo 'up at http://localhost:5173/'; {}; echo GET /; {}", gate.wait(), never.wait());
    let id = start(json!({"command": command, "kind": "monitor", "ready": "^up at"}));
    let (at, _) = client
        .wait_notification("$/progress", 0, |params| params["value"]["message"] == "ready at http://localhost:5173/");
    client.call("pillion/task/follow", json!({"taskId": id, "on": true}));
    gate.open();
    client.wait_notification("pillion/task/output", at, |params| {
        params["text"].as_str().is_some_and(|text| text.contains("GET /"))
    });
    client.call("workspace/executeCommand", json!({"command": "pillion.task.stop", "arguments": [id]}));
    let (_, end) = client.wait_notification("$/progress", at, |params| params["value"]["kind"] == "end");
    assert_eq!(end["value"]["message"], "stopped");

    let step = json!({"command": "exit 3", "label": "build"});
    start(json!({"command": "echo no", "label": "deploy", "dependsOn": [step]}));
    let (at, told) = client.wait_notification("window/showMessage", 0, |_| true);
    assert_eq!(told["message"], "Pillion: build failed (3)");
    // Of this one nothing else says why.
    start(json!({"command": "echo no", "label": "publish", "dependsOn": [id]}));
    let (_, told) = client.wait_notification("window/showMessage", at + 1, |_| true);
    assert!(told["message"].as_str().is_some_and(|text| text.starts_with("Pillion: publish: not started: ")), "{told}");
    assert!(client.log().iter().all(|message| message.body["params"]["value"]["message"] != "GET /"));
}

#[test]
fn cancelling_a_progress_stops_its_task() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::plain());
    // Kept: a reader of a gate that is gone sees the end of its input.
    let gate = sandbox.gate("never");
    let id = client.start_command(&gate.wait());
    let (at, begin) = client.wait_notification("$/progress", 0, |params| params["value"]["kind"] == "begin");
    client.notify("window/workDoneProgress/cancel", json!({"token": begin["token"]}));
    client.wait_notification("$/progress", at, |params| params["value"]["kind"] == "end");
    let list = client.call("pillion/task/list", json!({"includeFinished": true}));
    let task = &list["tasks"][0];
    assert_eq!(
        (&task["id"], &task["status"], &task["stoppedBy"]),
        (&json!(id), &json!("killed"), &json!("user")),
        "{task}"
    );
    assert!(FINAL.iter().any(|status| task["status"] == *status));
}
