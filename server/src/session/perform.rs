//! The hands: carries effects out, and sends what comes of them back to the owner as events. Nothing here decides.

mod changes;
mod models;
mod others;
mod project;
mod since;
mod stored;
mod tested;
mod transcripts;
mod workspace;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use crate::config::{self, Config};
use crate::ids::{TaskId, TurnId};
use crate::matcher::Origin;
use crate::store::{self, Store};
use crate::task::run::{Ending, OutputRange, OutputSlice, RunEvent, RunId, RunSpec};
use crate::task::shared::Custody;
use crate::task::supervisor::Supervisor;
use crate::task::{import, lease, slice, sockets, sweep_output::Keeping};
use crate::tool;
use crate::workspace::documents::Documents;
use crate::workspace::editor::Editor;
use crate::workspace::editor::lent::Lender;
use crate::workspace::environment::{self, Environment, KeptBack, Wanted};
use crate::workspace::files::WorkspaceFiles;
use crate::workspace::instructions;
use crate::workspace::looks::Looks;
use crate::workspace::roots::{Roots, absolute};

use self::models::Providers;
use super::effect::{Effect, Refusal, Reply, Write};
use super::event::{AsideId, Event, ReplyId, ReportedTask, Timer};
use super::housekeeping;
use super::inbox::{Inbox, Input};
use super::settings::Settings;
use super::storage;

/// How long after the start what other sidecars left behind is swept.
const SWEEP_AFTER: Duration = Duration::from_secs(1);
/// How long a command's start waits for its row.
const ROW_WRITTEN: Duration = Duration::from_secs(1);

/// What a run was asked to do, for the explanation of the exit codes 126 and 127.
struct Asked {
    command: String,
    env: Vec<(String, String)>,
}

/// What the owner's hands are made of.
pub struct Parts {
    pub config: Config,
    /// The canonical folder that gives the workspace its identity.
    pub root: PathBuf,
    pub further_roots: Vec<PathBuf>,
    pub editor: Arc<dyn Editor>,
    /// The same editor, as one that lends models.
    pub lender: Arc<dyn Lender>,
    /// Where commands get their environment from.
    pub environment: Environment,
    /// Names the client's window over its reloads.
    pub token: Option<String>,
}

/// Everything that acts on the world for the owner.
pub(super) struct Hands {
    root: PathBuf,
    roots: Roots,
    /// Where the person's own instructions lie.
    config_dir: PathBuf,
    looks: Looks,
    runs: PathBuf,
    /// Where results are kept that are too long for a model, by session.
    results: PathBuf,
    editor: Arc<dyn Editor>,
    providers: Providers,
    store: Store,
    supervisor: Supervisor,
    environment: Environment,
    /// Variables that commands do not get.
    kept: KeptBack,
    /// How runs are handed over.
    custody: Custody,
    /// The runs that are alive.
    commands: HashMap<RunId, Asked>,
    /// What is kept of outputs, for the house's keeper.
    keeping: watch::Sender<Keeping>,
    inbox: Inbox,
    timers: HashMap<Timer, AbortHandle>,
    /// Files that are watched for tasks.
    watches: HashMap<TaskId, AbortHandle>,
    turns: HashMap<TurnId, Vec<AbortHandle>>,
    /// Questions beside the conversations.
    asides: HashMap<AsideId, AbortHandle>,
    transcripts: mpsc::UnboundedSender<transcripts::Piece>,
}

