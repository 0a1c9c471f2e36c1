//! Commands that only wait: a foreground command such as `sleep 30` or a poll loop ends as soon as a background task of its
//! session does, and its result tells how: that is the delivery. Where one has ended already, it does not start.

use crate::agent::notification;
use crate::ids::{SessionId, TaskId, ToolCallId};
use crate::task::model::StoppedBy;

use super::effect::ToolChange;
use super::state::State;

impl State {
    /// What has ended and was not told yet, for a command that would only wait for it.
    pub(super) fn ended_already(&self, session: &SessionId) -> Option<(TaskId, String)> {
        // The result delivers the end of a newest run: that of an earlier one is told in the next block.
        let is_newest = |report: &&notification::Report| {
            self.ledger.get(&report.key.task).is_some_and(|entry| entry.task.run == report.key.run)
        };
        let report = self.reports.pending_ends(session).find(is_newest)?;
        let text = notification::render(report, self.settings.limits.task);
        Some((report.key.task.clone(), format!("Not waited: {} has ended already.\n{text}", report.key.task)))
    }

    /// A run has ended, and its row is written: whoever only waits in its session hears of it now.
    pub(super) fn end_waits(&mut self, id: &TaskId) {
        let Some(entry) = self.ledger.get(id).filter(|entry| entry.foreground.is_none()) else { return };
        let Some(session) = entry.owner().cloned().filter(|_| entry.task.status.is_final()) else { return };
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
        self.finish_call(&session, &call, text, false, ToolChange::of(id.clone()));
    }

    /// The foreground command of a session that does nothing but wait.
    fn waiting_call(&self, session: &SessionId) -> Option<(TaskId, ToolCallId, String)> {
        self.ledger.entries.iter().filter(|entry| entry.waits && !entry.task.stopping).find_map(|entry| {
            let (of, _, call) = entry.foreground.as_ref()?;
            let command = notification::cut(entry.task.command.lines().next().unwrap_or(""), 80);
            (of == session).then(|| (entry.task.id.clone(), call.clone(), command))
        })
    }
}
