//! The ledger: every task of this workspace, what may start, and what becomes of a run. A status comes from what the
//! operating system reported. A foreground command is a row too, but nobody sees it until it goes on in the background.

use std::path::PathBuf;
use std::time::Duration;

use crate::agent::notification::{self, Key};
use crate::ids::{QuestionId, SessionId, TaskId, ToolCallId, TurnId};
use crate::task::model::{
    Delivery, Group, Kind, Lifetime, OnExit, Origin, OutputInfo, Progress, RunRecord, Status, Stdin, StoppedBy, Task,
    Timestamp, WaitKind, WaitingFor,
};
use crate::task::run::{RunControl, RunId, RunSpec};
use crate::tool::input::Bash;
use crate::workspace::classify;

use super::calls::Step;
use super::effect::{Effect, Outgoing, Write};
use super::event::{Loaded, StartTask};
use super::facts::Facts;
use super::state::State;

/// Finished tasks that are kept in memory.
const KEPT: usize = 500;

/// A row and what only the ledger knows of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) task: Task,
    /// The call that waits for the end, while this is a foreground command.
    pub(super) foreground: Option<(SessionId, TurnId, ToolCallId)>,
    /// When the foreground command goes on in the background.
    pub(super) promote_after: Option<u64>,
    /// The permission question that it waits for.
    question: Option<QuestionId>,
    /// The supervisor has it.
    pub(super) launched: bool,
    pub(super) facts: Facts,
    pub(super) total: Option<u32>,
    pub(super) explanation: Option<String>,
}

/// All tasks, oldest first.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Vec<Entry>,
}

impl Ledger {
    pub(super) fn get(&self, id: &TaskId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.task.id == *id)
    }

    pub(super) fn get_mut(&mut self, id: &TaskId) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.task.id == *id)
    }

    /// A task that people may see.
    pub(super) fn visible(&self, id: &TaskId) -> Option<&Task> {
        self.get(id).filter(|entry| entry.foreground.is_none()).map(|entry| &entry.task)
    }

    /// The tasks that people may see, oldest first.
    pub(super) fn all_visible(&self) -> impl DoubleEndedIterator<Item = &Task> {
        self.entries.iter().filter(|entry| entry.foreground.is_none()).map(|entry| &entry.task)
    }

    /// A task waits for this question.
    pub(super) fn asked(&mut self, id: &TaskId, question: QuestionId) {
        if let Some(entry) = self.get_mut(id) {
            entry.question = Some(question);
        }
    }

    /// A task's permission was given: it may start.
    pub(super) fn permitted(&mut self, id: &TaskId) {
        if let Some(entry) = self.get_mut(id) {
            entry.question = None;
            entry.task.waiting_for = None;
        }
    }

    /// True when the row changed. It speaks of the newest run alone.
    pub(super) fn set_delivery(&mut self, key: &Key, delivery: Delivery, turn: Option<&TurnId>) -> bool {
        let Some(entry) = self.get_mut(&key.task).filter(|entry| entry.task.run == key.run) else { return false };
        entry.task.delivered_turn = turn.cloned();
        std::mem::replace(&mut entry.task.delivery, delivery) != delivery
    }

    /// Gives the tasks without a session to this one.
    pub(super) fn adopt(&mut self, session: &SessionId) -> Vec<TaskId> {
        let unowned = self.entries.iter_mut().filter(|entry| entry.task.session.is_none() && entry.task.owned);
        unowned
            .map(|entry| {
                entry.task.session = Some(session.clone());
                entry.task.id.clone()
            })
            .collect()
    }

    /// The foreground command of a call, or of a session, that nobody stops.
    pub(super) fn foreground(&self, session: Option<&SessionId>, call: Option<&ToolCallId>) -> Option<TaskId> {
        let found = self.entries.iter().filter(|entry| !entry.task.stopping).find(|entry| {
            entry.foreground.as_ref().is_some_and(|(of, _, by)| {
                session.is_none_or(|session| session == of) && call.is_none_or(|call| call == by)
            })
        });
        found.map(|entry| entry.task.id.clone())
    }

    fn forget_old(&mut self) {
        let finished = self.entries.iter().filter(|entry| entry.task.status.is_final()).count();
        let mut surplus = finished.saturating_sub(KEPT);
        self.entries.retain(|entry| {
            let drop = surplus > 0 && entry.task.status.is_final() && entry.task.delivery != Delivery::Pending;
            surplus -= usize::from(drop);
            !drop
        });
    }

    /// Puts a row of another window in its place. False when it is there already, or is this window's own.
    pub(super) fn put(&mut self, task: Task) -> bool {
        match self.get_mut(&task.id) {
            Some(entry) if entry.task.owned || entry.task == task => return false,
            Some(entry) => entry.task = task,
            None => self.entries.push(Entry::new(task)),
        }
        true
    }

    /// Takes a row out of sight for good.
    pub(super) fn remove(&mut self, id: &TaskId) {
        self.entries.retain(|entry| entry.task.id != *id);
    }
}

