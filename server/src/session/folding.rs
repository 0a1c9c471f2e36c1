//! Whether a start would only say again what a running task is about to say: then the two are one. And what a run was run
//! on, for its record.
//!
//! Invariant: a verdict is never older than the sources at the moment of the start. In doubt there is another run. Whether
//! the workspace was written to is asked of the disk by an effect; every other start is instant.

use crate::agent::notification;
use crate::ids::{SessionId, TaskId, ToolCallId, TurnId};
use crate::task::model::{Origin, Status, Timestamp};
use crate::task::run::RunId;
use crate::tool::input::Bash;

use super::calls::Step;
use super::effect::{Effect, Reply, ToolChange};
use super::event::{CheckId, ReplyId, StartTask};
use super::ledger::Entry;
use super::monitor::kind_of;
use super::schedule::is_heavy;
use super::state::State;

/// Who wants something started that may run already.
#[derive(Clone, Debug)]
pub(super) enum Asker {
    Call { session: SessionId, turn: TurnId, call: ToolCallId, bash: Box<Bash> },
    Person { reply: ReplyId, start: Box<StartTask> },
}

/// A start that the disk is asked about.
#[derive(Debug)]
pub(super) struct Check {
    id: CheckId,
    run: RunId,
    asker: Asker,
}

/// The starts that the disk is asked about, and what else they depend on.
#[derive(Debug, Default)]
pub(super) struct Folding {
    checks: Vec<Check>,
    last: u64,
    /// When the agent's own tools last began or ended an edit.
    edited_at: Option<Timestamp>,
}

impl State {
    /// A start that runs already, as far as the ledger knows: what is left is to ask the disk.
    pub(super) fn runs_already(&self, start: &StartTask) -> Option<RunId> {
        let cwd = start.cwd.as_ref().map_or_else(|| self.settings.root.clone(), |cwd| self.settings.root.join(cwd));
        // What lies elsewhere cannot be looked at.
        if !cwd.starts_with(&self.settings.root) || !start.depends_on.is_empty() {
            return None;
        }
        let found = self.ledger.entries.iter().rev().find(|entry| {
            let task = &entry.task;
            entry.same_start(start) && task.cwd == cwd && self.is_unchanged(entry)
        });
        found.map(|entry| RunId { task: entry.task.id.clone(), run: entry.task.run })
    }

    /// Nothing that this process knows of has changed since the run began, and the disk can be asked about the rest.
    fn is_unchanged(&self, entry: &Entry) -> bool {
        let is_running = entry.launched && entry.task.status == Status::Running && !entry.task.stopping;
        let unsaved = self.moment.documents.unsaved_hash(&self.settings.root);
        is_running
            && entry.launched_on == Some(unsaved)
            && entry.launched_at.is_some_and(|at| self.folding.edited_at.is_none_or(|edited| edited < at))
            && entry.task.runs.last().is_some_and(|record| record.fingerprint.is_some())
    }

    /// Asks the disk whether the run still stands for a start of now.
    pub(super) fn check_folding(&mut self, run: RunId, asker: Asker) {
        let Some(entry) = self.ledger.get(&run.task) else { return };
        let fingerprint = entry.task.runs.last().and_then(|record| record.fingerprint.clone()).unwrap_or_default();
        let (since, unsaved) = (entry.launched_at.unwrap_or_default(), entry.launched_on.unwrap_or_default());
        self.folding.last += 1;
        let id = CheckId(self.folding.last);
        if let Asker::Call { session, call, .. } = &asker
            && let Some(state) = self.call(session, call)
        {
            state.step = Step::Running;
        }
        self.folding.checks.push(Check { id, run, asker });
        self.effects.push(Effect::CheckUnchanged { check: id, since, fingerprint, unsaved });
    }

