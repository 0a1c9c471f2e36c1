//! Looking at processes from outside: who carries a mark in its environment, and waiting for their end. Linux only, as
//! the promises that are checked with it.

use std::fs;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A process as it was seen. The handle stays with this very process, also when its number is given out again.
#[derive(Debug)]
pub struct Process {
    pub pid: u32,
    /// Its command line, for messages.
    pub command: String,
    handle: OwnedFd,
}

impl Process {
    /// The process of that number, `None` when it is gone.
    pub fn open(pid: u32) -> Option<Self> {
        let handle = pidfd_open(Pid::from_raw(i32::try_from(pid).ok()?)?, PidfdFlags::empty()).ok()?;
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ").trim().to_owned();
        Some(Self { pid, command, handle })
    }

    /// True when it ended within `deadline`.
    pub fn wait_gone(&self, deadline: Duration) -> bool {
        wait_readable(&self.handle, deadline)
    }

    /// True while it has not ended.
    pub fn is_alive(&self) -> bool {
        !self.wait_gone(Duration::ZERO)
    }

    /// Ends it. One that is gone already is no error.
    pub fn kill(&self) {
        let _ = pidfd_send_signal(&self.handle, Signal::KILL);
    }
}

/// Waits until `file` has something to read (for a process: until it ended).
pub fn wait_readable(file: &impl std::os::fd::AsFd, deadline: Duration) -> bool {
    let end = Instant::now() + deadline;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        let mut fds = [PollFd::new(file, PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(_) if left.is_zero() => return false,
            Err(_) => {}
        }
    }
}

/// Every process but this one with an environment entry that `wanted` accepts for each of its tests.
fn matching(wanted: impl Fn(&[&str]) -> bool) -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| *pid != std::process::id())
        .filter_map(|pid| {
            // The handle first: what is read after it belongs to this process or to none.
            let process = Process::open(pid)?;
            let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
            let environ = String::from_utf8_lossy(&environ).into_owned();
            let entries: Vec<&str> = environ.split('\0').collect();
            (wanted(&entries) && process.is_alive()).then_some(process)
        })
        .collect()
}

/// Every process that names `text` anywhere in its environment.
pub fn naming(text: &str) -> Vec<Process> {
    matching(|entries| entries.iter().any(|entry| entry.contains(text)))
}

/// Every process that names `text` in its environment and carries a task's marker, shims left out.
pub fn of_tasks(text: &str) -> Vec<Process> {
    let mut found = matching(|entries| {
        entries.iter().any(|entry| entry.contains(text))
            && entries.iter().any(|entry| entry.starts_with("PILLION_TASK="))
    });
    found.retain(|process| !process.command.split(' ').any(|word| word == "shim"));
    found
}