fn takes_slot(group: Group) -> bool {
    matches!(group, Group::Build | Group::Test | Group::Lint | Group::Install)
}

impl State {
    /// The store's tasks: what was alive when the sidecar went away has no end that anybody saw.
    pub(super) fn loaded(&mut self, loaded: Loaded) {
        if let Some(problem) = loaded.problem {
            self.say(true, problem);
        }
        self.rules = loaded.rules.iter().filter_map(|rule| crate::agent::approval::Rule::parse(rule)).collect();
        let mut cut = Vec::new();
        for mut task in loaded.tasks {
            if task.owned {
                if !task.status.is_final() {
                    interrupt(&mut task, self.now());
                    cut.push(task.id.clone());
                }
                task.stragglers = 0;
            }
            self.ledger.entries.push(Entry::new(task));
        }
        self.restore_reports(loaded.reports);
        let cut = cut.into_iter().map(|id| (id, String::new()));
        for (id, tail) in cut.chain(loaded.ended) {
            self.report_end(&id, tail);
            self.save_task(&id);
        }
        self.is_loaded = true;
        self.show_all();
    }

    /// Puts a task into the ledger. `place` starts it when it may.
    pub(super) fn enter(&mut self, start: StartTask) -> TaskId {
        let id = loop {
            let id = self.ids.task();
            if self.ledger.get(&id).is_none() {
                break id;
            }
        };
        let cwd = match &start.cwd {
            Some(cwd) => self.settings.root.join(cwd),
            None => self.settings.root.clone(),
        };
        let group = start.group.unwrap_or_else(|| classify::group_of(&start.command));
        let task = Task {
            id: id.clone(),
            kind: start.kind,
            label: start.label.unwrap_or_else(|| notification::cut(start.command.lines().next().unwrap_or(""), 80)),
            command: start.command,
            cwd,
            env: start.env,
            group,
            origin: start.origin,
            session: start.session,
            tool_call: None,
            owned: true,
            status: Status::Queued,
            stopping: false,
            stopped_by: None,
            run: 1,
            attempt: 1,
            max_attempts: start.retries.min(5) + 1,
            flaky: false,
            runs: vec![RunRecord { run: 1, status: Status::Queued, ended_at: None, exit_code: None }],
            priority: start.priority,
            on_exit: start.on_exit.unwrap_or(match start.origin {
                Origin::Agent => OnExit::Wake,
                Origin::User => OnExit::NextTurn,
                Origin::Watch => OnExit::None,
            }),
            lifetime: start.lifetime,
            stdin: start.stdin,
            timeout: start.timeout_ms.map(Duration::from_millis),
            created_at: self.now(),
            started_at: None,
            ended_at: None,
            pid: None,
            exit_code: None,
            signal: None,
            stragglers: 0,
            waiting_for: None,
            unsaved: Vec::new(),
            output: OutputInfo::default(),
            progress: Progress::default(),
            errors: 0,
            warnings: 0,
            summary: None,
            delivery: Delivery::None,
            delivered_turn: None,
        };
        self.ledger.forget_old();
        self.ledger.entries.push(Entry::new(task));
        id
    }

