//! How a subagent ends: its report to the call that waits for it or into the outbox; a stop; what it leaves to its parent.
//!
//! A task's end is told when the last line of its transcript is written, so that whoever reads it then reads all of it.

use crate::agent::history::Item;
use crate::agent::notification::{self, AgentReport, MOST_REPORT};
use crate::ids::{SessionId, TaskId};
use crate::task::model::{Delivery, OnExit, Status, StoppedBy};

use super::super::effect::{Effect, StopReason, ToolChange};
use super::super::ledger::close_run;
use super::super::state::State;
use super::{Subagent, times};

/// How one ended.
#[derive(Clone, Debug)]
pub(super) struct Over {
    status: Status,
    /// Why it did not come to a report of its own.
    pub(super) why: Option<String>,
    /// How often it asked its model.
    requests: u32,
    /// Tasks that it leaves to its parent.
    left: Vec<TaskId>,
}

impl State {
    /// The conversation of a subagent has ended by itself.
    pub(in crate::session) fn subagent_ended(&mut self, child: &SessionId, stop: StopReason, error: Option<String>) {
        let Some(owner) = self.sessions.get(child) else { return };
        let Some(task) = owner.parent.as_ref().map(|parent| parent.task.clone()) else { return };
        let requests = owner.turn.as_ref().map_or(0, |turn| turn.requests);
        let last = owner.history.iter().rev().find(|item| !matches!(***item, Item::Compaction(_)));
        let is_silent = match last.map(|item| &**item) {
            Some(Item::Assistant(last)) => super::transcript::words(last).is_empty(),
            _ => true,
        };
        let limit = self.settings.agents.max_requests;
        let why = match stop {
            StopReason::EndTurn if is_silent => Some("it ended without a report".to_owned()),
            StopReason::EndTurn => None,
            StopReason::MaxTokens => Some("its last message was cut at the limit of `model.maxTokens`".to_owned()),
            StopReason::MaxTurnRequests => {
                Some(format!("its {limit} requests are used up (setting `agents.maxRequests`)"))
            }
            StopReason::Refusal => Some(error.unwrap_or_else(|| "its model refused to go on".to_owned())),
            StopReason::Cancelled | StopReason::Interrupted => Some("it was stopped".to_owned()),
            StopReason::Error => Some(error.unwrap_or_else(|| "its model could not be asked".to_owned())),
        };
        let why = why.map(|why| why.trim_end_matches('.').to_owned());
        let status = if why.is_none() { Status::Succeeded } else { Status::Failed };
        let left = self.leave(child);
        self.subagent_is_over(&task, Over { status, why, requests, left });
        self.place_subagents();
    }

    /// Stops a subagent, with its request and its foreground commands; its background tasks go on as its parent's.
    pub(in crate::session) fn stop_subagent(&mut self, task: &TaskId, by: StoppedBy) {
        let Some(subagent) = self.subagents.of(task).filter(|subagent| subagent.over.is_none()) else { return };
        let child = subagent.child.clone();
        let requests = child.as_ref().map_or(0, |child| self.requests_of(child));
        if let Some(entry) = self.ledger.get_mut(task) {
            entry.task.stopping = true;
            entry.task.stopped_by.get_or_insert(by);
        }
        let left = child.map(|child| self.abort_conversation(&child, by)).unwrap_or_default();
        self.task_changed(task);
        let why = Some("it was stopped".to_owned());
        self.subagent_is_over(task, Over { status: Status::Killed, why, requests, left });
        self.place_subagents();
    }

    /// The turn that waits for a subagent is cancelled. What it had so far is the call's result; `None` where the task is no
    /// subagent that a call waits for.
    pub(in crate::session) fn cut_short(&mut self, task: &TaskId) -> Option<String> {
        let child = self.subagents.of(task)?.child.clone();
        let left = child.map(|child| self.abort_conversation(&child, StoppedBy::User)).unwrap_or_default();
        let at = self.subagents.all.iter().position(|subagent| subagent.parent.task == *task)?;
        let subagent = self.subagents.all.remove(at);
        let path = self.ledger.get(task).map(|entry| entry.task.output.path.display().to_string()).unwrap_or_default();
        self.ledger.remove(task);
        self.place_subagents();
        Some(result_text(&subagent, Some("the user cancelled the turn"), &path, &left))
    }

