//! What happens in a session: `pillion/session/update`.

use serde::Serialize;
use serde_json::Value;

use super::ContentBlock;

/// `pillion/session/update`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateParams {
    pub session_id: String,
    pub turn_id: Option<String>,
    pub seq: u64,
    pub parent_tool_call_id: Option<String>,
    pub replay: bool,
    pub update: Update,
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "sessionUpdate", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Update {
    UserMessageChunk {
        content: ContentBlock,
        message_id: String,
    },
    AgentMessageChunk {
        content: ContentBlock,
        message_id: String,
    },
    AgentThoughtChunk {
        content: ContentBlock,
        message_id: String,
    },
    MessageDiscarded {
        message_id: String,
    },
    ToolCall(ToolCall),
    ToolCallUpdate {
        tool_call_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        content: Option<Vec<ToolContent>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        raw_output: Option<Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        locations: Option<Vec<ToolLocation>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        task_id: Option<String>,
    },
    Label {
        tool_call_ids: Vec<String>,
        text: String,
    },
    Since {
        since: String,
        tasks: Vec<EndedTask>,
        more_tasks: usize,
        changes: Changes,
        text: String,
    },
    SessionClosed {
        reason: &'static str,
    },
    SessionSwitch {
        session_id: String,
    },
    Plan {
        entries: Vec<PlanEntry>,
    },
    Queue {
        prompts: Vec<QueuedPrompt>,
    },
    TaskNotification {
        task_ids: Vec<String>,
        text: String,
    },
    TurnStarted {
        reason: &'static str,
    },
    TurnEnded {
        stop_reason: &'static str,
        usage: Usage,
        auto: bool,
        error: Option<TurnError>,
        /// Ids of prompts that only a model could have answered, and none is configured.
        needs_model: Vec<String>,
        unsent: Vec<QueuedPrompt>,
    },
    Usage(Usage),
    SessionInfo {
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        mode: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        wakes_paused: Option<bool>,
    },
    Retrying {
        reason: String,
        after_ms: u64,
        attempt: u32,
    },
    Compaction {
        status: &'static str,
        before: u64,
        after: Option<u64>,
        message: Option<String>,
    },
    ReplayStarted {
        before: Option<String>,
    },
    ReplayEnded {
        before: Option<String>,
        has_more: bool,
    },
}

/// A task that ended while a session was away.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndedTask {
    pub task_id: String,
    pub label: String,
    pub status: &'static str,
    pub summary: Option<String>,
    pub ended_at: String,
}

/// What changed in the workspace meanwhile.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// The commit that was checked out then, and the one that is now; null where it is the same.
    pub commits: Option<Commits>,
    pub files: usize,
    /// There may be more files.
    pub at_least: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct Commits {
    pub from: String,
    pub to: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolCall {
    pub tool_call_id: String,
    pub title: String,
    pub name: String,
    pub kind: &'static str,
    pub status: &'static str,
    pub raw_input: Value,
    pub content: Vec<ToolContent>,
    pub locations: Vec<ToolLocation>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ToolContent {
    Content { content: ContentBlock },
    Diff { path: String, old_text: Option<String>, new_text: String },
}

#[derive(Clone, Debug, Serialize)]
pub struct ToolLocation {
    pub path: String,
    pub line: Option<u32>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueuedPrompt {
    pub prompt_id: String,
    pub prompt: Vec<ContentBlock>,
}

/// One step of the agent's plan.
#[derive(Clone, Debug, Serialize)]
pub struct PlanEntry {
    pub content: String,
    /// `pending`, `in_progress`, `completed`.
    pub status: &'static str,
    /// `high`, `medium`, `low`.
    pub priority: &'static str,
}

/// Why a turn ended badly: a text that says what to do.
#[derive(Clone, Debug, Serialize)]
pub struct TurnError {
    pub message: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_read_tokens: u64,
    pub cache_write_tokens: u64,
    pub context_used: u64,
    pub context_window: Option<u64>,
    /// US dollars, `null` when the price is not known.
    pub cost: Option<f64>,
    /// What of it is of turns that started by themselves.
    pub auto_cost: Option<f64>,
}
