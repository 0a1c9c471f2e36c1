//! Signals as a descriptor, by a socket that the handlers write to.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicI32, Ordering};

use super::Arrived;

/// SIGCHLD and the polite ends.
pub struct Signals {
    received: UnixStream,
}

const ENDS: [i32; 3] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP];

/// Where the handlers write: a handler is told nothing but the signal.
static SENDER: AtomicI32 = AtomicI32::new(-1);

extern "C" fn handle(signal: libc::c_int) {
    let number = signal.to_le_bytes()[0];
    // SAFETY: write is allowed in a handler; the byte lives in this frame. A full socket has told enough.
    unsafe { libc::write(SENDER.load(Ordering::Relaxed), (&raw const number).cast(), 1) };
}

impl Signals {
    /// Installs the handlers and opens the descriptor, which never blocks. Once in a process.
    pub fn new() -> io::Result<Self> {
        let (received, sender) = UnixStream::pair()?;
        received.set_nonblocking(true)?;
        sender.set_nonblocking(true)?;
        SENDER.store(sender.into_raw_fd(), Ordering::Relaxed);
        for signal in ENDS.iter().chain(&[libc::SIGCHLD]) {
            // SAFETY: the handler does nothing but a write to an open socket.
            unsafe { libc::signal(*signal, handle as extern "C" fn(libc::c_int) as libc::sighandler_t) };
        }
        Ok(Self { received })
    }

    /// For `poll`.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.received.as_fd()
    }

    /// Takes everything that is there.
    pub fn take(&self) -> Arrived {
        let mut arrived = Arrived::default();
        let mut signals = [0; 64];
        while let Ok(count @ 1..) = (&self.received).read(&mut signals) {
            let ends = |signal: &u8| ENDS.contains(&i32::from(*signal));
            arrived.end |= signals[..count].iter().any(ends);
        }
        arrived
    }
}
