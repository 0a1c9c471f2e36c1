//! What differs between operating systems: processes as they are seen and what they wait for, orphans, signals as a
//! descriptor, the news that a folder changed, who listens on a port. The rest of the engine asks here. Linux is the
//! measure. macOS compiles and has process groups and sessions, but nobody adopts orphans there: a process that leaves its
//! session and whose parent ends is out of sight.

#[cfg(target_os = "linux")]
mod activity_linux;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod macos;
#[cfg(target_os = "linux")]
mod ports_linux;
#[cfg(not(target_os = "linux"))]
mod ports_macos;
#[cfg(target_os = "linux")]
mod signals_linux;
#[cfg(not(target_os = "linux"))]
mod signals_macos;

#[cfg(target_os = "linux")]
pub use self::{
    activity_linux::{activities, identify},
    linux::*,
    ports_linux::listener,
    signals_linux::Signals,
};
#[cfg(not(target_os = "linux"))]
pub use self::{macos::*, ports_macos::listener, signals_macos::Signals};

/// What came since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    /// Somebody asks the shim itself to end.
    pub end: bool,
    /// The output's folder changed.
    pub growth: bool,
}

/// One process at the moment of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    pub pid: i32,
    pub parent: i32,
    pub group: i32,
    pub session: i32,
    /// Dead, and waiting for its parent to look.
    pub zombie: bool,
    /// When it started, in the system's own unit: with the pid, it names a process for good.
    pub started: u64,
}

/// What a process does at the moment of a look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// The device number of its controlling terminal; 0 without one.
    pub terminal: u64,
    /// Time on a processor since its start, its dead children's included, in hundredths of a second.
    pub ticks: u64,
    /// What its threads wait for, as far as that is a file.
    pub waits: Vec<Wait>,
}

/// A call that a thread is blocked in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nothing but Linux tells what threads wait for"))]
pub enum Wait {
    /// It reads this file.
    Read(FileId),
    /// It listens to these files; `endless` when no time limit ends that.
    Poll { of: Vec<FileId>, endless: bool },
}

/// Tells an open file from others, over all processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    pub device: u64,
    pub inode: u64,
    /// The number of the device that it stands for; 0 for what is none.
    pub special: u64,
}
