//! The provider `editor`: models that the client lends, so that a person with a subscription there needs no key here. It
//! asks a [`Lender`] and knows no wire. Nothing is tried again: the editor has its own connection and its own limits, and
//! what it refuses is for the person to see.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::anthropic::{self, Block, ImageSource};
use super::names::ANY_MODEL;
use super::{Answer, ModelFacts, ModelRequest, Provider, ProviderError, StreamEvent, Usage};
use crate::agent::history::{AssistantItem, AssistantPart, Item, ModelStop};
use crate::ids::ToolCallId;
use crate::workspace::editor::lent::{self, Failure, Kind, Lender, Piece, Stop};

/// The word of the settings, and of [`AssistantItem::provider`].
pub const NAME: &str = "editor";

/// How long an editor may say nothing at all while a model answers. Editors do not pass thinking on, so that a long
/// thought is a long silence.
const IDLE: Duration = Duration::from_secs(300);

/// Most bytes of one answer.
const ANSWER_CAP: usize = 16 << 20;

/// The provider `editor`.
pub struct EditorModels {
    lender: Arc<dyn Lender>,
    idle: Duration,
}

impl EditorModels {
    /// A provider that asks this editor.
    pub fn new(lender: Arc<dyn Lender>) -> Self {
        Self::with(lender, IDLE)
    }

    /// The same with another patience.
    pub fn with(lender: Arc<dyn Lender>, idle: Duration) -> Self {
        Self { lender, idle }
    }

    fn facts(&self, model: &str) -> ModelFacts {
        let offered = self.lender.offered();
        // Whichever the editor prefers is the first that it named.
        let found = offered.iter().find(|known| known.id == model || model == ANY_MODEL);
        found.map_or_else(
            || ModelFacts::named(NAME, model),
            |known| ModelFacts { model: model.to_owned(), ..facts(known) },
        )
    }
}

fn facts(model: &lent::Model) -> ModelFacts {
    ModelFacts {
        label: Some(model.name.clone()),
        window: model.window,
        max_output: model.max_output,
        tools: model.tools,
        warning: (model.tools == Some(false)).then(|| {
            format!(
                "{} cannot call tools, so it can neither read files nor run commands. Choose another model.",
                model.name
            )
        }),
        ..ModelFacts::named(NAME, &model.id)
    }
}

impl Provider for EditorModels {
    fn name(&self) -> &'static str {
        NAME
    }

    fn default_model(&self) -> String {
        ANY_MODEL.to_owned()
    }

    fn context_window(&self, model: &str) -> Option<u64> {
        self.facts(model).window
    }

    fn describe(&self, model: &str) -> BoxFuture<'static, ModelFacts> {
        std::future::ready(self.facts(model)).boxed()
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<ModelFacts>, ProviderError>> {
        let offered = self.lender.offered();
        let answer = if offered.is_empty() {
            Err(ProviderError::NotConfigured(
                "The editor lends models and has not offered one yet. In VS Code: sign in to GitHub Copilot, or install \
                 an extension that brings models."
                    .into(),
            ))
        } else {
            Ok(offered.iter().map(facts).collect())
        };
        std::future::ready(answer).boxed()
    }

    fn stream(
        &self,
        request: ModelRequest,
        events: mpsc::Sender<StreamEvent>,
    ) -> BoxFuture<'static, Result<Answer, ProviderError>> {
        let (lender, idle) = (Arc::clone(&self.lender), self.idle);
        async move {
            let offered: Vec<String> = lender.offered().into_iter().map(|model| model.id).collect();
            let (send, mut pieces) = mpsc::unbounded_channel();
            let mut answer = lender.complete(asked(&request), send);
            let mut assembler = Assembler::new(&request);
            let mut open = true;
            let end = loop {
                tokio::select! {
                    // Pieces before the end: they came before it.
                    biased;
                    piece = pieces.recv(), if open => match piece {
                        Some(piece) => assembler.take(piece, &events).await?,
                        None => open = false,
                    },
                    end = &mut answer => break end,
                    () = tokio::time::sleep(idle) => {
                        return Err(ProviderError::Unreachable(format!(
                            "The editor has said nothing for {} s. Send your message again; if that does not help, reload \
                             the window or choose another model.",
                            idle.as_secs()
                        )));
                    }
                }
            };
            while let Ok(piece) = pieces.try_recv() {
                assembler.take(piece, &events).await?;
            }
            let end = end.map_err(|failure| refused(failure, &request.model, &offered))?;
            Ok(assembler.finish(end, request.model))
        }
        .boxed()
    }
}

