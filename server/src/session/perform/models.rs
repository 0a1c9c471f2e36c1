//! Requests to models: a turn's own, which is streamed, questions beside it, and which models there are. A session's model
//! names its provider; the registry knows them all.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;
use tokio::sync::{Mutex, mpsc};

use crate::config::services::{self, Handed};
use crate::config::{ApiKey, Config, secrets};
use crate::ids::{SessionId, TurnId};
use crate::provider::ModelRequest;
use crate::provider::catalog::{self, Found};
use crate::provider::names::{self, Known};
use crate::provider::registry::{Choice, Registry};
use crate::session::effect::{ModelList, ModelRow, ProviderRow, ProviderState, Refusal, Reply};
use crate::session::event::{AsideId, Event, ReplyId};
use crate::session::inbox::{Answered, Secret};
use crate::session::slash::Place;
use crate::workspace::editor::lent::Lender;

use super::Hands;

/// Who can answer, and the keys that a client has handed over.
pub(super) struct Providers {
    registry: Registry,
    /// The default provider and model.
    choice: Choice,
    /// The settings as they came, without what was handed over since.
    config: Config,
    handed: BTreeMap<&'static str, Handed>,
    /// What was done to the stored ones since the settings were read.
    stored: BTreeMap<&'static str, Handed>,
    /// Held while the file of the keys is written.
    writing: Arc<Mutex<()>>,
}

impl Providers {
    pub(super) fn new(config: Config, root: PathBuf, lender: Arc<dyn Lender>) -> Self {
        let mut registry = Registry::new(config.model.clone(), root, lender);
        let choice = registry.choice();
        Self { registry, choice, config, handed: BTreeMap::new(), stored: BTreeMap::new(), writing: Arc::default() }
    }

    /// Takes new settings, and gives them back as they hold.
    pub(super) fn configure(&mut self, config: Config) -> Config {
        self.config = config.clone();
        let config = config.with_handed(&self.stored).with_handed(&self.handed);
        self.registry.configure(config.model.clone());
        self.choice = self.registry.choice();
        config
    }

    /// The default provider and model.
    pub(super) fn choice(&self) -> &Choice {
        &self.choice
    }

    /// The providers that a session can choose, for the state.
    pub(super) fn known(&self) -> Vec<Known> {
        self.registry.known()
    }

    /// What is wrong with the default provider.
    pub(super) fn problem(&self) -> Option<&str> {
        self.choice.why.as_ref().err().map(String::as_str)
    }
}

impl Hands {
    pub(super) fn ask_model(&mut self, session: SessionId, turn: TurnId, mut request: ModelRequest) {
        let provider = match self.providers.registry.resolve(&request.model) {
            Ok(resolved) => {
                request.model = resolved.model;
                resolved.provider
            }
            Err(error) => {
                let result = Box::new(Err(error));
                return self.work(turn.clone(), async move { Event::Answered { session, turn, result } });
            }
        };
        let inbox = self.inbox.clone();
        let of = turn.clone();
        self.work(of, async move {
            let (send, mut pieces) = mpsc::channel(64);
            let answer = provider.stream(request, send);
            let forward = async {
                while let Some(event) = pieces.recv().await {
                    inbox.tell(Event::Stream { session: session.clone(), turn: turn.clone(), event });
                }
            };
            // The provider drops its sender when it is done: then every piece has been forwarded.
            let (result, ()) = tokio::join!(answer, forward);
            Event::Answered { session, turn, result: Box::new(result) }
        });
    }

    pub(super) fn ask_aside(&mut self, aside: AsideId, mut request: ModelRequest) {
        let (resolved, inbox) = (self.providers.registry.resolve(&request.model), self.inbox.clone());
        let work = tokio::spawn(async move {
            let result = match resolved {
                Ok(resolved) => {
                    request.model = resolved.model;
                    // Nobody listens to its pieces.
                    let (send, _) = mpsc::channel(1);
                    resolved.provider.stream(request, send).await
                }
                Err(error) => Err(error),
            };
            inbox.tell(Event::AsideAnswered { aside, result: Box::new(result) });
        });
        self.asides.retain(|_, work| !work.is_finished());
        self.asides.insert(aside, work.abort_handle());
    }

    pub(super) fn describe_model(&mut self, session: SessionId, model: String) {
        let Ok(resolved) = self.providers.registry.resolve(&model) else { return };
        let (inbox, facts) = (self.inbox.clone(), resolved.provider.describe(&resolved.model));
        tokio::spawn(async move {
            let facts = facts.await;
            inbox.tell(Event::ModelDescribed { session, model, facts });
        });
    }

    /// Lists the models of all providers. `current` is the model of the session that asks.
    pub(super) fn list_models(&mut self, reply: ReplyId, current: Option<String>) {
        let list = self.models(current);
        self.answer_later(reply, async move { Ok(Reply::Models(list.await)) });
    }

