//! Nothing is left: of a tree that is stopped, of one whose shim is killed, of one whose sidecar is gone.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use pillion::task::run::{Ending, RunEvent};

use crate::rig::{Rig, parent, pipe};

/// Commands that try to leave something behind. Each says `ready` when everything of it runs.
pub const TREES: &[(&str, &str)] = &[
    ("plain", "sleep 300 & sleep 300 & echo ready; wait"),
    ("exec", "echo ready; exec sleep 300"),
    ("nohup", "nohup sleep 300 >/dev/null 2>&1 & disown; echo ready; sleep 300"),
    ("setsid", "setsid sleep 300 & setsid setsid sh -c 'sleep 300 & sleep 300' & echo ready; sleep 300"),
    ("double fork", "(setsid sh -c 'sleep 300 & sleep 300 &' &); echo ready; sleep 300"),
    ("ignores TERM", "trap '' TERM; sleep 300 & (setsid sleep 300 &); echo ready; while :; do sleep 300; done"),
    ("stopped", "sleep 300 & kill -STOP $!; echo ready; sleep 300"),
    (
        "keeps forking",
        "trap '' TERM; f() { while :; do (setsid sleep 5 &); sleep 0.01; done; }; f & f & echo ready; wait",
    ),
];

#[tokio::test]
async fn a_stop_leaves_nothing() {
    for (name, command) in TREES {
        let mut rig = Rig::new();
        let id = rig.start(command);
        rig.line("ready").await;
        assert!(!rig.living().is_empty(), "{name}");
        rig.stop(&id);
        let end = rig.end().await;
        assert!(matches!(end.ending, Ending::Stopped { .. }), "{name}: {:?}", end.ending);
        assert_eq!(end.stragglers, 0, "{name}");
        assert_eq!(rig.living(), Vec::<String>::new(), "{name}");
    }
}

#[tokio::test]
async fn a_stop_before_the_start_is_not_lost() {
    let mut rig = Rig::new();
    let id = rig.start("sleep 300");
    rig.stop(&id);
    let end = rig.end().await;
    assert!(matches!(end.ending, Ending::Stopped { .. }), "{end:?}");
    assert_eq!(rig.living(), Vec::<String>::new());
}

#[tokio::test]
async fn a_trap_may_clean_up() {
    let mut rig = Rig::new();
    let mut spec =
        rig.spec("trap 'sleep 0.1; date > /dev/null; echo cleaned; exit 5' TERM; sleep 300 & echo ready; wait");
    spec.stop_grace = std::time::Duration::from_secs(30);
    let id = rig.start_spec(spec);
    rig.line("ready").await;
    rig.stop(&id);
    let end = rig.end().await;
    assert_eq!(end.ending, Ending::Stopped { code: Some(5), signal: None });
    assert_eq!(end.tail, "ready\ncleaned\n");
}

#[tokio::test]
async fn stragglers_are_counted_and_owned() {
    let mut rig = Rig::new();
    let id = rig.start("sleep 300 & (setsid sleep 300 &); echo done");
    let end = rig.end().await;
    assert_eq!(end.ending, Ending::Exited { code: 0 });
    assert_eq!(end.stragglers, 2);
    assert_eq!(rig.living().len(), 2);
    rig.stop(&id);
    let (_, event) = rig.event().await;
    assert!(matches!(event, RunEvent::Emptied), "{event:?}");
    assert_eq!(rig.living(), Vec::<String>::new());
}

#[tokio::test]
async fn stragglers_that_end_by_themselves_are_told() {
    let mut rig = Rig::new();
    let fifo = rig.folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    rig.start("cat fifo > /dev/null & exit 2");
    let end = rig.end().await;
    assert_eq!((end.ending, end.stragglers), (Ending::Exited { code: 2 }, 1));
    tokio::task::spawn_blocking(move || std::fs::write(fifo, "x").unwrap()).await.unwrap();
    let (_, event) = rig.event().await;
    assert!(matches!(event, RunEvent::Emptied), "{event:?}");
}