/// What a "no" of the editor means here.
fn refused(failure: Failure, model: &str, offered: &[String]) -> ProviderError {
    let Failure { kind, message } = failure;
    let why = if message.is_empty() { String::new() } else { format!(" ({message})") };
    match kind {
        Kind::NoPermissions => ProviderError::Auth(format!(
            "The editor does not let Pillion use its models{why}. Allow it there (VS Code: \"Manage Language Model Access\" \
             in the accounts menu), then send your message again, or choose another model."
        )),
        Kind::Blocked => ProviderError::Auth(format!(
            "The editor blocked this request{why}. See what it says of your subscription and its limits, or choose another \
             model."
        )),
        Kind::NotFound => {
            let known = match offered {
                [] => "It has offered none".to_owned(),
                some => format!("It lends {}", some.join(", ")),
            };
            ProviderError::UnknownModel(format!(
                "The editor does not have the model {model:?}{why}. {known}: choose one with `/model editor:NAME`."
            ))
        }
        Kind::RateLimited => ProviderError::RateLimited(format!(
            "The editor's model service is busy or over its limit{why}. Wait a little and send your message again, or choose \
             another model."
        )),
        Kind::ContextTooLong => ProviderError::ContextTooLong(format!(
            "The conversation is longer than the window of the editor's model{why}. Shorten it with `/compact`, or choose a \
             model with a larger window."
        )),
        Kind::Gone => ProviderError::Unreachable("The editor has gone away.".into()),
        Kind::Other => ProviderError::Service(format!(
            "The editor's model did not answer{why}. Send your message again, or choose another model."
        )),
    }
}

/// The request in the editor's words. Thinking stays with who thought it.
fn asked(request: &ModelRequest) -> lent::Request {
    let messages = anthropic::messages(&request.history).into_iter().map(|message| lent::Message {
        role: match message.role {
            anthropic::Role::User => lent::Role::User,
            anthropic::Role::Assistant => lent::Role::Assistant,
        },
        content: message.content.into_iter().filter_map(|marked| part(marked.block)).collect(),
    });
    let tools = request.tools.iter().map(|tool| lent::Tool {
        name: tool.name.clone(),
        description: tool.description.clone(),
        input_schema: tool.input_schema.clone(),
    });
    lent::Request {
        model: Some(request.model.clone()).filter(|model| model != ANY_MODEL),
        system: request.system.to_string(),
        messages: joined(messages),
        tools: tools.collect(),
        max_tokens: request.max_tokens,
    }
}

/// Leaves out what has nothing left to say, and joins its neighbours.
fn joined(messages: impl Iterator<Item = lent::Message>) -> Vec<lent::Message> {
    let mut all: Vec<lent::Message> = Vec::new();
    for message in messages.filter(|message| !message.content.is_empty()) {
        match all.last_mut() {
            Some(last) if last.role == message.role => last.content.extend(message.content),
            _ => all.push(message),
        }
    }
    all
}

fn part(block: Block<'_>) -> Option<lent::Part> {
    Some(match block {
        Block::Text { text } => lent::Part::Text(text.into_owned()),
        Block::Image { source: ImageSource::Base64 { media_type, data } } => {
            lent::Part::Image { data: data.to_owned(), mime_type: media_type.to_owned() }
        }
        Block::ToolUse { id, name, input } => {
            lent::Part::ToolCall { call: id.into_owned(), name: name.into_owned(), input: input.clone() }
        }
        Block::ToolResult { tool_use_id, content, is_error } => {
            let texts = content.into_iter().filter_map(|block| match block {
                Block::Text { text } => Some(text.into_owned()),
                _ => None,
            });
            let text = texts.collect::<Vec<_>>().join("\n");
            lent::Part::ToolResult { call: tool_use_id.into_owned(), text, is_error }
        }
        _ => return None,
    })
}

/// Puts an answer together, and tells what arrives.
struct Assembler {
    parts: Vec<AssistantPart>,
    /// Ids of calls that are taken, in this answer and before it.
    calls: BTreeSet<String>,
    bytes: usize,
    started: bool,
}

