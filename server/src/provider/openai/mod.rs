//! OpenAI's Chat Completions API, which many services speak: one streamed POST per answer. `presets` is the table of
//! services, `render` writes the request, `stream` and `calls` read the answer, `refused` learns what a service does not
//! take, `facts` reads what it says of its models and `describe` asks for it. This file is the order of events.

mod calls;
mod describe;
mod facts;
pub mod presets;
mod refused;
mod render;
#[cfg(test)]
mod render_tests;
mod stream;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret;
use tokio::sync::mpsc;

pub use self::presets::{PRESETS, Preset, preset};
pub use self::refused::Learned;
pub use self::render::{Message, messages};

use self::refused::Sent;
use self::stream::Assembler;
use super::exchange;
use super::failure::{Failure, Pages, Service, ServiceError, Verdict};
use super::http::{Http, HttpError, Limits};
use super::names::ANY_MODEL;
use super::retry::{self, Backoff, Watcher};
use super::{Answer, ModelFacts, ModelRequest, Provider, ProviderError, StreamEvent};
use crate::agent::history::{AssistantPart, Content, Item};
use crate::config::ApiKey;

/// A provider of the table.
pub struct OpenAi {
    connection: Arc<Connection>,
}

/// What a request needs to go out, and what answers have taught. Lives as long as the settings stay.
struct Connection {
    preset: &'static Preset,
    service: Service,
    backoff: Backoff,
    http: Http,
    /// By model.
    learned: Mutex<HashMap<String, Learned>>,
    /// What [`ANY_MODEL`] was when it was last asked for.
    any: Mutex<Option<String>>,
    /// By model: what describing it came to.
    described: Mutex<HashMap<String, ModelFacts>>,
}

impl OpenAi {
    /// `base_url` is with `/v1`; `base_url_source` says where it was set, for messages.
    pub fn new(
        preset: &'static Preset,
        base_url: &str,
        base_url_source: &str,
        key: Option<ApiKey>,
        limits: Limits,
    ) -> Self {
        Self::with(preset, base_url, base_url_source, key, limits, Backoff::default())
    }

    /// The same with other waits.
    pub fn with(
        preset: &'static Preset,
        base_url: &str,
        base_url_source: &str,
        key: Option<ApiKey>,
        limits: Limits,
        backoff: Backoff,
    ) -> Self {
        let base_url = base_url.trim_end_matches('/').to_owned();
        let http = Http::new(&base_url, limits);
        let service = Service {
            name: preset.label,
            api: "OpenAI's Chat Completions API",
            base_url,
            base_url_source: base_url_source.to_owned(),
            base_url_form: "it is written with /v1",
            key,
            key_remedy: preset.key_remedy,
            pages: Pages {
                keys: preset.key_page,
                billing: preset.billing_page,
                limits: None,
                status: preset.status_page,
            },
            model_remedy: preset.model_remedy,
            start_remedy: preset.start_remedy,
        };
        let (learned, any, described) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { connection: Arc::new(Connection { preset, service, backoff, http, learned, any, described }) }
    }
}

impl Provider for OpenAi {
    fn name(&self) -> &'static str {
        self.connection.preset.word
    }

    fn default_model(&self) -> String {
        self.connection.preset.default_model.unwrap_or(ANY_MODEL).to_owned()
    }

    fn context_window(&self, model: &str) -> Option<u64> {
        let described = lock(&self.connection.described).get(model).and_then(|facts| facts.window);
        described.or_else(|| facts::table(self.connection.preset, model).map(|(window, _)| window))
    }

    fn describe(&self, model: &str) -> BoxFuture<'static, ModelFacts> {
        let (connection, model) = (Arc::clone(&self.connection), model.to_owned());
        async move { connection.describe(&model).await }.boxed()
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<ModelFacts>, ProviderError>> {
        let connection = Arc::clone(&self.connection);
        async move { connection.models().await }.boxed()
    }

    fn stream(
        &self,
        request: ModelRequest,
        events: mpsc::Sender<StreamEvent>,
    ) -> BoxFuture<'static, Result<Answer, ProviderError>> {
        let connection = Arc::clone(&self.connection);
        async move { connection.ask(&request, events).await }.boxed()
    }
}

