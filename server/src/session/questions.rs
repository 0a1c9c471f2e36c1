//! Permission questions: who is asked what, and the one outcome that each has, whatever comes first: an answer, a prompt
//! typed instead, a cancel.

use std::collections::BTreeMap;

use crate::agent::approval::{Asking, Offer};
use crate::ids::{QuestionId, SessionId, TaskId, ToolCallId, TurnId};

use super::calls::Step;
use super::effect::{Effect, Outgoing, Question, Refusal, Reply, ToolChange, ToolRow};
use super::event::{Choice, QuestionOutcome, ReplyId};
use super::state::State;

/// An open question.
#[derive(Debug)]
struct Open {
    asked: Question,
    /// The conversation that wants it: the session's own, or a subagent's.
    owner: SessionId,
    /// The turn that it came from.
    turn: Option<TurnId>,
    /// The call that waits for the answer.
    call: Option<ToolCallId>,
    /// The queued task that waits for the answer.
    task: Option<TaskId>,
    /// What each choice of "always" saves.
    offers: Vec<Offer>,
    /// Questions are answered oldest first where a client names none.
    order: u64,
}

/// The open questions.
#[derive(Debug, Default)]
pub(super) struct Questions {
    open: BTreeMap<QuestionId, Open>,
    asked: u64,
}

impl Questions {
    /// The open questions of a session, oldest first, for a client that has just loaded it.
    pub(super) fn of(&self, session: &SessionId) -> Vec<Question> {
        let mut open: Vec<&Open> = self.open.values().filter(|open| open.asked.session == *session).collect();
        open.sort_by_key(|open| open.order);
        open.into_iter().map(|open| open.asked.clone()).collect()
    }

    /// The conversations in which a call waits for an answer.
    fn held_up(&self) -> impl Iterator<Item = &SessionId> {
        self.open.values().filter(|open| open.call.is_some()).map(|open| &open.owner)
    }

    /// A subagent is over: what its tasks wait for is its parent's business.
    pub(super) fn pass_on(&mut self, child: &SessionId, parent: &SessionId) {
        for open in self.open.values_mut().filter(|open| open.owner == *child) {
            open.owner.clone_from(parent);
        }
    }

    fn oldest(&self) -> Option<QuestionId> {
        self.open.iter().min_by_key(|(_, open)| open.order).map(|(id, _)| id.clone())
    }
}

impl State {
    /// Asks a person. The answer comes back as an event, whenever it comes.
    pub(super) fn ask_person(
        &mut self,
        session: &SessionId,
        call: Option<ToolCallId>,
        task: Option<TaskId>,
        row: ToolRow,
        asking: Asking,
    ) -> QuestionId {
        let id = self.ids.question();
        let Asking { reason, offers } = asking;
        let always = offers.iter().map(|offer| offer.label.clone()).collect();
        let parent = self.parent(session).map(|parent| parent.call.clone());
        let asked = Question { id: id.clone(), session: self.root(session).clone(), parent, row, reason, always };
        self.effects.push(Effect::Send(Outgoing::Ask(Box::new(asked.clone()))));
        self.questions.asked += 1;
        let order = self.questions.asked;
        let turn = self.sessions.get(session).and_then(|owner| owner.turn.as_ref()).map(|turn| turn.id.clone());
        self.questions.open.insert(id.clone(), Open { asked, owner: session.clone(), turn, call, task, offers, order });
        id
    }

    /// The client's answer. A question that is over already ignores it.
    pub(super) fn question_answered(&mut self, id: &QuestionId, outcome: QuestionOutcome) {
        let QuestionOutcome::Chosen { choice, reason } = outcome else { return };
        let Some(open) = self.questions.open.remove(id) else { return };
        match choice {
            Choice::Reject => self.rejected(open, reason.as_deref()),
            Choice::AllowOnce => self.allowed(open),
            Choice::AllowAlways(at) => {
                // Where there is no such choice, it is a "yes" to this alone.
                if let Some(offer) = open.offers.get(at).cloned() {
                    self.save_rules(&offer);
                }
                self.allowed(open);
            }
        }
    }

