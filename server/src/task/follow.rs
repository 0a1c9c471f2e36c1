//! One run from its launch to the last of its processes: talks with the shim, forwards orders, tells start and end. The
//! output is the reader's. Knows no ledger.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};

use super::link::{Exit, Order, Refusal, Report, Spec, Takeover, Terms, VERSION};
use super::listen::Listener;
use super::model::{OnClose, Timestamp};
use super::news::News;
use super::process::{self, Guard, Launched};
use super::reader::Reader;
use super::reporter::{End, Reporter};
use super::run::{Ending, RunControl, RunEnd, RunEvent, RunSpec};
use super::run_file::RunFile;

use super::shared::{Custody, Shared};
use super::system::Process;
use super::tail::Tail;
use super::{exit_file, lease, output, question, slice, sockets};
use crate::clock;
use crate::matcher::{Engine, Files, Origin, problem_matcher};

/// Bytes at the end of the output in which a question is looked for.
const QUESTION_BYTES: u64 = 8 << 10;

/// How long at least a run that is handed over waits for the one who takes it.
const TAKEN_WITHIN: Duration = Duration::from_secs(60);

const NO_WATCH: &str =
    "The process that watches over the command ended before the command had started. Start the task again.";

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
    /// The row has its end: what is read and told of it has been.
    told: bool,
    /// The shim said who it is.
    greeted: bool,
    refused: Option<Refusal>,
}

