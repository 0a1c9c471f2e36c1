//! The tasks of other windows on the same workspace: shown, never touched, and taken over when their window is gone.

use crate::ids::{SessionId, TaskId};
use crate::task::model::Task;

use super::event::StoredReport;
use super::ledger::interrupt;
use super::state::State;

impl State {
    /// What happened in other windows.
    pub(super) fn others(&mut self, changed: Vec<Task>, taken: Vec<Task>, ended: Vec<(TaskId, String)>) {
        for task in changed {
            let id = task.id.clone();
            if self.ledger.put(task) {
                self.show_task(&id, true);
            }
        }
        for mut task in taken {
            let id = task.id.clone();
            let mut tail = ended.iter().find(|(ended, _)| *ended == id).map(|(_, tail)| tail.clone());
            if !task.status.is_final() {
                interrupt(&mut task, self.now());
                tail = Some(String::new());
            }
            task.stragglers = 0;
            if self.ledger.put(task) {
                // Only an end that its window did not live to see is news.
                if let Some(tail) = tail {
                    self.report_end(&id, tail);
                }
                self.task_changed(&id);
            }
        }
        // What ended there may have been in the way here.
        self.claim_all_again();
    }

    /// What the store has for a session that is opened is what is still to be told: another window may have told the rest.
    pub(super) fn pending_of(&mut self, session: &SessionId, pending: Vec<StoredReport>) {
        self.reports.forget(session);
        self.restore_reports(pending);
    }
}