impl Connection {
    async fn ask(&self, request: &ModelRequest, events: mpsc::Sender<StreamEvent>) -> Result<Answer, ProviderError> {
        let model = self.resolve(&request.model).await?;
        let plain = render::messages("", &request.history, self.preset, &Learned::default());
        if plain.is_empty() {
            return Err(ProviderError::BadRequest("There is nothing to send: the message is empty.".into()));
        }
        drop(plain);
        if let Some(facts) = self.described_when_loaded(&model).await {
            let _ = events.send(StreamEvent::Described(Box::new(facts))).await;
        }
        let asked_whole = AtomicBool::new(false);
        let without_tools =
            self.is_without_tools(&model).then(|| ModelRequest { tools: Arc::new([]), ..request.clone() });
        let request = without_tools.as_ref().unwrap_or(request);
        let completion = Completion { connection: self, request, model: &model, asked_whole };
        let answer = retry::until_answered(&completion, &mut Watcher::new(events), self.backoff).await;
        if matches!(answer, Err(ProviderError::UnknownModel(_))) {
            // The server may have been started anew with another model.
            *lock(&self.any) = None;
        }
        answer
    }

    /// The service says that the model cannot call tools: it can still talk, and a request that has some is refused.
    fn is_without_tools(&self, model: &str) -> bool {
        lock(&self.described).get(model).is_some_and(|facts| facts.tools == Some(false))
    }

    /// The name that the service knows. [`ANY_MODEL`] is one that is loaded, else the first of its list.
    async fn resolve(&self, model: &str) -> Result<String, ProviderError> {
        if model != ANY_MODEL || self.preset.default_model.is_some() {
            return Ok(model.to_owned());
        }
        if let Some(known) = lock(&self.any).clone() {
            return Ok(known);
        }
        let models = self.models().await?;
        let named_so = models.iter().find(|facts| facts.model == model);
        let found = named_so.or(models.first()).map(|facts| facts.model.clone());
        lock(&self.any).clone_from(&found);
        found.ok_or_else(|| {
            let remedy = (self.preset.model_remedy)("");
            ProviderError::UnknownModel(format!("{} has no model. {remedy}", self.preset.label))
        })
    }

    /// The headers of every request. `authorization` is empty without a key.
    fn authorization(&self) -> String {
        self.service.key.as_ref().map_or_else(String::new, |key| format!("Bearer {}", key.secret.expose_secret()))
    }
}

/// A lock that no panic can have left half done: nothing inside runs foreign code.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// `POST /chat/completions`.
struct Completion<'a> {
    connection: &'a Connection,
    request: &'a ModelRequest,
    model: &'a str,
    /// It has been asked for without a stream.
    asked_whole: AtomicBool,
}

impl retry::Request for Completion<'_> {
    type Answer = Answer;

    /// One try. A refusal that teaches something is answered with another request at once: the service did nothing for
    /// the first one, so it is no failure that people have to see.
    async fn attempt(&self, watcher: &mut Watcher) -> Result<Answer, Verdict> {
        loop {
            let learned = lock(&self.connection.learned).get(self.model).cloned().unwrap_or_default();
            let failure = match self.post(&learned, true, watcher).await {
                Ok(answer) => return Ok(answer),
                Err(failure) if self.may_hide_a_refusal(&failure, watcher) => {
                    match self.post(&learned, false, watcher).await {
                        Ok(answer) => return Ok(answer),
                        Err(told @ Failure::Http(HttpError::Status { .. })) => told,
                        Err(_) => failure,
                    }
                }
                Err(failure) => failure,
            };
            let Some((next, what)) = self.lesson(learned, &failure) else {
                return Err(self.verdict(failure));
            };
            let (service, model) = (self.connection.preset.label, self.model);
            tracing::warn!(service, model, "a parameter was refused: {what}, from now on");
            lock(&self.connection.learned).insert(model.to_owned(), next);
        }
    }
}