    /// A session goes, and its subagents with it. Nobody is there to be told.
    pub(in crate::session) fn stop_subagents_of(&mut self, session: &SessionId) {
        let own = self.subagents.all.iter().filter(|subagent| subagent.parent.session == *session);
        for task in own.map(|subagent| subagent.parent.task.clone()).collect::<Vec<_>>() {
            if let Some(entry) = self.ledger.get_mut(&task) {
                entry.task.on_exit = OnExit::None;
            }
            self.stop_subagent(&task, StoppedBy::User);
        }
    }

    /// The row of a subagent whose sidecar is gone: its conversation went with it.
    pub(in crate::session) fn interrupt_subagent(&mut self, task: &TaskId) {
        let now = self.now();
        let Some(entry) = self.ledger.get_mut(task) else { return };
        let row = &mut entry.task;
        (row.status, row.stopping, row.waiting_for, row.ended_at) = (Status::Interrupted, false, None, Some(now));
        row.summary = Some(
            "Pillion went away while this subagent was at work. What it did stands, and its transcript says it; there is no \
             report."
                .into(),
        );
        close_run(row);
        self.report_end(task, String::new());
        self.save_task(task);
    }

    fn requests_of(&self, child: &SessionId) -> u32 {
        self.sessions.get(child).and_then(|owner| owner.turn.as_ref()).map_or(0, |turn| turn.requests)
    }

    /// What a cancel is to a turn, for a subagent's only one.
    fn abort_conversation(&mut self, child: &SessionId, by: StoppedBy) -> Vec<TaskId> {
        let Some(turn) = self.sessions.get(child).and_then(|owner| owner.turn.as_ref()) else { return Vec::new() };
        let turn = turn.id.clone();
        self.cancel_compaction(child);
        self.effects.push(Effect::Abort(turn.clone()));
        self.keep_partial(child);
        self.cancel_calls(child, by);
        self.withdraw_questions(child, Some(&turn));
        self.leave(child)
    }

    /// A conversation is over: what it has left behind is its parent's. Returns its tasks that go on.
    fn leave(&mut self, child: &SessionId) -> Vec<TaskId> {
        let Some(parent) = self.parent(child).cloned() else { return Vec::new() };
        self.drop_asides(child);
        self.sessions.remove(child);
        self.subagents.remember(child.clone(), parent.clone());
        if let Some(subagent) = self.subagents.of(&parent.task) {
            subagent.child = None;
        }
        let untold = self.reports.pass_on(child, &parent.session);
        self.set_delivery(&untold, Delivery::Pending, None);
        self.questions.pass_on(child, &parent.session);
        let mut left = Vec::new();
        for entry in self.ledger.entries.iter_mut().filter(|entry| entry.subagent.as_ref() == Some(child)) {
            entry.subagent = None;
            // A foreground command that is being stopped is nobody's any more.
            if entry.foreground.is_none() && !entry.task.status.is_final() {
                left.push(entry.task.id.clone());
            }
        }
        self.wake_soon(&parent.session);
        left
    }

    fn subagent_is_over(&mut self, task: &TaskId, over: Over) {
        let is_waited_for = self.ledger.get_mut(task).and_then(|entry| entry.foreground.take());
        let Some(at) = self.subagents.all.iter().position(|subagent| subagent.parent.task == *task) else { return };
        if let Some((session, _, call)) = is_waited_for {
            let subagent = self.subagents.all.remove(at);
            let path = self.ledger.get(task).map(|entry| entry.task.output.path.clone()).unwrap_or_default();
            let text = result_text(&subagent, over.why.as_deref(), &path.display().to_string(), &over.left);
            self.give_output(&session, &path);
            self.ledger.remove(task);
            return self.finish_call(&session, &call, text, over.why.is_some(), ToolChange::default());
        }
        let last = over.why.as_ref().map(|why| format!("\nThe subagent ended early: {why}.\n"));
        self.subagents.all[at].over = Some(over);
        self.write_transcript(task, last.unwrap_or_default());
        self.close_subagent(task);
    }

