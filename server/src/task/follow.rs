//! One run from its launch to the last of its processes: talks with the shim, forwards orders, tells start and end. The
//! output is the reader's. Knows no ledger.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;

use super::lease;
use super::link::{Exit, Order, Report, Spec};
use super::output;
use super::process::{self, Launched};
use super::question;
use super::reader::{End, Reader, Reporter};
use super::run::{Ending, RunControl, RunEnd, RunEvent, RunSpec};
use super::slice;
use super::sweep_output::Room;
use super::tail::Tail;
use crate::clock;
use crate::matcher::{Engine, Files, Origin};
use crate::workspace::watch::FileEvents;

/// Bytes at the end of the output in which a question is looked for.
const QUESTION_BYTES: u64 = 8 << 10;

const NO_WATCH: &str =
    "The process that watches over the command ended before the command had started. Start the task again.";

/// What all runs of a sidecar share.
pub struct Shared {
    /// The binary whose `shim` command watches over a run.
    pub shim: PathBuf,
    pub file_events: FileEvents,
    /// How many shims are started at a time.
    pub launches: Semaphore,
    /// How many outputs are read at a time.
    pub looks: Arc<Semaphore>,
    pub epoch: Instant,
    /// What may still be written.
    pub room: Room,
}

/// How much input a run has been given and has taken, in bytes.
#[derive(Debug, Default)]
pub struct InputGauge {
    pub given: AtomicU64,
    pub taken: AtomicU64,
    pub closed: AtomicBool,
}

/// One run, before it is launched.
pub struct Run {
    pub spec: RunSpec,
    pub shared: Arc<Shared>,
    pub files: Arc<dyn Files>,
    pub reporter: Reporter,
    pub controls: mpsc::UnboundedReceiver<RunControl>,
    pub input: Arc<InputGauge>,
}

/// The output's reader, and how it is told of the end.
struct Reading {
    reader: JoinHandle<()>,
    end: Option<oneshot::Sender<End>>,
}

/// What is known of a run that was launched.
#[derive(Default)]
struct Seen {
    pid: Option<u32>,
    reading: Option<Reading>,
    ending: Option<Ending>,
    stragglers: u32,
    emptied: bool,
}

impl Run {
    /// Everything, until no process of the run is left. When the supervisor goes away it stops at once, and with its end
    /// of the socket goes the tree.
    pub async fn follow(mut self) {
        let marker = lease::marker();
        let spec = Spec::new(&self.spec, marker.clone());
        let shared = self.shared.clone();
        let launched = {
            let _turn = self.shared.launches.acquire().await;
            let total = self.spec.output_total;
            spawn_blocking(move || {
                let mut spec = spec;
                if let Some(runs) = spec.dir.ancestors().nth(2) {
                    spec.output_cap = shared.room.grant(runs, spec.output_cap, total, clock::now())?;
                }
                process::launch(&shared.shim, spec)
            })
            .await
        };
        let Launched { shim, socket } = match launched {
            Ok(Ok(launched)) => launched,
            Ok(Err(reason)) => return self.tell_end(Ending::NotStarted { reason }),
            Err(_) => return self.tell_end(Ending::Lost),
        };
        let mut seen = Seen::default();
        let kept = match UnixStream::from_std(socket) {
            Ok(socket) => self.talk(socket, &mut seen).await,
            Err(error) => {
                tracing::error!(%error, "no socket to the shim");
                true
            }
        };
        if kept {
            self.conclude(shim, marker, seen).await;
        } else {
            // The tree has its grace now; nobody waits for it here, but the dead shim must not stay.
            let _ = std::thread::Builder::new().spawn(move || process::reap(shim));
        }
    }

    /// Orders out, reports in, until the shim closes its end: true. False when the supervisor went away.
    async fn talk(&mut self, socket: UnixStream, seen: &mut Seen) -> bool {
        let (reports, mut orders) = socket.into_split();
        let mut reports = BufReader::new(reports).lines();
        loop {
            tokio::select! {
                line = reports.next_line() => match line {
                    Ok(Some(line)) => match serde_json::from_str(&line) {
                        Ok(Report::Waiting { sure, asked_from }) => self.waiting(sure, asked_from).await,
                        Ok(report) => self.take(report, seen),
                        Err(error) => tracing::debug!(%error, "an unknown report of a shim"),
                    },
                    Ok(None) | Err(_) => return true,
                },
                control = self.controls.recv() => {
                    let order = match control {
                        Some(RunControl::Stop) => Order::Stop,
                        Some(RunControl::Input { text, eof }) => Order::Input { text, eof },
                        None => return false,
                    };
                    let Ok(mut line) = serde_json::to_vec(&order) else { continue };
                    line.push(b'\n');
                    // A shim that is gone shows as the end of its reports.
                    let _ = orders.write_all(&line).await;
                }
            }
        }
    }