    fn enter_for_agent(
        &mut self,
        session: &SessionId,
        call: &ToolCallId,
        bash: &Bash,
        timeout_ms: Option<u64>,
    ) -> TaskId {
        let cwd = self.sessions.get(session).map(|owner| owner.cwd.clone());
        let id = self.enter(StartTask {
            command: bash.command.clone(),
            cwd,
            env: Vec::new(),
            label: None,
            kind: Kind::Shell,
            group: None,
            session: Some(session.clone()),
            timeout_ms,
            priority: bash.priority.unwrap_or(0),
            retries: bash.retries.unwrap_or(0),
            on_exit: bash.on_exit.as_deref().and_then(OnExit::parse),
            lifetime: Lifetime::Session,
            stdin: bash.stdin.as_deref().and_then(Stdin::parse).unwrap_or(Stdin::Null),
            origin: Origin::Agent,
        });
        if let Some(entry) = self.ledger.get_mut(&id) {
            entry.task.tool_call = Some(call.clone());
        }
        id
    }

    /// A background start of the agent.
    pub(super) fn start_for_agent(&mut self, session: &SessionId, call: &ToolCallId, bash: &Bash, ask: bool) -> TaskId {
        let timeout = bash.timeout.or(self.settings.background_timeout);
        let id = self.enter_for_agent(session, call, bash, timeout);
        if ask && let Some(entry) = self.ledger.get_mut(&id) {
            entry.task.waiting_for = Some(WaitingFor { kind: WaitKind::Permission, question: None, holder: None });
            self.task_changed(&id);
        }
        id
    }

    /// A foreground command of the agent: the call waits for its end, or until it goes on in the background.
    pub(super) fn start_in_foreground(&mut self, session: &SessionId, call: &ToolCallId, turn: &TurnId, bash: &Bash) {
        let stays = bash.run_in_background == Some(false);
        let timeout = if stays { None } else { bash.timeout };
        let id = self.enter_for_agent(session, call, bash, timeout);
        let promote_after = if stays {
            bash.timeout.unwrap_or(self.settings.foreground_timeout)
        } else if classify::is_slow(&bash.command) {
            self.settings.promote_slow_after
        } else {
            self.settings.promote_after
        };
        if let Some(entry) = self.ledger.get_mut(&id) {
            entry.foreground = Some((session.clone(), turn.clone(), call.clone()));
            entry.promote_after = Some(promote_after);
        }
        if let Some(state) = self.call(session, call) {
            state.step = Step::Foreground(id.clone());
        }
        self.launch(&id);
    }

    /// The task of a command that already waits for permission in this session.
    pub(super) fn waiting_for_permission(&self, session: &SessionId, command: &str) -> Option<TaskId> {
        let cwd = self.sessions.get(session).map(|owner| &owner.cwd)?;
        self.ledger
            .all_visible()
            .find(|task| {
                task.session.as_ref() == Some(session)
                    && task.command == command
                    && task.cwd == *cwd
                    && task.waiting_for.as_ref().is_some_and(|waiting| waiting.kind == WaitKind::Permission)
            })
            .map(|task| task.id.clone())
    }