impl Completion<'_> {
    /// Some servers on one's own machine (llama-cpp-python's) begin a stream before they look at the request, and only
    /// break it off where they would refuse: the reason comes to those who ask without a stream. Once per request.
    fn may_hide_a_refusal(&self, failure: &Failure, watcher: &Watcher) -> bool {
        let is_cut = matches!(failure, Failure::Cut | Failure::Http(HttpError::Cut(_)));
        let is_near = self.connection.preset.start_remedy.is_some();
        is_cut && is_near && !watcher.has_shown() && !self.asked_whole.swap(true, Ordering::Relaxed)
    }

    async fn post(&self, learned: &Learned, streams: bool, watcher: &mut Watcher) -> Result<Answer, Failure> {
        let Connection { service, http, preset, .. } = self.connection;
        let mut body = render::body(self.request, self.model, preset, learned);
        if !streams {
            (body.stream, body.stream_options) = (false, None);
        }
        let body = serde_json::to_vec(&body)
            .map_err(|error| Failure::Garbled(format!("the request cannot be written: {error}")))?;
        let url = format!("{}/chat/completions", service.base_url);
        let authorization = self.connection.authorization();
        let headers = [
            ("content-type", "application/json"),
            ("accept", "text/event-stream"),
            ("x-title", "Pillion"),
            ("authorization", authorization.as_str()),
        ];
        let headers = if authorization.is_empty() { &headers[..3] } else { &headers[..] };
        let assembler = Assembler::new(preset.word, self.model, salt(), self.taken_ids());
        exchange::ask(http, &url, headers, body, assembler, watcher).await
    }

    fn verdict(&self, failure: Failure) -> Verdict {
        let Connection { service, preset, .. } = self.connection;
        let said = match &failure {
            Failure::Http(HttpError::Status { status: 400..500, body, .. }) => ServiceError::read(body),
            _ => None,
        };
        // Ollama: "… does not support tools"; OpenRouter: "No endpoints found that support tool use".
        if let Some(error) = said.filter(|error| error.message.contains("support tool")) {
            let (message, remedy) = (service.clean(&error.message), preset.tools_remedy);
            return Verdict::refused(ProviderError::BadRequest(format!(
                "{} cannot call tools, and an agent needs them: {message}. {remedy}",
                self.model
            )));
        }
        service.judge(understood(failure), self.model)
    }

    /// What a refusal teaches, if anything.
    fn lesson(&self, mut learned: Learned, failure: &Failure) -> Option<(Learned, String)> {
        let (param, text) = match failure {
            Failure::Http(HttpError::Status { status: 400 | 422 | 500, body, .. }) => {
                let error = ServiceError::read(body).unwrap_or_default();
                // A validation error's place is not in its message.
                let text = if error.message.is_empty() { body.clone() } else { error.message };
                (error.param, text)
            }
            Failure::Told { status: 400 | 422, error } => (error.param.clone(), error.message.clone()),
            _ => return None,
        };
        let what = learned.learn(self.connection.preset, self.sent(), &param, &text)?;
        Some((learned, what))
    }

    fn sent(&self) -> Sent {
        let items = || self.request.history.iter().map(|item| &**item);
        let is_image = |content: &Content| matches!(content, Content::Image { .. });
        let images = items().any(|item| match item {
            Item::User(item) => item.prompts.iter().flat_map(|prompt| &prompt.content).any(is_image),
            Item::Assistant(_) | Item::Compaction(_) => false,
        });
        let word = self.connection.preset.word;
        let reasoning = items().any(|item| match item {
            Item::Assistant(item) if item.provider == word => item
                .parts
                .iter()
                .any(|part| matches!(part, AssistantPart::Thinking { .. } | AssistantPart::RedactedThinking { .. })),
            _ => false,
        });
        Sent { max_tokens: self.request.max_tokens, tools: !self.request.tools.is_empty(), images, reasoning }
    }

    fn taken_ids(&self) -> HashSet<String> {
        let items = self.request.history.iter().map(|item| &**item);
        let answers = items.filter_map(|item| match item {
            Item::Assistant(item) => Some(item),
            Item::User(_) | Item::Compaction(_) => None,
        });
        answers.flat_map(|item| item.tool_calls().map(|(id, ..)| id.as_str().to_owned())).collect()
    }
}

/// llama.cpp has said 500 to a conversation that is too long, and vLLM 500 inside a stream; the word for it is the same.
/// A 404 that does not speak of the model is about the address.
fn understood(failure: Failure) -> Failure {
    let is_too_long =
        |error: &ServiceError| error.kind == "exceed_context_size_error" || error.code == "context_length_exceeded";
    match failure {
        Failure::Http(HttpError::Status { status: 500, body, .. })
            if ServiceError::read(&body).as_ref().is_some_and(is_too_long) =>
        {
            Failure::Told { status: 400, error: ServiceError::read(&body).unwrap_or_default() }
        }
        Failure::Http(HttpError::Status { status: 404, body, retry_after, should_retry })
            if !body.to_ascii_lowercase().contains("model") =>
        {
            Failure::Http(HttpError::Status { status: 404, body: String::new(), retry_after, should_retry })
        }
        Failure::Told { error, .. } if is_too_long(&error) => Failure::Told { status: 400, error },
        other => other,
    }
}

/// Eight letters that are different each time: part of ids that the service did not give.
fn salt() -> String {
    format!("{:08x}", RandomState::new().hash_one(0) & 0xffff_ffff)
}
