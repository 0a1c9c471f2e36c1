//! Who runs when: one at a time over windows, folding, workflows, locks of other programs. Over the real binary.

use pillion_tests::sandbox::write_file;
use pillion_tests::task::{id_of, is_final};
use pillion_tests::{Client, DEADLINE, Options, Sandbox};
use serde_json::{Value, json};

fn client(sandbox: &Sandbox) -> Client {
    Client::start(sandbox, Options::pillion())
}

#[test]
fn a_start_is_folded_while_nothing_was_written_and_never_afterwards() {
    let sandbox = Sandbox::new();
    let source = sandbox.workspace().join("src/a.txt");
    write_file(&source, "old\n");
    write_file(&sandbox.workspace().join(".gitignore"), "target\n");
    write_file(&sandbox.workspace().join("target/x"), "");
    let client = client(&sandbox);
    let gate = sandbox.gate("gate");
    // A run that begins within a tick of a write is in doubt for good.
    client.wait_task_end(&client.start_command("sleep 0.1"));
    let start = json!({"command": format!("cat src/a.txt; {}", gate.wait()), "group": "test"});
    let first = id_of(&client.start_task(start.clone()));
    client.wait_task("the first output", |task| task["id"] == first && task["output"]["bytes"] == 4);
    let folded = client.start_folded(&start);
    assert_eq!((&folded["id"], &folded["status"]), (&json!(first), &json!("running")));
    // What is ignored as a folder is nobody's source.
    write_file(&sandbox.workspace().join("target/y"), "");
    assert_eq!(client.start_folded(&start)["id"], first);
    for params in [json!({"env": {"A": "1"}}), json!({"timeoutMs": 60_000}), json!({"stdin": "pipe"})] {
        let mut other = start.clone();
        other.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
        let other = id_of(&client.start_task(other));
        assert_ne!(other, first);
        client.call("pillion/task/stop", json!({"taskId": other}));
        // It must not take what is meant for another one at the gate.
        client.wait_task_end(&other);
    }

    write_file(&source, "new\n");
    let answer = client.call("pillion/task/start", start);
    assert_eq!(answer.get("folded"), None);
    let second = id_of(&answer["task"]);
    let waiting = client.wait_task("it waits", |task| task["id"] == second && !task["waitingFor"].is_null());
    assert_eq!((&waiting["waitingFor"]["kind"], &waiting["waitingFor"]["holder"]), (&json!("slot"), &json!(first)));
    gate.open_for(2);
    client.wait_task_end(&first);
    client.wait_task_end(&second);
    assert_eq!((client.output(&first), client.output(&second)), ("old\n".into(), "new\n".into()));
}

#[test]
fn a_verdict_is_never_older_than_an_edit_that_races_with_the_start() {
    let sandbox = Sandbox::new();
    let source = sandbox.workspace().join("a.txt");
    write_file(&source, "0\n");
    let client = client(&sandbox);
    let gate = sandbox.gate("gate");
    let start = json!({"command": format!("cat a.txt; {}", gate.wait())});
    let mut ids = vec![id_of(&client.start_task(start.clone()))];
    for edit in 1..=10 {
        std::thread::scope(|scope| {
            scope.spawn(|| write_file(&source, &format!("{edit}\n")));
            ids.push(id_of(&client.start_task(start.clone())));
        });
        // The edit is over: who starts now sees it.
        let after = id_of(&client.start_task(start.clone()));
        let seen =
            client.wait_task("its output", |task| task["id"] == after && task["output"]["bytes"].as_u64() > Some(1));
        assert_eq!(seen["output"]["lastLine"], edit.to_string());
        ids.push(after);
    }
    ids.sort();
    ids.dedup();
    assert!(ids.len() > 10, "a run for each edit");
    gate.open_for(ids.len());
    for id in ids {
        client.wait_task_end(&id);
    }
}

