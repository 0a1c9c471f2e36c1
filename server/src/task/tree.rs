//! The processes of a run: who descends from whom, and how all of them are told to end. Knows no task.

use std::collections::HashSet;

use rustix::process::{Pid, Signal, kill_process_group};

use super::system::catches_term;
pub use super::system::{Process, processes};

/// Whatever `is_root` picks and everything below it, parents before children, the dead included.
pub fn below(all: &[Process], is_root: impl Fn(&Process) -> bool) -> Vec<Process> {
    let mut found: Vec<Process> = all.iter().filter(|process| is_root(process)).copied().collect();
    let mut seen: HashSet<i32> = found.iter().map(|process| process.pid).collect();
    let mut next = 0;
    while let Some(parent) = found.get(next).map(|process| process.pid) {
        next += 1;
        found.extend(all.iter().filter(|process| process.parent == parent && seen.insert(process.pid)));
    }
    found
}

/// The tree below a shim.
#[derive(Clone, Copy, Debug)]
pub struct Tree {
    /// The shim. Not of the tree itself.
    pub root: i32,
    /// The command's main process, which has a session of its own.
    pub main: i32,
}

impl Tree {
    /// The living processes of the tree.
    pub fn living(self) -> Vec<Process> {
        let mut found = below(&processes(), |process| {
            process.pid != self.root && (process.parent == self.root || process.session == self.main)
        });
        found.retain(|process| !process.zombie);
        found
    }

    /// TERM to every process, once each. One that was forked while we looked is found by looking again; but what a
    /// process starts that catches TERM is left to its work, since that is how it cleans up.
    pub fn terminate(self) {
        let mut told = HashSet::new();
        for pass in 0..8 {
            let fresh: Vec<_> = self
                .living()
                .into_iter()
                .filter(|process| pass == 0 || process.parent == self.root || !catches_term(process.parent))
                .filter(|process| told.insert((process.pid, process.started)))
                .collect();
            if fresh.is_empty() {
                return;
            }
            for process in fresh {
                process.signal(Signal::TERM);
                // A stopped process would take the signal only when somebody wakes it.
                process.signal(Signal::CONT);
            }
        }
    }

    /// KILL to every process.
    pub fn kill(self) {
        kill(&self.living());
    }
}

/// KILL to these processes and to their whole groups: a group dies at one stroke, also while it forks. The caller's own
/// group is spared.
pub fn kill(processes: &[Process]) {
    let own = rustix::process::getpgrp().as_raw_nonzero().get();
    let groups: HashSet<i32> = processes.iter().map(|process| process.group).collect();
    for group in groups.into_iter().filter(|group| *group != own && *group > 1) {
        if let Some(pid) = Pid::from_raw(group) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
    for process in processes {
        process.signal(Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_everything_below() {
        let process =
            |pid, parent, session| Process { pid, parent, group: session, session, zombie: false, started: 1 };
        let all = [process(9, 7, 5), process(2, 1, 2), process(5, 1, 5), process(7, 5, 7), process(8, 1, 5)];
        let found = below(&all, |process| process.session == 5);
        let pids: Vec<i32> = found.iter().map(|process| process.pid).collect();
        assert_eq!(pids, [9, 5, 8, 7]);
        assert!(below(&all, |_| false).is_empty());
    }
}
