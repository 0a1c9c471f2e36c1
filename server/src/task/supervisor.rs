//! Starts runs, tails their output through the matchers, controls them, and reports what happens. Holds no state of a
//! run but the way to reach it: each run is followed by a task of its own.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::Instant;

use super::follow::{InputGauge, Run};
use super::link::INPUT_CAP;
use super::model::Stdin;
use super::reporter::Reporter;
use super::run::{RunControl, RunEvent, RunId, RunSpec};
use super::shared::{Custody, Shared};
use super::sweep_output::Room;
use super::system::own_executable;
use crate::matcher::Files;
use crate::workspace::files::WorkspaceFiles;
use crate::workspace::watch::FileEvents;

/// Shims that are started at a time: more would only wait for each other.
const LAUNCHES: usize = 4;

/// Owns every running run of this sidecar. When it is dropped, each run's shim does what the run's `on_close` says.
pub struct Supervisor {
    events: mpsc::UnboundedSender<(RunId, RunEvent)>,
    shared: Arc<Shared>,
    custody: watch::Sender<Custody>,
    runs: HashMap<RunId, Handle>,
    /// One for each root: their caches serve all runs.
    files: HashMap<PathBuf, Arc<dyn Files>>,
}

/// The way to a run.
struct Handle {
    controls: mpsc::UnboundedSender<RunControl>,
    stdin: Stdin,
    input: Arc<InputGauge>,
}

impl Supervisor {
    /// A supervisor that reports to `events`. The shim is this very executable.
    pub fn new(events: mpsc::UnboundedSender<(RunId, RunEvent)>) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let (custody, held) = watch::channel(Custody::default());
        let shared = Shared {
            custody: held,
            shim: own_executable(),
            file_events: FileEvents::default(),
            launches: Semaphore::new(LAUNCHES),
            looks: Arc::new(Semaphore::new(cores.max(2))),
            epoch: Instant::now(),
            room: Room::default(),
        };
        Self { events, shared: Arc::new(shared), custody, runs: HashMap::new(), files: HashMap::new() }
    }

    /// The file events that serve every run: one watcher is enough for a process.
    pub fn file_events(&self) -> FileEvents {
        self.shared.file_events.clone()
    }

    /// How runs are handed over from now on. A run that is alive hears of it with its next [`RunControl::OnClose`].
    pub fn set_custody(&self, custody: Custody) {
        self.custody.send_replace(custody);
    }

    /// The same with another executable for the shim: for tests, whose own executable has no such command. To be called
    /// before the first start.
    pub fn with_shim(mut self, path: PathBuf) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.shim = path;
        }
        self
    }

    /// Starts a run. Returns at once; whatever comes of it is an event, a failure to start included. To be called within
    /// a tokio runtime.
    pub fn start(&mut self, spec: RunSpec) {
        self.start_after(spec, std::future::ready(()));
    }

    /// The same, but the command starts only when `written` is over: what must not know less than the disk waits for it.
    pub fn start_after(&mut self, spec: RunSpec, written: impl Future<Output = ()> + Send + 'static) {
        let run = self.enter(spec);
        tokio::spawn(async move {
            written.await;
            run.follow().await;
        });
    }

    /// Takes over a run that a sidecar which is gone had launched in this folder. Its output is read from the beginning,
    /// so that everything that was found in it is found again; then the run goes on as one of this sidecar's. Where its
    /// shim is gone, what the shim wrote of the end is told, or that nobody saw it. After `ended` only what was left
    /// behind is taken over, and only [`RunEvent::Emptied`] counts.
    pub fn resume(&mut self, spec: RunSpec, ended: bool) {
        let run = self.enter(spec);
        tokio::spawn(run.resume(ended));
    }

    fn enter(&mut self, spec: RunSpec) -> Run {
        self.runs.retain(|_, handle| !handle.controls.is_closed());
        let files =
            self.files.entry(spec.root.clone()).or_insert_with_key(|root| Arc::new(WorkspaceFiles::new(root.clone())));
        let (controls, received) = mpsc::unbounded_channel();
        let handle = Handle { controls, stdin: spec.stdin, input: Arc::default() };
        let run = Run {
            shared: self.shared.clone(),
            files: files.clone(),
            reporter: Reporter { id: spec.id.clone(), events: self.events.clone() },
            controls: received,
            input: handle.input.clone(),
            spec,
        };
        self.runs.insert(run.reporter.id.clone(), handle);
        run
    }

    /// Lets go of a run, so that the sidecar of the client with this token can take it over. Over when nothing is told of it
    /// from here any more.
    pub fn hand_over(&mut self, run: &RunId, token: Option<String>) -> impl Future<Output = ()> + Send + use<> {
        let handle = self.runs.remove(run);
        if let Some(handle) = &handle {
            // A run that is over has let go already.
            let _ = handle.controls.send(RunControl::HandOver { token });
        }
        async move {
            if let Some(handle) = handle {
                handle.controls.closed().await;
            }
        }
    }

    /// Acts on a run. `Err` when the run is not (or no longer) here or cannot do it, with the reason.
    pub fn control(&mut self, run: &RunId, control: RunControl) -> Result<(), String> {
        let gone = || format!("Run {} of task {} is over.", run.run, run.task);
        let handle = self.runs.get(run).ok_or_else(gone)?;
        if let RunControl::Input { text, eof } = &control {
            handle.admit(text.len() as u64, *eof)?;
        }
        handle.controls.send(control).map_err(|_| gone())
    }
}

impl Handle {
    /// Counts input in, or says why the run takes none.
    fn admit(&self, length: u64, eof: bool) -> Result<(), String> {
        if self.stdin == Stdin::Null {
            return Err("This task has no standard input. Start it with stdin `pipe` or `pty`.".to_owned());
        }
        if self.input.closed.load(Ordering::Relaxed) {
            return Err("The standard input of this task is closed.".to_owned());
        }
        let given = self.input.given.load(Ordering::Relaxed) + length;
        let waiting = given.saturating_sub(self.input.taken.load(Ordering::Relaxed));
        if waiting > INPUT_CAP {
            return Err(format!(
                "The command does not read its input: {waiting} bytes would wait, and at most {INPUT_CAP} may."
            ));
        }
        self.input.given.store(given, Ordering::Relaxed);
        self.input.closed.fetch_or(eof, Ordering::Relaxed);
        Ok(())
    }
}
