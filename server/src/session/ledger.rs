//! The ledger: every task of this workspace. A foreground command is a row too, but nobody sees it until it goes on in the
//! background. `start` fills it, `schedule` starts what may run, `runs` says what becomes of a run, `stop` ends one.

use std::sync::Arc;

use crate::agent::notification::Key;
use crate::ids::{QuestionId, SessionId, TaskId, ToolCallId, TurnId};
use crate::task::model::{Delivery, Kind, RunRecord, Status, Task, Timestamp, WaitKind};
use crate::task::run::Batch;
use crate::workspace::documents::Documents;

use super::delta::Beside;
use super::effect::{Effect, Outgoing, Write};
use super::event::{Loaded, ReplyId};
use super::facts::Facts;
use super::schedule::Needs;
use super::state::State;
use super::waiting_for_input::InputWait;
use super::watching::Watcher;

/// Finished tasks that are kept in memory.
const KEPT: usize = 500;

/// A row and what only the ledger knows of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) task: Task,
    /// The call that waits for the end, while this is a foreground command.
    pub(super) foreground: Option<(SessionId, TurnId, ToolCallId)>,
    /// The subagent that started it, while that works: it hears of it.
    pub(super) subagent: Option<SessionId>,
    /// Where the report of a subagent begins in its output.
    pub(super) report_at: Option<u64>,
    /// It does nothing but wait.
    pub(super) waits: bool,
    /// When the foreground command goes on in the background.
    pub(super) promote_after: Option<u64>,
    /// The permission question that it waits for.
    pub(super) question: Option<QuestionId>,
    /// The supervisor has it.
    pub(super) launched: bool,
    /// Another sidecar had launched the run.
    pub(super) taken_over: bool,
    pub(super) facts: Facts,
    /// The open documents when the run, or its newest cycle, began: it has read what was saved of them.
    pub(super) read: Documents,
    pub(super) beside: Beside,
    /// Tests that failed in an earlier attempt of this run.
    pub(super) tried: Vec<String>,
    pub(super) total: Option<u32>,
    pub(super) explanation: Option<String>,
    /// Who reported it waits for the finished row.
    pub(super) reported: Option<ReplyId>,
    /// Who has the address that it could not have.
    pub(super) address: Option<String>,
    /// Lines that matched and that nobody is told of yet.
    pub(super) held: Batch,
    pub(super) watcher: Watcher,
    /// When its newest run was given to the supervisor, and the hash of the unsaved texts then.
    pub(super) launched_at: Option<Timestamp>,
    pub(super) launched_on: Option<u64>,
    /// Why its newest run never started: a step that it depends on.
    pub(super) not_started: Option<String>,
    /// When its newest run was queued.
    pub(super) queued_at: Timestamp,
    /// What it needs for itself while it runs; `None` until it is asked for.
    pub(super) needs: Option<Arc<Needs>>,
    pub(super) claim: Claim,
    /// The task of another window that holds what this one wants.
    pub(super) refused_by: Option<TaskId>,
    pub(super) input_wait: InputWait,
}

/// Where the classes of a task stand that hold over all windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Claim {
    #[default]
    None,
    /// The store is asked.
    Asked,
    Granted,
}

/// All tasks, oldest first.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) entries: Vec<Entry>,
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

    /// Takes this session from its tasks.
    pub(super) fn disown(&mut self, session: &SessionId) -> Vec<TaskId> {
        let own =
            self.entries.iter_mut().filter(|entry| entry.task.session.as_ref() == Some(session) && entry.task.owned);
        own.map(|entry| {
            entry.task.session = None;
            entry.task.id.clone()
        })
        .collect()
    }

    /// The foreground commands that nobody stops: whose conversation's, which call's, and the task of each, oldest first.
    pub(super) fn foreground(&self) -> impl Iterator<Item = (&SessionId, &ToolCallId, &TaskId)> {
        let of = |entry: &'_ Entry| entry.foreground.is_some() && !entry.task.stopping;
        let waiting = self.entries.iter().filter(move |entry| of(entry));
        waiting.filter_map(|entry| entry.foreground.as_ref().map(|(of, _, by)| (of, by, &entry.task.id)))
    }

    pub(super) fn forget_old(&mut self) {
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

impl State {
    /// The store's tasks. What was alive when its sidecar went away is taken over.
    pub(super) fn loaded(&mut self, loaded: Loaded) {
        if let Some(problem) = loaded.problem {
            self.say(true, problem);
        }
        self.rules_loaded(loaded.rules);
        let (mut left, mut unwatched) = (Vec::new(), Vec::new());
        for mut task in loaded.tasks {
            if task.owned && (!task.status.is_final() || task.stragglers > 0) {
                left.push(task.id.clone());
            } else if task.owned && task.watch.take().is_some() {
                // Whoever asked for it asked another sidecar.
                unwatched.push(task.id.clone());
            }
            self.ledger.entries.push(Entry::new(task));
        }
        self.restore_reports(loaded.reports);
        for id in unwatched {
            self.save_task(&id); // other windows read it there
        }
        for id in left {
            self.take_over(&id, !loaded.strangers.contains(&id));
        }
        self.is_loaded = true;
        self.show_all();
        self.place();
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
            self.grew(id);
        }
    }
}

impl Entry {
    pub(super) fn new(task: Task) -> Self {
        Self {
            launched_at: None,
            launched_on: None,
            not_started: None,
            queued_at: task.created_at,
            needs: None,
            claim: Claim::None,
            refused_by: None,
            task,
            foreground: None,
            subagent: None,
            report_at: None,
            waits: false,
            promote_after: None,
            question: None,
            launched: false,
            taken_over: false,
            facts: Facts::default(),
            read: Documents::default(),
            beside: Beside::default(),
            tried: Vec::new(),
            total: None,
            explanation: None,
            reported: None,
            address: None,
            held: Batch::default(),
            watcher: Watcher::default(),
            input_wait: InputWait::default(),
        }
    }

    /// Whose work it is: the conversation that started it.
    pub(super) fn owner(&self) -> Option<&SessionId> {
        self.subagent.as_ref().or(self.task.session.as_ref())
    }

    /// It runs, or is about to: what it needs is taken.
    pub(super) fn is_active(&self) -> bool {
        if self.task.owned {
            self.launched || self.claim == Claim::Asked
        } else {
            !self.task.status.is_final() && self.task.status != Status::Queued
        }
    }

    /// It is queued, and only for others that run.
    pub(super) fn may_start(&self) -> bool {
        self.task.owned
            && self.task.status == Status::Queued
            && self.task.kind != Kind::Agent
            && !self.launched
            && self.claim != Claim::Asked
            && self.question.is_none()
            && self.task.waiting_for.as_ref().is_none_or(|on| matches!(on.kind, WaitKind::Slot | WaitKind::Lock))
    }
}

/// The newest run's record says what the row says.
pub(super) fn close_run(task: &mut Task) {
    let (status, ended_at, exit_code, stopped_by) = (task.status, task.ended_at, task.exit_code, task.stopped_by);
    if let Some(record) = task.runs.last_mut() {
        *record = RunRecord { status, ended_at, exit_code, stopped_by, ..record.clone() };
    }
}
