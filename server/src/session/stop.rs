//! The ends that people and agents make: a stop, and a start that was refused.

use std::path::PathBuf;

use crate::ids::{SessionId, TaskId};
use crate::task::model::{Lifetime, OnExit, Status, StoppedBy, Task};
use crate::task::run::{RunControl, RunId};

use super::agents::is_agent;
use super::effect::Effect;
use super::ledger::close_run;
use super::state::State;

/// A command that a person has stopped: an agent does not start it again before a person has spoken.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Barred {
    command: String,
    cwd: PathBuf,
    task: TaskId,
}

/// Commands that are remembered as stopped in one session.
const MOST_BARRED: usize = 100;

impl State {
    /// A person stops this task: no agent here starts the same again before the person has spoken.
    pub(super) fn bar(&mut self, id: &TaskId) {
        let is_command = |entry: &&super::ledger::Entry| !entry.task.status.is_final() && !is_agent(&entry.task);
        let Some(entry) = self.ledger.get(id).filter(is_command) else { return };
        let (command, cwd) = (entry.task.command.clone(), entry.task.cwd.clone());
        let barred = Barred { command, cwd, task: id.clone() };
        for owner in self.sessions.values_mut() {
            if owner.barred.len() == MOST_BARRED {
                owner.barred.remove(0);
            }
            owner.barred.push(barred.clone());
        }
    }

    /// A person starts the command of this task again.
    pub(super) fn unbar(&mut self, id: &TaskId) {
        let Some(task) = self.ledger.get(id).map(|entry| &entry.task) else { return };
        for owner in self.sessions.values_mut() {
            owner.barred.retain(|barred| barred.command != task.command || barred.cwd != task.cwd);
        }
    }

    /// Why an agent may not start this command unasked, where a person's stop forbids it.
    pub(super) fn refused_by_stop(&self, session: &SessionId, command: &str) -> Option<String> {
        let owner = self.sessions.get(self.root(session))?;
        let barred = owner.barred.iter().rev().find(|barred| barred.command == command && barred.cwd == owner.cwd)?;
        Some(format!(
            "The user stopped this command ({}) and has said nothing since: it was not started again. Do not start it in \
             another way; go on without it, or end your turn and ask.",
            barred.task
        ))
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
        self.release(id);
        self.report_end(id, String::new());
        self.task_changed(id);
        // What depends on it does not start either.
        self.place();
        self.end_waits(id);
    }

    /// A turn is over: what was to live no longer than it is stopped.
    pub(super) fn stop_with_turn(&mut self, session: &SessionId) {
        let of_turn = |task: &Task| {
            let live = !task.status.is_final() || task.stragglers > 0;
            live && task.owned && task.lifetime == Lifetime::Turn && task.session.as_ref() == Some(session)
        };
        let entries = self.ledger.entries.iter().filter(|entry| of_turn(&entry.task));
        let tasks: Vec<TaskId> = entries.map(|entry| entry.task.id.clone()).collect();
        for id in tasks {
            // It is over as it was meant to be: nothing to begin another turn for.
            if let Some(entry) = self.ledger.get_mut(&id).filter(|entry| entry.task.on_exit == OnExit::Wake) {
                entry.task.on_exit = OnExit::NextTurn;
            }
            self.stop_task(&id, StoppedBy::Exit);
        }
    }

    /// Stops a run and everything that it started. The end comes as an event.
    pub(super) fn stop_task(&mut self, id: &TaskId, by: StoppedBy) {
        if self.ledger.get(id).is_some_and(|entry| is_agent(&entry.task)) {
            return self.stop_subagent(id, by);
        }
        let now = self.now();
        self.stop_watching(id);
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
            let again = std::mem::replace(&mut task.stopping, true) && by == StoppedBy::User;
            let control = if again { RunControl::StopNow } else { RunControl::Stop };
            self.effects.push(Effect::Control(run, control));
            return self.task_changed(id);
        }
        task.status = Status::Killed;
        task.waiting_for = None;
        task.ended_at = Some(now);
        close_run(task);
        self.release(id);
        self.cancel_timers(&run);
        if let Some(question) = question {
            self.withdraw_question(&question);
        }
        self.report_end(id, String::new());
        self.task_changed(id);
        self.place();
        self.end_waits(id);
    }
}
