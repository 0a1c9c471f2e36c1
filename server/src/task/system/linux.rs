//! Linux: `/proc`, pidfds, prctl, and `F_NOTIFY`.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::Process;

/// Orphans come to the nearest ancestor that asked for them.
pub const ADOPTS_ORPHANS: bool = true;

/// This very executable, also when its file was replaced meanwhile.
pub fn own_executable() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}

/// Makes this process the parent of every orphan below it.
pub fn adopt_orphans() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// KILL comes to this process when the thread that forked it ends.
pub fn die_with_parent() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// The name that `ps` and `top` show.
pub fn name_process() {
    let _ = rustix::thread::set_name(c"pillion-shim");
}

/// Closes every descriptor but the standard ones. To be called before anything was opened.
pub fn close_inherited() {
    // SAFETY: nothing in this process owns a descriptor yet, so none is closed under anybody; takes numbers, no pointers.
    unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
}

/// Names this boot of the machine.
pub fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// The name that [`name_process`] gave it, or another one.
pub fn is_shim(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "pillion-shim")
}

/// Gives free memory back to the system.
pub fn release_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: the call only returns free pages.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Unmaps what of the program has run by now: what goes on running comes back at once from the page cache, what only
/// started stays away. Code is never written to, so that nothing can be lost.
pub fn forget_code() {
    let Ok(own) = fs::read_link("/proc/self/exe") else { return };
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return };
    for line in maps.lines().filter(|line| line.contains(" r-xp ")) {
        let Some((start, end)) = line.split_once(' ').and_then(|(range, _)| range.split_once('-')) else { continue };
        let (Ok(start), Ok(end)) = (usize::from_str_radix(start, 16), usize::from_str_radix(end, 16)) else { continue };
        if line
            .split_once('/')
            .is_some_and(|(_, path)| own.as_os_str().as_encoded_bytes() == format!("/{path}").as_bytes())
        {
            // SAFETY: the range is this program's code, a read-only mapping of a file: dropped pages are read again.
            unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED) };
        }
    }
}

/// True when more wants to run than there are cores.
pub fn is_crowded() -> bool {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    fs::read_to_string("/proc/loadavg").is_ok_and(|text| running(&text).is_some_and(|running| running > cores))
}

/// The threads that run or want to, of `/proc/loadavg` (proc_loadavg(5)).
fn running(loadavg: &str) -> Option<usize> {
    loadavg.split_ascii_whitespace().nth(3)?.split_once('/')?.0.parse().ok()
}

/// Asks for one SIGIO at the next write to a file in this folder. False where the kernel has no such thing.
pub fn ask_for_news(folder: &File) -> bool {
    const DN_MODIFY: libc::c_long = 2;
    // SAFETY: the descriptor is open; the call takes a number and no pointer.
    unsafe { libc::fcntl(folder.as_raw_fd(), libc::F_NOTIFY, DN_MODIFY) == 0 }
}

/// The variables that the process was started with; `None` for another user's.
pub fn environment(pid: i32) -> Option<Vec<u8>> {
    fs::read(format!("/proc/{pid}/environ")).ok()
}

/// The words that the process was started with, each ended by a zero; `None` when it is gone.
pub fn command_line(pid: i32) -> Option<Vec<u8>> {
    fs::read(format!("/proc/{pid}/cmdline")).ok()
}

/// True when the process has a handler for TERM.
pub fn catches_term(pid: i32) -> bool {
    let caught = |status: String| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
        Some(u64::from_str_radix(mask.trim(), 16).ok()? & (1 << (libc::SIGTERM - 1)) != 0)
    };
    fs::read_to_string(format!("/proc/{pid}/status")).ok().and_then(caught).unwrap_or(false)
}

/// Every process that this user may see. (`/proc/PID/task/TID/children` would be quicker where the kernel has it; every
/// Linux has `stat`.)
pub fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| Process::of(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// A process whose end is awaited.
pub struct Watched(OwnedFd);

impl Watched {
    /// Waits no longer than `limit`: true when it ended.
    pub fn within(&self, limit: Duration) -> bool {
        let mut polled = [PollFd::new(&self.0, PollFlags::IN)];
        let limit = Timespec::try_from(limit).ok();
        rustix::event::poll(&mut polled, limit.as_ref()).is_ok_and(|ready| ready > 0)
    }
}

/// Watches whoever has this pid now; `None` when nobody has.
pub fn watch_end(pid: i32) -> Option<Watched> {
    pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok().map(Watched)
}

impl Process {
    /// The process of a pid, if there is one.
    pub fn of(pid: i32) -> Option<Self> {
        let mut text = [0_u8; 1024];
        let mut file = File::open(format!("/proc/{pid}/stat")).ok()?;
        let length = file.read(&mut text).ok()?;
        parse(&text[..length])
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

/// Reads `/proc/PID/stat` (proc_pid_stat(5)). The name in brackets may hold anything, brackets included.
fn parse(stat: &[u8]) -> Option<Process> {
    let close = memchr::memrchr(b')', stat)?;
    let head = std::str::from_utf8(stat.get(..stat.iter().position(|byte| *byte == b' ')?)?).ok()?;
    let rest = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let session = fields.next()?.parse().ok()?;
    // Field 22 of the page; the session is its sixth. In clock ticks since the boot.
    let started = fields.nth(15)?.parse().ok()?;
    let zombie = matches!(state, "Z" | "X" | "x");
    Some(Process { pid: head.parse().ok()?, parent, group, session, zombie, started })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_brackets_and_spaces() {
        let stat = b"42 (a) Z (b) S 7 8 9 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 123456 1 1 1";
        let expected = Process { pid: 42, parent: 7, group: 8, session: 9, zombie: false, started: 123_456 };
        assert_eq!(parse(stat), Some(expected));
        assert_eq!(parse(b"42 (cut"), None);
    }

    #[test]
    fn counts_who_wants_to_run() {
        assert_eq!(running("0.39 0.35 0.76 3/512 4242\n"), Some(3));
        assert_eq!(running("0.39"), None);
        assert!(running(&fs::read_to_string("/proc/loadavg").unwrap()).is_some());
    }

    #[test]
    fn the_program_goes_on_without_its_code() {
        forget_code();
        assert_eq!(running("0 0 0 7/9 1"), Some(7));
    }

    #[test]
    fn finds_itself() {
        let me = i32::try_from(std::process::id()).unwrap();
        let found = Process::of(me).unwrap();
        assert_eq!(found.pid, me);
        assert!(processes().contains(&found));
    }
}
