//! How a run ends, and how it does not begin.

use std::time::Duration;

use pillion::task::model::Stdin;
use pillion::task::run::{Ending, RunEvent, RunId};

use crate::rig::Rig;

#[tokio::test]
async fn the_commands_own_end() {
    let mut rig = Rig::new();
    for (command, ending) in [
        ("true", Ending::Exited { code: 0 }),
        ("exit 3", Ending::Exited { code: 3 }),
        ("no-such-command-at-all", Ending::Exited { code: 127 }),
        ("kill -SEGV $$", Ending::Signaled { signal: 11 }),
        ("kill -TERM $$", Ending::Signaled { signal: 15 }),
    ] {
        let end = rig.run(command).await;
        assert_eq!(end.ending, ending, "{command}");
        assert_eq!(end.stragglers, 0);
    }
}

#[tokio::test]
async fn the_command_gets_its_folder_its_environment_and_plain_signals() {
    let mut rig = Rig::new();
    let mut spec = rig.spec("pwd; echo \"$NAME\"; env | grep -c ^HOME; grep -E '^Sig(Blk|Ign)' /proc/self/status; cat");
    spec.env.push(("NAME".into(), "väl ue".into()));
    rig.start_spec(spec);
    let end = rig.end().await;
    let folder = rig.folder.path().display().to_string();
    let lines: Vec<&str> = end.tail.lines().collect();
    assert_eq!(lines[..3], [folder.as_str(), "väl ue", "0"]);
    for (line, name) in lines[3..].iter().zip(["SigBlk:\t", "SigIgn:\t"]) {
        // 32 and 33 belong to the C library alone.
        let mask = u64::from_str_radix(line.strip_prefix(name).unwrap(), 16).unwrap() & !(3 << 31);
        assert_eq!(mask, 0, "{line}");
    }
    assert_eq!(lines.len(), 5);
}

#[tokio::test]
async fn nothing_that_is_open_here_is_open_there() {
    let mut rig = Rig::new();
    let (read, write) = std::io::pipe().unwrap();
    // SAFETY: takes the number of an open descriptor; it stays open until the end of the test.
    assert_eq!(unsafe { libc::fcntl(std::os::fd::AsRawFd::as_raw_fd(&write), libc::F_SETFD, 0) }, 0);
    let name = std::fs::read_link(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&read))).unwrap();
    let end = rig.run("ls -l /proc/self/fd /proc/$PPID/fd").await;
    assert!(end.tail.contains("signalfd"), "{}", end.tail);
    assert!(!end.tail.contains(name.to_str().unwrap()), "{}", end.tail);
}

#[tokio::test]
async fn events_come_in_order_and_none_follows_the_end() {
    let mut rig = Rig::new();
    rig.start("echo one; echo two >&2; exit 1");
    let (_, first) = rig.event().await;
    let RunEvent::Started { at: started, .. } = first else { panic!("{first:?}") };
    let end = rig.end().await;
    assert_eq!((end.tail.as_str(), end.bytes, end.lines, end.truncated), ("one\ntwo\n", 8, 2, false));
    assert!(end.at >= started);
    assert!(rig.close().0.is_empty());
}

