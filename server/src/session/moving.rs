//! A session moves to another window of the workspace: this one gives it up with everything that belongs to it (tasks that
//! run, tasks that wait, what is still to be told), and the other one goes on as if it had always been there. Whoever has
//! the session's row has all of it: one write gives it away, and nothing is written to it from here any more.

use crate::ids::{SessionId, TaskId};
use crate::task::model::Kind;
use crate::task::run::RunId;

use super::effect::{Effect, Refusal, Update};
use super::event::{ReplyId, Timer};
use super::ledger::Claim;
use super::state::State;

/// Who gets a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taker {
    /// The name of its sidecar.
    pub owner: String,
    /// Its client's token: the shims give their runs to it alone.
    pub token: Option<String>,
}

impl State {
    /// Another window takes this session. Refused while a turn runs in it.
    pub(super) fn hand_over(&mut self, reply: ReplyId, session: SessionId, to: Taker) {
        let Some(owner) = self.sessions.get(&session) else {
            return self.refuse(reply, Refusal::UnknownSession(session));
        };
        let refuse = |kind, message: String, remedy: &str| Refusal::State { kind, message, remedy: remedy.to_owned() };
        let agents = self
            .ledger
            .all_visible()
            .any(|task| task.kind == Kind::Agent && !task.status.is_final() && task.session.as_ref() == Some(&session));
        if owner.turn.is_some() || agents {
            let message = format!("a turn is running in session {session} in the other window");
            let remedy = "Wait for its end, or stop it there; then move it.";
            return self.refuse(reply, refuse("turn_running", message, remedy));
        }
        if owner.written.is_behind(owner.history.len()) {
            let message = format!("the newest words of session {session} are not written");
            return self.refuse(reply, refuse("not_written", message, "Free disk space, then move it."));
        }
        self.close_session(&session);
        let (tasks, runs) = self.give_tasks(&session);
        self.update(&session, Update::SessionClosed { reason: "moved" });
        self.effects.push(Effect::HandOver { reply, session, tasks, runs, to });
        self.place();
    }

    /// Takes a session out of this window. Nobody is asked for it any more, and no answer is awaited.
    fn close_session(&mut self, session: &SessionId) {
        self.cancel_compaction(session);
        self.withdraw_questions(session, None);
        self.drop_asides(session);
        if self.sessions.remove(session).is_some_and(|owner| owner.waking) {
            self.effects.push(Effect::CancelTimer(Timer::Wake(session.clone())));
        }
        self.reports.forget(session);
    }

    /// The tasks of a session are another window's from now on: which, and which runs of them are alive. What belongs to a
    /// terminal of this window stays, as a task of no session.
    fn give_tasks(&mut self, session: &SessionId) -> (Vec<TaskId>, Vec<RunId>) {
        let (mut tasks, mut runs, mut stay) = (Vec::new(), Vec::new(), Vec::new());
        for entry in &mut self.ledger.entries {
            if !entry.task.owned || entry.task.session.as_ref() != Some(session) {
                continue;
            }
            let id = entry.task.id.clone();
            if entry.task.tied {
                entry.task.session = None;
                stay.push(id);
                continue;
            }
            if entry.launched || entry.task.stragglers > 0 {
                runs.push(RunId { task: id.clone(), run: entry.task.run });
            }
            entry.task.owned = false;
            entry.launched = false;
            entry.claim = Claim::None;
            entry.watcher = Default::default();
            tasks.push(id);
        }
        for id in &tasks {
            let Some(entry) = self.ledger.get(id) else { continue };
            let run = RunId { task: id.clone(), run: entry.task.run };
            if entry.task.watch.is_some() {
                self.effects.push(Effect::Unwatch(id.clone()));
            }
            self.cancel_timers(&run);
            self.effects.push(Effect::CancelTimer(Timer::Again(id.clone())));
            self.effects.push(Effect::CancelTimer(Timer::Claim(id.clone())));
            let files = self.problems.dismiss(id);
            self.show_problems(files);
            self.show_task(id, true);
        }
        stay.iter().for_each(|id| self.task_changed(id));
        (tasks, runs)
    }

    /// The tasks of a session that came here: this window's from now on, whoever ran them before.
    pub(super) fn tasks_came(&mut self, tasks: Vec<crate::task::model::Task>) {
        for task in tasks {
            let id = task.id.clone();
            let goes_on = !task.status.is_final() || task.stragglers > 0;
            let known = self.ledger.get(&id).is_some();
            if (goes_on || known) && self.ledger.put(task) {
                if goes_on {
                    self.take_over(&id, true);
                }
                self.task_changed(&id);
            }
        }
        self.place();
    }
}
