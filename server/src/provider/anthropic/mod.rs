//! Anthropic's Messages API: one streamed POST per answer, and the list of models. `render` writes the request, `stream`
//! reads the answer, `models` and `thinking` know what differs between models; this file says where and as whom to ask.

mod models;
mod render;
#[cfg(test)]
mod render_tests;
#[cfg(test)]
mod service_tests;
mod stream;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;
mod thinking;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret;
use tokio::sync::mpsc;

pub use self::render::{Block, ImageSource, Message, NO_OUTPUT, Role, messages};

use self::render::Form;
use self::stream::Assembler;
use self::thinking::{Plan, Wish};
use super::exchange;
use super::failure::{Failure, Pages, Service, ServiceError, Verdict};
use super::http::{Http, HttpError, Limits};
use super::retry::{self, Backoff, Watcher};
use super::{Answer, ModelFacts, ModelRequest, Provider, ProviderError, StreamEvent};
use crate::config::ApiKey;

/// The word of the settings, and of [`crate::agent::history::AssistantItem::provider`].
pub const NAME: &str = "anthropic";

/// The model where none is named.
pub const DEFAULT_MODEL: &str = "claude-sonnet-5";

/// The `anthropic-version` whose shapes this module knows.
const API_VERSION: &str = "2023-06-01";

/// Anthropic's own address. A gateway need not have a list of models, and is asked for one only where a person does.
const OWN_ADDRESS: &str = "https://api.anthropic.com";

/// Most pages of the list of models that are read, 1,000 models each.
const PAGES: usize = 10;

/// The provider `anthropic`.
pub struct Anthropic {
    connection: Arc<Connection>,
}

/// What the settings say beyond key and address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Values of the header `anthropic-beta`.
    pub betas: Vec<String>,
    /// A word of `model.thinking`.
    pub thinking: String,
}

/// What a request needs to go out.
struct Connection {
    service: Service,
    betas: Vec<String>,
    wish: Wish,
    backoff: Backoff,
    http: Http,
    /// The service's list of models, once it has been asked.
    listed: OnceLock<Vec<ModelFacts>>,
    /// What stands there has refused to be told how to think: some gateways do.
    plain: AtomicBool,
}

impl Anthropic {
    /// `base_url` is without `/v1`; `base_url_source` says where it was set, for messages.
    pub fn new(key: ApiKey, base_url: &str, base_url_source: &str, options: &Options, limits: Limits) -> Self {
        Self::with(key, base_url, base_url_source, options, limits, Backoff::default())
    }

    /// The same with other waits.
    pub fn with(
        key: ApiKey,
        base_url: &str,
        base_url_source: &str,
        options: &Options,
        limits: Limits,
        backoff: Backoff,
    ) -> Self {
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
        Self {
            connection: Arc::new(Connection {
                service,
                betas: options.betas.clone(),
                // The settings have checked the word.
                wish: Wish::parse(&options.thinking).unwrap_or_default(),
                backoff,
                http,
                listed: OnceLock::new(),
                plain: AtomicBool::new(false),
            }),
        }
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
        self.connection.facts(model).window
    }

    fn describe(&self, model: &str) -> BoxFuture<'static, ModelFacts> {
        let (connection, model) = (Arc::clone(&self.connection), model.to_owned());
        async move { connection.describe(&model).await }.boxed()
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<ModelFacts>, ProviderError>> {
        let connection = Arc::clone(&self.connection);
        async move { connection.list().await }.boxed()
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
        let message =
            CreateMessage { connection: self, request, first: self.write(request, true)?, mended: OnceLock::new() };
        retry::until_answered(&message, watcher, self.backoff).await
    }

    fn write(&self, request: &ModelRequest, thoughts: bool) -> Result<Written, ProviderError> {
        let plan = if self.plain.load(Ordering::Relaxed) {
            Plan::default()
        } else {
            thinking::plan(&request.model, self.wish)
        };
        let max_output = self.facts(&request.model).max_output;
        let body = render::body(request, &Form { plan, max_output, thoughts });
        if body.messages.first().is_none_or(|first| first.role != Role::User) {
            return Err(ProviderError::BadRequest("There is nothing to send: the message is empty.".into()));
        }
        let body = serde_json::to_vec(&body)
            .map_err(|error| ProviderError::BadRequest(format!("The request cannot be written: {error}.")))?;
        let betas: Vec<&str> = self.betas.iter().map(String::as_str).chain(plan.beta).collect();
        Ok(Written { body, betas: betas.join(","), planned: plan != Plan::default() })
    }

