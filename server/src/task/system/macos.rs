//! macOS: what libproc tells, and nothing where the system has nothing. It compiles; nobody has run it yet.

use std::fs::File;
use std::io;
use std::mem::{MaybeUninit, size_of};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Activity, FileId, Process};

/// Orphans go to launchd.
pub const ADOPTS_ORPHANS: bool = false;

/// This very executable.
pub fn own_executable() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("pillion"))
}

/// There is no such thing here.
pub fn adopt_orphans() -> io::Result<()> {
    Ok(())
}

/// There is no such thing here.
pub fn die_with_parent() -> io::Result<()> {
    Ok(())
}

/// There is no such thing here.
pub fn name_process() {}

/// Closes every descriptor but the standard ones. To be called before anything was opened.
pub fn close_inherited() {
    for number in 3..1024 {
        // SAFETY: nothing in this process owns a descriptor yet, so none is closed under anybody.
        unsafe { libc::close(number) };
    }
}

/// Start times are those of the wall clock here: they tell boots apart.
pub fn boot() -> String {
    String::new()
}

/// Processes have no name of their own here.
pub fn is_shim(_pid: i32) -> bool {
    false
}

/// There is no such thing here.
pub fn release_memory() {}

/// There is no such thing here.
pub fn forget_code() {}

/// Not known here.
pub fn is_crowded() -> bool {
    false
}

/// There is no such thing here: files are looked at by the clock.
pub fn ask_for_news(_folder: &File) -> bool {
    false
}

/// Not looked at here.
pub fn environment(_pid: i32) -> Option<Vec<u8>> {
    None
}

/// Not known here.
pub fn command_line(_pid: i32) -> Option<Vec<u8>> {
    None
}

/// Not known here: whatever comes late is left to its work.
pub fn catches_term(_pid: i32) -> bool {
    true
}

/// Not looked at here: no command is ever seen to wait for input.
pub fn activities(_root: i32) -> Vec<Activity> {
    Vec::new()
}

/// Not looked at here: there is nothing to compare it with.
pub fn identify(_file: impl std::os::fd::AsFd) -> Option<FileId> {
    None
}

/// Every process that this user may see.
pub fn processes() -> Vec<Process> {
    let mut pids = vec![0_i32; 16 << 10];
    let bytes = libc::c_int::try_from(pids.len() * size_of::<i32>()).unwrap_or(0);
    // SAFETY: the buffer has the size that is named, in bytes.
    let count = unsafe { libc::proc_listallpids(pids.as_mut_ptr().cast(), bytes) };
    pids.truncate(usize::try_from(count).unwrap_or(0));
    pids.into_iter().filter(|pid| *pid > 0).filter_map(Process::of).collect()
}

/// A process whose end is awaited.
pub struct Watched(i32);

impl Watched {
    /// Waits no longer than `limit`: true when it ended. Looks, since nothing here tells.
    pub fn within(&self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while Process::of(self.0).is_some_and(|process| !process.zombie) {
            if Instant::now() >= end {
                return false;
            }
            #[expect(clippy::disallowed_methods, reason = "no event is to be had for another's process")]
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }
}

/// Watches whoever has this pid now; `None` when nobody has.
pub fn watch_end(pid: i32) -> Option<Watched> {
    Process::of(pid).map(|process| Watched(process.pid))
}

impl Process {
    /// The process of a pid, if there is one.
    pub fn of(pid: i32) -> Option<Self> {
        let mut info = MaybeUninit::<libc::proc_bsdinfo>::zeroed();
        let size = libc::c_int::try_from(size_of::<libc::proc_bsdinfo>()).ok()?;
        // SAFETY: the buffer has the size that is named; it is plain numbers, of which zeroes are valid.
        let info = unsafe {
            if libc::proc_pidinfo(pid, libc::PROC_PIDTBSDINFO, 0, info.as_mut_ptr().cast(), size) != size {
                return None;
            }
            info.assume_init()
        };
        const ZOMBIE: u32 = 5;
        Some(Self {
            pid,
            parent: info.pbi_ppid.cast_signed(),
            group: info.pbi_pgid.cast_signed(),
            // SAFETY: takes a number and returns one.
            session: unsafe { libc::getsid(pid) },
            zombie: info.pbi_status == ZOMBIE,
            started: info.pbi_start_tvsec * 1_000_000 + info.pbi_start_tvusec,
        })
    }

    /// Sends a signal, unless the pid belongs to another process by now.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid)
            && Self::of(self.pid).is_some_and(|now| now.started == self.started)
        {
            let _ = kill_process(pid, signal);
        }
    }
}
