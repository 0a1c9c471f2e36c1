//! A task without a sidecar: the same state machine and the same engine, in this process, with nothing that is kept. Every
//! process of the command and every file are gone when this is done.

use std::path::PathBuf;

use anyhow::Context as _;
use tokio::sync::mpsc;

use super::Wanted;
use super::news::{Found, News, Row, Task};
use crate::agent::approval::Mode;
use crate::clock;
use crate::config::{self, Config};
use crate::ids::{IdSource, TaskId};
use crate::lsp::convert;
use crate::session::effect::{Effect, Outgoing};
use crate::session::event::{Event, Moment, ReplyId, Request, StartTask};
use crate::session::settings::Settings;
use crate::session::state::State;
use crate::task::model::{self, Origin};
use crate::task::run::{Ending, RunEvent, RunId};
use crate::task::supervisor::Supervisor;
use crate::workspace::environment::{self, Environment, KeptBack, Wanted as WantedEnvironment};

/// Starts the task here.
pub(super) fn start(config: &Config, wanted: &Wanted, environment: Vec<(String, String)>) -> anyhow::Result<Task> {
    if let Err(error) = crate::task::process::adopt_orphans() {
        tracing::warn!(%error, "orphans of a killed shim cannot be adopted");
    }
    let folder = Folder::create()?;
    // The project that the folder belongs to: problems in its other packages count.
    let is_project = |dir: &&std::path::Path| dir.join(".git").exists();
    let root = wanted.cwd.ancestors().find(is_project).unwrap_or(&wanted.cwd).to_owned();
    let mut settings = Settings::new(config, root, folder.path.clone(), "none", "none");
    // Nobody is asked anything here.
    settings.mode = Mode::Auto;
    let (tell, news) = mpsc::unbounded_channel();
    let (stops, stopped) = mpsc::unbounded_channel();
    let (run_events, from_runs) = mpsc::unbounded_channel();
    let engine = Engine {
        state: State::new(settings, IdSource::Random),
        supervisor: Supervisor::new(run_events),
        // A terminal's environment is the person's own: no shell has more to say.
        environment: Environment::without_shell(environment),
        kept: KeptBack::from(config),
        asked: None,
        task: None,
        tell,
        _folder: folder,
    };
    let start = StartTask {
        cwd: Some(wanted.cwd.clone()),
        group: wanted.group,
        label: wanted.label.clone(),
        timeout_ms: wanted.timeout_ms,
        ..StartTask::new(&wanted.command, Origin::User)
    };
    let work = tokio::spawn(engine.run(start, from_runs, stopped));
    Ok(Task { news, stops, work: Some(work) })
}

/// The owner of one task.
struct Engine {
    state: State,
    supervisor: Supervisor,
    environment: Environment,
    kept: KeptBack,
    /// Command and environment of the run, for the explanation of its end.
    asked: Option<(String, Vec<(String, String)>)>,
    task: Option<TaskId>,
    tell: mpsc::UnboundedSender<News>,
    _folder: Folder,
}

impl Engine {
    async fn run(
        mut self,
        start: StartTask,
        mut from_runs: mpsc::UnboundedReceiver<(RunId, RunEvent)>,
        mut stops: mpsc::UnboundedReceiver<()>,
    ) {
        self.apply(Event::Loaded(Box::default()));
        self.apply(Event::ClientReady);
        self.apply(Event::Request { reply: ReplyId(1), request: Request::StartTask(start) });
        let mut is_over = false;
        loop {
            tokio::select! {
                event = from_runs.recv() => match event {
                    Some((id, event)) => self.run_event(id, event),
                    None => break,
                },
                stop = stops.recv(), if !is_over => match stop {
                    Some(()) => self.stop(),
                    // The terminal has seen the end.
                    None => is_over = true,
                },
            }
            let Some(task) = self.task.as_ref().and_then(|id| self.state.task(id)) else { continue };
            let is_empty = task.status.is_final() && task.stragglers == 0;
            if is_empty && is_over {
                break;
            }
            // What it left behind ends with it, and it ends with whoever watched it.
            if !is_empty && (task.status.is_final() || is_over) && !task.stopping {
                self.stop();
            }
        }
    }

    fn stop(&mut self) {
        self.apply(Event::Request { reply: ReplyId(2), request: Request::StopTask { task: self.task.clone() } });
    }

    fn run_event(&mut self, id: RunId, event: RunEvent) {
        if let (RunEvent::Ended(end), Some((command, env))) = (&event, &self.asked)
            && let Ending::Exited { code } = end.ending
            && let Some(text) = environment::explain(code, command, env)
        {
            self.apply(Event::Explained { id: id.clone(), text });
        }
        self.apply(Event::Run { id, event });
    }

    fn apply(&mut self, event: Event) {
        let moment = Moment { now: clock::now(), ..Moment::default() };
        for effect in self.state.apply(moment, event) {
            match effect {
                Effect::StartRun(mut spec) => {
                    let wanted = WantedEnvironment {
                        cwd: &spec.cwd,
                        command: &spec.command,
                        stdin: spec.stdin,
                        variables: &spec.env,
                    };
                    let (env, record) = self.environment.for_command(&wanted, &self.kept);
                    self.asked = Some((spec.command.clone(), env.clone()));
                    spec.env = env;
                    let id = spec.id.clone();
                    self.supervisor.start(spec);
                    self.apply(Event::Environment { id, environment: record });
                }
                // Nothing is known of earlier runs.
                Effect::ReadPast { run, .. } => {
                    self.apply(Event::Past { run, past: Box::default() });
                }
                Effect::Control(run, control) => {
                    if let Err(why) = self.supervisor.control(&run, control) {
                        tracing::debug!(why, "the run could not be controlled");
                    }
                }
                Effect::Send(Outgoing::Task { task, .. }) => {
                    if let Some(found) = self.state.task(&task) {
                        // The view ends with the task's end, and this a little later.
                        let _ = self.tell.send(News::Row(Box::new(row(found))));
                    }
                    self.task = Some(task);
                }
                Effect::Send(Outgoing::Problems(problems)) => {
                    let found = problems.problems.iter().map(|shown| Found {
                        path: problems.path.clone(),
                        line: shown.problem.place.line,
                        column: shown.problem.place.column,
                        severity: shown.problem.severity,
                        test: shown.problem.test.clone(),
                        message: shown.problem.message.clone(),
                        provisional: shown.problem.provisional,
                    });
                    let _ = self.tell.send(News::Found(found.collect()));
                }
                Effect::Reply { result: Err(refusal), .. }
                    // What is refused of a task that is there shows in its row.
                    if self.task.is_none() => {
                        let _ = self.tell.send(News::Refused(convert::refusal(refusal).message.into_owned()));
                    }
                // Nothing is kept, and no agent is there.
                _ => {}
            }
        }
    }
}

fn row(task: &model::Task) -> Row {
    Row {
        label: task.label.clone(),
        status: task.status,
        stopping: task.stopping,
        exit_code: task.exit_code,
        signal: task.signal,
        elapsed_ms: task.elapsed_ms(clock::now()),
        message: task.progress.message.clone(),
        summary: task.summary.clone(),
        stragglers: task.stragglers,
        output: task.output.path.clone(),
    }
}

/// Where the run's files lie, for as long as it takes.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn create() -> anyhow::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let path = config::temp_dir().join(format!("pillion-run-{}", uuid::Uuid::now_v7().simple()));
        let created = std::fs::DirBuilder::new().mode(0o700).create(&path);
        created.with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is in the system's temporary folder, and goes with it.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