impl Assembler {
    fn new(request: &ModelRequest) -> Self {
        let answers = request.history.iter().filter_map(|item| match &**item {
            Item::Assistant(answer) => Some(answer),
            Item::User(_) | Item::Compaction(_) => None,
        });
        let calls = answers.flat_map(|answer| answer.tool_calls().map(|(id, ..)| id.to_string())).collect();
        Self { parts: Vec::new(), calls, bytes: 0, started: false }
    }

    async fn take(&mut self, piece: Piece, events: &mpsc::Sender<StreamEvent>) -> Result<(), ProviderError> {
        self.bytes += match &piece {
            Piece::Text(text) | Piece::Thinking(text) => text.len(),
            Piece::ToolCall { input, .. } => input.to_string().len(),
            Piece::Unreadable(_) => 0,
        };
        if self.bytes > ANSWER_CAP {
            return Err(ProviderError::Service(format!(
                "The editor's model said more than {} MiB in one answer; the rest was not taken. Ask for less at a time.",
                ANSWER_CAP >> 20
            )));
        }
        let event = match piece {
            Piece::Text(text) | Piece::Thinking(text) if text.is_empty() => return Ok(()),
            Piece::Text(text) => {
                match self.parts.last_mut() {
                    Some(AssistantPart::Text { text: so_far }) => so_far.push_str(&text),
                    _ => self.parts.push(AssistantPart::Text { text: text.clone() }),
                }
                StreamEvent::Text(text)
            }
            Piece::Thinking(text) => {
                match self.parts.last_mut() {
                    Some(AssistantPart::Thinking { text: so_far, .. }) => so_far.push_str(&text),
                    _ => self.parts.push(AssistantPart::Thinking { text: text.clone(), signature: None }),
                }
                StreamEvent::Thinking(text)
            }
            Piece::ToolCall { call, name, input } => {
                let id = self.unique(call);
                let invalid = (!input.is_object()).then(|| format!("the input is no JSON object: {}", start(&input)));
                let input = if invalid.is_some() { Value::Object(Map::new()) } else { input };
                self.parts.push(AssistantPart::ToolCall { id: id.clone(), name: name.clone(), input, invalid });
                StreamEvent::ToolCallStarted { id, name }
            }
            Piece::Unreadable(why) => {
                return Err(ProviderError::Service(format!(
                    "The editor sent a piece of the answer that cannot be read: {why}. Send your message again; if it \
                     happens each time, update the editor's plugin or choose another model."
                )));
            }
        };
        // Nobody may be listening any more; the answer is still wanted.
        if !std::mem::replace(&mut self.started, true) {
            let _ = events.send(StreamEvent::ContentStarted).await;
        }
        let _ = events.send(event).await;
        Ok(())
    }

    /// Models behind an editor may count their calls from one in each answer; a conversation needs ids of its own.
    fn unique(&mut self, call: String) -> ToolCallId {
        let call = if call.is_empty() || self.calls.contains(&call) {
            format!("call_{}", uuid::Uuid::now_v7().simple())
        } else {
            call
        };
        self.calls.insert(call.clone());
        ToolCallId(call)
    }

    fn finish(self, end: lent::End, asked: String) -> Answer {
        let calls = self.parts.iter().any(|part| matches!(part, AssistantPart::ToolCall { .. }));
        let stop = match end.stop {
            Some(Stop::MaxTokens) => ModelStop::MaxTokens,
            Some(Stop::Refusal) => ModelStop::Refusal,
            Some(Stop::EndTurn | Stop::ToolUse) | None if calls => ModelStop::ToolUse,
            Some(Stop::EndTurn | Stop::ToolUse) | None => ModelStop::EndTurn,
        };
        let (input, output, cache_read) = end.usage.unwrap_or_default();
        let model = end.model.unwrap_or(asked);
        Answer {
            item: AssistantItem { parts: self.parts, stop, provider: NAME.to_owned(), model },
            usage: Usage { input, output, cache_read, ..Usage::default() },
            why: None,
        }
    }
}

/// The start of a value, for a message.
fn start(value: &Value) -> String {
    value.to_string().chars().take(80).collect()
}

#[cfg(test)]
mod tests;
