//! The shim: one small process between the sidecar and one command. It owns the command's whole tree (every orphan in it
//! comes to the shim), ends it, and tells how it ended, over its standard input, which is a socket to the sidecar, and in
//! `exit.json`. When the socket ends, so does the tree.
//!
//! It has one thread, no runtime and no clock that ticks: it sleeps in `poll` until something happens. It knows no
//! ledger, no matcher, and never reads the output.

mod command;
mod growth;
mod socket;
mod stdin;
mod watchdog;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus};

use self::growth::Growth;
use self::socket::Socket;
use self::stdin::Stdin;
use self::watchdog::Watchdog;
use super::link::{Cause, Exit, Order, Report, Spec, VERSION};
use super::system::{self, Signals};
use super::tree::Tree;
use crate::clock;

/// A command over its output cap gets no longer than this to end: every moment costs disk.
const LIMIT_GRACE: Duration = Duration::from_millis(250);

/// Between two looks for stragglers where orphans are not adopted.
const UNHEARD: Duration = Duration::from_millis(500);
/// Whatever the settings say.
const LONGEST_GRACE: Duration = Duration::from_secs(3_600);
/// KILL goes out this often in quick succession, and then five times a second.
const QUICK_KILLS: u32 = 50;
/// After so many, some five seconds, what is left cannot be killed.
const KILLS: u32 = QUICK_KILLS + 25;

