//! How a task gets into the ledger: by whom, with which defaults, in the foreground or in the background; and how it gets
//! another run. `schedule` says when it runs.

use std::time::Duration;

use crate::agent::notification;
use crate::ids::{SessionId, TaskId, ToolCallId, TurnId};
use crate::task::model::{
    Delivery, EnvironmentRecord, Kind, Monitor, OnExit, Origin, OutputInfo, Progress, RunRecord, Status, Stdin, Task,
    WaitKind, WaitingFor,
};
use crate::tool::input::Bash;
use crate::workspace::classify;

use super::calls::Step;
use super::event::StartTask;
use super::ledger::Entry;
use super::monitor;
use super::state::State;

impl State {
    /// Puts a task into the ledger. `place` starts it when it may.
    pub(super) fn enter(&mut self, start: StartTask) -> TaskId {
        let id = self.new_task_id();
        self.enter_as(id.clone(), start);
        id
    }

    /// An id that no task has.
    pub(super) fn new_task_id(&mut self) -> TaskId {
        loop {
            let id = self.ids.task();
            if self.ledger.get(&id).is_none() {
                break id;
            }
        }
    }

    /// [`State::enter`] with an id of [`State::new_task_id`].
    pub(super) fn enter_as(&mut self, id: TaskId, start: StartTask) {
        let cwd = match &start.cwd {
            Some(cwd) => self.settings.root.join(cwd),
            None => self.settings.root.clone(),
        };
        let on_exit = start.on_exit();
        let max_attempts = start.attempts();
        let subagent = start.session.clone().filter(|session| self.is_subagent(session));
        let session = start.session.as_ref().map(|session| self.root(session).clone());
        let by_agent = session.clone().filter(|_| start.origin == Origin::Agent);
        let group = start.group.unwrap_or_else(|| classify::group_of(&start.command));
        let kind = monitor::kind_of(&start);
        let task = Task {
            id: id.clone(),
            kind,
            label: start.label.unwrap_or_else(|| notification::cut(start.command.lines().next().unwrap_or(""), 80)),
            command: start.command,
            cwd,
            env: start.env,
            environment: EnvironmentRecord::default(),
            group,
            origin: start.origin,
            session,
            tool_call: None,
            parent_tool_call: None,
            owned: true,
            status: Status::Queued,
            stopping: false,
            stopped_by: None,
            run: 1,
            attempt: 1,
            max_attempts,
            flaky: false,
            runs: vec![RunRecord::new(1, start.origin, by_agent)],
            priority: start.priority,
            on_exit,
            lifetime: start.lifetime,
            tied: start.tied,
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
            monitor: Monitor { pattern: start.pattern, ready: start.ready, ..Monitor::default() },
            ready: None,
            watch: None,
            matchers: start.matchers,
            progress: Progress::default(),
            errors: 0,
            warnings: 0,
            questions: 0,
            wanted_answer: None,
            summary: None,
            delivery: Delivery::None,
            delivered_turn: None,
            checked_in: false,
            depends_on: Vec::new(),
        };
        self.ledger.forget_old();
        self.ledger.entries.push(Entry { subagent, ..Entry::new(task) });
        if let Some(watch) = start.watch {
            self.begin_watching(&id, watch);
        }
    }

    fn enter_for_agent(
        &mut self,
        session: &SessionId,
        call: &ToolCallId,
        bash: &Bash,
        timeout_ms: Option<u64>,
    ) -> TaskId {
        let id = self.enter(self.start_of_agent(session, bash, timeout_ms));
        let parent = self.parent(session).map(|parent| parent.call.clone());
        if let Some(entry) = self.ledger.get_mut(&id) {
            entry.task.tool_call = Some(call.clone());
            entry.task.parent_tool_call = parent;
        }
        id
    }

    /// What the agent wants started, in the words of every start.
    fn start_of_agent(&self, session: &SessionId, bash: &Bash, timeout_ms: Option<u64>) -> StartTask {
        StartTask {
            cwd: self.sessions.get(session).map(|owner| owner.cwd.clone()),
            session: Some(session.clone()),
            timeout_ms,
            priority: bash.priority.unwrap_or(0),
            retries: bash.retries.unwrap_or(0),
            on_exit: bash.on_exit.as_deref().and_then(OnExit::parse),
            stdin: bash.stdin.as_deref().and_then(Stdin::parse).unwrap_or(Stdin::Null),
            kind: bash.kind.as_deref().and_then(Kind::parse),
            pattern: bash.pattern.clone(),
            ready: bash.ready.clone(),
            ..StartTask::new(&bash.command, Origin::Agent)
        }
    }