#[tokio::test]
async fn a_killed_shim_leaves_nothing() {
    pillion::task::process::adopt_orphans().unwrap();
    for (name, command) in TREES {
        let mut rig = Rig::new();
        rig.start(command);
        let pid = rig.started().await;
        rig.line("ready").await;
        let shim = parent(pid);
        // SAFETY: a signal to a process that this test caused to be started and that still runs.
        assert_eq!(unsafe { libc::kill(shim, libc::SIGKILL) }, 0);
        let end = rig.end().await;
        assert_eq!(end.ending, Ending::Lost, "{name}");
        assert_eq!(end.tail, "ready\n", "{name}");
        assert_eq!(rig.living(), Vec::<String>::new(), "{name}");
        assert!(rig.close().0.is_empty());
    }
}

#[tokio::test]
async fn a_shim_that_is_killed_over_stragglers_leaves_none() {
    pillion::task::process::adopt_orphans().unwrap();
    let mut rig = Rig::new();
    let mut spec = rig.spec("echo ready; read -r x; (setsid sleep 300 &)");
    spec.stdin = pillion::task::model::Stdin::Pipe;
    let id = rig.start_spec(spec);
    let shim = parent(rig.started().await);
    rig.line("ready").await;
    rig.input(&id, "\n", false).unwrap();
    assert_eq!(rig.end().await.stragglers, 1);
    // SAFETY: as above.
    assert_eq!(unsafe { libc::kill(shim, libc::SIGKILL) }, 0);
    let (_, event) = rig.event().await;
    assert!(matches!(event, RunEvent::Emptied), "{event:?}");
    assert_eq!(rig.living(), Vec::<String>::new());
}

#[tokio::test]
async fn a_shim_that_is_asked_to_end_ends_its_tree() {
    let mut rig = Rig::new();
    rig.start("echo ready; sleep 300");
    let pid = rig.started().await;
    rig.line("ready").await;
    // SAFETY: as above.
    assert_eq!(unsafe { libc::kill(parent(pid), libc::SIGTERM) }, 0);
    assert!(matches!(rig.end().await.ending, Ending::Stopped { .. }));
}

#[tokio::test]
async fn a_sidecar_that_goes_takes_the_tree_with_it() {
    for (name, command) in TREES {
        let mut rig = Rig::new();
        let fifo = rig.folder.path().join("fifo");
        let gone = pipe(&fifo);
        // Whatever runs holds the pipe open.
        let id = rig.start(&format!("exec 9>fifo; {command}"));
        rig.line("ready").await;
        let exit = rig.output(&id).with_file_name("exit.json");
        let (events, folder) = rig.close();
        assert!(!events.iter().any(|event| matches!(event, RunEvent::Ended(_))), "{name}");
        tokio::time::timeout(std::time::Duration::from_secs(60), gone).await.expect(name).unwrap();
        while !exit.exists() {
            tokio::task::yield_now().await;
        }
        let written: serde_json::Value = serde_json::from_slice(&std::fs::read(exit).unwrap()).unwrap();
        assert_eq!(written["cause"], "orphaned", "{name}");
        drop(folder);
    }
}

/// Not a test: the sidecar that the next test kills. It runs one command and waits.
#[tokio::test]
#[ignore = "started by another test"]
async fn a_sidecar_to_be_killed() {
    let Ok(command) = std::env::var("COMMAND_OF_ANOTHER_TEST") else { return };
    pillion::task::process::adopt_orphans().unwrap();
    let mut rig = Rig::new();
    rig.start(&command);
    std::future::pending::<()>().await;
}

#[test]
fn a_killed_sidecar_takes_the_tree_with_it() {
    for (name, command) in TREES {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let command = format!("exec 9>{}; {}", fifo.display(), command.replace("echo ready", "echo ready >&9"));
        let mut sidecar = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "trees::a_sidecar_to_be_killed"])
            .env("COMMAND_OF_ANOTHER_TEST", command)
            .env("TMPDIR", folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut pipe = BufReader::new(std::fs::File::open(fifo).unwrap());
        let mut line = String::new();
        pipe.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "{name}");
        sidecar.kill().unwrap();
        sidecar.wait().unwrap();
        // Ends when nobody is left who could write.
        pipe.read_to_string(&mut line).unwrap();
    }
}
