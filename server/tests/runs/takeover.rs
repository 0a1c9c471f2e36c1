//! A sidecar goes away and another one comes: a run goes on, is told whole, and leaves nothing, whoever dies when.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use pillion::problem::Finding;
use pillion::task::model::{OnClose, Stdin};
use pillion::task::run::{Ending, RunControl, RunEvent, RunSpec};

use crate::rig::{Rig, parent, pipe};
use crate::trees::TREES;

const HOUR: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_millis(200);

fn fifo(rig: &Rig, name: &str) -> std::path::PathBuf {
    let path = rig.folder.path().join(name);
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

async fn open(gate: &Path) {
    let gate = gate.to_owned();
    tokio::task::spawn_blocking(move || std::fs::write(gate, "\n").unwrap()).await.unwrap();
}

fn kill(pid: i32) {
    // SAFETY: a signal to a process that this test caused to be started and that still runs.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGKILL) }, 0);
}

/// The text of a run's `exit.json`, as soon as it is there.
async fn exit_of(spec: &RunSpec) -> serde_json::Value {
    let path = spec.dir.join("exit.json");
    while !path.exists() {
        tokio::task::yield_now().await;
    }
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn the_next_sidecar_goes_on_with_the_run() {
    let mut rig = Rig::handing_over("mine", HOUR);
    let gate = fifo(&rig, "gate");
    let spec = rig.spec("echo one; echo a.c:3:1: error: broken; echo next; read -r x < gate; echo two; exit 3");
    std::fs::write(rig.folder.path().join("a.c"), "1\n2\n3\n").unwrap();
    rig.start_spec(spec.clone());
    let pid = rig.started().await;
    rig.line("next").await;
    for _ in 0..2 {
        rig.reload("mine", HOUR);
        rig.supervisor.resume(spec.clone(), false);
        assert_eq!(rig.started().await, pid);
        let found = rig.until(|event| match event {
            RunEvent::Findings(found) => Some(found.clone()),
            _ => None,
        });
        assert!(matches!(&found.await[..], [Finding::Problem(problem)] if problem.message == "broken"));
        rig.line("next").await;
    }
    open(&gate).await;
    let end = rig.end().await;
    assert_eq!((end.ending, end.stragglers), (Ending::Exited { code: 3 }, 0));
    assert_eq!((end.tail.as_str(), end.lines), ("one\na.c:3:1: error: broken\nnext\ntwo\n", 4));
    assert_eq!(rig.living(), Vec::<String>::new());
    let exit = exit_of(&spec).await;
    assert_eq!((&exit["cause"], &exit["started"][0]), (&"own".into(), &pid.into()));
}

#[tokio::test]
async fn an_end_that_only_the_shim_saw_is_told_with_everything() {
    let mut rig = Rig::handing_over("mine", HOUR);
    let (gate, gone) = (fifo(&rig, "gate"), pipe(&rig.folder.path().join("gone")));
    let spec = rig.spec("exec 9>gone; read -r x < gate; echo a.c:3:1: error: broken; exit 3");
    std::fs::write(rig.folder.path().join("a.c"), "1\n2\n3\n").unwrap();
    rig.start_spec(spec.clone());
    let pid = rig.started().await;
    rig.reload("mine", HOUR);
    open(&gate).await;
    gone.await.unwrap();
    exit_of(&spec).await;
    rig.supervisor.resume(spec, false);
    assert_eq!(rig.started().await, pid);
    let mut found = Vec::new();
    let end = rig
        .until(|event| match event {
            RunEvent::Findings(more) => {
                found.extend(more.clone());
                None
            }
            RunEvent::Ended(end) => Some(end.clone()),
            _ => None,
        })
        .await;
    assert_eq!((end.ending, end.lines), (Ending::Exited { code: 3 }, 1));
    assert_eq!(end.tail, "a.c:3:1: error: broken\n");
    assert_eq!(found.len(), 1, "{found:?}");
}

#[tokio::test]
async fn nobody_in_time_is_the_end_of_the_whole_tree() {
    for (name, command) in TREES {
        let mut rig = Rig::handing_over("mine", SOON);
        let gone = pipe(&rig.folder.path().join("fifo"));
        let spec = rig.spec(&format!("exec 9>fifo; {command}"));
        rig.start_spec(spec.clone());
        rig.line("ready").await;
        rig.reload("mine", SOON);
        gone.await.unwrap();
        assert_eq!(exit_of(&spec).await["cause"], "orphaned", "{name}");
        rig.supervisor.resume(spec, false);
        let end = rig.end().await;
        assert!(matches!(end.ending, Ending::Orphaned { .. }), "{name}: {:?}", end.ending);
        assert_eq!(end.tail, "ready\n", "{name}");
        assert_eq!(rig.living(), Vec::<String>::new(), "{name}");
    }
}

#[tokio::test]
async fn a_run_that_was_taken_over_is_stopped_whole() {
    for (name, command) in TREES {
        let mut rig = Rig::handing_over("mine", HOUR);
        let spec = rig.spec(command);
        let id = rig.start_spec(spec.clone());
        rig.line("ready").await;
        rig.reload("mine", HOUR);
        rig.supervisor.resume(spec, false);
        rig.stop(&id);
        let end = rig.end().await;
        assert!(matches!(end.ending, Ending::Stopped { .. }), "{name}: {:?}", end.ending);
        assert_eq!(rig.living(), Vec::<String>::new(), "{name}");
        // The shim takes its socket with it, right after its last word.
        while std::fs::read_dir(rig.sockets()).unwrap().count() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_shim_that_is_killed_after_the_takeover_leaves_nothing() {
    pillion::task::process::adopt_orphans().unwrap();
    for (name, command) in TREES {
        let mut rig = Rig::handing_over("mine", HOUR);
        let spec = rig.spec(command);
        rig.start_spec(spec.clone());
        rig.line("ready").await;
        rig.reload("mine", HOUR);
        rig.supervisor.resume(spec, false);
        let pid = rig.started().await;
        kill(parent(pid));
        let end = rig.end().await;
        assert_eq!(end.ending, Ending::Lost, "{name}");
        assert_eq!(end.tail, "ready\n", "{name}");
        assert_eq!(rig.living(), Vec::<String>::new(), "{name}");
    }
}

#[tokio::test]
async fn a_shim_that_is_killed_before_the_takeover_leaves_nothing() {
    pillion::task::process::adopt_orphans().unwrap();
    for (name, command) in TREES {
        let mut rig = Rig::handing_over("mine", HOUR);
        let spec = rig.spec(command);
        rig.start_spec(spec.clone());
        let shim = parent(rig.started().await);
        rig.line("ready").await;
        rig.reload("mine", HOUR);
        kill(shim);
        rig.supervisor.resume(spec, false);
        assert_eq!(rig.end().await.ending, Ending::Lost, "{name}");
        assert_eq!(rig.living(), Vec::<String>::new(), "{name}");
    }
}

#[tokio::test]
async fn within_the_grace_another_client_waits() {
    let mut rig = Rig::handing_over("mine", Duration::from_millis(500));
    let mut spec = rig.spec("echo ready; sleep 300");
    spec.on_close = OnClose::Keep;
    let id = rig.start_spec(spec.clone());
    rig.line("ready").await;
    let left = std::time::Instant::now();
    rig.reload("other", HOUR);
    rig.supervisor.resume(spec, false);
    rig.started().await;
    assert!(left.elapsed() >= Duration::from_millis(400), "it was kept for its own client");
    rig.stop(&id);
    assert!(matches!(rig.end().await.ending, Ending::Stopped { .. }));
}

#[tokio::test]
async fn the_terms_follow_the_settings() {
    let mut rig = Rig::handing_over("mine", HOUR);
    let gone = pipe(&rig.folder.path().join("fifo"));
    let mut spec = rig.spec("exec 9>fifo; echo ready; sleep 300");
    spec.on_close = OnClose::Keep;
    spec.stdin = Stdin::Pipe;
    let id = rig.start_spec(spec.clone());
    rig.line("ready").await;
    rig.reload("mine", HOUR);
    rig.supervisor.resume(spec, false);
    rig.started().await;
    rig.supervisor.control(&id, RunControl::OnClose(OnClose::Stop)).unwrap();
    // Orders are carried out in their order: this one is answered.
    rig.input(&id, "text", true).unwrap();
    while rig.input(&id, "", false).is_ok() {
        tokio::task::yield_now().await;
    }
    rig.reload("mine", HOUR);
    gone.await.unwrap();
}

#[tokio::test]
async fn input_goes_on_after_a_takeover() {
    let mut rig = Rig::handing_over("mine", HOUR);
    let mut spec = rig.spec("echo ready; read -r a; echo got $a; read -r b; echo and $b");
    spec.stdin = Stdin::Pipe;
    let id = rig.start_spec(spec.clone());
    rig.line("ready").await;
    rig.input(&id, "one\n", false).unwrap();
    rig.line("got one").await;
    rig.reload("mine", HOUR);
    rig.supervisor.resume(spec, false);
    rig.input(&id, "two\n", false).unwrap();
    let end = rig.end().await;
    assert_eq!((end.ending, end.tail.as_str()), (Ending::Exited { code: 0 }, "ready\ngot one\nand two\n"));
}

#[tokio::test]
async fn what_a_finished_command_left_is_owned_again() {
    let mut rig = Rig::handing_over("mine", HOUR);
    let spec = rig.spec("(setsid sleep 300 &); echo done");
    let id = rig.start_spec(spec.clone());
    assert_eq!(rig.end().await.stragglers, 1);
    rig.reload("mine", HOUR);
    rig.supervisor.resume(spec, true);
    assert_eq!(rig.living().len(), 1);
    rig.stop(&id);
    let (_, event) = rig.event().await;
    assert!(matches!(event, RunEvent::Emptied), "{event:?}");
    assert_eq!(rig.living(), Vec::<String>::new());
}

#[tokio::test]
async fn daemons_that_the_person_wants_are_left_alone() {
    let mut rig = Rig::handing_over("mine", HOUR);
    rig.custody("mine", HOUR, &["kept-daemon"]);
    let daemon = rig.folder.path().join("kept-daemon");
    std::fs::copy("/bin/bash", &daemon).unwrap();
    let (_up, never) = (fifo(&rig, "up"), fifo(&rig, "never"));
    // Its own session, no descriptor of the task, and a parent that is gone. The command ends when the daemon is up.
    let start =
        format!("(setsid {} -c 'echo > up; read -r x < never' >/dev/null 2>&1 &); read -r x < up", daemon.display());
    let end = rig.run(&format!("{start}; (setsid sleep 300 &); echo done")).await;
    assert_eq!((end.ending, end.stragglers), (Ending::Exited { code: 0 }, 1), "one of the two counts");
    let end = rig.run(&format!("{start}; echo done")).await;
    assert_eq!((end.ending, end.stragglers), (Ending::Exited { code: 0 }, 0));
    let kept: Vec<String> = rig.living().into_iter().filter(|line| line.contains("kept-daemon")).collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    open(&never).await;
}
