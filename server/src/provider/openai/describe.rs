//! Asks a service what it says of its models: the list, and for one model whatever else the service has. Never fails for
//! one model: what cannot be asked stays unknown.

use serde_json::{Value, json};

use super::facts;
use super::presets::Facts;
use super::{Connection, lock, understood};
use crate::provider::failure::{Failure, Verdict};
use crate::provider::http::HttpError;
use crate::provider::names::ANY_MODEL;
use crate::provider::retry::{self, Watcher};
use crate::provider::{ModelFacts, ProviderError};

impl Connection {
    /// The models that can hold a conversation.
    pub(super) async fn models(&self) -> Result<Vec<ModelFacts>, ProviderError> {
        let list = self.list().await?;
        let mut models = facts::list(self.preset, &list);
        if self.preset.facts == Facts::Ollama
            && let Some(ps) = self.own("/api/ps", None).await
        {
            let loaded = facts::ollama_loaded(&ps);
            models.sort_by_key(|model| !loaded.contains(&model.model));
        }
        Ok(models)
    }

    /// What is known of one model.
    pub(super) async fn describe(&self, model: &str) -> ModelFacts {
        let model = self.resolve(model).await.unwrap_or_else(|_| model.to_owned());
        let facts = self.ask_facts(&model).await;
        if model != ANY_MODEL {
            lock(&self.described).insert(model, facts.clone());
        }
        facts
    }

    async fn ask_facts(&self, model: &str) -> ModelFacts {
        let preset = self.preset;
        match preset.facts {
            // The table knows OpenAI's models; any other service behind the same word may say more in its list.
            Facts::Table if facts::table(preset, model).is_some() => facts::named(preset, model),
            Facts::Ollama => {
                let show = self.own("/api/show", Some(json!({"model": model}))).await.unwrap_or_default();
                let ps = self.own("/api/ps", None).await.unwrap_or_default();
                facts::ollama(preset, model, &show, &ps)
            }
            Facts::LlamaCpp => {
                let props = self.own("/props", None).await.unwrap_or_default();
                let list = self.list().await.unwrap_or_default();
                let entries = list["data"].as_array().map_or(&[][..], Vec::as_slice);
                let entry = entries.iter().find(|entry| entry["id"] == model).or(entries.first());
                facts::llama_cpp(preset, model, &props, entry)
            }
            Facts::Table | Facts::OpenRouter | Facts::Vllm | Facts::LmStudio => {
                let list = self.list().await.unwrap_or_default();
                let found = facts::list(preset, &list).into_iter().find(|facts| facts.model == model);
                let found = found.unwrap_or_else(|| facts::named(preset, model));
                if preset.facts == Facts::Vllm { facts::vllm(found) } else { found }
            }
        }
    }

    /// Ollama alone: the facts once the model is loaded, because its real window is not known before. Loads it, which the
    /// request that follows would do anyway.
    pub(super) async fn described_when_loaded(&self, model: &str) -> Option<ModelFacts> {
        if self.preset.facts != Facts::Ollama {
            return None;
        }
        // A small window is asked for again: Ollama may have been started anew with the remedy.
        let is_final = |facts: &&ModelFacts| facts.window.is_some() && facts.warning.is_none();
        let known = lock(&self.described).get(model).filter(is_final).cloned();
        if let Some(facts) = known {
            return Some(facts);
        }
        self.own("/api/generate", Some(json!({"model": model, "stream": false}))).await?;
        Some(self.describe(model).await)
    }

    /// `GET /models`; LM Studio's own list says more than the one for OpenAI's clients.
    async fn list(&self) -> Result<Value, ProviderError> {
        if self.preset.facts == Facts::LmStudio
            && let Some(list) = self.own("/api/v0/models", None).await
        {
            return Ok(list);
        }
        let url = format!("{}/models", self.service.base_url);
        retry::until_answered(&Get { connection: self, url }, &mut Watcher::nobody(), self.backoff).await
    }

    /// An endpoint of the server's own API, beside the one for OpenAI's clients: a GET, or a POST of `body`. `None` where
    /// it does not answer, for instance because it is another server.
    async fn own(&self, path: &str, body: Option<Value>) -> Option<Value> {
        let root = self.service.base_url.strip_suffix("/v1").unwrap_or(&self.service.base_url);
        let url = format!("{root}{path}");
        let authorization = self.authorization();
        let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
        let headers = if authorization.is_empty() { &headers[..1] } else { &headers[..] };
        let answer = match body {
            None => self.http.get(&url, headers).await,
            Some(body) => match self.http.post(&url, headers, body.to_string().into_bytes()).await {
                Ok(body) => body.whole(Vec::new()).await,
                Err(error) => Err(error),
            },
        };
        match answer {
            Ok(bytes) => serde_json::from_slice(&bytes).ok(),
            Err(error) => {
                tracing::debug!(service = self.preset.label, path, %error, "not answered");
                None
            }
        }
    }
}

/// A GET whose answer is JSON.
struct Get<'a> {
    connection: &'a Connection,
    url: String,
}

impl retry::Request for Get<'_> {
    type Answer = Value;

    async fn attempt(&self, _watcher: &mut Watcher) -> Result<Value, Verdict> {
        let Connection { service, http, .. } = self.connection;
        let authorization = self.connection.authorization();
        let headers = [("authorization", authorization.as_str())];
        let headers = if authorization.is_empty() { &headers[..0] } else { &headers[..] };
        let got = http.get(&self.url, headers).await;
        let read = |bytes: Vec<u8>| {
            serde_json::from_slice(&bytes).map_err(|error| Failure::Garbled(format!("no list of models: {error}")))
        };
        got.map_err(|error: HttpError| Failure::Http(error))
            .and_then(read)
            .map_err(|failure| service.judge(understood(failure), ""))
    }
}
