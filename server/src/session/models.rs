//! Which model a session has: chosen by a person, taken from the settings, or changed with them. The model of a session
//! may be another provider's at any request; the history is neutral and stays as it is.

use crate::ids::SessionId;
use crate::provider::{ModelFacts, names};

use super::effect::{Effect, Refusal, Reply, Update};
use super::event::ReplyId;
use super::settings::Settings;
use super::state::State;

impl State {
    /// The model that a person names, as the session keeps it. A provider's word alone means that provider's own choice.
    /// Refused where its provider cannot answer.
    pub(super) fn model_named(&self, model: &str) -> Result<String, Refusal> {
        let model = model.trim();
        let refusal = |message: String, remedy: &str| {
            Err(Refusal::BadField { field: "model", message, remedy: remedy.to_owned() })
        };
        if model.is_empty() {
            return refusal("the model has no name".into(), "pillion/model/list says which there are.");
        }
        let named = names::parse(model);
        let word = named.provider.or_else(|| names::word(model));
        let Some(known) = word.and_then(|word| self.settings.known.iter().find(|known| known.word == word)) else {
            return Ok(model.to_owned());
        };
        if let Some(problem) = &known.problem {
            return refusal(format!("{model:?} cannot answer"), problem);
        }
        Ok(match named.provider {
            Some(_) if !named.name.is_empty() => model.to_owned(),
            _ => names::join(known.word, &known.model, &self.settings.provider),
        })
    }

    pub(super) fn set_model(&mut self, reply: ReplyId, session: &SessionId, model: &str) {
        if !self.sessions.contains_key(session) {
            return self.refuse(reply, Refusal::UnknownSession(session.clone()));
        }
        match self.model_named(model) {
            Ok(model) => {
                self.reply(reply, Reply::Done);
                self.take_model(session, model);
            }
            Err(refusal) => self.refuse(reply, refusal),
        }
    }

    /// The session's next request goes to this model.
    pub(super) fn take_model(&mut self, session: &SessionId, model: String) {
        let Some(owner) = self.sessions.get_mut(session) else { return };
        owner.model.clone_from(&model);
        self.describe_model(session);
        self.save_session(session);
        self.info(session, None, None, Some(model));
    }

    pub(super) fn list_models(&mut self, reply: ReplyId, session: Option<SessionId>) {
        let current = match session {
            None => None,
            Some(id) => match self.sessions.get(&id) {
                Some(owner) => Some(owner.model.clone()),
                None => return self.refuse(reply, Refusal::UnknownSession(id)),
            },
        };
        self.effects.push(Effect::ListModels { reply, current });
    }

    /// Other settings. A session whose model is a name of the default provider's follows the default provider: the name
    /// means nothing to another one. One whose model names its provider keeps it, while that can answer.
    pub(super) fn models_changed(&mut self, before: &Settings) {
        let settings = &self.settings;
        let moved = settings.provider != before.provider;
        let changed = self.sessions.iter().filter(|(_, session)| match names::parse(&session.model).provider {
            Some(word) => settings.problem(word).is_some(),
            None => moved,
        });
        let changed: Vec<SessionId> = changed.map(|(id, _)| id.clone()).collect();
        let (model, other_keys) = (settings.model.clone(), settings.known != before.known);
        for session in changed {
            self.take_model(&session, model.clone());
        }
        // What is known of a model may have been asked with the wrong key, or not at all.
        if other_keys {
            let unknown = self.sessions.iter().filter(|(_, session)| session.facts.is_none());
            let unknown: Vec<SessionId> = unknown.map(|(id, _)| id.clone()).collect();
            unknown.iter().for_each(|session| self.describe_model(session));
        }
    }

    /// The editor lends other models than before.
    pub(super) fn models_offered(&mut self) {
        let settings = &self.settings;
        let lent = self.sessions.iter().filter(|(_, session)| settings.provider_of(&session.model) == "editor");
        let lent: Vec<SessionId> = lent.map(|(id, _)| id.clone()).collect();
        lent.iter().for_each(|session| self.describe_model(session));
    }

    /// Asks what is known of a session's model.
    pub(super) fn describe_model(&mut self, session: &SessionId) {
        let Some(owner) = self.sessions.get_mut(session) else { return };
        owner.facts = None;
        let model = owner.model.clone();
        self.effects.push(Effect::DescribeModel { session: session.clone(), model });
    }

    /// The provider has said. What it says of a model that the session has left is of no use. A warning goes to the
    /// person, once as long as the session keeps the model.
    pub(super) fn model_described(&mut self, session: &SessionId, model: &str, facts: ModelFacts) {
        let Some(owner) = self.sessions.get_mut(session).filter(|owner| owner.model == model) else { return };
        let told = owner.facts.as_ref().and_then(|facts| facts.warning.as_deref());
        let warning = facts.warning.clone().filter(|warning| told != Some(warning.as_str()));
        let window = owner.window();
        owner.facts = Some(facts);
        // A client has shown what is used without what there is.
        if owner.window() != window && owner.usage.context_used > 0 && !self.is_subagent(session) {
            let Some(owner) = self.sessions.get(session) else { return };
            let (sum, window) = (owner.usage, owner.window());
            self.update(session, Update::Usage { sum, window });
        }
        if let Some(warning) = warning {
            self.say(false, warning);
        }
    }
}
