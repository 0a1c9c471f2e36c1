//! The tasks of other windows on the same workspace: shown, never touched, and taken over when their window is gone. To
//! people a task that is taken over is the one that it was: it runs on, and its end is told as any other.

use crate::ids::{SessionId, TaskId};
use crate::task::model::{Status, Task, WaitKind};
use crate::task::run::{RunControl, RunId};

use super::agents::is_agent;
use super::effect::Effect;
use super::event::{StoredReport, Taken};
use super::facts::Facts;
use super::ledger::close_run;
use super::schedule::spec_of;
use super::state::State;

impl State {
    /// What happened in other windows.
    pub(super) fn others(&mut self, changed: Vec<Task>, taken: Vec<Taken>, reports: Vec<StoredReport>) {
        for task in changed {
            let id = task.id.clone();
            if self.ledger.put(task) {
                self.show_task(&id, true);
            }
        }
        let mut rows = Vec::new();
        for Taken { task, same_client } in taken {
            let id = task.id.clone();
            if self.ledger.put(task) {
                rows.push((id, same_client));
            }
        }
        // Before their ends come: what is known of one already is not told twice.
        self.take_over_reports(reports);
        for (id, same_client) in rows {
            self.take_over(&id, same_client);
            self.task_changed(&id);
        }
        // What ended there may have been in the way here.
        self.claim_all_again();
        self.place();
    }

    /// A row that is this sidecar's now, and whose run may still be alive.
    pub(super) fn take_over(&mut self, id: &TaskId, same_client: bool) {
        let Some(entry) = self.ledger.get(id) else { return };
        let task = &entry.task;
        if is_agent(task) {
            if !task.status.is_final() {
                self.interrupt_subagent(id);
            }
            return;
        }
        let dir = self.run_dir(task);
        let launched = task.output.path == dir.join("output");
        if !task.status.is_final() && !launched {
            return self.keep_queued(id, same_client);
        }
        let ended = task.status.is_final();
        let run = RunId { task: id.clone(), run: task.run };
        let stopping = task.stopping;
        let Some(entry) = self.ledger.get_mut(id) else { return };
        entry.launched = !ended;
        entry.taken_over = true;
        entry.facts = Facts::default();
        let before = entry.task.watch.take();
        let watch = before.clone().filter(|_| same_client && !ended);
        let spec = spec_of(entry, &self.settings, dir);
        if !ended {
            self.begin_beside(id);
            self.begin_problems(id);
        }
        if let Some(watch) = watch {
            self.begin_watching(id, watch);
        } else if before.is_some() {
            self.save_task(id);
        }
        self.effects.push(Effect::ResumeRun { spec, ended });
        if stopping {
            // The sidecar before may not have come to it.
            self.effects.push(Effect::Control(run, RunControl::Stop));
        }
    }

    /// What was never launched goes on waiting for its place in its own window. Elsewhere, and where the question went
    /// with the one who asked it, nobody will start it.
    fn keep_queued(&mut self, id: &TaskId, same_client: bool) {
        let now = self.now();
        let Some(entry) = self.ledger.get_mut(id) else { return };
        let task = &mut entry.task;
        let asked = task.waiting_for.as_ref().is_some_and(|waiting| waiting.kind == WaitKind::Permission);
        if same_client && !asked && !task.stopping {
            return;
        }
        task.status = Status::Interrupted;
        task.stopping = false;
        task.waiting_for = None;
        task.ended_at = Some(now);
        let before = if asked { "it was permitted" } else { "its turn came" };
        task.summary = Some(format!("Pillion went away before {before}, and it was not started."));
        close_run(task);
        self.report_end(id, String::new());
        self.save_task(id);
    }

    /// What a window that is gone had not told.
    fn take_over_reports(&mut self, mut reports: Vec<StoredReport>) {
        reports.retain(|stored| !self.reports.is_pending(&stored.report.key));
        let sessions: Vec<SessionId> = reports.iter().filter_map(|stored| stored.session.clone()).collect();
        self.restore_reports(reports);
        for session in sessions {
            self.wake_soon(&session);
        }
    }

    /// What the store has for a session that is opened is what is still to be told: another window may have told the rest.
    pub(super) fn pending_of(&mut self, session: &SessionId, pending: Vec<StoredReport>) {
        self.reports.forget(session);
        self.restore_reports(pending);
    }
}
