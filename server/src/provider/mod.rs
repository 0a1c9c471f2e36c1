//! Model services. Each provider turns the neutral history into its API's request and the answer's stream into
//! [`StreamEvent`]s. Providers know no session, no tool's meaning and no editor.

pub mod anthropic;
pub mod catalog;
pub mod check;
pub mod editor;
pub mod exchange;
pub mod failure;
#[cfg(test)]
mod failure_tests;
pub mod http;
pub mod names;
pub mod offline;
pub mod openai;
pub mod registry;
pub mod retry;
pub mod scripted;
pub mod sse;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::agent::history::{AssistantItem, History};
use crate::ids::ToolCallId;

/// A tool as the model sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolSpec {
    pub name: String,
    pub description: String,
    /// JSON Schema of the input: an object schema without `$schema` and `title`.
    pub input_schema: Value,
}

/// One request to a model. The same session always sends the same `system` and `tools` (prompt cache).
#[derive(Clone, Debug)]
pub struct ModelRequest {
    pub model: String,
    pub system: Arc<str>,
    pub tools: Arc<[ToolSpec]>,
    pub history: History,
    /// The most tokens that the answer may have.
    pub max_tokens: u32,
}

/// What arrives while a model answers, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamEvent {
    /// The first content of the answer has begun to arrive. Sent once per answer, before its first delta.
    ContentStarted,
    Text(String),
    Thinking(String),
    /// A tool call has begun; its input is still on the way.
    ToolCallStarted {
        id: ToolCallId,
        name: String,
    },
    /// What is known of the model by now, where asking it has told more than [`Provider::describe`] could before.
    Described(Box<ModelFacts>),
    /// The stream broke after some content and is tried again from the start: forget what arrived.
    Restarted {
        reason: String,
    },
    /// A wait before another try, for people to see.
    Retrying {
        reason: String,
        after: Duration,
        attempt: u32,
    },
}

/// Tokens, as the service counted them; 0 where it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input that was neither read from nor written to a cache.
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    /// What the answer cost, in nanodollars, where the service itself says so.
    pub cost: Option<u64>,
}

/// What is known of a model before it is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFacts {
    /// The word of the provider that serves it, as in [`AssistantItem::provider`].
    pub provider: String,
    /// Its name there.
    pub model: String,
    /// Its name for people, where the provider has another.
    pub label: Option<String>,
    /// Tokens that its window holds.
    pub window: Option<u64>,
    /// Tokens that one answer may have at most.
    pub max_output: Option<u32>,
    /// Whether it can call tools; `None` where nobody says.
    pub tools: Option<bool>,
    /// What a person has to know before this model is asked, with the remedy (a window that is too small, for instance).
    pub warning: Option<String>,
}

impl ModelFacts {
    /// Only the name is known.
    pub fn named(provider: &str, model: &str) -> Self {
        let (provider, model) = (provider.to_owned(), model.to_owned());
        Self { provider, model, label: None, window: None, max_output: None, tools: None, warning: None }
    }
}

/// What the model is told of a call that the bound on its answer cut.
pub const CUT_CALL: &str = "the answer reached its limit of tokens in the middle of it; say less in one call, and write a \
                            long file in several pieces";

/// A whole answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub item: AssistantItem,
    pub usage: Usage,
    /// Why the model stopped, in the service's own sentence; where it refused and says more than that.
    pub why: Option<String>,
}

/// Why no answer came. Variants follow what the caller does next; the text of each names the remedy.
#[derive(Debug, Clone, thiserror::Error, PartialEq)]
pub enum ProviderError {
    /// 401 or 403: which key, from where, how to change it.
    #[error("{0}")]
    Auth(String),
    /// The model's name is not known there.
    #[error("{0}")]
    UnknownModel(String),
    /// The service refused the request itself (400, 413, 422).
    #[error("{0}")]
    BadRequest(String),
    /// Busy or over a limit, and the retries are used up.
    #[error("{0}")]
    RateLimited(String),
    /// Not reachable: DNS, TLS, refused, cut, silent; and the retries are used up.
    #[error("{0}")]
    Unreachable(String),
    /// The service broke (5xx) or sent what cannot be understood.
    #[error("{0}")]
    Service(String),
    /// The conversation is longer than the model's window.
    #[error("{0}")]
    ContextTooLong(String),
    /// Nothing is configured that could answer.
    #[error("{0}")]
    NotConfigured(String),
    /// The scripted provider got a request that its script does not expect.
    #[error("the script does not expect this request: {0}")]
    OffScript(String),
}

/// A model service.
pub trait Provider: Send + Sync {
    /// The word of the settings (see [`names::WORDS`]), or `scripted`.
    fn name(&self) -> &'static str;

    /// The model that is used when the session names none.
    fn default_model(&self) -> String;

    /// Tokens that the model's window holds, where known.
    fn context_window(&self, model: &str) -> Option<u64>;

    /// What is known of a model. Asks the service where that can say more than a table; never fails, and knows less then.
    fn describe(&self, model: &str) -> BoxFuture<'static, ModelFacts> {
        let facts = ModelFacts { window: self.context_window(model), ..ModelFacts::named(self.name(), model) };
        Box::pin(std::future::ready(facts))
    }

    /// The models that the service offers, best first where it says so.
    fn models(&self) -> BoxFuture<'static, Result<Vec<ModelFacts>, ProviderError>> {
        let facts = self.describe(&self.default_model());
        Box::pin(async { Ok(vec![facts.await]) })
    }

    /// Sends one request and streams the answer. Retries inside where a retry helps. Dropping the future cancels.
    /// Events are sent with backpressure; a closed channel is no error.
    fn stream(
        &self,
        request: ModelRequest,
        events: mpsc::Sender<StreamEvent>,
    ) -> BoxFuture<'static, Result<Answer, ProviderError>>;
}
