//! What a session's model has seen of tasks: a second look at what has not changed gets one line that says so.

use std::collections::HashMap;

use crate::agent::notification;
use crate::ids::{SessionId, TaskId};
use crate::problem::Counts;
use crate::task::model::{Status, Task, WaitKind};
use crate::tool::input::CheckBackground;

use super::state::State;

/// What a model would see of a task, times apart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Look {
    run: u32,
    attempt: u32,
    status: Status,
    stopping: bool,
    waits: Option<(WaitKind, Option<String>)>,
    bytes: u64,
    counts: Counts,
    problems: (u32, u32),
    stragglers: u32,
}

/// What a session's model has seen.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// By task, with the piece of output that was asked for.
    tasks: HashMap<TaskId, (Look, CheckBackground)>,
    /// The list of all tasks.
    list: Option<Vec<(TaskId, Look)>>,
}

impl Look {
    fn of(task: &Task) -> Self {
        Self {
            run: task.run,
            attempt: task.attempt,
            status: task.status,
            stopping: task.stopping,
            waits: task.waiting_for.as_ref().map(|waiting| (waiting.kind, waiting.question.clone())),
            bytes: task.output.bytes,
            counts: task.progress.counts,
            problems: (task.errors, task.warnings),
            stragglers: task.stragglers,
        }
    }
}

const TOLD_AT_THE_END: &str = "You are told when it ends; end your turn or go on with other work.";

impl State {
    /// Remembers a look at a task; the one line for where nothing is new since the last one.
    pub(super) fn look(&mut self, session: &SessionId, check: &CheckBackground, id: &TaskId) -> Option<String> {
        let now = self.now();
        let task = &self.ledger.get(id)?.task;
        let text = {
            let state = format!("{id} {}, {}", task.status.as_str(), notification::duration(task.elapsed_ms(now)));
            let rest = if task.status.is_final() { String::new() } else { format!(" {TOLD_AT_THE_END}") };
            format!("{state}: no change since your last look.{rest}")
        };
        let look = (Look::of(task), check.clone());
        let looks = &mut self.sessions.get_mut(session)?.looks;
        let before = looks.tasks.insert(id.clone(), look.clone());
        (before == Some(look)).then_some(text)
    }

    /// The same for the list of all tasks.
    pub(super) fn look_at_all(&mut self, session: &SessionId) -> Option<String> {
        let now = self.now();
        let tasks = || self.ledger.all_visible();
        let list: Vec<(TaskId, Look)> = tasks().map(|task| (task.id.clone(), Look::of(task))).collect();
        let alive: Vec<String> = tasks()
            .filter(|task| !task.status.is_final())
            .take(10)
            .map(|task| {
                format!("{} {} {}", task.id, task.status.as_str(), notification::duration(task.elapsed_ms(now)))
            })
            .collect();
        let ended = tasks().filter(|task| task.status.is_final()).count();
        let looks = &mut self.sessions.get_mut(session)?.looks;
        if list.is_empty() || looks.list.replace(list.clone()) != Some(list) {
            return None;
        }
        Some(if alive.is_empty() {
            format!("No change since your last look: nothing runs, {ended} ended.")
        } else {
            format!("No change since your last look: {}; {ended} ended. {TOLD_AT_THE_END}", alive.join(", "))
        })
    }

    /// The calls of a turn were cut off: the model has not seen what it looked at.
    pub(super) fn forget_looks(&mut self, session: &SessionId) {
        if let Some(owner) = self.sessions.get_mut(session) {
            owner.looks = Looks::default();
        }
    }
}
