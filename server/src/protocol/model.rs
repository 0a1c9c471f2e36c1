//! Models: the list, keys, and the models that a client lends.

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelListParams {
    /// Whose model is `current`.
    pub session_id: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct ModelListResult {
    pub models: Vec<ModelInfo>,
    pub providers: Vec<ProviderInfo>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelInfo {
    /// What `pillion/session/set_model` takes.
    pub id: String,
    pub name: String,
    pub provider: &'static str,
    pub context_window: Option<u64>,
    pub max_output: Option<u32>,
    pub tools: Option<bool>,
    pub warning: Option<String>,
    pub current: bool,
    pub offered: bool,
}

#[derive(Debug, Serialize)]
pub struct ProviderInfo {
    pub id: &'static str,
    pub name: &'static str,
    /// `ready`, `offered`, `failed`, `not_configured`, `absent`.
    pub state: &'static str,
    pub message: Option<String>,
}

/// No `Debug`: it holds a key.
#[derive(Deserialize)]
pub struct SetSecretParams {
    /// The provider's word.
    pub provider: String,
    /// Null takes it back.
    pub secret: Option<String>,
    #[serde(default = "yes")]
    pub persist: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
pub struct OfferModelsParams {
    /// All of them, the favourite first.
    pub models: Vec<OfferedModel>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfferedModel {
    pub id: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub context_window: Option<u64>,
    #[serde(default)]
    pub max_output: Option<u32>,
    #[serde(default)]
    pub tools: Option<bool>,
}

/// A request to a model that the client lends.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CompleteParams {
    pub request_id: String,
    /// Null: whichever the client prefers.
    pub model: Option<String>,
    pub system: String,
    pub messages: Vec<ModelMessage>,
    pub tools: Vec<ModelTool>,
    pub max_tokens: u32,
}

#[derive(Debug, Serialize)]
pub struct ModelMessage {
    /// `user`, `assistant`.
    pub role: &'static str,
    pub content: Vec<MessagePart>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum MessagePart {
    Text { text: String },
    Image { data: String, mime_type: String },
    ToolCall { call_id: String, name: String, input: Value },
    ToolResult { call_id: String, content: String, is_error: bool },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelTool {
    pub name: String,
    pub description: String,
    pub input_schema: Value,
}

/// A piece of an answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelChunkParams {
    pub request_id: String,
    pub part: ChunkPart,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ChunkPart {
    Text { text: String },
    Thinking { text: String },
    ToolCall { call_id: String, name: String, input: Value },
}

/// The end of an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CompleteResult {
    /// `end_turn`, `tool_use`, `max_tokens`, `refusal`.
    pub stop_reason: Option<String>,
    pub usage: Option<CompleteUsage>,
    /// The model that answered.
    pub model: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CompleteUsage {
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_read_tokens: u64,
}
