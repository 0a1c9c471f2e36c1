//! What the processes below one are doing at this moment, from `/proc/PID/task/TID/syscall` and the descriptors that are
//! named there. A process that may not be looked at (another user's, a privileged one) shows nothing. Knows no task.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};

use super::{Activity, FileId, Wait};
use crate::task::tree;

/// Descriptors of one `poll` or `select` that are looked at; a call with more names nothing.
const DESCRIPTORS: usize = 1024;

/// The living processes below `root`, which is not one of them.
pub fn activities(root: i32) -> Vec<Activity> {
    descendants(root).into_iter().filter_map(activity).collect()
}

/// By the lists of children where the kernel has them, else by a look at every process.
fn descendants(root: i32) -> Vec<i32> {
    let Some(mut found) = children(root) else {
        let below = tree::below(&super::processes(), |process| process.parent == root);
        return below.into_iter().map(|process| process.pid).collect();
    };
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        next += 1;
        found.extend(children(pid).unwrap_or_default());
    }
    found
}

fn children(pid: i32) -> Option<Vec<i32>> {
    let mut found = Vec::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
        let list = fs::read_to_string(thread.path().join("children")).ok()?;
        found.extend(list.split_ascii_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
    }
    Some(found)
}

fn activity(pid: i32) -> Option<Activity> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let (terminal, ticks) = parse_stat(&stat)?;
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let calls = threads.filter_map(|thread| fs::read_to_string(thread.path().join("syscall")).ok());
    Some(Activity { terminal, ticks, waits: calls.filter_map(|call| wait(pid, &call)).collect() })
}

/// The controlling terminal and the time on a processor, the dead children's included (proc_pid_stat(5)).
fn parse_stat(stat: &[u8]) -> Option<(u64, u64)> {
    let close = memchr::memrchr(b')', stat)?;
    let rest = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
    // The state, field 3 of the page, is the first here.
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let terminal: u64 = fields.get(4)?.parse().ok()?;
    let times = fields.get(11..15)?.iter().map(|field| field.parse::<u64>());
    Some((terminal, times.sum::<Result<u64, _>>().ok()?))
}

/// A line of `/proc/PID/task/TID/syscall`: the number and six arguments, in hexadecimal. `None` for a thread that runs,
/// or that waits in no call.
fn parse_call(line: &str) -> Option<(libc::c_long, [u64; 6])> {
    let mut words = line.split_ascii_whitespace();
    let number = words.next()?.parse().ok()?;
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
    }
    Some((number, arguments))
}

fn wait(pid: i32, line: &str) -> Option<Wait> {
    let (number, arguments) = parse_call(line)?;
    let first = i32::try_from(arguments[0]);
    match number {
        libc::SYS_read | libc::SYS_readv | libc::SYS_preadv2 | libc::SYS_splice | libc::SYS_tee => {
            Some(Wait::Read(file(pid, first.ok()?)?))
        }
        libc::SYS_ppoll => Some(polled(pid, arguments[0], arguments[1], arguments[2] == 0)),
        libc::SYS_pselect6 => Some(selected(pid, arguments[0], arguments[1], arguments[4] == 0)),
        libc::SYS_epoll_pwait => Some(listed(pid, first.ok()?, is_endless(arguments[3]))),
        libc::SYS_epoll_pwait2 => Some(listed(pid, first.ok()?, arguments[3] == 0)),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll => Some(polled(pid, arguments[0], arguments[1], is_endless(arguments[2]))),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_select => Some(selected(pid, arguments[0], arguments[1], arguments[4] == 0)),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_epoll_wait => Some(listed(pid, first.ok()?, is_endless(arguments[3]))),
        _ => None,
    }
}

/// A timeout in milliseconds, which is a C `int`: a negative one has no end.
fn is_endless(timeout: u64) -> bool {
    timeout & 0x8000_0000 != 0
}

/// `poll`: the descriptors lie in the process's own memory.
fn polled(pid: i32, at: u64, count: u64, endless: bool) -> Wait {
    /// `struct pollfd`: the descriptor, the events that are wanted, those that came.
    const ENTRY: usize = 8;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let entries = memory(pid, at, count.saturating_mul(ENTRY)).unwrap_or_default();
    let wanted = entries.chunks_exact(ENTRY).filter_map(|entry| {
        let descriptor = i32::from_ne_bytes(entry[..4].try_into().ok()?);
        let events = i16::from_ne_bytes(entry[4..6].try_into().ok()?);
        (descriptor >= 0 && events & libc::POLLIN != 0).then_some(descriptor)
    });
    listening(pid, wanted, endless)
}

