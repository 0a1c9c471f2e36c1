//! The command's standard input: nothing, a pipe, or a terminal. What is to be written waits in a bounded buffer, and
//! the shim never waits for a command that does not read.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::process::Stdio;

use rustix::event::PollFlags;
use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, FdFlags};
use rustix::pty::OpenptFlags;

use super::watchdog::Input;
use crate::task::link::INPUT_CAP;
use crate::task::{model, system};

/// The character that ends input on a terminal, at the start of a line.
const END_OF_FILE: u8 = 4;

/// The shim's end.
pub struct Stdin {
    channel: Channel,
    waiting: Vec<u8>,
    /// Close it when nothing waits any more.
    eof: bool,
    /// Bytes that were given or dropped since the start.
    taken: u64,
}

enum Channel {
    Closed,
    Pipe(OwnedFd),
    /// The shim keeps the other end too: without it the terminal hangs up whenever nobody has it open.
    Pty {
        master: OwnedFd,
        slave: OwnedFd,
        output: File,
    },
}

impl Stdin {
    /// Both ends: the shim's, and what the command gets. What a command writes to its terminal (a question) goes into
    /// `output`; its echo does not exist.
    pub fn open(kind: model::Stdin, output: &File) -> io::Result<(Self, Stdio)> {
        let (channel, theirs) = match kind {
            model::Stdin::Null => (Channel::Closed, Stdio::null()),
            model::Stdin::Pipe => {
                let (read, write) = io::pipe()?;
                rustix::io::ioctl_fionbio(&write, true)?;
                (Channel::Pipe(write.into()), Stdio::from(read))
            }
            model::Stdin::Pty => {
                let (master, slave) = open_pty()?;
                let theirs = Stdio::from(slave.try_clone()?);
                (Channel::Pty { master, slave, output: output.try_clone()? }, theirs)
            }
        };
        Ok((Self { channel, waiting: Vec::new(), eof: false, taken: 0 }, theirs))
    }

    /// What to poll, and for what.
    pub fn interest(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        let write = if self.waiting.is_empty() { PollFlags::empty() } else { PollFlags::OUT };
        match &self.channel {
            Channel::Pipe(pipe) if !write.is_empty() => Some((pipe.as_fd(), write)),
            Channel::Pty { master, .. } => Some((master.as_fd(), PollFlags::IN | write)),
            _ => None,
        }
    }

    /// Bytes that do not wait any more, and whether more is taken.
    pub fn state(&self) -> (u64, bool) {
        (self.taken, self.eof || matches!(self.channel, Channel::Closed))
    }

    /// How the command's end is known again in its processes; `None` without one.
    pub fn identity(&self) -> Option<Input> {
        match &self.channel {
            Channel::Closed => None,
            Channel::Pipe(pipe) => system::identify(pipe).map(|file| Input { file, is_terminal: false }),
            Channel::Pty { slave, .. } => system::identify(slave).map(|file| Input { file, is_terminal: true }),
        }
    }

    /// True while there is input that the command has not taken. A line that is not finished is none for it yet.
    pub fn is_unread(&self) -> bool {
        let end = match &self.channel {
            Channel::Closed => return false,
            Channel::Pipe(end) => end,
            Channel::Pty { slave, .. } => slave,
        };
        !self.waiting.is_empty() || rustix::io::ioctl_fionread(end).is_ok_and(|bytes| bytes > 0)
    }

    /// Takes text for the command. What does not fit is dropped whole: half an answer is a wrong one.
    pub fn push(&mut self, text: &str, eof: bool) {
        let fits = self.waiting.len() as u64 + text.len() as u64 <= INPUT_CAP;
        if self.eof || !fits || matches!(self.channel, Channel::Closed) {
            self.taken += text.len() as u64;
            return;
        }
        self.waiting.extend_from_slice(text.as_bytes());
        if eof && matches!(self.channel, Channel::Pty { .. }) {
            // In the middle of a line the first one only hands over what is there.
            let ends: &[u8] = if text.is_empty() || text.ends_with('\n') { &[END_OF_FILE] } else { &[END_OF_FILE; 2] };
            self.waiting.extend_from_slice(ends);
        }
        self.eof |= eof;
        self.flush();
    }

    /// Moves what can be moved without waiting.
    pub fn flush(&mut self) {
        self.listen();
        let end = match &self.channel {
            Channel::Closed => return,
            Channel::Pipe(end) => end,
            Channel::Pty { master, .. } => master,
        };
        let mut written = 0;
        let mut broken = false;
        while written < self.waiting.len() {
            match rustix::io::write(end, &self.waiting[written..]) {
                Ok(count) => written += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) => {
                    broken = true;
                    break;
                }
            }
        }
        if broken {
            written = self.waiting.len();
        }
        self.taken += written as u64;
        self.waiting.drain(..written);
        if self.waiting.is_empty() {
            self.waiting = Vec::new();
            if broken || (self.eof && matches!(self.channel, Channel::Pipe(_))) {
                self.channel = Channel::Closed;
            }
        }
    }

    /// Moves what the command wrote to its terminal into the output.
    fn listen(&mut self) {
        let Channel::Pty { master, output, .. } = &mut self.channel else { return };
        let mut text = [0_u8; 4096];
        while let Ok(count @ 1..) = rustix::io::read(&*master, &mut text) {
            let _ = output.write_all(&text[..count]);
        }
    }
}

/// A terminal of 80 by 24 that neither echoes nor rewrites line ends.
fn open_pty() -> io::Result<(OwnedFd, OwnedFd)> {
    let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    rustix::io::fcntl_setfd(&master, FdFlags::CLOEXEC)?;
    rustix::pty::grantpt(&master)?;
    rustix::pty::unlockpt(&master)?;
    let name = rustix::pty::ptsname(&master, Vec::new())?;
    let slave = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::ioctl_fionbio(&master, true)?;
    let size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the descriptor is an open terminal, the pointers are to locals, and `termios` is plain numbers, of which
    // zeroes are valid; tcgetattr fills it before it is used.
    unsafe {
        let mut modes: libc::termios = std::mem::zeroed();
        if libc::tcgetattr(slave.as_raw_fd(), &raw mut modes) != 0 {
            return Err(io::Error::last_os_error());
        }
        modes.c_lflag &= !libc::ECHO;
        modes.c_oflag &= !libc::OPOST;
        if libc::tcsetattr(slave.as_raw_fd(), libc::TCSANOW, &raw const modes) != 0
            || libc::ioctl(slave.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) != 0
        {
            return Err(io::Error::last_os_error());
        }
    }
    Ok((master, slave))
}
