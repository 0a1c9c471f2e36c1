//! `pillion run`: alone, and joined to the sidecar of its workspace. What it shows where there is no terminal, its exit
//! codes, and what is left of it: nothing.

use std::fs;

use pillion_tests::options::uri;
use pillion_tests::task::id_of;
use pillion_tests::{Answer, Client, DEADLINE, Model, Options, Sandbox, Terminal};
use rustix::process::Signal;
use serde_json::json;

/// A sandbox whose temporary folder is its own.
fn temporary(sandbox: &Sandbox) -> String {
    let path = sandbox.base().join("tmp");
    fs::create_dir_all(&path).expect("a folder");
    path.display().to_string()
}

#[track_caller]
fn nothing_left(sandbox: &Sandbox) {
    let left = sandbox.task_processes();
    assert!(left.is_empty(), "left: {left:?}");
    let files: Vec<_> = fs::read_dir(sandbox.base().join("tmp")).into_iter().flatten().flatten().collect();
    assert!(files.is_empty(), "left: {files:?}");
}

#[test]
fn alone_it_shows_the_output_and_exits_as_the_command_does() {
    let sandbox = Sandbox::new();
    let tmp = temporary(&sandbox);
    for (arguments, code, stdout, last) in [
        (&["--", "echo one; printf two >&2"][..], 0, "one\ntwo", "passed"),
        (&["--", "exit 3"], 3, "", "failed (3)"),
        (&["--", "kill -KILL $$"], 137, "", "failed (signal 9)"),
        (&["printf", "%s|", "a b", "it's"], 0, "a b|it's|", "passed"),
        (&["--timeout", "1", "--", "sleep 1000"], 124, "", "timed out"),
        (&["--label", "mine", "--", "nosuchprogram 2>/dev/null"], 127, "", "mine  failed (127)"),
        (&["--", "sleep 1000 & echo started"], 0, "started\n", "1 process that it started still ran"),
    ] {
        let ended = Terminal::start(&sandbox, &sandbox.workspace(), arguments, &[("TMPDIR", &tmp)]).wait();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), stdout), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(last), "{arguments:?}: {}", ended.stderr);
        assert!(!ended.stderr.contains('\x1b') && !ended.stdout.contains('\x1b'), "no colours in a pipe");
        nothing_left(&sandbox);
    }
    let ended = Terminal::start(&sandbox, &sandbox.workspace(), &["--cwd", "none", "true"], &[]).wait();
    assert_eq!(ended.code, Some(125));
    assert!(ended.stderr.contains("no such folder"), "{}", ended.stderr);
    for nothing in ["", " "] {
        let ended = Terminal::start(&sandbox, &sandbox.workspace(), &["--", nothing], &[]).wait();
        assert_eq!(ended.code, Some(125));
        assert!(ended.stderr.contains("the command is empty"), "{}", ended.stderr);
    }
}

#[test]
fn alone_a_command_has_the_terminals_environment_and_no_input() {
    let sandbox = Sandbox::new();
    let folder = sandbox.write("sub/file", "").parent().expect("a folder").to_owned();
    let show = "echo $FROM_TERMINAL $PAGER $TERM; pwd; read -r line || echo no input";
    let ended =
        Terminal::start(&sandbox, &folder, &["--", show], &[("FROM_TERMINAL", "yes"), ("TERM", "xterm")]).wait();
    assert_eq!(ended.stdout, format!("yes cat dumb\n{}\nno input\n", folder.display()));
}

#[test]
fn alone_an_interrupt_stops_the_tree_and_a_second_one_does_not_wait() {
    let sandbox = Sandbox::new();
    let tmp = temporary(&sandbox);
    // The grace is longer than this test may take.
    sandbox.write_config("[background]\nstopGraceMs = 600000\n");
    let ready = sandbox.signal("ready");
    let command = format!("trap '' TERM; (setsid sleep 1000 &) ; {}; sleep 1000; sleep 1000", ready.give());
    let mut terminal = Terminal::start(&sandbox, &sandbox.workspace(), &["--", &command], &[("TMPDIR", &tmp)]);
    ready.wait();
    terminal.signal(Signal::INT);
    // Of two at the same moment either may come first: the system may give them to two threads.
    terminal.wait_said("stopping");
    terminal.signal(Signal::TERM);
    let ended = terminal.wait();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("stopped"), "{}", ended.stderr);
    nothing_left(&sandbox);
}

