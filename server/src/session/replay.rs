//! A loaded session's history, shown again: whole items, marked as a replay, then the open questions.

use crate::agent::history::{AssistantPart, Content, Item, UserItem};
use crate::agent::notification;
use crate::ids::SessionId;
use crate::tool::input;

use super::calls::row;
use super::effect::{CompactionStatus, Effect, Outgoing, ToolChange, ToolContent, ToolStatus, Update};
use super::state::State;

impl State {
    /// Shows the whole history to the client, then asks the open questions again.
    pub(super) fn replay(&mut self, session: &SessionId) {
        let Some(owner) = self.sessions.get(session) else { return };
        let history = owner.history.clone();
        let (title, mode, model) = (owner.title.clone(), owner.mode.as_str(), owner.model.clone());
        self.again(session, Update::ReplayStarted);
        for item in history {
            match &*item {
                Item::Compaction(done) => {
                    let (before, after) = (done.before, Some(done.after));
                    let status = CompactionStatus::Completed;
                    self.again(session, Update::Compaction { status, before, after, message: None });
                }
                Item::User(item) => self.replay_user(session, item),
                Item::Assistant(item) => {
                    for part in &item.parts {
                        self.replay_part(session, part);
                    }
                }
            }
        }
        let plan = self.plan_of(session).to_vec();
        if !plan.is_empty() {
            self.again(session, Update::Plan(plan));
        }
        self.again(session, Update::Info { title, mode: Some(mode), model: Some(model), wakes_paused: None });
        let usage = self.sessions.get(session).map(|owner| (owner.usage, owner.window()));
        if let Some((sum, window)) = usage.filter(|(sum, _)| sum.tokens() > 0) {
            self.again(session, Update::Usage { sum, window });
        }
        self.again(session, Update::ReplayEnded);
        for question in self.questions.of(session) {
            self.effects.push(Effect::Send(Outgoing::Withdraw(question.id.clone())));
            self.effects.push(Effect::Send(Outgoing::Ask(Box::new(question))));
        }
    }

    fn again(&mut self, session: &SessionId, update: Update) {
        self.effects.push(Effect::Send(Outgoing::Update {
            session: session.clone(),
            turn: None,
            parent: None,
            replay: true,
            update,
        }));
    }

    fn replay_user(&mut self, session: &SessionId, item: &UserItem) {
        for result in &item.results {
            let change = ToolChange {
                status: Some(if result.is_error { ToolStatus::Failed } else { ToolStatus::Completed }),
                content: Some(vec![ToolContent::Text(result.text.clone())]),
                output: Some(result.text.clone()),
                ..ToolChange::default()
            };
            self.again(session, Update::ToolCallUpdate { call: result.call.clone(), change: Box::new(change) });
        }
        if let Some(text) = &item.notification {
            let tasks = notification::tasks_of(text);
            self.again(session, Update::TaskNotification { tasks, text: text.clone() });
        }
        for prompt in &item.prompts {
            let message = self.ids.message();
            for content in &prompt.content {
                let content: Content = content.clone();
                self.again(session, Update::UserMessage { message: message.clone(), content });
            }
        }
    }

    fn replay_part(&mut self, session: &SessionId, part: &AssistantPart) {
        let message = self.ids.message();
        match part {
            AssistantPart::Text { text } => {
                self.again(session, Update::AgentMessage { message, text: text.clone() });
            }
            AssistantPart::Thinking { text, .. } => {
                self.again(session, Update::AgentThought { message, text: text.clone() });
            }
            AssistantPart::RedactedThinking { .. } => {}
            AssistantPart::ToolCall { id, name, input, .. } => {
                let row = row(id, name, input, &input::parse(name, input));
                self.again(session, Update::ToolCall(Box::new(row)));
            }
        }
    }
}