    /// The same for `/model`.
    pub(super) fn models_in_chat(&mut self, place: Place, current: String) {
        let (list, inbox) = (self.models(Some(current.clone())), self.inbox.clone());
        tokio::spawn(async move {
            let list = list.await;
            inbox.tell(Event::ModelsInChat { place, current, list });
        });
    }

    fn models(&mut self, current: Option<String>) -> impl Future<Output = ModelList> + Send + use<> {
        let entries = self.providers.registry.entries();
        let default = self.providers.choice.provider.unwrap_or_default();
        let current = current.and_then(|model| self.providers.registry.resolve(&model).ok());
        let current = current.map(|resolved| (resolved.provider.name(), resolved.model));
        async move { listed(catalog::list(entries).await, default, current) }
    }

    /// A client sets a provider's key, or takes it back. That holds at once; the answer says whether it is stored too.
    /// Returns what the state must know.
    pub(in crate::session) fn set_secret(
        &mut self,
        secret: Secret,
        answer: impl FnOnce(Answered) + Send + 'static,
    ) -> Vec<Event> {
        let Secret { provider, secret, persist } = secret;
        let Some(source) = services::source(&provider) else {
            let remedy = format!("Providers with a key are {}.", secrets::words());
            let message = format!("there is no provider {provider:?} with a key");
            answer(Err(Refusal::BadField { field: "provider", message, remedy }));
            return Vec::new();
        };
        let path = self.providers.config.keys_file.clone();
        let from = if persist { format!("the file {}", path.display()) } else { "the editor".to_owned() };
        let key = secret.clone().map(|secret| ApiKey { secret, source: from });
        self.providers.handed.remove(source.word);
        match (key, persist) {
            (Some(key), false) => drop(self.providers.handed.insert(source.word, Handed::Set(key))),
            (Some(key), true) => drop(self.providers.stored.insert(source.word, Handed::Set(key))),
            (None, true) => drop(self.providers.stored.insert(source.word, Handed::Removed)),
            // What was there before it was handed over holds again.
            (None, false) => {}
        }
        let config = self.providers.config.clone();
        let events = self.configure(config);
        if persist {
            let (word, writing) = (source.word, self.providers.writing.clone());
            tokio::spawn(async move { answer(store(path, word, secret, writing).await) });
        } else {
            answer(Ok(Reply::Done));
        }
        events
    }
}

async fn store(path: PathBuf, word: &'static str, secret: Option<SecretString>, writing: Arc<Mutex<()>>) -> Answered {
    let one_at_a_time = writing.lock().await;
    let written = tokio::task::spawn_blocking(move || secrets::store(&path, word, secret.as_ref())).await;
    drop(one_at_a_time);
    let written = written.unwrap_or_else(|error| Err(error.to_string()));
    written.map(|()| Reply::Done).map_err(|message| Refusal::State {
        kind: "not_stored",
        message: format!("the change holds until Pillion ends, and is not stored: {message}"),
        remedy: "See to that file and its folder, then try again.".into(),
    })
}

/// The list as the client gets it.
fn listed(found: Vec<Found>, default: &str, current: Option<(&'static str, String)>) -> ModelList {
    let mut list = ModelList::default();
    for Found { entry, models } in found {
        let (state, message) = match (&entry.listed, &models) {
            (Ok(_), Ok(_)) if entry.offered => (ProviderState::Offered, None),
            (Ok(_), Ok(_)) => (ProviderState::Ready, None),
            (Err(error), _) => (ProviderState::NotConfigured, Some(error.to_string())),
            (Ok(_), Err(error)) if entry.offered => (ProviderState::Absent, Some(error.to_string())),
            (Ok(_), Err(error)) => (ProviderState::Failed, Some(error.to_string())),
        };
        list.providers.push(ProviderRow { word: entry.word, label: entry.label, state, message });
        list.models.extend(models.into_iter().flatten().map(|facts| ModelRow {
            id: names::join(entry.word, &facts.model, default),
            is_current: current.as_ref().is_some_and(|(word, model)| *word == entry.word && *model == facts.model),
            offered: entry.offered,
            provider: entry.word,
            name: facts.label.unwrap_or(facts.model),
            window: facts.window,
            max_output: facts.max_output,
            tools: facts.tools,
            warning: facts.warning,
        }));
    }
    // A model that no list names (one that the provider chooses, a new one) is the session's all the same.
    if let Some((word, model)) = current.filter(|_| !list.models.iter().any(|row| row.is_current)) {
        let Some(row) = list.providers.iter().find(|row| row.word == word) else { return list };
        list.models.push(ModelRow {
            id: names::join(row.word, &model, default),
            is_current: true,
            offered: false,
            provider: row.word,
            name: model,
            window: None,
            max_output: None,
            tools: None,
            warning: None,
        });
    }
    list
}
