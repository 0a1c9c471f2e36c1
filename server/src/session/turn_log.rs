//! What is kept of each turn beside the history: when it ran, how it ended, what its batches of tool calls are called. The
//! history is the model's and has none of it; replays and exports are made from both. Pure data and its few rules.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::agent::history::{Item, ModelStop};
use crate::ids::{MessageId, PromptId, SessionId, TurnId};
use crate::task::model::Timestamp;

use super::conversation::Session;
use super::effect::{Effect, StopReason, TurnReason, UsageSum, Write};
use super::state::State;

/// One turn of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnRecord {
    pub id: TurnId,
    pub reason: TurnReason,
    /// Items of the history before it.
    pub first: usize,
    /// Items of the history with it; `None` while it runs.
    #[serde(default)]
    pub last: Option<usize>,
    pub started_at: Timestamp,
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// It started by itself, and no person spoke in it.
    #[serde(default)]
    pub auto: bool,
    #[serde(default)]
    pub stop: Option<StopReason>,
    #[serde(default)]
    pub error: Option<String>,
    #[serde(default)]
    pub usage: UsageSum,
    /// What a model called batches of tool calls, by the index of the answer that made them.
    #[serde(default)]
    pub labels: BTreeMap<usize, String>,
    /// How often the answer at an index was begun anew: what was shown before has another name.
    #[serde(default)]
    pub begun_anew: BTreeMap<usize, u32>,
}

impl TurnRecord {
    /// A turn that begins now.
    pub(super) fn begins(id: TurnId, reason: TurnReason, first: usize, now: Timestamp) -> Self {
        Self {
            id,
            reason,
            first,
            last: None,
            started_at: now,
            ended_at: None,
            auto: false,
            stop: None,
            error: None,
            usage: UsageSum::default(),
            labels: BTreeMap::new(),
            begun_anew: BTreeMap::new(),
        }
    }
}

/// What a turn that was cut by the end of its sidecar ends with.
const CUT: &str = "Pillion went away while this turn ran. What had been written down is here; an answer that was still \
                   on its way is not. Say \"go on\" to continue.";

/// Closes the turn that the end of its sidecar has cut, if one was.
pub(super) fn close_cut(log: &mut [TurnRecord], items: usize, at: Timestamp) -> bool {
    let Some(cut) = log.last_mut().filter(|turn| turn.last.is_none()) else { return false };
    cut.last = Some(items);
    cut.ended_at = Some(at);
    cut.stop = Some(StopReason::Interrupted);
    cut.error = Some(CUT.to_owned());
    true
}

/// The record of the turn that an item belongs to.
pub(super) fn record_at(log: &[TurnRecord], item: usize) -> Option<usize> {
    let found = log.partition_point(|turn| turn.first <= item).checked_sub(1)?;
    log[found].last.is_none_or(|last| item < last).then_some(found)
}

impl Session {
    /// The record of the turn that an item belongs to.
    pub(super) fn record_at(&self, item: usize) -> Option<usize> {
        record_at(&self.log, item)
    }

    /// The prompts of a turn that only a model could have answered: those before an answer that says so.
    pub(super) fn needing_model(&self, turn: &TurnRecord) -> Vec<PromptId> {
        let last = turn.last.unwrap_or(self.history.len()).min(self.history.len());
        let items = self.history.get(turn.first..last).unwrap_or_default();
        let needing = items.windows(2).filter_map(|pair| match (&*pair[0], &*pair[1]) {
            (Item::User(said), Item::Assistant(answer)) if answer.stop == ModelStop::NeedsModel => Some(&said.prompts),
            _ => None,
        });
        needing.flatten().map(|prompt| prompt.id.clone()).collect()
    }

    /// The name of the text (or the thinking) of the answer at an index: the same whenever and however it is shown.
    pub(super) fn message_id(&self, item: usize, kind: MessageKind) -> MessageId {
        let anew = self.record_at(item).and_then(|at| self.log[at].begun_anew.get(&item));
        let anew = anew.map(|count| format!(".{count}")).unwrap_or_default();
        let kind = match kind {
            MessageKind::Text => "",
            MessageKind::Thought => "t",
        };
        MessageId(format!("{}.{item}{kind}{anew}", self.id))
    }
}

/// Which of the messages of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageKind {
    Text,
    Thought,
}

impl State {
    /// Writes a turn's record. Those of subagents are not kept.
    pub(super) fn save_turn(&mut self, session: &SessionId, at: usize) {
        if self.is_subagent(session) {
            return;
        }
        let Some(record) = self.sessions.get(session).and_then(|owner| owner.log.get(at)).cloned() else { return };
        let (session, record) = (session.clone(), Box::new(record));
        self.effects.push(Effect::Store(Write::Turn { session, at, record }));
    }

    /// The answer that streams is begun anew: its messages get other names from here on.
    pub(super) fn answer_begins_anew(&mut self, session: &SessionId) {
        let Some(owner) = self.sessions.get_mut(session) else { return };
        let item = owner.history.len();
        if let Some(record) = owner.log.last_mut().filter(|turn| turn.last.is_none()) {
            *record.begun_anew.entry(item).or_default() += 1;
        }
    }
}
