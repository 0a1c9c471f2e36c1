//! The client as one that lends models: `pillion/model/offer` says which, `pillion/model/complete` asks one, and
//! `pillion/model/chunk` brings its answer piece by piece. Knows no session: a request is known by its id alone.
//!
//! Chunks and the answer are read in wire order, so that every chunk before the answer is in its channel when the answer
//! arrives. A chunk of a request that is over, or that never was, is nobody's.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use super::outbox::Outbox;
use crate::protocol::{self as wire, method};
use crate::workspace::editor::lent::{
    End, Failure, Kind, Lender, Message, Model, Part, Piece, Request, Role, Stop, Tool,
};

/// Most models that a client may offer; the rest is left out, and that is logged.
const MODELS_CAP: usize = 500;

type Open = Arc<Mutex<HashMap<String, UnboundedSender<Piece>>>>;

/// The client's models.
pub struct LspLender {
    outbox: Outbox,
    /// The client has said that it serves `pillion/model/complete`.
    lends: AtomicBool,
    offered: Mutex<Vec<Model>>,
    /// The requests that a model answers now.
    open: Open,
}

impl LspLender {
    /// A client that lends nothing, so far.
    pub fn new(outbox: Outbox) -> Self {
        Self { outbox, lends: AtomicBool::new(false), offered: Mutex::default(), open: Open::default() }
    }

    /// The client lends models.
    pub fn lend(&self) {
        self.lends.store(true, Ordering::Relaxed);
    }

    /// `pillion/model/offer`: these models and no others. False when the offer is none.
    pub fn offer(&self, params: Value) -> bool {
        let read: Result<wire::OfferModelsParams, _> = serde_path_to_error::deserialize(params);
        let mut models = match read {
            Ok(wire::OfferModelsParams { models }) if self.lends() => models,
            Ok(_) => {
                tracing::warn!("the client offers models and has not declared `models`");
                return false;
            }
            Err(error) => {
                tracing::warn!(%error, "the client's offer of models cannot be read");
                return false;
            }
        };
        if models.len() > MODELS_CAP {
            tracing::warn!(offered = models.len(), kept = MODELS_CAP, "the client offers too many models");
            models.truncate(MODELS_CAP);
        }
        let models = models.into_iter().map(|model| Model {
            name: model.name.filter(|name| !name.is_empty()).unwrap_or_else(|| model.id.clone()),
            id: model.id,
            window: model.context_window,
            max_output: model.max_output,
            tools: model.tools,
        });
        *lock(&self.offered) = models.filter(|model| !model.id.trim().is_empty()).collect();
        true
    }

    /// `pillion/model/chunk`.
    pub fn chunk(&self, params: Value) {
        // Whose it is has to be known before what is wrong with it can be told.
        let id = params["requestId"].as_str().unwrap_or_default().to_owned();
        let open = lock(&self.open);
        let Some(request) = open.get(&id) else {
            tracing::debug!(id, "a piece of an answer that nobody waits for");
            return;
        };
        let piece = match serde_path_to_error::deserialize::<_, wire::ModelChunkParams>(params) {
            Ok(chunk) => match chunk.part {
                wire::ChunkPart::Text { text } => Piece::Text(text),
                wire::ChunkPart::Thinking { text } => Piece::Thinking(text),
                wire::ChunkPart::ToolCall { call_id, name, input } => Piece::ToolCall { call: call_id, name, input },
            },
            Err(error) => Piece::Unreadable(error.to_string()),
        };
        // The request may have ended this moment.
        let _ = request.send(piece);
    }
}

impl Lender for LspLender {
    fn lends(&self) -> bool {
        self.lends.load(Ordering::Relaxed)
    }

    fn offered(&self) -> Vec<Model> {
        lock(&self.offered).clone()
    }

