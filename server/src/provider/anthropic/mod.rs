//! Anthropic's Messages API: one streamed POST per answer. `render` writes the request, `stream` reads the answer; this
//! file says where and as whom to ask.

mod render;
#[cfg(test)]
mod render_tests;
mod stream;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret;
use tokio::sync::mpsc;

pub use self::render::{Block, Message, NO_OUTPUT, Role, messages};

use self::stream::Assembler;
use super::exchange;
use super::failure::{Pages, Service, Verdict};
use super::http::{Http, Limits};
use super::retry::{self, Backoff, Watcher};
use super::{Answer, ModelRequest, Provider, ProviderError, StreamEvent};
use crate::config::ApiKey;

/// The word of the settings, and of [`crate::agent::history::AssistantItem::provider`].
pub const NAME: &str = "anthropic";

/// The model where none is named.
pub const DEFAULT_MODEL: &str = "claude-sonnet-5";

/// The `anthropic-version` whose shapes this module knows.
const API_VERSION: &str = "2023-06-01";

/// Models whose window holds a million tokens, by the start of their names; [`DEFAULT_WINDOW`] for the rest. Source: the
/// models' overview pages. Too small a number costs an early compaction, too large a one a refused request.
const MILLION: [&str; 8] = [
    "claude-opus-4-6",
    "claude-opus-4-7",
    "claude-opus-4-8",
    "claude-sonnet-4-6",
    "claude-opus-5",
    "claude-sonnet-5",
    "claude-haiku-5",
    "claude-fable-5",
];

/// What every Claude model in service holds at least.
const DEFAULT_WINDOW: u64 = 200_000;

/// The provider `anthropic`.
pub struct Anthropic {
    connection: Arc<Connection>,
}

/// What a request needs to go out.
struct Connection {
    service: Service,
    backoff: Backoff,
    http: Http,
}

impl Anthropic {
    /// `base_url` is without `/v1`; `base_url_source` says where it was set, for messages.
    pub fn new(key: ApiKey, base_url: &str, base_url_source: &str) -> Self {
        Self::with(key, base_url, base_url_source, Limits::default(), Backoff::default())
    }

    /// The same with other waits.
    pub fn with(key: ApiKey, base_url: &str, base_url_source: &str, limits: Limits, backoff: Backoff) -> Self {
        let base_url = base_url.trim_end_matches('/').to_owned();
        let http = Http::new(&base_url, limits);
        let service = Service {
            name: "Anthropic",
            api: "Anthropic's Messages API",
            base_url,
            base_url_source: base_url_source.to_owned(),
            base_url_form: "it is written without /v1",
            key: Some(key),
            key_remedy: "Set ANTHROPIC_API_KEY, or write `anthropic = \"…\"` into keys.toml beside the config file",
            pages: Pages {
                keys: Some("https://platform.claude.com/settings/keys"),
                billing: Some("https://platform.claude.com/settings/billing"),
                limits: Some("https://platform.claude.com/settings/limits"),
                status: Some("https://status.claude.com"),
            },
            model_remedy: |_| {
                format!("Name another one in `model.name` or PILLION_MODEL, or leave it out for {DEFAULT_MODEL}.")
            },
            start_remedy: None,
        };
        Self { connection: Arc::new(Connection { service, backoff, http }) }
    }
}

impl Provider for Anthropic {
    fn name(&self) -> &'static str {
        NAME
    }

    fn default_model(&self) -> String {
        DEFAULT_MODEL.to_owned()
    }

    fn context_window(&self, model: &str) -> Option<u64> {
        let million = MILLION.iter().any(|start| model.starts_with(start));
        Some(if million { 1_000_000 } else { DEFAULT_WINDOW })
    }

    fn stream(
        &self,
        request: ModelRequest,
        events: mpsc::Sender<StreamEvent>,
    ) -> BoxFuture<'static, Result<Answer, ProviderError>> {
        let connection = Arc::clone(&self.connection);
        async move { connection.ask(&request, &mut Watcher::new(events)).await }.boxed()
    }
}

impl Connection {
    async fn ask(&self, request: &ModelRequest, watcher: &mut Watcher) -> Result<Answer, ProviderError> {
        let body = render::body(request);
        if body.messages.first().is_none_or(|first| first.role != Role::User) {
            return Err(ProviderError::BadRequest("There is nothing to send: the message is empty.".into()));
        }
        let body = serde_json::to_vec(&body)
            .map_err(|error| ProviderError::BadRequest(format!("The request cannot be written: {error}.")))?;
        let message = CreateMessage { connection: self, body, model: &request.model };
        retry::until_answered(&message, watcher, self.backoff).await
    }

    fn key(&self) -> &str {
        self.service.key.as_ref().map_or("", |key| key.secret.expose_secret())
    }
}

/// `POST /v1/messages`.
struct CreateMessage<'a> {
    connection: &'a Connection,
    body: Vec<u8>,
    model: &'a str,
}

impl retry::Request for CreateMessage<'_> {
    type Answer = Answer;

    async fn attempt(&self, watcher: &mut Watcher) -> Result<Answer, Verdict> {
        let Connection { service, http, .. } = self.connection;
        let url = format!("{}/v1/messages", service.base_url);
        let headers = [
            ("x-api-key", self.connection.key()),
            ("anthropic-version", API_VERSION),
            ("content-type", "application/json"),
            ("accept", "text/event-stream"),
        ];
        exchange::ask(http, &url, &headers, self.body.clone(), Assembler::new(self.model), watcher)
            .await
            .map_err(|failure| service.judge(failure, self.model))
    }
}
