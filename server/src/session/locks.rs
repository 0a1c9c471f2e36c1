//! A command that waits for another one says so: Cargo, apt, Gradle. Its row says it too, with whom it waits for, until the
//! output goes on.

use crate::task::model::{Status, Task, WaitKind, WaitingFor};
use crate::workspace::classify;

use super::ledger::Entry;
use super::state::State;

/// What a line of output says about a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lock<'a> {
    /// One of Cargo's in a target folder: another command of the same workspace has it.
    CargoBuild,
    /// One that all runs of this program share.
    Shared(&'static str),
    /// The line names the process that holds it.
    Process(&'a str),
    Unknown,
}

/// The words of programs that wait: how such a line begins, and whose lock it is.
const WAITS: &[(&str, Lock<'static>)] = &[
    ("Blocking waiting for file lock on build directory", Lock::CargoBuild),
    ("Blocking waiting for file lock on artifact directory", Lock::CargoBuild),
    ("Blocking waiting for file lock on", Lock::Shared("cargo")),
    ("Waiting for cache lock: Could not get lock", Lock::Shared("apt")),
    ("Waiting for another flutter command", Lock::Shared("flutter")),
    ("Waiting for the other yarn instance to finish", Lock::Shared("yarn")),
    ("Timeout waiting to lock", Lock::Shared("gradle")),
    ("Waiting to acquire shared lock on", Lock::Shared("gradle")),
    ("Waiting to acquire exclusive lock on", Lock::Shared("gradle")),
    ("Another command is running (pid", Lock::Shared("bazel")),
    ("Acquiring state lock.", Lock::Unknown),
];

/// The lock that the newest line of an output waits for.
fn lock_of(line: &str) -> Option<Lock<'_>> {
    let line = line.trim_start_matches(|char: char| !char.is_ascii_alphanumeric());
    let (_, lock) = WAITS.iter().find(|(words, _)| line.starts_with(words))?;
    Some(pid_in(line).map_or(*lock, Lock::Process))
}

/// `… held by process 1234 (apt)`, `… (pid 1234, inited with …)`, `(pid=1234)`.
fn pid_in(line: &str) -> Option<&str> {
    let after = ["process ", "pid ", "pid="].iter().find_map(|word| Some(line.split_once(word)?.1))?;
    let end = after.find(|char: char| !char.is_ascii_digit()).unwrap_or(after.len());
    (end > 0).then(|| &after[..end])
}

impl State {
    /// There is new output: the task waits for a lock, or does not any more. True when its row says something else now.
    pub(super) fn locked(&mut self, id: &crate::ids::TaskId) -> bool {
        let Some(entry) = self.ledger.get(id).filter(|entry| entry.task.status == Status::Running) else {
            return false;
        };
        let waiting = lock_of(&entry.task.output.last_line)
            .map(|lock| WaitingFor { holder: self.holder_of(&lock, &entry.task), ..WaitingFor::of(WaitKind::Lock) });
        let other = entry.task.waiting_for.as_ref().is_some_and(|waiting| waiting.kind != WaitKind::Lock);
        if other || entry.task.waiting_for == waiting {
            return false;
        }
        if let Some(entry) = self.ledger.get_mut(id) {
            entry.task.waiting_for = waiting;
        }
        true
    }

    /// Whose lock it is: the task that has run longest of those that may have it, else the process that the line names.
    fn holder_of(&self, lock: &Lock<'_>, task: &Task) -> Option<String> {
        let others = self.ledger.entries.iter().filter(|entry| entry.task.id != task.id && holds_something(entry));
        let runs = |entry: &Entry, program: &str| {
            let is_it = |name: &String| name.rsplit('/').next().is_some_and(|name| name.starts_with(program));
            classify::programs(&entry.task.command).iter().any(is_it)
        };
        let holder = match lock {
            Lock::Unknown => None,
            Lock::Process(pid) => {
                let of = others.into_iter().find(|entry| entry.task.pid.is_some_and(|main| main.to_string() == **pid));
                return Some(of.map_or_else(|| format!("process {pid}"), |entry| entry.task.id.to_string()));
            }
            Lock::Shared(program) => {
                others.filter(|entry| runs(entry, program)).min_by_key(|entry| entry.task.started_at)
            }
            Lock::CargoBuild => others
                .filter(|entry| runs(entry, "cargo") && same_target(&entry.task, task))
                .min_by_key(|entry| entry.task.started_at),
        };
        holder.map(|entry| entry.task.id.to_string())
    }
}

/// It runs and does not wait for a lock itself.
fn holds_something(entry: &Entry) -> bool {
    entry.task.status == Status::Running && entry.task.waiting_for.is_none()
}

/// Cargo's target folder is the workspace's: of two folders one of which is in the other it is most likely the same.
fn same_target(one: &Task, other: &Task) -> bool {
    let target = |task: &Task| task.env.iter().find(|(name, _)| name == "CARGO_TARGET_DIR").map(|(_, at)| at.clone());
    match (target(one), target(other)) {
        (None, None) => one.cwd.starts_with(&other.cwd) || other.cwd.starts_with(&one.cwd),
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_wait_are_known() {
        let table = [
            ("    Blocking waiting for file lock on build directory", Some(Lock::CargoBuild)),
            ("    Blocking waiting for file lock on package cache", Some(Lock::Shared("cargo"))),
            (
                "Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (apt)... 3s",
                Some(Lock::Process("812")),
            ),
            ("Waiting for another flutter command to release the startup lock...", Some(Lock::Shared("flutter"))),
            ("warning Waiting for the other yarn instance to finish (pid 77, inited with x)", None),
            ("Waiting for the other yarn instance to finish (pid 77, inited with x)", Some(Lock::Process("77"))),
            ("> Timeout waiting to lock journal cache", Some(Lock::Shared("gradle"))),
            ("Acquiring state lock. This may take a few moments...", Some(Lock::Unknown)),
            ("   Compiling lock v1.0.0", None),
            ("he said: Blocking waiting for file lock on build directory", None),
        ];
        for (line, lock) in table {
            assert_eq!(lock_of(line), lock, "{line}");
        }
    }
}
