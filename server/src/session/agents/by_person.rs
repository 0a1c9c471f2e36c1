//! A subagent that a person starts, as a task of its own beside the conversation: it works as one that the session's model
//! has sent into the background, and its report goes to that session as the end of any task of the person's does. Clients
//! see it as a call of the session that belongs to no turn.

use serde_json::json;

use crate::agent::notification;
use crate::ids::{SessionId, ToolCallId};
use crate::session::effect::{Effect, Outgoing, Refusal, ToolChange, ToolContent, ToolRow, ToolStatus, Update};
use crate::session::event::{ReplyId, StartTask};
use crate::session::state::State;
use crate::task::model::{Group, Status};

use super::{Parent, Subagent};

impl State {
    /// `pillion/task/start` with kind `agent`: `command` is what the agent is to do. Of a start without a session the agent
    /// belongs to the conversation that was used last.
    pub(in crate::session) fn start_agent(&mut self, reply: ReplyId, start: StartTask) {
        let used_last = || {
            let open = self.sessions.values().filter(|owner| owner.parent.is_none());
            open.max_by_key(|owner| (owner.updated_at, owner.id.clone())).map(|owner| owner.id.clone())
        };
        let session = match start.session.clone() {
            Some(named) if self.sessions.get(&named).is_none_or(|owner| owner.parent.is_some()) => {
                return self.refuse(reply, Refusal::UnknownSession(named));
            }
            Some(named) => named,
            None => match used_last() {
                Some(session) => session,
                None => {
                    return self.refuse(
                        reply,
                        Refusal::State {
                            kind: "no_session",
                            message: "no conversation is open that an agent could report to".into(),
                            remedy: "Open one first (pillion/session/new).".into(),
                        },
                    );
                }
            },
        };
        let Some(owner) = self.sessions.get(&session) else { return };
        let prompt = start.command.trim().to_owned();
        let first = prompt.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let label = notification::cut(start.label.as_deref().unwrap_or(first), 80);
        let start = StartTask {
            command: label.clone(),
            cwd: Some(owner.cwd.clone()),
            session: Some(session.clone()),
            label: Some(label.clone()),
            group: Some(Group::Other),
            ..start
        };
        let task = self.enter(start);
        let call = ToolCallId::from(format!("agent_{task}").as_str());
        if let Some(entry) = self.ledger.get_mut(&task) {
            entry.task.tool_call = Some(call.clone());
        }
        let row = ToolRow {
            call: call.clone(),
            title: label.clone(),
            name: "agent".to_owned(),
            kind: "think",
            status: ToolStatus::InProgress,
            input: json!({"prompt": prompt, "description": label}),
            content: Vec::new(),
            locations: Vec::new(),
        };
        self.send_beside(&session, Update::ToolCall(Box::new(row)));
        let change = Box::new(ToolChange::of(task.clone()));
        self.send_beside(&session, Update::ToolCallUpdate { call: call.clone(), change });
        let parent = Parent { session, turn: self.ids.turn(), call, task: task.clone() };
        self.subagents.all.push(Subagent::new(parent, prompt, true));
        self.place_subagents();
        self.reply_task(reply, &task);
    }

    /// The row of its call says how it ended.
    pub(super) fn tell_person_s_end(&mut self, subagent: &Subagent, status: Status) {
        let succeeded = status == Status::Succeeded;
        let text = subagent.report().map(|report| report.text);
        let why = subagent.over.as_ref().and_then(|over| over.why.as_ref());
        let why = why.map(|why| format!("The subagent ended early: {why}."));
        let text: Vec<String> = why.into_iter().chain(text).collect();
        let text = text.join("\n\n");
        let change = ToolChange {
            status: Some(if succeeded { ToolStatus::Completed } else { ToolStatus::Failed }),
            content: Some(vec![ToolContent::Text(text.clone())]),
            output: Some(text),
            ..ToolChange::default()
        };
        let update = Update::ToolCallUpdate { call: subagent.parent.call.clone(), change: Box::new(change) };
        self.send_beside(&subagent.parent.session, update);
    }

    /// Tells a client something of a session that belongs to no turn.
    fn send_beside(&mut self, session: &SessionId, update: Update) {
        let update = Outgoing::Update { session: session.clone(), turn: None, parent: None, replay: false, update };
        self.effects.push(Effect::Send(update));
    }
}
