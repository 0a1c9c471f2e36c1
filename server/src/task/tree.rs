//! Processes as `/proc` shows them: who descends from whom, and signals that hit only the process that was seen.
//! Knows no task. `/proc/PID/task/TID/children` would be quicker where the kernel has it; every Linux has `stat`.

use std::collections::HashSet;
use std::fs;
use std::io::Read;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};

/// One process at the moment of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    pub pid: i32,
    pub parent: i32,
    pub group: i32,
    pub session: i32,
    /// Dead, and waiting for its parent to look.
    pub zombie: bool,
    /// Clock ticks since the boot: with the pid, it names a process for good.
    pub started: u64,
}

impl Process {
    /// The process of a pid, if there is one.
    pub fn of(pid: i32) -> Option<Self> {
        let mut text = [0_u8; 1024];
        let mut file = fs::File::open(format!("/proc/{pid}/stat")).ok()?;
        let length = file.read(&mut text).ok()?;
        Self::parse(&text[..length])
    }

    /// Reads `/proc/PID/stat` (proc_pid_stat(5)). The name in brackets may hold anything, brackets included.
    fn parse(stat: &[u8]) -> Option<Self> {
        let close = memchr::memrchr(b')', stat)?;
        let head = std::str::from_utf8(stat.get(..stat.iter().position(|byte| *byte == b' ')?)?).ok()?;
        let rest = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let session = fields.next()?.parse().ok()?;
        // Field 22 of the page; the session is its sixth.
        let started = fields.nth(15)?.parse().ok()?;
        let zombie = matches!(state, "Z" | "X" | "x");
        Some(Self { pid: head.parse().ok()?, parent, group, session, zombie, started })
    }

    /// Sends a signal, unless the pid belongs to another process by now.
    pub fn signal(&self, signal: Signal) {
        let Some(pid) = Pid::from_raw(self.pid) else { return };
        let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else { return };
        // The descriptor holds whoever has the pid now: only then is the comparison safe.
        if Self::of(self.pid).is_some_and(|now| now.started == self.started) {
            let _ = pidfd_send_signal(&pidfd, signal);
        }
    }
}

/// Every process that this user may see.
pub fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| Process::of(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// The living descendants of `ancestor` (not itself), parents before children.
pub fn descendants(ancestor: i32) -> Vec<Process> {
    let all = all();
    let mut found = Vec::new();
    let mut parents = vec![ancestor];
    while let Some(parent) = parents.pop() {
        for process in all.iter().filter(|process| process.parent == parent) {
            parents.push(process.pid);
            // A dead leader may have living threads, and a dead process has no children: both are worth the walk.
            if !process.zombie {
                found.push(*process);
            }
        }
    }
    found
}

/// TERM to every descendant, once each. One that was forked while we looked is found by looking again; but what a
/// process starts that catches TERM is left to its work, since that is how it cleans up.
pub fn terminate(ancestor: i32) {
    let mut told = HashSet::new();
    for pass in 0..8 {
        let fresh: Vec<_> = descendants(ancestor)
            .into_iter()
            .filter(|process| pass == 0 || process.parent == ancestor || !catches_term(process.parent))
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

/// True when the process has a handler for TERM.
fn catches_term(pid: i32) -> bool {
    let caught = |status: String| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
        Some(u64::from_str_radix(mask.trim(), 16).ok()? & (1 << (libc::SIGTERM - 1)) != 0)
    };
    fs::read_to_string(format!("/proc/{pid}/status")).ok().and_then(caught).unwrap_or(false)
}

/// KILL to these processes and to their whole groups: a group dies at one stroke, also while it forks. `own` is the
/// caller's group, which is spared.
pub fn kill(processes: &[Process], own: i32) {
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
    fn a_name_may_hold_brackets_and_spaces() {
        let stat = b"42 (a) Z (b) S 7 8 9 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 123456 1 1 1";
        let expected = Process { pid: 42, parent: 7, group: 8, session: 9, zombie: false, started: 123_456 };
        assert_eq!(Process::parse(stat), Some(expected));
        assert_eq!(Process::parse(b"42 (cut"), None);
    }

    #[test]
    fn finds_itself() {
        let me = i32::try_from(std::process::id()).unwrap();
        let found = Process::of(me).unwrap();
        assert_eq!(found.pid, me);
        assert!(all().contains(&found));
    }
}