    /// What a background start of the agent is.
    pub(super) fn background_start(&self, session: &SessionId, bash: &Bash) -> StartTask {
        self.start_of_agent(session, bash, bash.timeout.or(self.settings.background_timeout))
    }

    /// A background start of the agent.
    pub(super) fn start_for_agent(&mut self, session: &SessionId, call: &ToolCallId, bash: &Bash, ask: bool) -> TaskId {
        let id = self.enter_for_agent(session, call, bash, bash.timeout);
        let limit = self.settings.background_timeout.map(Duration::from_millis);
        if let Some(entry) = self.ledger.get_mut(&id).filter(|entry| entry.task.kind != Kind::Monitor) {
            entry.task.timeout = entry.task.timeout.or(limit);
        }
        if ask && let Some(entry) = self.ledger.get_mut(&id) {
            entry.task.waiting_for = Some(WaitingFor::of(WaitKind::Permission));
            self.task_changed(&id);
        }
        id
    }

    /// A foreground command of the agent: the call waits for its end, or until it goes on in the background.
    pub(super) fn start_in_foreground(&mut self, session: &SessionId, call: &ToolCallId, turn: &TurnId, bash: &Bash) {
        // Nobody waits for a subagent to be free again.
        let waits = bash.run_in_background == Some(false) || self.is_subagent(session);
        let timeout = if waits { None } else { bash.timeout };
        let id = self.enter_for_agent(session, call, bash, timeout);
        let is_monitor = self.ledger.get(&id).is_some_and(|entry| entry.task.kind == Kind::Monitor);
        let promote_after = if is_monitor {
            // It has no end that could be waited for.
            self.settings.promote_slow_after
        } else if waits {
            bash.timeout.unwrap_or(self.settings.foreground_timeout)
        } else if classify::is_slow(&bash.command) {
            self.settings.promote_slow_after
        } else {
            self.settings.promote_after
        };
        if let Some(entry) = self.ledger.get_mut(&id) {
            entry.foreground = Some((session.clone(), turn.clone(), call.clone()));
            entry.promote_after = Some(promote_after);
            entry.waits = classify::waits(&bash.command);
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
            .entries
            .iter()
            .filter(|entry| entry.foreground.is_none() && entry.owner() == Some(session))
            .map(|entry| &entry.task)
            .find(|task| {
                task.command == command
                    && task.cwd == *cwd
                    && task.waiting_for.as_ref().is_some_and(|waiting| waiting.kind == WaitKind::Permission)
            })
            .map(|task| task.id.clone())
    }

    /// A new run of a finished task, after new runs of what it depends on. What an earlier run has left behind is no part
    /// of it.
    pub(super) fn rerun_by(&mut self, id: &TaskId, by: Origin) {
        self.queue_again(id, by);
        self.place();
    }

    /// The same, and `place` starts it when it may.
    pub(super) fn queue_again(&mut self, id: &TaskId, by: Origin) {
        let Some(entry) = self.ledger.get_mut(id) else { return };
        let task = &mut entry.task;
        task.run += 1;
        task.attempt = 1;
        task.flaky = false;
        task.status = Status::Queued;
        task.stopped_by = None;
        task.stragglers = 0;
        (task.started_at, task.ended_at, task.exit_code, task.signal) = (None, None, None, None);
        task.summary = None;
        task.wanted_answer = None;
        task.progress = Progress::default();
        task.output = OutputInfo::default();
        task.delivery = Delivery::None;
        task.delivered_turn = None;
        task.checked_in = false;
        task.tied = false;
        entry.queued_at = self.moment.now;
        let session = task.session.clone().filter(|_| by == Origin::Agent);
        task.monitor.batches = 0;
        task.runs.push(RunRecord::new(task.run, by, session));
        entry.watcher.begins();
        self.rerun_dependencies(id, by);
    }
}
