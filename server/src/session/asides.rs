//! What a model is asked beside a conversation (titles, labels, summaries): who asked, and the answer's way back. An aside
//! holds nothing up, carries no notifications and has no tools; it ends with its session.

use std::collections::HashMap;
use std::sync::Arc;

use crate::agent::history::{AssistantPart, Content, Item, Prompt, UserItem};
use crate::ids::{PromptId, SessionId};
use crate::provider::{Answer, ModelRequest, ProviderError};

use super::effect::Effect;
use super::event::AsideId;
use super::state::State;

/// What an answer is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The session's title.
    Title,
    /// What the batch of calls of the answer at that index is called.
    Label { item: usize },
    /// Of the first part of a conversation.
    Summary,
}

/// The questions that are open.
#[derive(Debug, Default)]
pub(super) struct Asides {
    open: HashMap<AsideId, (SessionId, Purpose)>,
    asked: u64,
}

impl Asides {
    /// How many questions of a kind a session waits for.
    pub(super) fn waiting(&self, session: &SessionId, kind: impl Fn(&Purpose) -> bool) -> usize {
        self.open.values().filter(|(of, purpose)| of == session && kind(purpose)).count()
    }
}

impl State {
    /// Asks a model for a text. The answer comes to [`Self::aside_answered`].
    pub(super) fn ask_aside(
        &mut self,
        session: &SessionId,
        purpose: Purpose,
        model: String,
        system: &str,
        text: String,
        max_tokens: u32,
    ) -> AsideId {
        self.asides.asked += 1;
        let aside = AsideId(self.asides.asked);
        self.asides.open.insert(aside, (session.clone(), purpose));
        let prompt = Prompt { id: PromptId(format!("aside{}", aside.0)), content: vec![Content::Text { text }] };
        let item = UserItem { prompts: vec![prompt], ..UserItem::default() };
        let request = ModelRequest {
            model,
            system: system.into(),
            tools: Arc::new([]),
            history: vec![Arc::new(Item::User(item))].into(),
            max_tokens,
        };
        self.effects.push(Effect::AskAside { aside, request });
        aside
    }

    /// An answer, or none. One that came for a session that is gone is dropped.
    pub(super) fn aside_answered(&mut self, aside: AsideId, result: Result<Answer, ProviderError>) {
        let Some((session, purpose)) = self.asides.open.remove(&aside) else { return };
        if let Ok(answer) = &result {
            self.count_aside(&session, answer);
        }
        let text = result.map(|answer| said(&answer));
        match purpose {
            // Titles and labels fail in silence: what the rules made stays.
            Purpose::Title => text.into_iter().for_each(|text| self.title_worded(&session, &text)),
            Purpose::Label { item } => text.into_iter().for_each(|text| self.label_worded(&session, item, &text)),
            Purpose::Summary => self.summarised(&session, aside, text),
        }
    }

    /// Nobody wants this answer any more.
    pub(super) fn drop_aside(&mut self, aside: AsideId) {
        self.asides.open.remove(&aside);
    }

    /// The session goes: nobody wants its answers any more.
    pub(super) fn drop_asides(&mut self, session: &SessionId) {
        let gone: Vec<AsideId> =
            self.asides.open.iter().filter(|(_, (of, _))| of == session).map(|(aside, _)| *aside).collect();
        for aside in gone {
            self.asides.open.remove(&aside);
            self.effects.push(Effect::AbortAside(aside));
        }
    }
}

/// The text of an answer.
fn said(answer: &Answer) -> String {
    let texts = answer.item.parts.iter().filter_map(|part| match part {
        AssistantPart::Text { text } => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("")
}
