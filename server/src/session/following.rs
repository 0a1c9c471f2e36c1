//! Tasks whose output the client follows: it hears of every growth. Where it is in the output, the edge knows.

use crate::ids::TaskId;
use crate::task::model::Status;

use super::effect::{Effect, Growth, Outgoing, Refusal, Reply};
use super::event::ReplyId;
use super::state::State;

impl State {
    /// The client wants to hear of this task's output, or no longer.
    pub(super) fn follow(&mut self, reply: ReplyId, task: TaskId, on: bool) {
        if self.ledger.visible(&task).is_none() {
            return self.refuse(reply, Refusal::UnknownTask(Some(task)));
        }
        self.reply(reply, Reply::Done);
        if on {
            self.followed.insert(task.clone());
            self.grew(&task);
        } else {
            self.followed.remove(&task);
        }
    }

    /// Something about a task changed: whoever follows its output may have something to read.
    pub(super) fn grew(&mut self, id: &TaskId) {
        if !self.followed.contains(id) {
            return;
        }
        let found = self.ledger.visible(id);
        if found.is_some_and(|task| task.status == Status::Queued) {
            // What the row names is the output of the run or the attempt before.
            return;
        }
        let growth = found.map(|task| Growth {
            run: task.run,
            attempt: task.attempt,
            bytes: task.output.bytes,
            is_over: task.status.is_final(),
            is_watched: task.owned,
        });
        if growth.is_none() {
            self.followed.remove(id);
        }
        self.effects.push(Effect::Send(Outgoing::Grew { task: id.clone(), growth }));
    }
}