    /// True when a call of the session's running turn waits for an answer, or a subagent that such a call waits for.
    pub(super) fn is_held_up(&self, session: &SessionId) -> bool {
        self.questions.held_up().any(|owner| match self.parent(owner) {
            None => owner == session,
            Some(parent) => parent.session == *session && self.waits_for_subagent(&parent.task),
        })
    }

    fn allowed(&mut self, open: Open) {
        let session = open.owner;
        if let Some(task) = open.task {
            self.ledger.permitted(&task);
            self.place();
        }
        if let Some(call) = open.call {
            let allowed = self.call(&session, &call).filter(|state| matches!(state.step, Step::Asking(_)));
            if let Some(Ok(tool)) = allowed.map(|state| state.call.clone()) {
                self.run_call(&session, &call, tool);
                self.advance(&session);
            }
        }
    }

    fn rejected(&mut self, open: Open, reason: Option<&str>) {
        let session = open.owner;
        self.said_to_subagent(&session, reason.unwrap_or_default().trim());
        let text = match reason.map(str::trim).filter(|reason| !reason.is_empty()) {
            Some(reason) => format!("The user refused this, and says: {reason}"),
            None => "The user refused this. Nothing was done. Do not try it again in another way.".to_owned(),
        };
        if let Some(task) = open.task {
            self.refused_task(&task, text.clone(), false);
        }
        if let Some(call) = open.call {
            self.finish_call(&session, &call, text, true, ToolChange::default());
        }
    }

    /// A prompt was typed while questions are open: it is their "no", and its text the reason.
    pub(super) fn refuse_open_questions(&mut self, session: &SessionId, reason: &str) {
        for question in self.questions.of(session) {
            let Some(open) = self.questions.open.remove(&question.id) else { continue };
            self.effects.push(Effect::Send(Outgoing::Withdraw(question.id)));
            self.rejected(open, Some(reason));
        }
    }

    /// The turn is cancelled (or with `None` the session goes): its questions are withdrawn, the tasks that waited for one
    /// never start.
    pub(super) fn withdraw_questions(&mut self, session: &SessionId, turn: Option<&TurnId>) {
        // Those of a session's subagents are theirs.
        for question in self.questions.of(&self.root(session).clone()) {
            let other =
                |open: &Open| open.owner != *session || turn.is_some_and(|turn| open.turn.as_ref() != Some(turn));
            if self.questions.open.get(&question.id).is_none_or(other) {
                continue;
            }
            let Some(open) = self.questions.open.remove(&question.id) else { continue };
            self.effects.push(Effect::Send(Outgoing::Withdraw(question.id)));
            if let Some(task) = open.task {
                self.refused_task(&task, "The user cancelled the turn before this was allowed.".to_owned(), true);
            }
        }
    }

    /// A queued task that waited for permission was stopped by other means: its question is over.
    pub(super) fn withdraw_question(&mut self, id: &QuestionId) {
        if self.questions.open.remove(id).is_some() {
            self.effects.push(Effect::Send(Outgoing::Withdraw(id.clone())));
        }
    }

    /// For clients without a way to ask: answers the oldest question.
    pub(super) fn answer_oldest(&mut self, reply: ReplyId, choice: Choice, reason: Option<String>) {
        match self.questions.oldest() {
            Some(id) => {
                self.effects.push(Effect::Send(Outgoing::Withdraw(id.clone())));
                self.question_answered(&id, QuestionOutcome::Chosen { choice, reason });
                self.reply(reply, Reply::Done);
            }
            None => self.refuse(
                reply,
                Refusal::State {
                    kind: "no_question",
                    message: "no question is open".into(),
                    remedy: "There is nothing to answer now.".into(),
                },
            ),
        }
    }
}
