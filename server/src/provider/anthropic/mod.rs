//! Anthropic's Messages API: one streamed POST per answer, with another try where one helps. `render` writes the request,
//! `stream` reads the answer, `errors` says what a failure means; this file is the order of events.

mod errors;
mod render;
#[cfg(test)]
mod render_tests;
mod stream;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret;
use tokio::sync::mpsc;

pub use self::render::{Block, ImageSource, Message, NO_OUTPUT, Role, messages};

use self::errors::Failure;
use self::stream::{Assembler, StreamFault};
use super::http::{Http, Limits};
use super::{Answer, ModelRequest, Provider, ProviderError, StreamEvent, sse};
use crate::config::ApiKey;

/// The word of the settings, and of [`crate::agent::history::AssistantItem::provider`].
pub const NAME: &str = "anthropic";

/// The model where none is named.
pub const DEFAULT_MODEL: &str = "claude-sonnet-5";

/// The `anthropic-version` whose shapes this module knows.
const API_VERSION: &str = "2023-06-01";

/// Most tries of one request.
const TRIES: u32 = 4;

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

/// The waits between tries: the base doubles each time, up to the longest, and each is shifted by chance.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    pub base: Duration,
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(500), longest: Duration::from_secs(8) }
    }
}

impl Backoff {
    /// The wait after the `failed`th try (1-based); `chance` is between 0 and 1. What the service asks for is the least.
    fn wait(&self, failed: u32, asked: Option<Duration>, chance: f64) -> Duration {
        let doubled = self.base.saturating_mul(1 << failed.saturating_sub(1).min(16)).min(self.longest);
        let shifted = doubled.mul_f64(0.75 + chance / 2.0);
        asked.map_or(shifted, |asked| asked.max(shifted))
    }
}

/// The provider `anthropic`.
pub struct Anthropic {
    service: Arc<Service>,
}

/// Where and as whom to ask.
struct Service {
    key: ApiKey,
    /// Without `/v1`, without a slash at the end.
    base_url: String,
    /// Where the address was set, for messages.
    base_url_source: String,
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
        let base_url_source = base_url_source.to_owned();
        Self { service: Arc::new(Service { key, base_url, base_url_source, backoff, http }) }
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
        let service = Arc::clone(&self.service);
        async move { service.ask(&request, &Watcher { events }).await }.boxed()
    }
}

/// The other end of the events. It may go away at any time; the answer is still wanted then.
struct Watcher {
    events: mpsc::Sender<StreamEvent>,
}

impl Watcher {
    async fn tell(&self, event: StreamEvent) {
        let _ = self.events.send(event).await;
    }
}

impl Service {
    async fn ask(&self, request: &ModelRequest, watcher: &Watcher) -> Result<Answer, ProviderError> {
        let body = render::body(request);
        if body.messages.first().is_none_or(|first| first.role != Role::User) {
            return Err(ProviderError::BadRequest("There is nothing to send: the message is empty.".into()));
        }
        // Every try sends the same bytes.
        let body = serde_json::to_vec(&body)
            .map_err(|error| ProviderError::BadRequest(format!("The request cannot be written: {error}.")))?;
        let mut announced = false;
        let mut attempt = 1;
        loop {
            let mut shown = false;
            let tried = self.attempt(&body, &request.model, watcher, &mut announced, &mut shown).await;
            let verdict = match tried {
                Ok(answer) => return Ok(answer),
                Err(failure) => self.judge(failure, &request.model),
            };
            tracing::warn!(attempt, reason = %verdict.reason, "the request to Anthropic failed");
            if attempt >= verdict.tries {
                return Err(verdict.error);
            }
            if shown {
                watcher.tell(StreamEvent::Restarted { reason: verdict.reason.clone() }).await;
            }
            let after = self.backoff.wait(attempt, verdict.after, chance());
            attempt += 1;
            watcher.tell(StreamEvent::Retrying { reason: verdict.reason, after, attempt }).await;
            tokio::time::sleep(after).await;
        }
    }

    /// One try. `announced`: the start of content has been told once for this answer. `shown`: content of this try has.
    async fn attempt(
        &self,
        body: &[u8],
        model: &str,
        watcher: &Watcher,
        announced: &mut bool,
        shown: &mut bool,
    ) -> Result<Answer, Failure> {
        let headers = [
            ("x-api-key", self.key.secret.expose_secret()),
            ("anthropic-version", API_VERSION),
            ("content-type", "application/json"),
            ("accept", "text/event-stream"),
        ];
        let url = format!("{}/v1/messages", self.base_url);
        let mut answer = self.http.post(&url, &headers, body.to_vec()).await.map_err(Failure::Http)?;
        let mut parser = sse::Parser::default();
        let mut assembler = Assembler::default();
        let mut broken = None;
        while !assembler.ended() {
            let piece = match answer.piece().await {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(error) => {
                    broken = Some(error);
                    break;
                }
            };
            let events =
                parser.push(&piece).map_err(|large| Failure::Stream(StreamFault::Garbled(large.to_string())))?;
            for event in events {
                for told in assembler.take(&event).map_err(Failure::Stream)? {
                    *shown = true;
                    if told == StreamEvent::ContentStarted && std::mem::replace(announced, true) {
                        continue;
                    }
                    watcher.tell(told).await;
                }
            }
        }
        assembler.finish(model).map_err(|fault| broken.map_or(Failure::Stream(fault), Failure::Http))
    }
}

/// A number between 0 and 1, different each time. For spreading retries only.
fn chance() -> f64 {
    RandomState::new().hash_one(0) as f64 / u64::MAX as f64
}