#[test]
fn one_install_runs_in_a_folder_over_two_windows() {
    let sandbox = Sandbox::new();
    let (one, other) = (client(&sandbox), client(&sandbox));
    let gate = sandbox.gate("gate");
    let install = |at: &str| json!({"command": format!("echo {at}; {}", gate.wait()), "group": "install"});
    let starts: Vec<(&Client, String)> =
        [&one, &other].map(|window| (window, id_of(&window.start_task(install("here"))))).into();
    // One of them runs, whichever it is, and the other one names it.
    let state = |(window, id): &(&Client, String)| {
        window.wait_task("it runs or waits", |task| {
            task["id"] == *id && (task["status"] == "running" || task["waitingFor"]["kind"] == "lock")
        })
    };
    let states: Vec<Value> = starts.iter().map(state).collect();
    let runs = states.iter().position(|task| task["status"] == "running").expect("one runs");
    let waits = 1 - runs;
    assert_eq!(states[waits]["waitingFor"]["kind"], "lock", "{states:#?}");
    assert_eq!(states[waits]["waitingFor"]["holder"], states[runs]["id"]);
    // Another folder is another matter.
    std::fs::create_dir(sandbox.workspace().join("sub")).unwrap();
    let sub = id_of(&starts[waits].0.start_task(json!({"command": "true", "cwd": "sub", "group": "install"})));
    starts[waits].0.wait_task_end(&sub);
    assert_eq!(starts[waits].0.task(&starts[waits].1)["status"], "queued");

    gate.open_for(2);
    for (window, id) in &starts {
        assert_eq!(window.wait_task_end(id)["status"], "succeeded");
    }
    let row = |at: usize| starts[at].0.task(&starts[at].1);
    let (ended, started) = (row(runs)["endedAt"].clone(), row(waits)["startedAt"].clone());
    assert!(ended.as_str() <= started.as_str() && ended.is_string(), "the second began when the first had ended");
}

#[test]
fn what_a_window_that_dies_had_claimed_is_free() {
    let sandbox = Sandbox::new();
    // Otherwise it runs on for a while, and has what it claimed.
    let leaving = Options::pillion().settings(json!({"background": {"onClose": "stop", "stopGraceMs": 100}}));
    let (one, other) = (Client::start(&sandbox, leaving), client(&sandbox));
    let first = id_of(&one.start_task(json!({"command": "sleep 1000", "group": "install"})));
    one.wait_task_status(&first, "running");
    let second = id_of(&other.start_task(json!({"command": "echo mine", "group": "install"})));
    other.wait_task("it waits", |task| task["id"] == second && task["waitingFor"]["holder"] == first);
    one.process().kill();
    assert!(one.process().wait_gone(DEADLINE));
    assert_eq!(other.wait_task_end(&second)["status"], "succeeded");
}

#[test]
fn nothing_waits_behind_a_server() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion().settings(json!({"background": {"maxConcurrent": 1}})));
    for start in [
        json!({"command": "sleep 1000", "group": "run"}),
        json!({"command": "sleep 1001", "group": "test", "kind": "monitor"}),
    ] {
        let id = id_of(&client.start_task(start));
        client.wait_task_status(&id, "running");
    }
    let test = id_of(&client.start_task(json!({"command": "true", "group": "test"})));
    assert_eq!(client.wait_task_end(&test)["status"], "succeeded");
}

const TASKS: &str = r#"{
    // The project's own.
    "version": "2.0.0",
    "tasks": [
        {"label": "prepare", "type": "shell", "command": "echo prepare >> log; exit ${PREPARE:-0}"},
        {"label": "build", "command": "echo build >> log; exit $(cat code)", "group": "build"},
        {"label": "test", "command": "echo", "args": ["${workspaceFolderBasename} tested"], "group": "test",
         "dependsOn": ["prepare", "build"], "dependsOrder": "sequence",},
        {"label": "asks", "command": "echo ${input:name}"},
    ]
}"#;