#[tokio::test]
async fn the_end_is_on_disk() {
    let mut rig = Rig::new();
    let id = rig.start("exit 4");
    let end = rig.end().await;
    let path = rig.output(&id).with_file_name("exit.json");
    let written: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(written["code"], 4);
    assert_eq!(written["cause"], "own");
    assert_eq!(written["at"], end.at.0);
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(rig.output(&id).parent().unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let mut rig = Rig::new();
    let missing = rig.folder.path().join("gone");
    let mut spec = rig.spec("true");
    spec.cwd = missing.clone();
    rig.start_spec(spec);
    let (_, event) = rig.event().await;
    let RunEvent::Ended(end) = event else { panic!("{event:?}") };
    let reason =
        format!("The working directory {} does not exist. Start the task in a folder that exists.", missing.display());
    assert_eq!(end.ending, Ending::NotStarted { reason });

    let mut spec = rig.spec("true");
    spec.dir = "/proc/no-folder-can-be-here".into();
    rig.start_spec(spec);
    let Ending::NotStarted { reason } = rig.end().await.ending else { panic!() };
    assert!(
        reason.starts_with("The folder for the output, /proc/no-folder-can-be-here, cannot be written"),
        "{reason}"
    );

    let mut spec = rig.spec("true");
    spec.env.push(("LONG".into(), "x".repeat(3 << 20)));
    rig.start_spec(spec);
    let Ending::NotStarted { reason } = rig.end().await.ending else { panic!() };
    assert!(reason.contains("too long for the system"), "{reason}");
}

#[tokio::test]
async fn a_missing_shim_is_told() {
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let mut rig = Rig::new();
    let spec = rig.spec("true");
    let mut supervisor = pillion::task::supervisor::Supervisor::new(sender).with_shim("/does/not/exist".into());
    supervisor.start(spec);
    let (_, event) = events.recv().await.unwrap();
    assert!(matches!(&event, RunEvent::Ended(end) if matches!(end.ending, Ending::NotStarted { .. })), "{event:?}");

    // One that goes away at once.
    let spec = rig.spec("true");
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let mut supervisor = pillion::task::supervisor::Supervisor::new(sender).with_shim("/bin/true".into());
    supervisor.start(spec);
    let (_, event) = events.recv().await.unwrap();
    assert!(matches!(&event, RunEvent::Ended(end) if matches!(end.ending, Ending::NotStarted { .. })), "{event:?}");
}

#[tokio::test]
async fn a_timeout_ends_it() {
    let mut rig = Rig::new();
    let mut spec = rig.spec("setsid sleep 300 & sleep 300");
    spec.timeout = Some(Duration::from_millis(50));
    rig.start_spec(spec);
    let end = rig.end().await;
    assert_eq!(end.ending, Ending::TimedOut { code: None, signal: Some(15) });
    assert_eq!(rig.living(), Vec::<String>::new());
}

#[tokio::test]
async fn the_output_cap_ends_it() {
    let mut rig = Rig::new();
    // Quiet for so long that the shim sleeps, and must be woken by the first write. What comes then is over the cap and no
    // more: a flood would be as large as the machine is slow to look, and all of it is read.
    let mut spec = rig.spec("echo quiet; sleep 0.5; yes | head -c 4000000; sleep 1000");
    spec.output_cap = 1 << 20;
    rig.start_spec(spec);
    let end = rig.end().await;
    assert!(matches!(end.ending, Ending::OverLimit { .. }), "{end:?}");
    assert!(end.truncated);
    assert!(end.bytes > 1 << 20);
    assert_eq!(rig.living(), Vec::<String>::new());
}

#[tokio::test]
async fn a_run_that_is_over_takes_no_orders() {
    let mut rig = Rig::new();
    let id = rig.start("true");
    rig.end().await;
    // The way to it closes a moment after the end is told.
    while rig.supervisor.control(&id, pillion::task::run::RunControl::Stop).is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(rig.input(&id, "x", false).unwrap_err().contains("no standard input"));
}

#[tokio::test]
async fn fifty_at_once() {
    let mut rig = Rig::new();
    for n in 0..50 {
        let mut spec = rig.spec(&format!("read -r code; echo {n}; exit $code"));
        spec.stdin = Stdin::Pipe;
        rig.start_spec(spec);
    }
    let mut running = Vec::new();
    let mut ends = Vec::new();
    while ends.len() < 50 {
        let (id, event) = rig.event().await;
        match event {
            RunEvent::Started { .. } => {
                running.push(id);
                // None ends before all of them run.
                if running.len() == 50 {
                    for id in &running {
                        rig.input(id, &format!("{}\n", number(id)), false).unwrap();
                    }
                }
            }
            RunEvent::Ended(end) => ends.push((id, end)),
            _ => {}
        }
    }
    for (id, end) in ends {
        assert_eq!(end.ending, Ending::Exited { code: number(&id) });
        assert_eq!(end.tail, format!("{}\n", number(&id) - 1));
    }
}

fn number(id: &RunId) -> i32 {
    id.task.as_str()[1..].parse().unwrap()
}
