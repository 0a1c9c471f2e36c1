//! The shim's end of the socket to the sidecar: lines in, lines out, never waiting. Its end of file is the sidecar's, and
//! comes after the last order: a sidecar that no longer listens may have said something before it left.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

use crate::task::link::{LINE_CAP, Order, Report};

/// Reports that nobody reads: beyond this many bytes the sidecar counts as gone.
const UNREAD_CAP: usize = 1 << 20;

/// A line socket.
pub struct Socket {
    stream: UnixStream,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    /// Nobody reads at the other end; what was said there before may still be unread here.
    unheard: bool,
    gone: bool,
}

impl Socket {
    /// Takes over a connected stream.
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream, incoming: Vec::new(), outgoing: Vec::new(), unheard: false, gone: false })
    }

    /// True when the other side closed it.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// What to poll, and for what.
    pub fn interest(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        let write = if self.outgoing.is_empty() { PollFlags::empty() } else { PollFlags::OUT };
        (!self.gone).then(|| (self.stream.as_fd(), PollFlags::IN | write))
    }

    /// Reads what is there and appends the orders in it. A line that is no order of this version is skipped.
    pub fn receive(&mut self, orders: &mut Vec<Order>) {
        let mut chunk = [0_u8; 16 << 10];
        while !self.gone {
            match self.stream.read(&mut chunk) {
                Ok(0) => self.gone = true,
                Ok(count) => self.incoming.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.gone = true,
            }
            self.gone |= self.incoming.len() > LINE_CAP;
        }
        let Some(end) = memchr::memrchr(b'\n', &self.incoming) else { return };
        let lines = self.incoming[..end].split(|byte| *byte == b'\n');
        orders.extend(lines.filter_map(|line| serde_json::from_slice(line).ok()));
        self.incoming.drain(..=end);
        self.incoming.shrink_to_fit();
    }

    /// Waits for the first order; `None` when none comes.
    pub fn first(&mut self) -> Option<(Order, Vec<Order>)> {
        let mut orders = Vec::new();
        while orders.is_empty() && !self.gone {
            self.wait(None);
            self.receive(&mut orders);
        }
        let mut orders = orders.into_iter();
        orders.next().map(|first| (first, orders.collect()))
    }

    /// Queues a report and writes what can be written.
    pub fn send(&mut self, report: &Report) {
        if self.unheard {
            return;
        }
        if let Ok(line) = serde_json::to_string(report) {
            self.outgoing.extend_from_slice(line.as_bytes());
            self.outgoing.push(b'\n');
        }
        self.flush();
        if self.outgoing.len() > UNREAD_CAP {
            self.gone = true;
            // It shall not believe that anybody still listens here.
            let _ = self.stream.shutdown(Shutdown::Both);
        }
    }

    /// True when everything that was sent has left.
    pub fn is_flushed(&self) -> bool {
        self.outgoing.is_empty()
    }

    /// Writes what can be written.
    pub fn flush(&mut self) {
        while !self.gone && !self.outgoing.is_empty() {
            match self.stream.write(&self.outgoing) {
                Ok(count) => drop(self.outgoing.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    self.unheard = true;
                    self.outgoing.clear();
                }
            }
        }
    }

    /// Writes the rest; gives up after five seconds, when the sidecar does not read.
    pub fn finish(mut self) {
        let end = Instant::now() + Duration::from_secs(5);
        self.flush();
        while !self.gone && !self.outgoing.is_empty() {
            let Some(left) = end.checked_duration_since(Instant::now()) else { return };
            self.wait(Some(left));
            self.flush();
        }
    }

    fn wait(&self, limit: Option<Duration>) {
        let Some((descriptor, flags)) = self.interest() else { return };
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let _ = rustix::event::poll(&mut [PollFd::from_borrowed_fd(descriptor, flags)], limit.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_ordered_before_the_end_is_heard_after_a_report_that_nobody_took() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut socket = Socket::new(ours).unwrap();
        socket.send(&Report::Hello { version: 1 });
        theirs.write_all(b"{\"order\":\"stop\"}\n").unwrap();
        drop(theirs);
        socket.send(&Report::Resumed);
        assert!(!socket.is_gone() && socket.is_flushed());
        let mut orders = Vec::new();
        socket.receive(&mut orders);
        assert_eq!(orders, [Order::Stop]);
        assert!(socket.is_gone());
    }
}
