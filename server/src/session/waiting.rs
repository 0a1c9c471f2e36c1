//! Waiting well: nobody sleeps through what they wait for, and a second look says when nothing is new.
//!
//! A foreground command that only waits (`sleep 30`, a poll loop) ends as soon as a background task of its session does, and
//! its result tells how: that is the delivery. The command itself is stopped.

use std::collections::HashMap;

use crate::agent::notification;
use crate::ids::{SessionId, TaskId, ToolCallId};
use crate::problem::Counts;
use crate::task::model::{Status, StoppedBy, Task, WaitKind};
use crate::tool::input::CheckBackground;

use super::effect::ToolChange;
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

    /// What has ended and was not told yet, for a command that would only wait for it.
    pub(super) fn ended_already(&self, session: &SessionId) -> Option<(TaskId, String)> {
        let report = self.reports.pending_ends(session).next()?;
        let text = notification::render(report, self.settings.limits.task);
        Some((report.key.task.clone(), format!("Not waited: {} has ended already.\n{text}", report.key.task)))
    }

    /// A run has ended, and its row is written: whoever only waits in its session hears of it now.
    pub(super) fn end_waits(&mut self, id: &TaskId) {
        let Some(entry) = self.ledger.get(id).filter(|entry| entry.foreground.is_none()) else { return };
        let Some(session) = entry.task.session.clone().filter(|_| entry.task.status.is_final()) else { return };
        let Some((wait, call, command)) = self.waiting_call(&session) else { return };
        let run = entry.task.run;
        let report = self.reports.pending_ends(&session).find(|report| report.key.task == *id && report.key.run == run);
        let how = match report {
            Some(report) => notification::render(report, self.settings.limits.task),
            None => self.describe_for_model(id),
        };
        let status = self.ledger.get(id).map_or("", |entry| entry.task.status.as_str());
        let text = format!("{id} {status} while this waited: `{command}` was stopped.\n{how}");
        self.told_by_result(&session, id);
        self.stop_task(&wait, StoppedBy::Agent);
        self.finish_call(&session, &call, text, false, ToolChange { task: Some(id.clone()), ..ToolChange::default() });
    }

    /// The foreground command of a session that does nothing but wait.
    fn waiting_call(&self, session: &SessionId) -> Option<(TaskId, ToolCallId, String)> {
        self.ledger.entries.iter().filter(|entry| entry.waits && !entry.task.stopping).find_map(|entry| {
            let (of, _, call) = entry.foreground.as_ref()?;
            let command = notification::cut(entry.task.command.lines().next().unwrap_or(""), 80);
            (of == session).then(|| (entry.task.id.clone(), call.clone(), command))
        })
    }

    /// The calls of a turn were cut off: the model has not seen what it looked at.
    pub(super) fn forget_looks(&mut self, session: &SessionId) {
        if let Some(owner) = self.sessions.get_mut(session) {
            owner.looks = Looks::default();
        }
    }
}
