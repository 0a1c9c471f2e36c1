//! The models that an editor lends: what is asked of it, and what comes back. The edge implements [`Lender`] over the wire;
//! tests implement it in memory. Knows no history and no wire.

use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::mpsc;

/// A model of the editor's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// As the editor knows it.
    pub id: String,
    /// For people.
    pub name: String,
    /// Tokens that its window holds, where the editor says.
    pub window: Option<u64>,
    /// Tokens that one answer may have at most.
    pub max_output: Option<u32>,
    /// Whether it can call tools.
    pub tools: Option<bool>,
}

/// Who says a message. There is no third: the system text stands apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    User,
    Assistant,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Text(String),
    Image {
        /// Base64.
        data: String,
        mime_type: String,
    },
    ToolCall {
        call: String,
        name: String,
        input: Value,
    },
    ToolResult {
        call: String,
        text: String,
        is_error: bool,
    },
}

/// Everything that one side said until the other spoke. Roles alternate; results come first in their message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub role: Role,
    pub content: Vec<Part>,
}

/// A tool that the model may call.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    pub name: String,
    pub description: String,
    /// JSON Schema.
    pub input_schema: Value,
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// `None`: whichever the editor prefers.
    pub model: Option<String>,
    pub system: String,
    pub messages: Vec<Message>,
    pub tools: Vec<Tool>,
    pub max_tokens: u32,
}

/// What arrives while the model answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Text(String),
    Thinking(String),
    /// Whole: editors do not cut calls into pieces.
    ToolCall {
        call: String,
        name: String,
        input: Value,
    },
    /// What came cannot be read, and why.
    Unreadable(String),
}

/// Why the model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    EndTurn,
    ToolUse,
    MaxTokens,
    Refusal,
}

/// The end of an answer. Editors may say nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    pub stop: Option<Stop>,
    /// Tokens that the model was given, without those from a cache; then those of its answer; then those from a cache.
    pub usage: Option<(u64, u64, u64)>,
    /// The model that answered.
    pub model: Option<String>,
}

/// What kind of "no" it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The person has not allowed Pillion to use the editor's models, or the account may not.
    NoPermissions,
    /// The account or the content is blocked.
    Blocked,
    NotFound,
    RateLimited,
    ContextTooLong,
    /// The client is gone.
    Gone,
    Other,
}

/// Why no answer came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: Kind,
    /// The editor's own words.
    pub message: String,
}

/// An editor that lends models.
pub trait Lender: Send + Sync {
    /// Whether the editor lends models at all.
    fn lends(&self) -> bool;

    /// The models that it has offered so far, its favourite first.
    fn offered(&self) -> Vec<Model>;

    /// Asks a model. Pieces come in order, all of them before the end. Dropping the future takes the request back.
    fn complete(
        &self,
        request: Request,
        pieces: mpsc::UnboundedSender<Piece>,
    ) -> BoxFuture<'static, Result<End, Failure>>;
}
