//! Names a sidecar for good, so that what it left behind can be told from what another one still has; and the way to
//! its shims.

use std::collections::HashSet;
use std::time::Duration;

use rustix::process::Signal;

use super::model::{Kind, Task};
use super::run_file::RunFile;
use super::{
    exit_file, process, run_folder,
    system::{self, Process},
    tree,
};

/// The name of this process: pid, start time, boot.
pub fn own() -> String {
    let pid = rustix::process::getpid().as_raw_nonzero().get();
    let started = Process::of(pid).map_or(0, |process| process.started);
    format!("{pid} {started} {}", system::boot())
}

/// Whether the process of that name is alive.
pub fn lives(name: &str) -> bool {
    let mut words = name.splitn(3, ' ');
    let (pid, started, boot) = (words.next(), words.next(), words.next());
    let Some(pid) = pid.and_then(|pid| pid.parse().ok()) else { return false };
    boot == Some(&system::boot())
        && Process::of(pid)
            .is_some_and(|process| !process.zombie && started.and_then(|at| at.parse().ok()) == Some(process.started))
}

/// Waits for the end of the process of that name, no longer than `limit`: true when it is gone. Blocks.
pub fn gone_within(name: &str, limit: Duration) -> bool {
    let Some(pid) = name.split(' ').next().and_then(|pid| pid.parse().ok()) else { return true };
    // Whoever has the pid now is watched, and is then known to be the right one or another.
    let ended = system::watch_end(pid);
    if !lives(name) {
        return true;
    }
    ended.is_some_and(|ended| ended.within(limit)) && !lives(name)
}

/// Whether somebody still watches over the newest run of a task without an end, or will: its shim is there, or it was
/// never launched. A subagent goes with its sidecar.
pub fn is_held(task: &Task) -> bool {
    if task.kind == Kind::Agent {
        return false;
    }
    let Some(dir) = task.output.path.parent() else { return true };
    match RunFile::read(dir) {
        None => true,
        // It listens only a moment after its sidecar is gone.
        Some(run) => {
            let listens = run.socket.is_some_and(|socket| socket.exists());
            exit_file::read(dir).is_none() && (listens || run_folder::is_watched(dir))
        }
    }
}

/// Whether the newest run of a task without an end goes on under its shim.
pub fn runs(task: &Task) -> bool {
    task.output.path.parent().is_some_and(|dir| exit_file::read(dir).is_none() && run_folder::is_watched(dir))
}

/// A new value of the marker that every process of a run carries: random, and the sidecar that it belongs to.
pub(super) fn marker() -> String {
    let pid = rustix::process::getpid().as_raw_nonzero().get();
    let started = Process::of(pid).map_or(0, |process| process.started);
    format!("{}.{pid}.{started}", uuid::Uuid::now_v7().simple())
}

/// Whether the sidecar that a marker names is gone. A marker that names none says nothing.
fn is_left(marker: &str) -> bool {
    let mut words = marker.split('.').skip(1);
    let mut number = || words.next()?.parse::<u64>().ok();
    let (Some(pid), Some(started)) = (number(), number()) else { return false };
    i32::try_from(pid).ok().and_then(Process::of).is_none_or(|process| process.started != started)
}

/// Ends what sidecars and shims that are both gone left running, but for daemons of the programs in `kept`. A tree whose
/// shim waits for the next sidecar is not touched. Blocks for some milliseconds.
pub fn sweep(kept: &[String]) {
    // Of a tree that changes while it is read, one look may miss a link; what two looks find is cut off for good.
    let first: HashSet<Process> = left(kept).into_iter().collect();
    if first.is_empty() {
        return;
    }
    let left: Vec<Process> = left(kept).into_iter().filter(|process| first.contains(process)).collect();
    if !left.is_empty() {
        tracing::warn!(count = left.len(), "processes of an earlier sidecar are ended");
        for process in left {
            process.signal(Signal::KILL);
        }
    }
}

/// What carries a marker, below no shim.
fn left(kept: &[String]) -> Vec<Process> {
    let all = tree::processes();
    let watched: HashSet<i32> =
        tree::below(&all, |process| system::is_shim(process.pid)).iter().map(|process| process.pid).collect();
    all.into_iter()
        .filter(|process| !process.zombie && !watched.contains(&process.pid))
        .filter(|process| process::marker_of(process.pid).is_some_and(|marker| is_left(&marker)))
        .filter(|process| !tree::is_one_of(process.pid, kept))
        .collect()
}

/// Asks the shim of another sidecar's run to end it. `main` is the run's main process. False where there is none.
pub fn stop(main: u32) -> bool {
    let shim = i32::try_from(main).ok().and_then(Process::of).and_then(|main| Process::of(main.parent));
    match shim.filter(|shim| system::is_shim(shim.pid)) {
        Some(shim) => {
            shim.signal(Signal::TERM);
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_of_one_process_of_one_boot() {
        let own = own();
        assert!(lives(&own), "{own}");
        let words: Vec<&str> = own.split(' ').collect();
        for other in [
            format!("{} 1 {}", words[0], words[2]),
            format!("{} {} another-boot", words[0], words[1]),
            format!("0 {} {}", words[1], words[2]),
            "no name".to_owned(),
            String::new(),
        ] {
            assert!(!lives(&other), "{other}");
        }
    }

    #[test]
    fn a_marker_is_left_when_its_sidecar_is_gone() {
        assert!(!is_left(&marker()));
        assert!(is_left(&format!("random.{}.1", std::process::id())));
        assert!(!is_left("of a time when markers named nobody"));
    }

    #[test]
    fn only_shims_are_asked() {
        assert!(!stop(std::process::id()));
    }
}