    /// Starts every queued task that may start: by priority, then by age. Builds, tests, lints and installs take slots.
    /// Whoever has queued a task calls this; the row is told here, started or waiting.
    pub(super) fn place(&mut self) {
        let mut used = self
            .ledger
            .entries
            .iter()
            .filter(|entry| entry.launched && entry.foreground.is_none() && takes_slot(entry.task.group))
            .count();
        let mut waiting: Vec<(i32, usize, TaskId)> = self
            .ledger
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| {
                entry.task.owned && entry.task.status == Status::Queued && !entry.launched && entry.question.is_none()
            })
            .filter(|(_, entry)| entry.task.waiting_for.as_ref().is_none_or(|waiting| waiting.kind == WaitKind::Slot))
            .map(|(at, entry)| (-entry.task.priority, at, entry.task.id.clone()))
            .collect();
        waiting.sort();
        for (_, _, id) in waiting {
            let Some(entry) = self.ledger.get_mut(&id) else { continue };
            if entry.foreground.is_none() && takes_slot(entry.task.group) {
                if used >= self.settings.slots {
                    if entry.task.waiting_for.is_none() {
                        entry.task.waiting_for =
                            Some(WaitingFor { kind: WaitKind::Slot, question: None, holder: None });
                        self.task_changed(&id);
                    }
                    continue;
                }
                used += 1;
            }
            entry.task.waiting_for = None;
            self.launch(&id);
        }
    }

    fn run_dir(&self, task: &Task) -> PathBuf {
        let name = match task.attempt {
            1 => task.run.to_string(),
            attempt => format!("{}.{attempt}", task.run),
        };
        self.settings.runs.join(task.id.as_str()).join(name)
    }

    fn launch(&mut self, id: &TaskId) {
        let unsaved = self.unsaved();
        let Some(at) = self.ledger.entries.iter().position(|entry| entry.task.id == *id) else { return };
        let dir = self.run_dir(&self.ledger.entries[at].task);
        let entry = &mut self.ledger.entries[at];
        entry.launched = true;
        entry.facts = Facts::default();
        entry.total = None;
        entry.explanation = None;
        let task = &mut entry.task;
        task.unsaved = unsaved;
        task.output = OutputInfo { path: dir.join("output"), ..OutputInfo::default() };
        task.progress = Progress::default();
        let spec = RunSpec {
            id: RunId { task: task.id.clone(), run: task.run },
            command: task.command.clone(),
            cwd: task.cwd.clone(),
            env: task.env.clone(),
            stdin: task.stdin,
            timeout: task.timeout,
            stop_grace: Duration::from_millis(self.settings.stop_grace),
            output_cap: self.settings.output_cap,
            dir,
            root: self.settings.root.clone(),
        };
        let key = (task.command.clone(), task.cwd.clone());
        let changed = self.problems.begin_run(&task.id.clone(), task.run, key);
        self.show_problems(changed);
        // The row is written before anything starts: a crash between the two leaves a row, never an unknown process.
        self.task_changed(id);
        self.effects.push(Effect::StartRun(spec));
    }

    /// A queued task was refused: it never starts, and the model hears why.
    pub(super) fn refused_task(&mut self, id: &TaskId, why: String, by_cancel: bool) {
        let now = self.now();
        let Some(entry) = self.ledger.get_mut(id) else { return };
        entry.question = None;
        let task = &mut entry.task;
        task.status = Status::Killed;
        task.stopped_by = Some(StoppedBy::User);
        task.waiting_for = None;
        task.ended_at = Some(now);
        task.summary = Some(why);
        if by_cancel && task.on_exit == OnExit::Wake {
            // Who has just cancelled a turn does not want another one.
            task.on_exit = OnExit::NextTurn;
        }
        close_run(task);
        self.report_end(id, String::new());
        self.task_changed(id);
    }

    /// Stops a run and everything that it started. The end comes as an event.
    pub(super) fn stop_task(&mut self, id: &TaskId, by: StoppedBy) {
        let now = self.now();
        let Some(entry) = self.ledger.get_mut(id) else { return };
        let running = entry.launched;
        let question = entry.question.take();
        let task = &mut entry.task;
        if task.status.is_final() && task.stragglers == 0 {
            return;
        }
        if !task.owned {
            if let Some(pid) = task.pid {
                task.stopping = true;
                self.effects.push(Effect::StopElsewhere(pid));
                self.show_task(id, true);
            }
            return;
        }
        if !task.status.is_final() {
            task.stopped_by.get_or_insert(by);
        }
        let run = RunId { task: id.clone(), run: task.run };
        if running || task.stragglers > 0 {
            task.stopping = true;
            self.effects.push(Effect::Control(run, RunControl::Stop));
            return self.task_changed(id);
        }
        task.status = Status::Killed;
        task.waiting_for = None;
        task.ended_at = Some(now);
        close_run(task);
        self.cancel_timers(&run);
        if let Some(question) = question {
            self.withdraw_question(&question);
        }
        self.report_end(id, String::new());
        self.task_changed(id);
        self.place();
    }

    /// A new run of a finished task.
    pub(super) fn rerun(&mut self, id: &TaskId) {
        let Some(entry) = self.ledger.get_mut(id) else { return };
        let task = &mut entry.task;
        task.run += 1;
        task.attempt = 1;
        task.flaky = false;
        task.status = Status::Queued;
        task.stopped_by = None;
        (task.started_at, task.ended_at, task.exit_code, task.signal) = (None, None, None, None);
        task.summary = None;
        task.progress = Progress::default();
        task.delivery = Delivery::None;
        task.delivered_turn = None;
        task.runs.push(RunRecord { run: task.run, status: Status::Queued, ended_at: None, exit_code: None });
        self.place();
    }

    pub(super) fn set_priority(&mut self, id: &TaskId, priority: i32) {
        if let Some(entry) = self.ledger.get_mut(id) {
            entry.task.priority = priority;
        }
        self.task_changed(id);
        self.place();
    }

    /// Workspace files with text that the person has not saved.
    pub(super) fn unsaved(&self) -> Vec<PathBuf> {
        let root = &self.settings.root;
        self.moment.documents.unsaved().into_iter().filter(|path| path.starts_with(root)).collect()
    }

    /// Writes the row of a task that people see; other windows write theirs.
    pub(super) fn save_task(&mut self, id: &TaskId) {
        if let Some(entry) = self.ledger.get(id).filter(|entry| entry.foreground.is_none() && entry.task.owned) {
            self.effects.push(Effect::Store(Write::Task(Box::new(entry.task.clone()))));
        }
    }

    /// A row's status (or who is told, or its rank) changed: for the store, and for the client at once.
    pub(super) fn task_changed(&mut self, id: &TaskId) {
        self.save_task(id);
        self.show_task(id, true);
    }

    /// A running task got on: the client may hear of it a little later.
    pub(super) fn task_got_on(&mut self, id: &TaskId) {
        self.show_task(id, false);
    }

    /// Tells the client about a task that it sees.
    pub(super) fn show_task(&mut self, id: &TaskId, urgent: bool) {
        if self.ledger.visible(id).is_some() {
            self.effects.push(Effect::Send(Outgoing::Task { task: id.clone(), urgent }));
        }
    }
}

impl Entry {
    fn new(task: Task) -> Self {
        Self {
            task,
            foreground: None,
            promote_after: None,
            question: None,
            launched: false,
            facts: Facts::default(),
            total: None,
            explanation: None,
        }
    }
}

/// Nobody saw the end.
pub(super) fn interrupt(task: &mut Task, now: Timestamp) {
    task.status = Status::Interrupted;
    task.stopping = false;
    task.waiting_for = None;
    task.pid = None;
    task.ended_at = Some(now);
    close_run(task);
}

/// The newest run's record says what the row says.
pub(super) fn close_run(task: &mut Task) {
    let (status, ended_at, exit_code) = (task.status, task.ended_at, task.exit_code);
    if let Some(record) = task.runs.last_mut() {
        *record = RunRecord { run: task.run, status, ended_at, exit_code };
    }
}
