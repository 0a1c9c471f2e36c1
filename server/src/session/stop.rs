//! The ends that people and agents make: a stop, and a start that was refused.

use crate::ids::TaskId;
use crate::task::model::{OnExit, Status, StoppedBy};
use crate::task::run::{RunControl, RunId};

use super::effect::Effect;
use super::ledger::close_run;
use super::state::State;

impl State {
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
        self.release(id);
        self.cancel_timers(&run);
        if let Some(question) = question {
            self.withdraw_question(&question);
        }
        self.report_end(id, String::new());
        self.task_changed(id);
        self.place();
    }
}