    fn complete(&self, request: Request, pieces: UnboundedSender<Piece>) -> BoxFuture<'static, Result<End, Failure>> {
        let id = uuid::Uuid::now_v7().simple().to_string();
        lock(&self.open).insert(id.clone(), pieces);
        let mut asking = Asking { id: id.clone(), open: self.open.clone(), outbox: self.outbox.clone(), sent: None };
        async move {
            let asked = asking.outbox.request(method::MODEL_COMPLETE, params(id, request)).await;
            asking.is_sent(&asked.id);
            let answer = asked.answer().await;
            asking.is_answered();
            match answer {
                Ok(result) => end(result),
                Err(error) => Err(failure(&error)),
            }
        }
        .boxed()
    }
}

/// A request while it is open. When it is dropped before its answer, the client is told.
struct Asking {
    id: String,
    open: Open,
    outbox: Outbox,
    /// The request's id on the wire, while its answer is awaited.
    sent: Option<String>,
}

impl Asking {
    fn is_sent(&mut self, id: &str) {
        self.sent = Some(id.to_owned());
    }

    fn is_answered(&mut self) {
        self.sent = None;
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        lock(&self.open).remove(&self.id);
        let Some(sent) = self.sent.take() else { return };
        let outbox = self.outbox.clone();
        // Without a runtime everything ends, and the client with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { outbox.cancel(&sent).await });
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn params(request_id: String, request: Request) -> wire::CompleteParams {
    let Request { model, system, messages, tools, max_tokens } = request;
    wire::CompleteParams {
        request_id,
        model,
        system,
        messages: messages.into_iter().map(message).collect(),
        tools: tools
            .into_iter()
            .map(|Tool { name, description, input_schema }| wire::ModelTool { name, description, input_schema })
            .collect(),
        max_tokens,
    }
}

fn message(message: Message) -> wire::ModelMessage {
    let content = message.content.into_iter().map(|part| match part {
        Part::Text(text) => wire::MessagePart::Text { text },
        Part::Image { data, mime_type } => wire::MessagePart::Image { data, mime_type },
        Part::ToolCall { call, name, input } => wire::MessagePart::ToolCall { call_id: call, name, input },
        Part::ToolResult { call, text, is_error } => {
            wire::MessagePart::ToolResult { call_id: call, content: text, is_error }
        }
    });
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    wire::ModelMessage { role, content: content.collect() }
}

fn end(result: Value) -> Result<End, Failure> {
    let unreadable =
        |what: String| Failure { kind: Kind::Other, message: format!("its answer cannot be read: {what}") };
    if !result.is_object() {
        return Err(unreadable("it is no object".into()));
    }
    let read: wire::CompleteResult =
        serde_path_to_error::deserialize(result).map_err(|error| unreadable(error.to_string()))?;
    let stop = match read.stop_reason.as_deref() {
        None => None,
        Some("end_turn") => Some(Stop::EndTurn),
        Some("tool_use") => Some(Stop::ToolUse),
        Some("max_tokens") => Some(Stop::MaxTokens),
        Some("refusal") => Some(Stop::Refusal),
        // What is in the answer says it as well.
        Some(other) => {
            tracing::debug!(other, "an unknown stop reason of the editor's");
            None
        }
    };
    let usage = read.usage.map(|usage| (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens));
    Ok(End { stop, usage, model: read.model })
}

/// What a JSON-RPC error means. `data.kind` says it, in our words or in those of VS Code's `LanguageModelError`.
fn failure(error: &Value) -> Failure {
    if error.is_null() {
        return Failure { kind: Kind::Gone, message: String::new() };
    }
    let word = error["data"]["kind"].as_str().unwrap_or_default().replace('_', "").to_ascii_lowercase();
    let kind = match word.as_str() {
        "nopermissions" => Kind::NoPermissions,
        "blocked" => Kind::Blocked,
        "notfound" => Kind::NotFound,
        "ratelimited" => Kind::RateLimited,
        "contexttoolong" => Kind::ContextTooLong,
        _ => Kind::Other,
    };
    let message = error["message"].as_str().unwrap_or_default();
    Failure { kind, message: message.chars().take(1000).collect() }
}