impl Hands {
    /// Opens the store and gets everything ready. Also: the settings for the state, and its first events.
    pub(super) async fn new(parts: Parts, inbox: Inbox) -> (Self, Settings, Vec<Event>) {
        let Parts { config, root, further_roots, editor, lender, environment, token } = parts;
        let (state_home, place) = (config.state_home.clone(), root.clone());
        let (grace, socket_dir) = (config.background.reattach_grace, config.socket_dir());
        let of = token.clone();
        let opened = tokio::task::spawn_blocking(move || {
            (sockets::prepare(&socket_dir), storage::open(&state_home, &place, of, grace))
        });
        let opened = opened.await;
        let (sockets, opened) = match opened {
            Ok((sockets, opened)) => (sockets, Ok(opened)),
            Err(error) => (Ok(()), Err(error)),
        };
        let (store, mut loaded, seen) = match opened {
            Ok(opened) => opened,
            Err(error) => storage::forgetful(format!("the state could not be opened: {error}")),
        };
        loaded.rules = store.rules().await.unwrap_or_default();
        // Commands run also where nothing can be remembered: what they write has to be somewhere.
        let runs = match loaded.problem {
            None => store::workspace_dir(&config.state_home, &root).join("tasks"),
            Some(_) => config::temp_dir().join(format!("pillion-{}", uuid::Uuid::now_v7().simple())).join("tasks"),
        };
        let (run_events, mut from_runs) = mpsc::unbounded_channel();
        let back = inbox.clone();
        tokio::spawn(async move {
            while let Some((id, event)) = from_runs.recv().await {
                if !back.tell(Event::Run { id, event }) {
                    break;
                }
            }
        });
        let (kept, socket_dir) = (config.background.keep_daemons.clone(), config.socket_dir());
        tokio::spawn(async {
            // It looks at every process, and the editor waits for its first answers.
            tokio::time::sleep(SWEEP_AFTER).await;
            tokio::task::spawn_blocking(move || {
                lease::sweep(&kept);
                sockets::sweep(&socket_dir);
            });
        });
        let supervisor = Supervisor::new(run_events);
        tokio::spawn(others::watch(store.clone(), seen, supervisor.file_events(), inbox.clone()));
        let (transcripts, pieces) = mpsc::unbounded_channel();
        tokio::spawn(transcripts::write(pieces, inbox.clone()));
        let (keeping, kept) = watch::channel(housekeeping::keeping(&config.background));
        let results = runs.with_file_name("results");
        tokio::spawn(housekeeping::keep_house(store.clone(), runs.clone(), results.clone(), kept));
        environment.warm();
        let providers = Providers::new(config.clone(), root.clone(), lender);
        let roots = Roots::new(root.clone()).with(further_roots);
        let mut hands = Self {
            looks: Looks::new(roots.all().map(Path::to_owned).collect()),
            roots,
            config_dir: config.config_dir.clone(),
            root,
            results,
            runs,
            editor,
            providers,
            store,
            supervisor,
            environment,
            kept: KeptBack::from(&config),
            custody: Custody { sockets: sockets.is_ok().then(|| config.socket_dir()), token, ..Custody::default() },
            commands: HashMap::new(),
            keeping,
            inbox,
            timers: HashMap::new(),
            watches: HashMap::new(),
            turns: HashMap::new(),
            asides: HashMap::new(),
            transcripts,
        };
        hands.set_custody(&config);
        let settings = hands.settings(&config);
        let mut first = vec![Event::Loaded(Box::new(loaded))];
        first.extend(hands.complaints(&config));
        first.extend(sockets.err().map(|text| Event::Say { error: true, text }));
        (hands, settings, first)
    }

    fn settings(&self, config: &Config) -> Settings {
        let choice = self.providers.choice();
        let provider = choice.provider.unwrap_or("none");
        let settings = Settings::new(config, self.root.clone(), self.runs.clone(), provider, &choice.model);
        let roots = self.roots.all().map(Path::to_owned).collect();
        Settings { known: self.providers.known(), roots, ..settings }
    }

    fn set_custody(&mut self, config: &Config) {
        let background = &config.background;
        self.custody.grace = background.reattach_grace;
        self.custody.keep_daemons.clone_from(&background.keep_daemons);
        self.supervisor.set_custody(self.custody.clone());
    }

    /// What is wrong with the settings, for the person.
    fn complaints(&self, config: &Config) -> Vec<Event> {
        let mut texts = config.problems.clone();
        texts.extend(self.providers.problem().map(str::to_owned));
        texts.into_iter().map(|text| Event::Say { error: true, text }).collect()
    }