#[test]
fn a_task_of_tasks_json_runs_what_it_depends_on_first() {
    let sandbox = Sandbox::new();
    let at = |name: &str| sandbox.workspace().join(name);
    // `${PREPARE:-0}` is the shell's.
    write_file(&at(".vscode/tasks.json"), TASKS);
    write_file(&at("code"), "3");
    let client = client(&sandbox);
    let commands = client.call("pillion/project/commands", json!({}))["commands"].clone();
    let labels: Vec<&str> = commands.as_array().unwrap().iter().filter_map(|it| it["label"].as_str()).collect();
    assert!(["prepare", "build", "test"].iter().all(|label| labels.contains(label)), "{commands}");
    assert!(!labels.contains(&"asks"), "{commands}");

    let test = client.start_task(json!({"label": "test"}));
    let id = id_of(&test);
    assert_eq!((&test["status"], &test["waitingFor"]["kind"]), (&json!("queued"), &json!("dependency")));
    assert_eq!(test["waitingFor"]["holder"], test["dependsOn"][0]);
    let ended = client.wait_task_end(&id);
    let build = test["dependsOn"][1].as_str().unwrap();
    assert_eq!(
        (&ended["status"], &ended["exitCode"], &ended["startedAt"]),
        (&json!("failed"), &Value::Null, &Value::Null)
    );
    let why = format!("not started: `echo build >> log; exit $(cat code)` ({build}) failed with exit code 3");
    assert_eq!(ended["summary"], why);

    write_file(&at("code"), "0");
    client.call("pillion/task/rerun", json!({"taskId": id}));
    assert_eq!(client.wait_run_end(&id, 2)["status"], "succeeded");
    assert_eq!(client.output(&id), format!("{} tested\n", at("").file_name().unwrap().display()));
    assert_eq!(std::fs::read_to_string(at("log")).unwrap(), "prepare\nbuild\nprepare\nbuild\n");

    let refused = client.refused("pillion/task/start", json!({"label": "asks"}));
    assert!(refused.message.contains("`${input:name}` is known to the editor alone"), "{}", refused.message);
    let refused = client.refused("pillion/task/start", json!({"label": "none"}));
    assert_eq!((refused.code, &refused.data["field"]), (-32602, &json!("label")));
    let refused = client.refused("pillion/task/start", json!({"command": "x", "dependsOn": [1]}));
    assert_eq!((refused.code, &refused.data["field"]), (-32602, &json!("dependsOn")));
}

#[test]
fn steps_of_a_start_run_first() {
    let sandbox = Sandbox::new();
    let client = client(&sandbox);
    let gate = sandbox.gate("gate");
    let slow = id_of(&client.start_task(json!({"command": gate.wait()})));
    let last = client.start_task(json!({
        "command": "echo last",
        "dependsOn": [slow, {"command": "echo step", "label": "a step"}],
    }));
    let id = id_of(&last);
    let step = last["dependsOn"][1].as_str().unwrap().to_owned();
    assert_eq!(last["dependsOn"][0], slow);
    assert_eq!(client.wait_task_end(&step)["label"], "a step");
    gate.open();
    let ended = client.wait_task_end(&id);
    assert_eq!(ended["status"], "succeeded");
    assert!(client.task(&slow)["endedAt"].as_str() <= ended["startedAt"].as_str());
    // One by a single name, and one that is over already.
    let again = id_of(&client.start_task(json!({"command": "true", "dependsOn": step})));
    assert_eq!(client.wait_task_end(&again)["status"], "succeeded");
}

#[test]
fn cargo_says_whom_it_waits_for() {
    let sandbox = Sandbox::new();
    let at = |name: &str| sandbox.workspace().join(name);
    let gate = sandbox.gate("gate");
    let ready = sandbox.signal("ready");
    write_file(&at("Cargo.toml"), "[package]\nname = \"locked\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    write_file(&at("src/lib.rs"), "");
    let script = format!("{}; {}", ready.give(), gate.wait());
    let build =
        format!("fn main() {{ std::process::Command::new(\"bash\").args([\"-c\", {script:?}]).status().unwrap(); }}");
    write_file(&at("build.rs"), &build);
    let client = client(&sandbox);
    let first = id_of(&client.start_task(json!({"command": "cargo build --offline", "env": {"RUSTC_WRAPPER": ""}})));
    ready.wait();
    let second =
        id_of(&client.start_task(json!({"command": "cargo build --offline --lib", "env": {"RUSTC_WRAPPER": ""}})));
    let blocked = client.wait_task("it waits", |task| task["id"] == second && !task["waitingFor"].is_null());
    assert_eq!((&blocked["status"], &blocked["waitingFor"]["kind"]), (&json!("running"), &json!("lock")));
    assert_eq!(blocked["waitingFor"]["holder"], first);
    gate.open_for(2);
    for id in [&first, &second] {
        let ended = client.wait_task_end(id);
        assert_eq!((&ended["status"], &ended["waitingFor"]), (&json!("succeeded"), &Value::Null));
    }
    assert!(is_final(&client.task(&second)));
}