/// Runs `pillion shim`. To be called before anything else has started: no thread, no runtime.
pub fn main() -> ExitCode {
    match prepare().and_then(ride) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Makes this process what it has to be, and takes the socket.
fn prepare() -> io::Result<Socket> {
    // What the editor left open in the sidecar must not live on here, nor in the command: somebody may wait for its end.
    system::close_inherited();
    let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let _ = rustix::process::setsid();
    system::adopt_orphans()?;
    system::name_process();
    std::env::set_current_dir("/")?;
    Socket::new(stream)
}

/// Starts the command that the sidecar names, and stays until its tree is empty.
fn ride(mut socket: Socket) -> io::Result<()> {
    let Some((Order::Run(spec), further)) = socket.first() else {
        return Err(io::Error::other("no run was ordered"));
    };
    socket.send(&Report::Hello { version: VERSION });
    match Shim::start(*spec) {
        Ok(mut shim) => {
            let pid = shim.main.as_raw_nonzero().get().cast_unsigned();
            socket.send(&Report::Started { pid, at: clock::now() });
            // The first line was the largest thing that this process will ever hold.
            system::release_memory();
            shim.run(&mut socket, further)?;
        }
        Err(reason) => socket.send(&Report::NotStarted { reason }),
    }
    socket.finish();
    Ok(())
}

/// An end that is being made.
struct Stopping {
    cause: Cause,
    /// When the next KILL is due.
    kill_at: Instant,
    kills: u32,
}

struct Shim {
    main: Pid,
    tree: Tree,
    dir: PathBuf,
    stop_grace: Duration,
    output_cap: u64,
    deadline: Option<Instant>,
    signals: Signals,
    stdin: Stdin,
    growth: Growth,
    watchdog: Watchdog,
    stopping: Option<Stopping>,
    /// The main process's end, as soon as it is seen.
    status: Option<WaitStatus>,
    /// How many stragglers the report of the end named; `None` before it.
    reported: Option<u32>,
    input: (u64, bool),
}

impl Shim {
    /// Starts the command. `Err` says why it cannot start and what to do.
    fn start(spec: Spec) -> Result<Self, String> {
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            format!(
                "The run could not be prepared: {what} ({error}). Check the free space, the limits and the permissions, and start it again."
            )
        };
        // Before the command, so that no end of it is missed.
        let signals = Signals::new().map_err(|error| failed("signals", &error))?;
        let path = spec.dir.join("output");
        let output = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
        let output = output.map_err(|error| failed(&path.display().to_string(), &error))?;
        let (stdin, theirs) = Stdin::open(spec.stdin, &output).map_err(|error| failed(spec.stdin.as_str(), &error))?;
        let main = command::start(&spec, theirs, &output)?;
        Ok(Self {
            main,
            tree: Tree { root: rustix::process::getpid().as_raw_nonzero().get(), main: main.as_raw_nonzero().get() },
            deadline: spec.timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            signals,
            input: stdin.state(),
            watchdog: Watchdog::new(stdin.identity(), spec.stall_after, Instant::now()),
            stdin,
            growth: Growth::new(output, &spec.dir),
            dir: spec.dir,
            stop_grace: spec.stop_grace,
            output_cap: spec.output_cap,
            stopping: None,
            status: None,
            reported: None,
        })
    }

    /// Until the tree is empty.
    fn run(&mut self, socket: &mut Socket, mut orders: Vec<Order>) -> io::Result<()> {
        loop {
            let empty = self.reap()?;
            if self.status.is_some() && self.reported.is_none() && (empty || self.stopping.is_none()) {
                let stragglers = if empty { 0 } else { self.tree.living().len() };
                self.report_end(socket, u32::try_from(stragglers).unwrap_or(u32::MAX));
            }
            let given_up = self.stopping.as_ref().is_some_and(|stopping| stopping.kills >= KILLS);
            if given_up && self.reported.is_none() {
                // Another user's processes, or such as the kernel holds: the end is told, with what is left.
                self.report_end(socket, u32::try_from(self.tree.living().len()).unwrap_or(u32::MAX));
            }
            if empty {
                if self.reported.is_some_and(|stragglers| stragglers > 0) {
                    socket.send(&Report::Emptied);
                }
                return Ok(());
            }
            for order in orders.drain(..) {
                match order {
                    Order::Run(_) => {}
                    Order::Stop => self.stop(Cause::Stop, self.stop_grace),
                    Order::Input { text, eof } => {
                        // What was written up to here is the question that this answers; what follows may come at once.
                        self.stdin.flush();
                        self.watchdog.given(self.growth.now(), Instant::now());
                        self.stdin.push(&text, eof);
                    }
                }
            }
            self.report_input(socket);
            // After the last word to it: a socket that is gone is not polled, and would wake nobody.
            if socket.is_gone() {
                self.stop(Cause::Orphaned, self.stop_grace);
            }
            self.enforce(Instant::now());
            self.watch(socket);
            self.wait(socket)?;
            let arrived = self.signals.take();
            if arrived.end {
                self.stop(Cause::Stop, self.stop_grace);
            }
            if arrived.growth {
                self.growth.woken(Instant::now());
            }
            socket.flush();
            socket.receive(&mut orders);
            self.stdin.flush();
        }
    }

    /// Sleeps until something happens or falls due.
    fn wait(&self, socket: &Socket) -> io::Result<()> {
        let due = [
            self.stopping.as_ref().map(|stopping| stopping.kill_at),
            self.deadline.filter(|_| self.stopping.is_none()),
            self.growth.due(),
            self.watchdog.due(),
            // The end of a process that is nobody's child here makes no sound.
            self.status.filter(|_| !system::ADOPTS_ORPHANS).map(|_| Instant::now() + UNHEARD),
        ];
        let limit = due.into_iter().flatten().min().map(|at| at.saturating_duration_since(Instant::now()));
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let signals = Some((self.signals.as_fd(), PollFlags::IN));
        let mut polled: Vec<PollFd<'_>> = [signals, socket.interest(), self.stdin.interest()]
            .into_iter()
            .flatten()
            .map(|(descriptor, flags)| PollFd::from_borrowed_fd(descriptor, flags))
            .collect();
        match rustix::event::poll(&mut polled, limit.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the dead. True when no process of the tree is left: where orphans are adopted, the shim's own children are
    /// all that can be left.
    fn reap(&mut self) -> io::Result<bool> {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.main => {
                    self.status = Some(status);
                    self.deadline = None;
                }
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => return Ok(false),
                Err(Errno::CHILD) => return Ok(system::ADOPTS_ORPHANS || self.tree.living().is_empty()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Does what is due: the timeout, the output cap, the next KILL.
    fn enforce(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.stop(Cause::Timeout, self.stop_grace);
        }
        if self.growth.look(now) > self.output_cap {
            self.stop(Cause::Limit, self.stop_grace.min(LIMIT_GRACE));
        }
        let Some(stopping) = &mut self.stopping else { return };
        if stopping.kill_at <= now {
            stopping.kills += 1;
            // Quick against a tree that forks while it dies, slow against a process that the kernel holds.
            let pause =
                if stopping.kills < QUICK_KILLS { Duration::from_millis(2) } else { Duration::from_millis(200) };
            stopping.kill_at = now + pause;
            self.tree.kill();
        }
    }

    /// Looks whether the command waits for input, and tells it when that changed.
    fn watch(&mut self, socket: &mut Socket) {
        if self.status.is_some() || self.stopping.is_some() || self.stdin.state().1 {
            self.watchdog.rest();
        }
        let (stdin, root) = (&self.stdin, self.tree.root);
        let size = self.growth.size();
        self.watchdog.look(Instant::now(), size, || stdin.is_unread(), || system::activities(root));
        if socket.is_flushed()
            && let Some(report) = self.watchdog.news()
        {
            socket.send(&report);
        }
    }

    /// Begins to end the tree. An end that has begun is not begun again.
    fn stop(&mut self, cause: Cause, grace: Duration) {
        if self.stopping.is_none() {
            self.deadline = None;
            let kill_at = Instant::now() + grace.min(LONGEST_GRACE);
            self.stopping = Some(Stopping { cause, kill_at, kills: 0 });
            self.tree.terminate();
        }
    }

    /// Writes and tells the end. Only once.
    fn report_end(&mut self, socket: &mut Socket, stragglers: u32) {
        let exit = Exit {
            version: VERSION,
            cause: self.stopping.as_ref().map_or(Cause::Own, |stopping| stopping.cause),
            code: self.status.and_then(WaitStatus::exit_status),
            signal: self.status.and_then(WaitStatus::terminating_signal),
            at: clock::now(),
            stragglers,
        };
        // The report goes also where the disk is full.
        let _ = self.write_exit(&exit);
        socket.send(&Report::Ended(exit));
        self.reported = Some(stragglers);
    }

    /// `exit.json` is there whole or not at all.
    fn write_exit(&self, exit: &Exit) -> io::Result<()> {
        let temporary = self.dir.join("exit.json.new");
        let mut file: File = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(serde_json::to_string(exit)?.as_bytes())?;
        std::fs::rename(temporary, self.dir.join("exit.json"))
    }

    /// Tells how much of the input was taken, when that changed and the socket has room for it.
    fn report_input(&mut self, socket: &mut Socket) {
        let state = self.stdin.state();
        if state != self.input && socket.is_flushed() {
            self.input = state;
            socket.send(&Report::Input { taken: state.0, closed: state.1 });
        }
    }
}
