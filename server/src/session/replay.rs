//! A loaded session's history, shown again: whole exchanges, marked as a replay, a page at a time where the client wants
//! that. The newest page ends with what goes on just now, so that a panel that reconnects shows the truth: the answer so
//! far, the calls that run, the queue, the usage; then come the open questions.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crate::agent::history::{AssistantItem, AssistantPart, Item, ToolResult, UserItem};
use crate::agent::notification;
use crate::ids::{MessageId, SessionId, TaskId, ToolCallId, TurnId};
use crate::task::model::Task;
use crate::tool::input;

use super::calls::{CallState, Step, row};
use super::conversation::Session;
use super::effect::{CompactionStatus, Effect, Outgoing, Refusal, ToolChange, ToolContent, ToolStatus, Update};
use super::event::Page;
use super::state::State;
use super::turn_log::MessageKind;

/// The items of a page: those that end before the cursor, about as many as are wanted. A page never begins with results
/// whose calls it does not have; it goes back to the words of the person where that does not double it.
pub(super) fn range(history: &[Arc<Item>], page: &Page) -> Result<Range<usize>, Refusal> {
    let end = match &page.before {
        None => history.len(),
        Some(cursor) => cursor.parse().ok().filter(|at| *at <= history.len()).ok_or_else(|| Refusal::BadField {
            field: "before",
            message: format!("{cursor:?} is no place in this session"),
            remedy: "Give the `before` of an earlier answer or `replay_ended` of this session.".into(),
        })?,
    };
    let Some(limit) = page.limit else { return Ok(0..end) };
    let wanted = end.saturating_sub(limit.max(1));
    let at =
        |fits: fn(&Item) -> bool, lowest: usize| (lowest..=wanted).rev().find(|at| *at == 0 || fits(&history[*at]));
    let words = |item: &Item| matches!(item, Item::User(user) if user.results.is_empty() && !user.prompts.is_empty());
    let begins = |item: &Item| match item {
        Item::User(user) => user.results.is_empty(),
        Item::Assistant(_) => true,
        // Results may follow it whose calls are before it.
        Item::Compaction(_) => false,
    };
    let start = if wanted == end {
        end
    } else {
        at(words, wanted.saturating_sub(limit)).or_else(|| at(begins, 0)).unwrap_or(0)
    };
    Ok(start..end)
}

/// The cursor of what is before a page.
pub(super) fn cursor(range: &Range<usize>) -> Option<String> {
    (range.start > 0).then(|| range.start.to_string())
}

impl State {
    /// The rows of calls that started a task lead to it again, as long as it is in the list.
    fn name_tasks(&self, session: &SessionId, updates: &mut Updates) {
        // A service's names for calls may be the same in every conversation.
        let own = self.ledger.all_visible();
        let own = own.filter(|task| task.session.as_ref() == Some(session) && task.parent_tool_call.is_none());
        let of_call = |task: &Task| Some((task.tool_call.clone()?, task.id.clone()));
        let tasks: HashMap<ToolCallId, TaskId> = own.filter_map(of_call).collect();
        for (_, update) in updates {
            if let Update::ToolCallUpdate { call, change } = update {
                change.task = change.task.take().or_else(|| tasks.get(call).cloned());
            }
        }
    }

    /// Shows a part of the history to the client. Of the newest page it also shows what goes on now, and asks the open
    /// questions again.
    pub(super) fn replay(&mut self, session: &SessionId, page: &Page, range: Range<usize>) {
        let Some(owner) = self.sessions.get(session) else { return };
        let mut updates = Vec::new();
        owner.items(range.clone(), &mut updates);
        let is_newest = page.before.is_none();
        if is_newest {
            let plan = self.plan_of(session);
            updates.extend((!plan.is_empty()).then(|| (None, Update::Plan(plan.to_vec()))));
            owner.now(&mut updates);
        }
        self.name_tasks(session, &mut updates);
        self.again(session, None, Update::ReplayStarted { before: page.before.clone() });
        for (turn, update) in updates {
            self.again(session, turn, update);
        }
        self.again(session, None, Update::ReplayEnded { before: cursor(&range) });
        if is_newest {
            for question in self.questions.of(session) {
                self.effects.push(Effect::Send(Outgoing::Withdraw(question.id.clone())));
                self.effects.push(Effect::Send(Outgoing::Ask(Box::new(question))));
            }
        }
    }

    fn again(&mut self, session: &SessionId, turn: Option<TurnId>, update: Update) {
        self.update_of_turn(session, turn, true, update);
    }
}

/// Updates with the turns that they belong to.
type Updates = Vec<(Option<TurnId>, Update)>;

impl Session {
    /// The items of a page, between the beginnings and the ends of their turns.
    fn items(&self, range: Range<usize>, updates: &mut Updates) {
        for at in range.clone() {
            self.ends_at(at, at > range.start, updates);
            self.begins_at(at, at == range.start, updates);
            let turn = self.record_at(at).map(|record| self.log[record].id.clone());
            let mut tell = |update| updates.push((turn.clone(), update));
            match &*self.history[at] {
                Item::User(item) => self.user(at, item, &mut tell),
                Item::Assistant(item) => self.answer(at, item, &mut tell),
                Item::Compaction(done) => tell(Update::Compaction {
                    status: CompactionStatus::Completed,
                    before: done.before,
                    after: Some(done.after),
                    message: None,
                }),
            }
        }
        if range.end == self.history.len() {
            self.unanswered(updates);
        }
        self.ends_at(range.end, !range.is_empty(), updates);
        if range.end == self.history.len() {
            self.begins_at(range.end, false, updates);
        }
    }