    fn take(&mut self, report: Report, seen: &mut Seen) {
        match report {
            // Read with the question, which is in the output.
            Report::Hello { .. } | Report::Waiting { .. } => {}
            Report::Resumed => self.reporter.send(RunEvent::Resumed),
            Report::Started { pid, at } => {
                seen.pid = Some(pid);
                self.reporter.send(RunEvent::Started { pid, at });
                seen.reading = self.start_reading();
            }
            Report::NotStarted { reason } => {
                self.end(End { ending: Ending::NotStarted { reason }, at: clock::now(), stragglers: 0 }, seen);
            }
            Report::Input { taken, closed } => {
                self.input.taken.store(taken, Ordering::Relaxed);
                self.input.closed.fetch_or(closed, Ordering::Relaxed);
            }
            Report::Ended(exit) => self.end(end_of(&exit), seen),
            Report::Emptied => seen.emptied = true,
        }
    }

    /// The command waits for input, if what it wrote last says so too where the shim is not sure.
    async fn waiting(&self, sure: bool, asked_from: u64) {
        let path = self.spec.dir.join("output");
        let tail = spawn_blocking(move || tail_from(&path, asked_from).unwrap_or_default()).await;
        let reading = question::read(&tail.unwrap_or_default());
        if sure || reading.is_likely {
            self.reporter.send(RunEvent::Waiting(reading.asked));
        }
    }

    fn start_reading(&self) -> Option<Reading> {
        let path = self.spec.dir.join("output");
        let origin =
            Origin { command: self.spec.command.clone(), cwd: self.spec.cwd.clone(), root: self.spec.root.clone() };
        let tail = Tail::open(&path, Engine::new(origin, self.files.clone()))
            .inspect_err(|error| tracing::error!(%error, path = %path.display(), "the output cannot be read"))
            .ok()?;
        let reader = Reader::new(tail, path, self.reporter.clone(), &self.shared);
        let (end, ended) = oneshot::channel();
        Some(Reading { reader: tokio::spawn(reader.run(ended)), end: Some(end) })
    }

    /// Tells the end, the output's rest first. Only once.
    fn end(&self, end: End, seen: &mut Seen) {
        if seen.ending.is_some() {
            return;
        }
        seen.ending = Some(end.ending.clone());
        seen.stragglers = end.stragglers;
        match seen.reading.as_mut().and_then(|reading| reading.end.take()) {
            Some(told) => drop(told.send(end)),
            None => self.tell_end(end.ending),
        }
    }

    /// The shim is gone: sees to it that nothing is left and that everything was told.
    async fn conclude(self, shim: Child, marker: String, mut seen: Seen) {
        let orderly = seen.ending.is_some() && (seen.stragglers == 0 || seen.emptied);
        let pid = seen.pid;
        let gone = spawn_blocking(
            move || {
                if orderly { process::reap(shim) } else { process::end_orphans(shim, &marker, pid) }
            },
        );
        let _ = gone.await;
        if seen.ending.is_none() {
            let ending = if seen.pid.is_some() { Ending::Lost } else { Ending::NotStarted { reason: NO_WATCH.into() } };
            let lost = || End { ending, at: clock::now(), stragglers: 0 };
            // Whatever that end left behind is gone by now.
            let end = self.written_end().await.map_or_else(lost, |exit| End { stragglers: 0, ..end_of(&exit) });
            self.end(end, &mut seen);
        }
        if let Some(Reading { reader, .. }) = seen.reading
            && reader.await.is_err()
        {
            tracing::error!("the reader of an output broke");
            self.tell_end(seen.ending.unwrap_or(Ending::Lost));
        }
        if seen.stragglers > 0 {
            self.reporter.send(RunEvent::Emptied);
        }
    }

    /// The end as a shim wrote it that had no time left to report it.
    async fn written_end(&self) -> Option<Exit> {
        let text = tokio::fs::read(self.spec.dir.join("exit.json")).await.ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// The end of a run without output.
    fn tell_end(&self, ending: Ending) {
        let at = clock::now();
        let end = RunEnd { ending, at, stragglers: 0, tail: String::new(), bytes: 0, lines: 0, truncated: false };
        self.reporter.send(RunEvent::Ended(end));
    }
}

/// The end of what the file at `path` has from an offset on; all of it where the command cut its own file. Blocks.
fn tail_from(path: &Path, from: u64) -> std::io::Result<String> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let from = if from > size { 0 } else { from };
    let start = from.max(size.saturating_sub(QUESTION_BYTES));
    slice::read_at(&file, start, size - start).map(|raw| output::tail(&raw, start > from))
}

fn end_of(exit: &Exit) -> End {
    End { ending: exit.ending(), at: exit.at, stragglers: exit.stragglers }
}