    /// The disk has answered. What happened meanwhile counts too.
    pub(super) fn unchanged(&mut self, id: CheckId, unchanged: bool) {
        let Some(at) = self.folding.checks.iter().position(|check| check.id == id) else { return };
        let Check { run, asker, .. } = self.folding.checks.remove(at);
        let still = self.ledger.get(&run.task).filter(|entry| entry.task.run == run.run);
        let folds = unchanged && still.is_some_and(|entry| self.is_unchanged(entry));
        match asker {
            Asker::Person { reply, start } if !folds => self.start_now(reply, *start),
            Asker::Person { reply, .. } => {
                let Some(entry) = self.ledger.get(&run.task) else { return };
                let task = Box::new(entry.task.clone());
                self.reply(reply, Reply::Folded(task));
            }
            // A turn that was cancelled meanwhile wants nothing any more.
            Asker::Call { session, turn, .. } if self.running_turn(&session, &turn).is_none() => {}
            Asker::Call { session, call, bash, .. } if !folds => self.start_in_background_now(&session, &call, &bash),
            Asker::Call { session, call, .. } => self.folded_call(&session, &call, &run.task),
        }
    }

    fn folded_call(&mut self, session: &SessionId, call: &ToolCallId, id: &TaskId) {
        let elapsed = self.ledger.get(id).map_or(0, |entry| entry.task.elapsed_ms(self.now()));
        let text = format!(
            "Already running since {} as {id}: the same command, and nothing in the workspace was written since it began. {}",
            notification::duration(elapsed),
            self.when_told(session)
        );
        self.finish_call(session, call, text, false, ToolChange::of(id.clone()));
    }

    /// One of the agent's own tools begins or has ended an edit.
    pub(super) fn agent_edits(&mut self) {
        self.folding.edited_at = Some(self.now());
    }

    /// A run is about to start: what it is run on is to be recorded. A quick look of the agent (`ls`) is no such run.
    pub(super) fn ask_fingerprint(&mut self, id: &TaskId, run: RunId) {
        let (now, unsaved) = (self.now(), self.moment.documents.unsaved_hash(&self.settings.root));
        let Some(entry) = self.ledger.get_mut(id) else { return };
        (entry.launched_at, entry.launched_on) = (Some(now), Some(unsaved));
        if entry.foreground.is_none() || is_heavy(entry.task.group) {
            self.effects.push(Effect::Fingerprint { run, unsaved });
        }
    }

    /// What a run was run on is known. It may have ended meanwhile.
    pub(super) fn fingerprinted(&mut self, id: &RunId, fingerprint: Option<String>) {
        let Some(entry) = self.ledger.get_mut(&id.task) else { return };
        let Some(record) = entry.task.runs.iter_mut().find(|record| record.run == id.run) else { return };
        record.fingerprint = fingerprint;
        self.save_task(&id.task);
    }
}

impl Entry {
    /// The same command by the same side, asked for in the same way. (A different priority makes no other run.)
    fn same_start(&self, start: &StartTask) -> bool {
        let task = &self.task;
        // An editor command is the same whoever was prompted since.
        let same_side = match (&start.session, start.origin) {
            (None, Origin::User) => task.origin == Origin::User,
            (session, origin) => self.owner() == session.as_ref() && task.origin == origin,
        };
        same_side
            && task.owned
            && self.foreground.is_none()
            && task.attempt == 1
            && task.command == start.command
            && start.label.as_ref().is_none_or(|label| task.label == *label)
            && task.kind == kind_of(start)
            && (&task.monitor.pattern, &task.monitor.ready) == (&start.pattern, &start.ready)
            && task.watch == start.watch
            && start.group.is_none_or(|group| task.group == group)
            && task.env == start.env
            && task.stdin == start.stdin
            && task.timeout.map(|timeout| timeout.as_millis()) == start.timeout_ms.map(u128::from)
            && task.max_attempts == start.attempts()
            && task.lifetime == start.lifetime
            && (start.tied || !task.tied)
            && task.on_exit == start.on_exit()
            && task.depends_on.is_empty()
    }
}
