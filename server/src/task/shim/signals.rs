//! The shim's signals as a descriptor. They are blocked for the thread, so that they wait to be read.

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// What came since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    /// Somebody asks the shim itself to end.
    pub end: bool,
    /// The output's folder changed.
    pub growth: bool,
}

/// SIGCHLD, SIGIO and the polite ends.
pub struct Signals {
    descriptor: OwnedFd,
}

const ENDS: [i32; 3] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP];

impl Signals {
    /// Blocks them and opens the descriptor, which never blocks.
    pub fn new() -> io::Result<Self> {
        let mut set = MaybeUninit::uninit();
        // SAFETY: sigemptyset initialises the set before anything reads it; all pointers are to locals.
        let raw = unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for signal in ENDS.iter().chain(&[libc::SIGCHLD, libc::SIGIO]) {
                libc::sigaddset(set.as_mut_ptr(), *signal);
            }
            if libc::sigprocmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut()) != 0 {
                return Err(io::Error::last_os_error());
            }
            libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
        };
        if raw < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call has just opened it and nobody else has it.
        Ok(Self { descriptor: unsafe { OwnedFd::from_raw_fd(raw) } })
    }

    /// For `poll`.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    /// Takes everything that is there.
    pub fn take(&self) -> Arrived {
        let mut arrived = Arrived::default();
        loop {
            let mut info = MaybeUninit::<libc::signalfd_siginfo>::zeroed();
            let size = size_of::<libc::signalfd_siginfo>();
            // SAFETY: the buffer has the size that is named.
            let read = unsafe { libc::read(self.descriptor.as_raw_fd(), info.as_mut_ptr().cast(), size) };
            if usize::try_from(read) != Ok(size) {
                return arrived;
            }
            // SAFETY: the kernel filled it whole, and zeroes were valid before.
            let signal = unsafe { info.assume_init() }.ssi_signo;
            arrived.growth |= signal == libc::SIGIO.cast_unsigned();
            arrived.end |= ENDS.iter().any(|end| signal == end.cast_unsigned());
        }
    }
}
