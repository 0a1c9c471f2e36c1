//! The sidecar's side of processes: starts shims, and ends what a shim that was killed leaves behind. Waits for its own
//! children by pid only: other parts of the sidecar have children too. Every function here blocks.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions};

use super::kept;
use super::link::{MARKER, Order, Spec};
use super::run_file::RunFile;
use super::system;
use super::tree::{self, Process};

/// Makes the sidecar the parent of every orphan below it, so that the tree of a shim that was killed stays in sight.
/// To be called once, at the start.
pub fn adopt_orphans() -> io::Result<()> {
    system::adopt_orphans()
}

/// Gives back the memory that only the start needed: half of the idle sidecar's. To be called once all is quiet.
pub fn forget_start() {
    system::release_memory();
    system::forget_code();
}

/// A shim that was started and told its run.
pub(super) struct Launched {
    pub shim: Child,
    /// Dropping it ends the run.
    pub socket: UnixStream,
}

/// Prepares the run's folder, starts a shim and tells it the run. `Err` is the reason for people.
pub(super) fn launch(shim: &Path, spec: Spec) -> Result<Launched, String> {
    prepare(&spec).map_err(|error| {
        let dir = spec.dir.display();
        format!("The folder for the output, {dir}, cannot be written ({error}). Free some space or mend its permissions, and start the task again.")
    })?;
    start(shim, spec).map_err(|error| {
        format!("The process that watches over the command could not be started ({error}). End some tasks and start it again.")
    })
}

fn prepare(spec: &Spec) -> io::Result<()> {
    let dir = &spec.dir;
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    for old in ["exit.json", kept::FILE] {
        let _ = fs::remove_file(dir.join(old));
    }
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(dir.join("output"))?;
    // Before there is anything to take over.
    let socket = spec.takeover.as_ref().map(|takeover| takeover.socket.clone());
    RunFile { marker: spec.marker.clone(), socket }.write(dir)
}

fn start(shim: &Path, spec: Spec) -> io::Result<Launched> {
    let mut line = serde_json::to_vec(&Order::Run(Box::new(spec)))?;
    line.push(b'\n');
    let (mut socket, theirs) = UnixStream::pair()?;
    // No `pre_exec` and no `current_dir`: so the standard library can use posix_spawn, which copies no page tables.
    let shim = Command::new(shim)
        .arg0("pillion")
        .arg("shim")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // A shim that does not read must not hold this thread.
    let told = socket
        .set_write_timeout(Some(Duration::from_secs(10)))
        .and_then(|()| socket.write_all(&line))
        .and_then(|()| socket.set_nonblocking(true));
    match told {
        Ok(()) => Ok(Launched { shim, socket }),
        Err(error) => {
            drop(socket);
            reap(shim);
            Err(error)
        }
    }
}

/// Waits for a shim whose end of the socket is closed.
pub(super) fn reap(mut shim: Child) {
    let _ = shim.wait();
}

/// The shim of a run, as far as this sidecar can reach it.
#[derive(Debug)]
pub(super) enum Guard {
    Own(Child),
    /// Of an earlier sidecar; `None` where it is not to be found.
    Other(Option<Process>),
}

impl Guard {
    /// Takes the dead; one that is not this sidecar's child is its new parent's affair.
    pub fn reap(self) {
        if let Self::Own(shim) = self {
            reap(shim);
        }
    }

    /// Ends it, where it is not gone already.
    fn end(self) {
        match self {
            Self::Own(mut shim) => {
                let _ = shim.kill();
                let _ = shim.wait();
            }
            Self::Other(shim) => {
                if let Some(shim) = shim.filter(|shim| system::is_shim(shim.pid)) {
                    shim.signal(Signal::KILL);
                }
            }
        }
    }
}

/// Ends everything of a run whose shim is gone: what carries its marker, what is in the session of its main process, and
/// whatever descends from these, but for daemons of the programs in `kept`. Returns when nothing is left, or after some
/// five seconds.
pub(super) fn end_orphans(shim: Guard, marker: &str, main: Option<u32>, kept: &[String]) {
    shim.end();
    let main = main.and_then(|pid| i32::try_from(pid).ok());
    let me = rustix::process::getpid().as_raw_nonzero().get();
    for attempt in 0..200 {
        let found = tree::below(&tree::processes(), |process| {
            process.pid != me && (main == Some(process.session) || marker_of(process.pid).as_deref() == Some(marker))
        });
        for dead in found.iter().filter(|process| process.zombie && process.parent == me) {
            if let Some(pid) = Pid::from_raw(dead.pid) {
                let _ = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
            }
        }
        let living: Vec<Process> =
            found.into_iter().filter(|process| !process.zombie && !tree::is_one_of(process.pid, kept)).collect();
        // An empty look may have missed one that was just being forked: two in a row have not.
        if living.is_empty() && attempt > 0 {
            return;
        }
        tree::kill(&living);
        #[expect(clippy::disallowed_methods, reason = "processes of others send no event that could be waited for")]
        std::thread::sleep(Duration::from_millis(if attempt < 20 { 1 } else { 25 }));
    }
}

/// The marker that the process was started with. Unreadable ones (another user's) carry none.
pub(super) fn marker_of(pid: i32) -> Option<String> {
    let environment = system::environment(pid)?;
    let mut entries = environment.split(|byte| *byte == 0);
    let value = entries.find_map(|entry| entry.strip_prefix(MARKER.as_bytes())?.strip_prefix(b"="))?;
    String::from_utf8(value.to_vec()).ok()
}
