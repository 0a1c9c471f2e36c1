//! The processes of a run: who descends from whom, and how all of them are told to end. Knows no task.

use std::collections::HashSet;

use rustix::process::{Pid, Signal, kill_process_group};

pub use super::system::{Process, processes};
use super::system::{catches_term, command_line};

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
#[derive(Clone, Debug)]
pub struct Tree {
    /// The shim. Not of the tree itself.
    pub root: i32,
    /// The command's main process, which has a session of its own.
    pub main: i32,
    /// Names of programs whose daemons are left alone: they are not of the tree.
    pub kept: Vec<String>,
}

impl Tree {
    /// The living processes of the tree.
    pub fn living(&self) -> Vec<Process> {
        let all = processes();
        let mut found = below(&all, |process| {
            process.pid != self.root && (process.parent == self.root || process.session == self.main)
        });
        found.retain(|process| !process.zombie);
        if !self.kept.is_empty() {
            let daemons = below(&all, |process| {
                process.parent == self.root && process.pid != self.main && is_one_of(process.pid, &self.kept)
            });
            let daemons: HashSet<i32> = daemons.iter().map(|process| process.pid).collect();
            found.retain(|process| !daemons.contains(&process.pid));
        }
        found
    }

    /// TERM to every process, once each. One that was forked while we looked is found by looking again; but what a
    /// process starts that catches TERM is left to its work, since that is how it cleans up.
    pub fn terminate(&self) {
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
    pub fn kill(&self) {
        let living = self.living();
        if self.kept.is_empty() {
            kill(&living);
        } else {
            // A daemon that is left alone may be in the group of one that is not.
            living.iter().for_each(|process| process.signal(Signal::KILL));
        }
    }
}

/// Whether the process runs one of these programs.
pub fn is_one_of(pid: i32, programs: &[String]) -> bool {
    !programs.is_empty() && command_line(pid).is_some_and(|line| runs(&line, programs))
}

/// Whether a command line, its words ended by zeroes, is of one of these programs: by the program's file name, or by the
/// name of the class that Java runs, without its package.
fn runs(line: &[u8], programs: &[String]) -> bool {
    let mut words = line.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let program = words.next().unwrap_or_default();
    // Some daemons write what they do behind their name.
    let program = program.split(' ').next().unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default();
    let named = |name: &str| programs.iter().any(|program| program == name);
    named(name) || (name == "java" && words.any(|word| word.rsplit_once('.').is_some_and(|(_, class)| named(class))))
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

    #[test]
    fn a_daemon_is_known_by_its_program() {
        let kept = ["sccache".to_owned(), "GradleDaemon".to_owned()];
        for (line, expected) in [
            ("/usr/bin/sccache\0--start", true),
            ("sccache: waiting\0", false),
            ("sccache serving\0", true),
            ("java\0-cp\0/a.jar\0org.gradle.launcher.daemon.bootstrap.GradleDaemon\08.5\0", true),
            ("java\0org.example.Main\0", false),
            ("tail\0-f\0sccache\0", false),
            ("cat\0x.GradleDaemon\0", false),
            ("", false),
        ] {
            assert_eq!(runs(line.as_bytes(), &kept), expected, "{line:?}");
        }
    }
}