    /// The row ends when everything is written. False before that.
    pub(super) fn close_subagent(&mut self, task: &TaskId) -> bool {
        let is_ready = |subagent: &Subagent| {
            subagent.parent.task == *task && subagent.over.is_some() && subagent.written >= subagent.bytes
        };
        let Some(at) = self.subagents.all.iter().position(is_ready) else { return false };
        let now = self.now();
        let subagent = &self.subagents.all[at];
        let Some(Over { status, why, requests, .. }) = subagent.over.clone() else { return false };
        let report = subagent.report();
        let first =
            report.as_ref().and_then(|report| report.text.lines().next()).map(|line| notification::cut(line, 120));
        if let Some(entry) = self.ledger.get_mut(task) {
            entry.report_at = subagent.words.as_ref().map(|(at, _)| *at);
            let problem = entry.explanation.clone();
            let row = &mut entry.task;
            (row.status, row.stopping, row.waiting_for, row.ended_at) = (status, false, None, Some(now));
            row.progress.message = Some(times(requests));
            row.output.last_line = first.clone().unwrap_or_default();
            row.summary = why.map(|why| format!("The subagent ended early: {why}.")).or(first);
            if let Some(problem) = problem {
                row.summary = Some(format!("{} {problem}", row.summary.take().unwrap_or_default()));
            }
            close_run(row);
        }
        self.report_end(task, String::new());
        let subagent = self.subagents.all.remove(at);
        if subagent.by_person {
            self.tell_person_s_end(&subagent, status);
        }
        self.task_changed(task);
        // What depends on it.
        self.place();
        self.end_waits(task);
        true
    }

    /// What a subagent that has just ended has to say, for its notification; and what else there is to know.
    pub(in crate::session) fn agent_report(&self, task: &TaskId) -> (Option<AgentReport>, Vec<String>) {
        let Some(subagent) = self.subagents.all.iter().find(|subagent| subagent.parent.task == *task) else {
            return (None, Vec::new());
        };
        let left = subagent.over.as_ref().map(|over| over.left.as_slice()).unwrap_or_default();
        (subagent.report(), notes(subagent, left))
    }
}

impl Subagent {
    /// Its newest words, as far as they are told whole.
    pub(super) fn report(&self) -> Option<AgentReport> {
        let (at, words) = self.words.as_ref()?;
        let told = words.char_indices().nth(MOST_REPORT).map_or(words.as_str(), |(end, _)| &words[..end]);
        let more = words[told.len()..].chars().count() as u64;
        Some(AgentReport { text: told.to_owned(), more, rest_at: at + told.len() as u64 })
    }
}

/// What the call of a subagent comes to: its report, or why there is none and what it said last.
fn result_text(subagent: &Subagent, why: Option<&str>, path: &str, left: &[TaskId]) -> String {
    let mut parts = Vec::new();
    let report = subagent.report();
    if let Some(why) = why {
        let then = if report.is_some() { " What it said last:" } else { "" };
        parts.push(format!("The subagent ended early: {why}.{then}"));
    }
    if let Some(AgentReport { text, more, .. }) = report {
        parts.push(text);
        parts.extend((more > 0).then(|| format!("… and {more} more characters: the end of {path} has them.")));
    }
    parts.extend(notes(subagent, left));
    parts.join("\n\n")
}

/// What its parent has to know beside its report: the person's words, and its tasks.
fn notes(subagent: &Subagent, left: &[TaskId]) -> Vec<String> {
    let mut notes = Vec::new();
    if !subagent.said.is_empty() {
        let said: Vec<String> = subagent.said.iter().map(|words| format!("\"{words}\"")).collect();
        notes.push(format!("While it worked the user refused a step of it and said: {}", said.join("; ")));
    }
    if !left.is_empty() {
        let ids: Vec<&str> = left.iter().map(TaskId::as_str).collect();
        notes.push(format!("Background tasks that it started go on: {}. You are told when they end.", ids.join(", ")));
    }
    notes
}
