//! The built-in provider `offline`: commands without a model. Plain requests ("run the tests", "stop it", "what failed?")
//! become tool calls, and results and notifications become plain reports. It never makes up prose about code: what it does
//! not understand it says, with how to add a model, and which ones it was told of.
//!
//! `understand` turns a prompt into requests, `past` reads the history, `answer` decides, `report` words what came back.
//! All of them are pure functions of the history; only the project's commands are looked up.

mod answer;
mod past;
mod report;
#[cfg(test)]
mod tests;
mod understand;
mod vocabulary;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use super::{Answer, ModelRequest, Provider, ProviderError, StreamEvent, Usage};
use crate::agent::history::{AssistantItem, AssistantPart, ModelStop};
use crate::ids::ToolCallId;
use crate::workspace::{commands, roots};

/// The word of the settings, of the model and of [`AssistantItem::provider`].
pub const NAME: &str = "offline";

/// A piece of streamed text ends at the first space after so many characters.
const PIECE: usize = 40;

/// Looks which models could be had; a sentence for each.
pub type Offers = Arc<dyn Fn() -> BoxFuture<'static, Vec<String>> + Send + Sync>;

/// The provider `offline`.
#[derive(Clone)]
pub struct Offline {
    root: PathBuf,
    /// Asked when something would need a model, and at no other time.
    offers: Option<Offers>,
}

impl Offline {
    /// A provider that knows the project in `root`, the workspace's folder.
    pub fn new(root: PathBuf) -> Self {
        Self { root, offers: None }
    }

    /// The same, and it says which models could be had.
    pub fn with_offers(mut self, offers: Offers) -> Self {
        self.offers = Some(offers);
        self
    }
}

impl Provider for Offline {
    fn name(&self) -> &'static str {
        NAME
    }

    fn default_model(&self) -> String {
        NAME.to_owned()
    }

    fn context_window(&self, _model: &str) -> Option<u64> {
        None
    }

    fn stream(
        &self,
        request: ModelRequest,
        events: mpsc::Sender<StreamEvent>,
    ) -> BoxFuture<'static, Result<Answer, ProviderError>> {
        let (root, offers) = (self.root.clone(), self.offers.clone());
        async move {
            let answered = tokio::task::spawn_blocking(move || {
                let find = |near: &Path| commands::find(&root, &roots::absolute(&root, &near.to_string_lossy()));
                answer::reply(&request.history, &answer::Project { root: &root, find: &find })
            });
            let mut reply = answered.await.map_err(|error| ProviderError::Service(format!("offline: {error}")))?;
            if let Some(offers) = offers.filter(|_| reply.needs_model) {
                for offer in offers().await {
                    reply.text.push_str("\n\n");
                    reply.text.push_str(&offer);
                }
            }
            Ok(send(reply, &events).await)
        }
        .boxed()
    }
}

/// Streams a reply as a model's answer would arrive.
async fn send(reply: answer::Reply, events: &mpsc::Sender<StreamEvent>) -> Answer {
    // Nobody may be listening any more; the answer is still wanted.
    let tell = async |event| drop(events.send(event).await);
    tell(StreamEvent::ContentStarted).await;
    let mut parts = Vec::new();
    for piece in pieces(&reply.text) {
        tell(StreamEvent::Text(piece)).await;
    }
    if !reply.text.is_empty() {
        parts.push(AssistantPart::Text { text: reply.text });
    }
    for call in reply.calls {
        let id = ToolCallId(format!("offline_{}", uuid::Uuid::now_v7().simple()));
        tell(StreamEvent::ToolCallStarted { id: id.clone(), name: call.name.to_owned() }).await;
        parts.push(AssistantPart::ToolCall { id, name: call.name.to_owned(), input: call.input, invalid: None });
    }
    let calls = parts.iter().any(|part| matches!(part, AssistantPart::ToolCall { .. }));
    let stop = match (reply.needs_model, calls) {
        (true, _) => ModelStop::NeedsModel,
        (false, true) => ModelStop::ToolUse,
        (false, false) => ModelStop::EndTurn,
    };
    let item = AssistantItem { parts, stop, provider: NAME.to_owned(), model: NAME.to_owned() };
    Answer { item, usage: Usage::default(), why: None }
}

fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for part in text.split_inclusive([' ', '\n']) {
        if pieces.last().is_some_and(|last| last.chars().count() >= PIECE) {
            pieces.push(String::new());
        }
        if let Some(last) = pieces.last_mut() {
            last.push_str(part);
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}