    /// New settings: the next request goes to the provider that they name. Returns what the state must know.
    pub(super) fn configure(&mut self, config: Config) -> Vec<Event> {
        let config = self.providers.configure(config);
        if config.background.reattach_grace != self.custody.grace {
            tokio::spawn(self.store.set_grace(config.background.reattach_grace));
        }
        self.set_custody(&config);
        self.kept = KeptBack::from(&config);
        let keeping = housekeeping::keeping(&config.background);
        self.keeping.send_if_modified(|held| std::mem::replace(held, keeping) != keeping);
        let mut events = vec![Event::Settings(Box::new(self.settings(&config)))];
        events.extend(self.complaints(&config));
        events
    }

    /// The open documents now.
    pub(super) fn documents(&self) -> Documents {
        self.editor.documents()
    }

    /// What the state must hear before this event: why a command was not found.
    pub(super) fn before(&mut self, event: &Event) -> Option<Event> {
        let Event::Run { id, event: RunEvent::Ended(end) } = event else { return None };
        let Asked { command, env } = self.commands.remove(id)?;
        let Ending::Exited { code } = end.ending else { return None };
        environment::explain(code, &command, &env).map(|text| Event::Explained { id: id.clone(), text })
    }

    /// Carries one effect out. Never blocks.
    pub(super) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Reply { .. } | Effect::Send(_) => {}
            Effect::Store(write) => {
                if let Write::DeleteSession(session) = &write {
                    self.forget_results(session);
                }
                storage::write(&self.store, write, &self.inbox);
            }
            Effect::LoadSession { reply, session, page } => self.load_session(reply, session, page),
            Effect::HandOver { reply, session, tasks, runs, to } => self.hand_over(reply, session, tasks, runs, to),
            Effect::Export { reply, talk, format } => self.export(reply, talk, format),
            Effect::DeleteStored { reply, session } => self.delete_session(reply, session),
            Effect::ListSessions { reply, limit, before, open } => self.list_sessions(reply, limit, before, open),
            Effect::RecentSessions { place, wanted } => self.recent_sessions(place, wanted),
            Effect::ListModelsInChat { place, current } => self.models_in_chat(place, current),
            Effect::LookSince { session, from, head } => self.look_since(session, from, head),
            Effect::NoteHead(session) => self.note_head(session),
            Effect::AskModel { session, turn, request } => self.ask_model(session, turn, request),
            Effect::AskAside { aside, request } => self.ask_aside(aside, request),
            Effect::AbortAside(aside) => {
                if let Some(work) = self.asides.remove(&aside) {
                    work.abort();
                }
            }
            Effect::ReadInstructions { session, cwd } => self.read_instructions(session, cwd),
            Effect::ReadMentions { session, prompt, cwd, wanted, more } => {
                self.read_mentions(session, prompt, cwd, wanted, more);
            }
            Effect::DescribeModel { session, model } => self.describe_model(session, model),
            Effect::ListModels { reply, current } => self.list_models(reply, current),
            Effect::Abort(turn) => {
                for work in self.turns.remove(&turn).unwrap_or_default() {
                    work.abort();
                }
            }
            Effect::RunTool { session, turn, call, tool, cwd, seen, results } => {
                let context = tool::Context { results, ..self.tool_context(&session, cwd, seen) };
                let (roots, cwd) = (self.roots.clone(), context.cwd.clone());
                let touched = tool.file().map(|path| absolute(&cwd, path));
                let (of, edits) = (turn.clone(), tool.edits());
                let work = async move {
                    let mut result = tool::run(tool, context).await;
                    if let (Ok(output), Some(path)) = (&mut result, touched) {
                        output.instructions = instructions::between(roots, cwd, path).await;
                    }
                    Event::ToolDone { session, turn, call, result }
                };
                if edits {
                    // Once begun, an edit is carried out and known of, also when its turn is cancelled.
                    let inbox = self.inbox.clone();
                    tokio::spawn(async move {
                        let event = work.await;
                        inbox.tell(event);
                    });
                } else {
                    self.work(of, work);
                }
            }
            Effect::ReadProject { session, turn, call, cwd, home, look } => {
                self.read_project(session, turn, call, project::Site { cwd, home }, look);
            }
            Effect::ReadForTool { session, turn, call, path, range } => {
                self.work(turn.clone(), async move {
                    let slice = read_output(path, range).await;
                    Event::OutputRead { session, turn, call, slice }
                });
            }
            Effect::FindService(missed) => self.find_service(missed),
            Effect::AskDiagnostics { session, turn, call, path } => {
                let editor = self.editor.clone();
                self.work(turn.clone(), async move {
                    let found = editor.diagnostics(path).await;
                    Event::EditorDiagnostics { session, turn, call, found }
                });
            }
            Effect::ListChanges { reply, session, chosen } => self.list_changes(reply, session, chosen),
            Effect::AcceptChanges { reply, session, chosen } => self.accept_changes(reply, session, chosen),
            Effect::RevertChanges { reply, session, chosen, cwd, seen } => {
                self.revert_changes(reply, session, chosen, cwd, seen);
            }
            Effect::SaveResult { session, turn, call, folder, text, most } => {
                self.work(turn.clone(), async move {
                    let text = tool::saved::capped(text, most, folder).await;
                    Event::ResultSaved { session, turn, call, text }
                });
            }
            Effect::ReadForReply { reply, path, range } => self.answer_later(reply, async move {
                read_output(path, range).await.map(Reply::Output).map_err(Refusal::Internal)
            }),
            Effect::ReadTests { reply, task } => {
                let root = self.root.clone();
                self.answer_later(reply, async move {
                    let read = tokio::task::spawn_blocking(move || tested::read(*task, root)).await;
                    read.map_err(|error| Refusal::Internal(error.to_string()))
                });
            }
            Effect::Import { reply, id, dir, reported } => self.import(reply, id, dir, reported),
            Effect::FingerprintAfter { run, command, unsaved } => self.fingerprint_after(run, command, unsaved),
            Effect::ReadPast { run, command } => self.read_past(run, command),
            Effect::FindCommands { reply, near, start } => self.find_commands(reply, near, start),
            Effect::ReadDefined { reply, start } => self.read_defined(reply, start),
            Effect::ReadScript { reply, task, only, command, cwd } => {
                self.read_script(reply, task, only, command, cwd);
            }
            Effect::StartRun(spec) => self.start_run(spec),
            Effect::ResumeRun { spec, ended } => {
                let spec = self.prepared(spec, false);
                self.supervisor.resume(spec, ended);
            }
            Effect::CheckUnchanged { check, since, fingerprint, unsaved } => {
                self.check_unchanged(check, since, fingerprint, unsaved);
            }
            Effect::Fingerprint { run, unsaved } => self.fingerprint(run, unsaved),
            Effect::StopElsewhere(main) => {
                if !lease::stop(main) {
                    tracing::debug!(main, "another window's run could not be stopped");
                }
            }
            Effect::Transcribe { id, path, text, bytes, lines } => {
                // Who writes it goes with the runtime alone.
                let _ = self.transcripts.send(transcripts::Piece { id, path, text, bytes, lines });
            }
            Effect::Control(run, control) => {
                if let Err(why) = self.supervisor.control(&run, control) {
                    tracing::debug!(task = %run.task, run = run.run, why, "a run could not be controlled");
                }
            }
            Effect::SetTimer { timer, after_ms } => self.set_timer(timer, after_ms),
            Effect::Watch { task, root, watch } => self.watch_files(task, root, watch),
            Effect::Unwatch(task) => {
                if let Some(watching) = self.watches.remove(&task) {
                    watching.abort();
                }
            }
            Effect::CancelTimer(timer) => {
                if let Some(waiting) = self.timers.remove(&timer) {
                    waiting.abort();
                }
            }
        }
    }

    /// Does something for a turn; its event comes back unless the turn is aborted first.
    fn work(&mut self, turn: TurnId, work: impl Future<Output = Event> + Send + 'static) {
        let inbox = self.inbox.clone();
        let task = tokio::spawn(async move {
            let event = work.await;
            inbox.tell(event);
        });
        let running = self.turns.entry(turn).or_default();
        running.retain(|work| !work.is_finished());
        running.push(task.abort_handle());
        self.turns.retain(|_, works| works.iter().any(|work| !work.is_finished()));
    }

    fn answer_later(&self, reply: ReplyId, work: impl Future<Output = Result<Reply, Refusal>> + Send + 'static) {
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            let answered = work.await;
            inbox.send(Input::Answer(reply, answered));
        });
    }

    /// The run with its whole environment; the row hears of it where the run begins with it.
    fn prepared(&mut self, mut spec: RunSpec, begins: bool) -> RunSpec {
        let wanted = Wanted { cwd: &spec.cwd, command: &spec.command, stdin: spec.stdin, variables: &spec.env };
        let (env, environment) = self.environment.for_command(&wanted, &self.kept);
        if begins {
            // Before anything that the run itself can tell.
            self.inbox.tell(Event::Environment { id: spec.id.clone(), environment });
        }
        self.commands.insert(spec.id.clone(), Asked { command: spec.command.clone(), env: env.clone() });
        spec.env = env;
        spec
    }

    fn start_run(&mut self, spec: RunSpec) {
        let spec = self.prepared(spec, true);
        // The row first: a crash between the two leaves a row without a process, never a process without a row.
        let row = self.store.flush();
        self.supervisor.start_after(spec, async move {
            // A store in trouble has said so already, and holds up no command for longer than this.
            let _ = tokio::time::timeout(ROW_WRITTEN, row).await;
        });
    }

    fn import(&self, reply: ReplyId, id: TaskId, dir: PathBuf, reported: Box<ReportedTask>) {
        let (inbox, root) = (self.inbox.clone(), self.root.clone());
        tokio::task::spawn_blocking(move || {
            let files = Arc::new(WorkspaceFiles::new(root.clone()));
            let origin = Origin { command: reported.command.clone(), cwd: reported.cwd.clone(), root };
            let result = import::import(&dir, &reported.output, origin, files);
            let result = result.map_err(|error| format!("{}: {error}", dir.display()));
            inbox.tell(Event::Imported { reply, id, reported, result });
        });
    }

    fn set_timer(&mut self, timer: Timer, after_ms: u64) {
        if self.timers.get(&timer).is_some_and(|waiting| !waiting.is_finished()) {
            return;
        }
        let inbox = self.inbox.clone();
        let due = timer.clone();
        let waiting = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
            inbox.tell(Event::Timer(due));
        });
        self.timers.insert(timer, waiting.abort_handle());
    }

    /// Says when everything that was queued for the store is written.
    pub(super) fn flush(&self, done: oneshot::Sender<()>) {
        let written = self.store.flush();
        tokio::spawn(async move {
            // A store that cannot write has said so already.
            let _ = written.await;
            let _ = done.send(());
        });
    }

    /// The end: everything queued for the store is written.
    pub(super) async fn close(self) {
        for waiting in self.timers.values().chain(self.watches.values()) {
            waiting.abort();
        }
        let _ = self.store.flush().await;
    }
}

async fn read_output(path: PathBuf, range: OutputRange) -> Result<OutputSlice, String> {
    if path.as_os_str().is_empty() {
        return Ok(OutputSlice { eof: true, ..OutputSlice::default() });
    }
    tokio::task::spawn_blocking(move || match slice::read(&path, range) {
        // Not started yet: nothing was written.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(OutputSlice { eof: true, ..OutputSlice::default() })
        }
        Err(error) => Err(format!("{}: {error}", path.display())),
        Ok(slice) => Ok(slice),
    })
    .await
    .unwrap_or_else(|error| Err(error.to_string()))
}