#[test]
fn joined_it_is_a_task_of_the_sidecar() {
    let (sandbox, model) = (Sandbox::new(), Model::start());
    let file = sandbox.write("sub/a.c", "int x\n");
    let folder = file.parent().expect("a folder");
    let client = Client::start(&sandbox, Options::pillion().model(&model));
    let gate = sandbox.gate("go");
    let command =
        format!("echo 'a.c:1:5: error: no semicolon'; echo $FROM_TERMINAL $ANTHROPIC_API_KEY; {}; exit 3", gate.wait());
    let arguments = ["--label", "mine", "--group", "lint", "--", &command];
    let terminal = Terminal::start(&sandbox, folder, &arguments, &[("FROM_TERMINAL", "yes"), ("GH_TOKEN", "hidden")]);
    let task = client.wait_task("the terminal's task runs", |task| task["status"] == "running");
    assert_eq!((&task["label"], &task["group"], &task["origin"]), (&json!("mine"), &json!("lint"), &json!("user")));
    assert_eq!(task["cwd"], folder.display().to_string());
    let set = &task["environment"]["set"];
    assert_eq!((&set["FROM_TERMINAL"], &set["GH_TOKEN"], &set["TERM"]), (&json!("yes"), &json!("…"), &json!("dumb")));
    let (_, published) =
        client.wait_notification("textDocument/publishDiagnostics", 0, |params| params["uri"] == uri(&file));
    assert_eq!(published["diagnostics"][0]["data"]["taskId"], task["id"]);
    let id = task["id"].as_str().expect("an id").to_owned();
    assert_eq!(client.task(&id)["status"], "running", "the diagnostic came while it runs");
    gate.open();
    let ended = terminal.wait();
    let key = pillion_tests::model::KEY;
    assert_eq!((ended.code, ended.stdout), (Some(3), format!("a.c:1:5: error: no semicolon\nyes {key}\n")));
    assert!(ended.stderr.contains("✕ mine  failed (3) in "), "{}", ended.stderr);
    assert_eq!(client.wait_task_end(&id)["exitCode"], 3);
    // The agent is told with the next prompt.
    let told = id.clone();
    model.then("the prompt", move |request| {
        assert_eq!(request.notified(&told, 1), 1);
        Answer::say("I see.")
    });
    let session = client.new_session("auto");
    client.ask(&session, "What now?");
    let _ = model.wait_request(1);
    // Nothing is left for a later terminal to find.
    client.shutdown();
    let sockets: Vec<_> = fs::read_dir(sandbox.base().join("run/pillion")).expect("the folder").flatten().collect();
    assert!(sockets.is_empty(), "{sockets:?}");
    assert_eq!(Terminal::run(&sandbox, "exit 4").code, Some(4));
}

#[test]
fn an_interrupt_stops_the_sidecars_task() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    for (signal, code) in [(Signal::INT, 130), (Signal::HUP, 129)] {
        let at = client.mark();
        let terminal = Terminal::start(&sandbox, &sandbox.workspace(), &["--", "sleep 1000; sleep 1000"], &[]);
        let (_, task) = client.wait_task_from(at, "it runs", |task| task["status"] == "running");
        let tree = sandbox.task_processes();
        terminal.signal(signal);
        assert_eq!(terminal.wait().code, Some(code));
        let ended = client.wait_task_end(task["id"].as_str().expect("an id"));
        assert_eq!((&ended["status"], &ended["stoppedBy"]), (&json!("killed"), &json!("user")));
        assert!(tree.iter().all(|process| !process.is_alive()), "{tree:?}");
    }
}

#[test]
fn a_terminal_that_is_gone_takes_its_task_along() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    let terminal = Terminal::start(&sandbox, &sandbox.workspace(), &["--", "sleep 1000; sleep 1000"], &[]);
    let task = client.wait_task("it runs", |task| task["status"] == "running");
    terminal.kill();
    assert_eq!(client.wait_task_end(task["id"].as_str().expect("an id"))["status"], "killed");
    assert_eq!(terminal.wait().code, None);
}

#[test]
fn what_runs_already_is_shown_and_outlives_a_terminal() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    let gate = sandbox.gate("go");
    let command = format!("echo begun; {}; exit 3", gate.wait());
    // A run that begins within a tick of a write is in doubt for good.
    client.wait_task_end(&client.start_command("sleep 0.1"));
    let params = json!({"command": command});
    let id = id_of(&client.start_task(params.clone()));
    assert_eq!(client.start_folded(&params)["id"], id);
    let count = || client.call("pillion/task/list", json!({}))["tasks"].as_array().map(Vec::len);
    let before = count();
    let start = || Terminal::start(&sandbox, &sandbox.workspace(), &["--output", "--", &command], &[]);
    let mut gone = start();
    assert_eq!(gone.line(), "begun\n");
    gone.kill();
    assert_eq!(gone.wait().code, None);
    assert_eq!(client.task(&id)["status"], "running");
    let mut stays = start();
    assert_eq!(stays.line(), "begun\n");
    gate.open();
    assert_eq!(stays.wait().code, Some(3));
    assert_eq!(count(), before, "the terminals have started nothing");
}

#[test]
fn a_sidecar_that_is_gone_is_said() {
    let sandbox = Sandbox::new();
    let client = Client::start(&sandbox, Options::pillion());
    let terminal = Terminal::start(&sandbox, &sandbox.workspace(), &["--", "sleep 1000; sleep 1000"], &[]);
    client.wait_task("it runs", |task| task["status"] == "running");
    client.process().kill();
    let ended = terminal.wait();
    assert_eq!(ended.code, Some(125));
    assert!(ended.stderr.contains("the sidecar that ran this is gone"), "{}", ended.stderr);
    // What it ran goes with the terminal, also where nobody else is left to end it.
    assert!(sandbox.task_processes().iter().all(|process| process.wait_gone(DEADLINE)));
    // The sidecar's own socket is still there, and nobody behind it.
    let sockets = fs::read_dir(sandbox.base().join("run/pillion")).expect("the folder").flatten();
    let own = sockets.filter(|socket| socket.file_name().to_string_lossy().starts_with("w-"));
    assert_eq!(own.count(), 1);
    assert_eq!(Terminal::run(&sandbox, "exit 4").code, Some(4));
}

#[test]
fn who_stops_reading_stops_the_command() {
    let sandbox = Sandbox::new();
    let command =
        format!("yes | '{}' run 'while echo line; do :; done' | head -n 1", pillion_tests::options::binary().display());
    let output = std::process::Command::new("bash")
        .args(["-c", &format!("set -o pipefail; {command}; echo ${{PIPESTATUS[1]}}")])
        .current_dir(sandbox.workspace())
        .env_clear()
        .envs(sandbox.environment())
        .output()
        .expect("bash");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "line\n141\n");
    assert!(sandbox.task_processes().iter().all(|process| process.wait_gone(DEADLINE)));
}