    /// The turns that begin with the item at an index; on the first one of a page also the one that it lies in.
    fn begins_at(&self, at: usize, is_first: bool, updates: &mut Updates) {
        let lies_in = self.record_at(at).filter(|_| is_first);
        let begins = self.log.partition_point(|record| record.first < at);
        // One that ended before it put anything down is passed over.
        let begun = self.log[begins..].iter().take_while(|record| record.first == at);
        let begun = begun.filter(|record| record.last != Some(at));
        let inside = lies_in.map(|index| &self.log[index]).filter(|record| record.first < at);
        for record in inside.into_iter().chain(begun) {
            updates.push((Some(record.id.clone()), Update::TurnStarted { reason: record.reason }));
        }
    }

    fn ends_at(&self, at: usize, is_shown: bool, updates: &mut Updates) {
        let from = self.log.partition_point(|record| record.last.is_some_and(|last| last < at));
        let ended = self.log[from..].iter().take_while(|record| record.last == Some(at));
        for record in ended.filter(|record| is_shown && record.first < at) {
            let Some(stop) = record.stop else { continue };
            let (usage, error) = (record.usage, record.error.clone());
            let (auto, window) = (record.auto, self.window());
            let ended = Update::TurnEnded { stop, usage, window, auto, error, unsent: Vec::new() };
            updates.push((Some(record.id.clone()), ended));
        }
    }

    fn user(&self, at: usize, item: &UserItem, tell: &mut impl FnMut(Update)) {
        item.results.iter().for_each(|result| tell(over(result)));
        if !item.results.is_empty()
            && let Some(label) = self.said_before(at).and_then(|before| self.label(before, &item.results))
        {
            tell(label);
        }
        if let Some(text) = &item.notification {
            tell(Update::TaskNotification { tasks: notification::tasks_of(text), text: text.clone() });
        }
        for prompt in &item.prompts {
            for content in &prompt.content {
                tell(Update::UserMessage { message: MessageId(prompt.id.0.clone()), content: content.clone() });
            }
        }
    }

    fn answer(&self, at: usize, item: &AssistantItem, tell: &mut impl FnMut(Update)) {
        for part in &item.parts {
            match part {
                AssistantPart::Text { text } => {
                    tell(Update::AgentMessage { message: self.message_id(at, MessageKind::Text), text: text.clone() });
                }
                AssistantPart::Thinking { text, .. } => {
                    let message = self.message_id(at, MessageKind::Thought);
                    tell(Update::AgentThought { message, text: text.clone() });
                }
                AssistantPart::ToolCall { id, name, input, .. } => {
                    tell(Update::ToolCall(Box::new(row(id, name, input, &input::parse(name, input)))));
                }
                AssistantPart::RedactedThinking { .. } => {}
            }
        }
    }

    /// Calls that nobody will answer any more do not look as if they ran.
    fn unanswered(&self, updates: &mut Updates) {
        let turn = self.log.last().map(|record| record.id.clone());
        updates.extend(self.left_over.iter().map(|result| (turn.clone(), over(result))));
        let label = self.said_before(self.history.len()).and_then(|at| self.label(at, &self.left_over));
        updates.extend(label.filter(|_| !self.left_over.is_empty()).map(|label| (turn, label)));
    }

    /// What goes on in the running turn and beside it.
    fn now(&self, updates: &mut Updates) {
        let info = Update::Info {
            title: self.title.clone(),
            mode: Some(self.mode.as_str()),
            model: Some(self.model.clone()),
            wakes_paused: Some(self.wakes_paused),
        };
        updates.push((None, info));
        let queue = self.queue.iter().map(|prompt| (prompt.id.clone(), prompt.content.clone())).collect();
        updates.push((None, Update::Queue(queue)));
        updates.push((None, Update::Usage { sum: self.usage, window: self.window() }));
        let Some(turn) = &self.turn else { return };
        let mut tell = |update| updates.push((Some(turn.id.clone()), update));
        if let Some(message) = turn.thought.clone().filter(|_| !turn.thinking.is_empty()) {
            tell(Update::AgentThought { message, text: turn.thinking.clone() });
        }
        if let Some(message) = turn.message.clone().filter(|_| !turn.partial.is_empty()) {
            tell(Update::AgentMessage { message, text: turn.partial.clone() });
        }
        for (call, name) in &turn.announced {
            let nothing = serde_json::Value::Object(serde_json::Map::new());
            tell(Update::ToolCall(Box::new(row(call, name, &nothing, &Err(String::new())))));
        }
        turn.calls.iter().filter_map(stands).for_each(tell);
    }
}

/// What a result makes of its call's row.
fn over(result: &ToolResult) -> Update {
    let change = ToolChange {
        status: Some(if result.is_error { ToolStatus::Failed } else { ToolStatus::Completed }),
        content: Some(vec![ToolContent::Text(result.text.clone())]),
        output: Some(result.text.clone()),
        ..ToolChange::default()
    };
    Update::ToolCallUpdate { call: result.call.clone(), change: Box::new(change) }
}

/// Where a call of the running turn stands; nothing for one that has not begun.
fn stands(call: &CallState) -> Option<Update> {
    let in_progress = |call: &ToolCallId| {
        let change = ToolChange { status: Some(ToolStatus::InProgress), ..ToolChange::default() };
        Update::ToolCallUpdate { call: call.clone(), change: Box::new(change) }
    };
    match &call.step {
        Step::Waiting | Step::Asking(_) => None,
        Step::Done(result) => Some(over(result)),
        _ => Some(in_progress(&call.id)),
    }
}