    /// The request once more, where a refusal was about thoughts and it can do without. A conversation that went from one
    /// account, gateway or model to another would otherwise be stuck for good.
    fn mend(&self, refused: &Written, failure: &Failure, request: &ModelRequest) -> Option<Written> {
        let Failure::Http(HttpError::Status { status: 400, body, .. }) = failure else { return None };
        let message = ServiceError::read(body)?.message.to_lowercase();
        if message.contains("signature") || message.contains("thinking` block") {
            tracing::warn!(reason = %self.service.clean(&message), "the service refuses a thought, so none are sent");
            return self.write(request, false).ok();
        }
        let about_plan = ["thinking", "output_config", "effort", "display", "anthropic-beta", "extra inputs"];
        if refused.planned && about_plan.iter().any(|word| message.contains(word)) {
            self.plain.store(true, Ordering::Relaxed);
            tracing::warn!(reason = %self.service.clean(&message), "the service is not told how to think any more");
            return self.write(request, true).ok();
        }
        None
    }

    /// What is known without asking.
    fn facts(&self, model: &str) -> ModelFacts {
        let listed = self.listed.get().and_then(|list| list.iter().find(|facts| facts.model == model));
        listed.cloned().unwrap_or_else(|| models::facts(model))
    }

    async fn describe(&self, model: &str) -> ModelFacts {
        let asks = models::by_name(model).is_none() && self.service.base_url == OWN_ADDRESS;
        if asks
            && self.listed.get().is_none()
            && let Err(error) = self.list().await
        {
            tracing::warn!(%error, "the list of models cannot be had");
        }
        self.facts(model)
    }

    async fn list(&self) -> Result<Vec<ModelFacts>, ProviderError> {
        let list = retry::until_answered(&ListModels(self), &mut Watcher::nobody(), self.backoff).await?;
        let _ = self.listed.set(list.clone());
        Ok(list)
    }

    fn key(&self) -> &str {
        self.service.key.as_ref().map_or("", |key| key.secret.expose_secret())
    }
}

/// A request as it goes out, the same in every try.
struct Written {
    body: Vec<u8>,
    betas: String,
    /// It says how to think.
    planned: bool,
}

/// `POST /v1/messages`.
struct CreateMessage<'a> {
    connection: &'a Connection,
    request: &'a ModelRequest,
    first: Written,
    /// What goes out since the first was refused for what can be left out.
    mended: OnceLock<Written>,
}

impl CreateMessage<'_> {
    async fn send(&self, written: &Written, watcher: &mut Watcher) -> Result<Answer, Failure> {
        let Connection { service, http, .. } = self.connection;
        let url = format!("{}/v1/messages", service.base_url);
        let mut headers = vec![
            ("x-api-key", self.connection.key()),
            ("anthropic-version", API_VERSION),
            ("content-type", "application/json"),
            ("accept", "text/event-stream"),
        ];
        if !written.betas.is_empty() {
            headers.push(("anthropic-beta", &written.betas));
        }
        exchange::ask(http, &url, &headers, written.body.clone(), Assembler::new(&self.request.model), watcher).await
    }
}

impl retry::Request for CreateMessage<'_> {
    type Answer = Answer;

    async fn attempt(&self, watcher: &mut Watcher) -> Result<Answer, Verdict> {
        let mut answer = self.send(self.mended.get().unwrap_or(&self.first), watcher).await;
        if self.mended.get().is_none()
            && let Err(failure) = &answer
            && let Some(mended) = self.connection.mend(&self.first, failure, self.request)
        {
            answer = self.send(self.mended.get_or_init(|| mended), watcher).await;
        }
        answer.map_err(|failure| self.connection.service.judge(failure, &self.request.model))
    }
}

/// `GET /v1/models`, every page.
struct ListModels<'a>(&'a Connection);

impl retry::Request for ListModels<'_> {
    type Answer = Vec<ModelFacts>;

    async fn attempt(&self, _watcher: &mut Watcher) -> Result<Vec<ModelFacts>, Verdict> {
        let Connection { service, http, .. } = self.0;
        let headers = [("x-api-key", self.0.key()), ("anthropic-version", API_VERSION)];
        let mut found = Vec::new();
        let mut after = String::new();
        for _ in 0..PAGES {
            let url = format!("{}/v1/models?limit=1000{after}", service.base_url);
            let bytes = http.get(&url, &headers).await.map_err(|error| service.judge_list(error))?;
            let page: models::Page = serde_json::from_slice(&bytes).map_err(|error| {
                let failure = super::failure::web_page(&bytes)
                    .map_or_else(|| Failure::Garbled(format!("the list of models: {error}")), Failure::WebPage);
                service.judge(failure, "")
            })?;
            found.extend(page.models());
            match page.next() {
                Some(last) => after = format!("&after_id={}", super::http::escape(last)),
                None => break,
            }
        }
        Ok(found)
    }
}