/// `select`: a bit for each descriptor.
fn selected(pid: i32, count: u64, at: u64, endless: bool) -> Wait {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let bits = memory(pid, at, count.div_ceil(64).saturating_mul(8)).unwrap_or_default();
    let is_set = |number: &usize| bits.get(number / 8).is_some_and(|byte| byte & (1 << (number % 8)) != 0);
    let wanted = (0..bits.len() * 8).take(count).filter(is_set).filter_map(|number| i32::try_from(number).ok());
    listening(pid, wanted, endless)
}

/// `epoll_wait`: `/proc/PID/fdinfo` lists what is waited for.
fn listed(pid: i32, descriptor: i32, endless: bool) -> Wait {
    let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{descriptor}")).unwrap_or_default();
    listening(pid, info.lines().filter_map(parse_interest), endless)
}

/// `tfd: 0 events: 19 data: …`, the events in hexadecimal: the descriptor, where reading it is waited for.
fn parse_interest(line: &str) -> Option<i32> {
    let mut words = line.strip_prefix("tfd:")?.split_ascii_whitespace();
    let descriptor = words.next()?.parse().ok()?;
    let events = u32::from_str_radix(words.nth(1)?, 16).ok()?;
    (events & 1 != 0).then_some(descriptor)
}

fn listening(pid: i32, descriptors: impl Iterator<Item = i32>, endless: bool) -> Wait {
    Wait::Poll { of: descriptors.take(DESCRIPTORS).filter_map(|descriptor| file(pid, descriptor)).collect(), endless }
}

fn memory(pid: i32, at: u64, length: usize) -> Option<Vec<u8>> {
    if at == 0 || length > DESCRIPTORS * 8 {
        return None;
    }
    let mut bytes = vec![0; length];
    File::open(format!("/proc/{pid}/mem")).ok()?.read_exact_at(&mut bytes, at).ok()?;
    Some(bytes)
}

/// What a descriptor of a process is.
fn file(pid: i32, descriptor: i32) -> Option<FileId> {
    fs::metadata(format!("/proc/{pid}/fd/{descriptor}")).ok().as_ref().map(FileId::of)
}

impl FileId {
    fn of(metadata: &fs::Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino(), special: metadata.rdev() }
    }
}

/// What an open file of this process is.
pub fn identify(file: impl std::os::fd::AsFd) -> Option<FileId> {
    let stat = rustix::fs::fstat(file).ok()?;
    Some(FileId { device: stat.st_dev, inode: stat.st_ino, special: stat.st_rdev })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_with_its_arguments() {
        let line = "0 0x0 0x7ffe05e4027f 0x1 0x8 0x2 0x1 0x7ffe05e40248 0x7f6b2cbb22ad\n";
        assert_eq!(parse_call(line), Some((0, [0, 0x7ffe_05e4_027f, 1, 8, 2, 1])));
        // On a processor; in the kernel, but in no call; cut.
        for line in ["running\n", "-1 0x7ffe05e40248 0x7f6b2cbb22ad\n", "0 0x0 0x1", ""] {
            assert_eq!(parse_call(line), None, "{line}");
        }
        assert!(is_endless(0xffff_ffff) && !is_endless(0) && !is_endless(5_000));
    }

    #[test]
    fn a_processs_time_and_terminal_are_read() {
        let stat = b"42 (a) b) S 7 8 9 34816 -1 4194560 1 0 0 0 11 2 30 4 20 0 1 0 123456 1 1 1";
        assert_eq!(parse_stat(stat), Some((34816, 47)));
        assert_eq!(parse_stat(b"42 (cut) S 7"), None);
    }

    #[test]
    fn only_what_is_to_be_read_counts() {
        assert_eq!(parse_interest("tfd:        0 events:       19 data: 0  pos:0 ino:3 sdev:f"), Some(0));
        assert_eq!(parse_interest("tfd:       11 events:        4 data: b"), None);
        assert_eq!(parse_interest("pos:\t0"), None);
    }

    #[test]
    fn sees_what_a_thread_waits_for() {
        let (read, write) = std::io::pipe().unwrap();
        let id = identify(&read).unwrap();
        assert_eq!(identify(&write), Some(id), "both ends of a pipe are one file");
        let mut child =
            std::process::Command::new("cat").stdin(read).stdout(std::process::Stdio::null()).spawn().unwrap();
        let me = i32::try_from(std::process::id()).unwrap();
        // The child is on its way to that call; nothing tells when it is there.
        while !activities(me).iter().any(|activity| activity.waits.contains(&Wait::Read(id))) {
            std::thread::yield_now();
        }
        drop(write);
        assert!(child.wait().unwrap().success());
    }
}