impl Run {
    /// Everything, until no process of the run is left. When the supervisor goes away it stops at once, and the shim does
    /// what it was told for that.
    pub async fn follow(mut self) {
        let marker = lease::marker();
        let Custody { sockets, keep_daemons, .. } = self.custody();
        let terms = self.terms();
        let takeover = sockets.map(|folder| Takeover { socket: sockets::fresh(&folder), terms });
        let spec = Spec::new(&self.spec, marker.clone(), takeover, keep_daemons);
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
            self.conclude(Guard::Own(shim), Some(marker), seen).await;
        } else {
            // The tree has its grace now; nobody waits for it here, but the dead shim must not stay.
            let _ = std::thread::Builder::new().spawn(move || process::reap(shim));
        }
    }

    /// The same for a run that a sidecar which is gone had launched. After `ended` only what was left behind counts.
    pub async fn resume(mut self, ended: bool) {
        let dir = self.spec.dir.clone();
        let Ok(Some(file)) = spawn_blocking(move || RunFile::read(&dir)).await else {
            // It was not launched, or by a version that handed nothing over: then its shim ended it.
            let seen = Seen { told: ended, ..Seen::default() };
            return self.conclude(Guard::Other(None), None, seen).await;
        };
        loop {
            let mut seen = Seen { told: ended, ..Seen::default() };
            let mut shim = None;
            match connect(file.socket.as_deref()).await {
                Ok(Some(mut socket)) => {
                    shim = socket.peer_cred().ok().and_then(|peer| peer.pid()).and_then(Process::of);
                    let hello = Order::Attach { version: VERSION, terms: self.terms() };
                    // A shim that ends just now shows as the end of its reports.
                    let _ = send(&mut socket, &hello).await;
                    if !self.talk(socket, &mut seen).await {
                        return;
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%error, "a shim cannot be reached");
                    seen.refused = Some(Refusal::Version);
                }
            }
            match seen.refused {
                Some(Refusal::Reserved { for_ms }) => {
                    tokio::time::sleep(Duration::from_millis(for_ms.min(3_600_000))).await;
                }
                // It sees to its tree itself; here its end will not be seen.
                Some(Refusal::Version) => return self.tell_end(Ending::Lost),
                None => return self.conclude(Guard::Other(shim), Some(file.marker), seen).await,
            }
        }
    }

    fn custody(&self) -> Custody {
        self.shared.custody.borrow().clone()
    }

    fn terms(&self) -> Terms {
        let Custody { grace, token, .. } = self.custody();
        Terms { on_close: self.spec.on_close, grace, token }
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
                        Some(RunControl::StopNow) => Order::StopNow,
                        Some(RunControl::Input { text, eof }) => Order::Input { text, eof },
                        Some(RunControl::OnClose(on_close)) => {
                            self.spec.on_close = on_close;
                            Order::Terms(self.terms())
                        }
                        Some(RunControl::HandOver { token }) => {
                            let grace = self.custody().grace.max(TAKEN_WITHIN);
                            let terms = Terms { on_close: OnClose::Grace, grace, token };
                            let _ = send(&mut orders, &Order::Terms(terms)).await;
                            if let Some(reading) = seen.reading.take() {
                                reading.reader.abort();
                            }
                            return false;
                        }
                        None => return false,
                    };
                    // A shim that is gone shows as the end of its reports.
                    let _ = send(&mut orders, &order).await;
                }
            }
        }
    }

    fn take(&mut self, report: Report, seen: &mut Seen) {
        match report {
            Report::Hello { .. } => seen.greeted = true,
            Report::Refused { version, why } => {
                tracing::warn!(version, ?why, "a shim does not hand its run over");
                seen.refused = Some(why);
            }
            // Read with the question, which is in the output.
            Report::Waiting { .. } => {}
            Report::Resumed => {
                if !seen.told {
                    self.reporter.send(RunEvent::Resumed);
                }
            }
            Report::Started { pid, at } => self.started(pid, at, seen),
            Report::NotStarted { reason } => {
                self.end(End { ending: Ending::NotStarted { reason }, at: clock::now(), stragglers: 0 }, seen);
            }
            Report::Input { taken, closed } => {
                self.input.taken.store(taken, Ordering::Relaxed);
                // An earlier sidecar may have given some of it.
                self.input.given.fetch_max(taken, Ordering::Relaxed);
                self.input.closed.fetch_or(closed, Ordering::Relaxed);
            }
            Report::Ended(exit) => self.end(end_of(&exit), seen),
            Report::Emptied => seen.emptied = true,
        }
    }

    fn started(&self, pid: u32, at: Timestamp, seen: &mut Seen) {
        seen.pid = Some(pid);
        if !seen.told {
            self.reporter.send(RunEvent::Started { pid, at });
            seen.reading = self.start_reading();
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
        let mut engine = Engine::new(origin, self.files.clone());
        engine.map_paths(self.spec.path_map.iter().map(|(inside, here)| (inside.as_str(), here.as_path())));
        // They were read when the task was started.
        engine.define(self.spec.matchers.iter().filter_map(|matcher| problem_matcher::parse(matcher).ok()));
        let mut tail = Tail::open(&path, engine)
            .inspect_err(|error| tracing::error!(%error, path = %path.display(), "the output cannot be read"))
            .ok()?;
        tail.listener = Listener::new(&self.spec.listen);
        let news = News::new(self.reporter.clone(), &self.spec.command, self.shared.epoch);
        let reader = Reader::new(tail, path, news, &self.shared);
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
        if seen.told {
            return;
        }
        match seen.reading.as_mut().and_then(|reading| reading.end.take()) {
            Some(told) => drop(told.send(end)),
            None => self.tell_end(end.ending),
        }
    }

    /// The shim is gone: sees to it that nothing is left and that everything was told.
    async fn conclude(self, shim: Guard, marker: Option<String>, mut seen: Seen) {
        // The end as a shim wrote it that had no time left to report it.
        let written = if seen.ending.is_none() { self.written_end().await } else { None };
        let orderly = match &written {
            Some(exit) => exit.stragglers == 0,
            None => seen.ending.is_some() && (seen.stragglers == 0 || seen.emptied),
        };
        let (pid, kept) = (seen.pid, self.custody().keep_daemons);
        let taken_over = matches!(shim, Guard::Other(_));
        let gone = spawn_blocking(move || match marker {
            Some(marker) if !orderly => process::end_orphans(shim, &marker, pid, &kept),
            _ => shim.reap(),
        });
        let _ = gone.await;
        if seen.ending.is_none() {
            if taken_over && !seen.greeted {
                match written.as_ref().and_then(|exit| exit.started) {
                    Some((pid, at)) => self.started(pid, at, &mut seen),
                    None if !seen.told => seen.reading = self.start_reading(),
                    None => {}
                }
            }
            let lost = || {
                let started = seen.pid.is_some() || taken_over;
                let ending = if started { Ending::Lost } else { Ending::NotStarted { reason: NO_WATCH.into() } };
                End { ending, at: clock::now(), stragglers: 0 }
            };
            // Whatever that end left behind is gone by now.
            let end = written.map_or_else(lost, |exit| End { stragglers: 0, ..end_of(&exit) });
            self.end(end, &mut seen);
        }
        if let Some(Reading { reader, .. }) = seen.reading
            && reader.await.is_err()
        {
            tracing::error!("the reader of an output broke");
            self.tell_end(seen.ending.unwrap_or(Ending::Lost));
        }
        if seen.stragglers > 0 || seen.told {
            self.reporter.send(RunEvent::Emptied);
        }
    }

    async fn written_end(&self) -> Option<Exit> {
        let dir = self.spec.dir.clone();
        spawn_blocking(move || exit_file::read(&dir)).await.ok().flatten()
    }

    /// The end of a run without output.
    fn tell_end(&self, ending: Ending) {
        let at = clock::now();
        let end = RunEnd { ending, at, stragglers: 0, tail: String::new(), bytes: 0, lines: 0, truncated: false };
        self.reporter.send(RunEvent::Ended(end));
    }
}

/// The way to a shim that listens; `None` when none does (any more).
async fn connect(socket: Option<&Path>) -> io::Result<Option<UnixStream>> {
    let Some(socket) = socket else { return Ok(None) };
    // One that dies while somebody knocks resets the connection.
    let is_gone = |error: &io::Error| {
        use io::ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, NotFound};
        matches!(error.kind(), NotFound | ConnectionRefused | ConnectionReset | BrokenPipe)
    };
    match UnixStream::connect(socket).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn send(socket: &mut (impl AsyncWrite + Unpin), order: &Order) -> io::Result<()> {
    let mut line = serde_json::to_vec(order)?;
    line.push(b'\n');
    socket.write_all(&line).await
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
