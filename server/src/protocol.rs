//! The wire types of `pillion/*`, version 1: the only types that know the names on the wire. PROTOCOL.md describes them
//! with an example each; `editors/nvim/lua/pillion/protocol.lua` mirrors the names.
//!
//! Lines and columns are 1-based, columns in UTF-16 units, paths absolute. Listed fields are always there, `null` when
//! they have no value. Unknown fields of a client are ignored.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of this contract.
pub const VERSION: u32 = 1;

/// Names of the methods and notifications.
pub mod method {
    pub const SESSION_NEW: &str = "pillion/session/new";
    pub const SESSION_LIST: &str = "pillion/session/list";
    pub const SESSION_LOAD: &str = "pillion/session/load";
    pub const SESSION_PROMPT: &str = "pillion/session/prompt";
    pub const SESSION_QUEUE: &str = "pillion/session/queue";
    pub const SESSION_CANCEL: &str = "pillion/session/cancel";
    pub const SESSION_SET_MODE: &str = "pillion/session/set_mode";
    pub const SESSION_SET_MODEL: &str = "pillion/session/set_model";
    pub const SESSION_RENAME: &str = "pillion/session/rename";
    pub const SESSION_DELETE: &str = "pillion/session/delete";
    pub const SESSION_EXPORT: &str = "pillion/session/export";
    pub const SESSION_UPDATE: &str = "pillion/session/update";
    pub const SESSION_REQUEST_PERMISSION: &str = "pillion/session/request_permission";
    pub const DOCUMENT_SAVE: &str = "pillion/document/save";
    pub const PERMISSION_LIST: &str = "pillion/permission/list";
    pub const PERMISSION_REMOVE: &str = "pillion/permission/remove";
    pub const PROJECT_COMMANDS: &str = "pillion/project/commands";
    pub const TASK_START: &str = "pillion/task/start";
    pub const TASK_LIST: &str = "pillion/task/list";
    pub const TASK_GET: &str = "pillion/task/get";
    pub const TASK_OUTPUT: &str = "pillion/task/output";
    pub const TASK_STOP: &str = "pillion/task/stop";
    pub const TASK_PROMOTE: &str = "pillion/task/promote";
    pub const TASK_INPUT: &str = "pillion/task/input";
    pub const TASK_RERUN: &str = "pillion/task/rerun";
    pub const TASK_DISMISS: &str = "pillion/task/dismiss";
    pub const TASK_SET_PRIORITY: &str = "pillion/task/set_priority";
    pub const TEST_RESULTS: &str = "pillion/test/results";
    pub const TASK_STATUS: &str = "pillion/task/status";
    pub const TASK_SNAPSHOT: &str = "pillion/task/snapshot";
}

/// Error codes beside JSON-RPC's own.
pub mod code {
    pub const UNKNOWN_SESSION: i64 = -32010;
    pub const UNKNOWN_TASK: i64 = -32011;
    /// The state forbids it.
    pub const STATE: i64 = -32012;
}

/// `error.data`.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorData {
    /// A word for programs.
    pub kind: String,
    pub field: Option<String>,
    /// What to do, in a sentence.
    pub remedy: Option<String>,
}

/// What a client says of itself in `capabilities.experimental.pillion`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClientCapability {
    pub version: u32,
    pub session_updates: bool,
    pub request_permission: bool,
    pub document_save: bool,
    pub client_token: Option<String>,
}

/// What the server answers there.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerCapability {
    pub version: u32,
    pub instance_id: String,
}

/// A block of a prompt or a message: ACP's ContentBlock, and `range` on a link (1-based, inclusive lines).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentBlock {
    Text {
        text: String,
    },
    #[serde(rename_all = "camelCase")]
    Image {
        data: String,
        mime_type: String,
    },
    ResourceLink {
        uri: String,
        #[serde(default)]
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        range: Option<LineRange>,
    },
    Resource {
        resource: ResourceText,
    },
}

/// Lines of a link, 1-based, inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineRange {
    pub start: u32,
    pub end: u32,
}

/// A text that a client sends along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceText {
    pub uri: String,
    pub text: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NewSessionParams {
    pub cwd: Option<String>,
    pub mode: Option<String>,
    pub model: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionResult {
    pub session_id: String,
    pub mode: String,
    pub modes: Vec<ModeInfo>,
    pub model: String,
}

#[derive(Debug, Serialize)]
pub struct ModeInfo {
    pub id: &'static str,
    pub name: &'static str,
    pub description: &'static str,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListSessionsParams {
    pub limit: Option<u32>,
    /// The id of a session of an earlier list: continues behind it.
    pub before: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct ListSessionsResult {
    pub sessions: Vec<SessionInfo>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionInfo {
    pub session_id: String,
    pub title: Option<String>,
    pub cwd: String,
    pub created_at: String,
    pub updated_at: String,
    pub turns: u32,
    pub open: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadSessionParams {
    pub session_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PromptParams {
    pub session_id: String,
    pub prompt: Vec<ContentBlock>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PromptResult {
    pub turn_id: String,
    pub prompt_id: String,
    pub queued: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueParams {
    pub session_id: String,
    pub prompt_id: String,
    #[serde(default)]
    pub remove: bool,
    #[serde(default)]
    pub replace: Option<Vec<ContentBlock>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelParams {
    pub session_id: String,
    #[serde(default)]
    pub turn_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetModeParams {
    pub session_id: String,
    pub mode: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetModelParams {
    pub session_id: String,
    pub model: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenameParams {
    pub session_id: String,
    pub title: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportParams {
    pub session_id: String,
    /// `jsonl` or `markdown` (the default).
    #[serde(default)]
    pub format: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionParams {
    pub session_id: String,
}

#[derive(Debug, Serialize)]
pub struct RulesResult {
    pub rules: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct RemoveRuleParams {
    pub rule: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProjectCommandsParams {
    /// The active file.
    pub uri: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct ProjectCommandsResult {
    pub commands: Vec<ProjectCommandInfo>,
}

#[derive(Debug, Serialize)]
pub struct ProjectCommandInfo {
    pub label: String,
    pub command: String,
    pub cwd: String,
    pub group: &'static str,
    pub source: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartTaskParams {
    pub command: String,
    #[serde(default)]
    pub cwd: Option<String>,
    #[serde(default)]
    pub env: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    pub label: Option<String>,
    #[serde(default)]
    pub kind: Option<String>,
    #[serde(default)]
    pub group: Option<String>,
    #[serde(default)]
    pub session_id: Option<String>,
    /// Milliseconds from process start; none when unset.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    #[serde(default)]
    pub priority: Option<i32>,
    #[serde(default)]
    pub retries: Option<u32>,
    #[serde(default)]
    pub on_exit: Option<String>,
    #[serde(default)]
    pub lifetime: Option<String>,
    /// `null`, `pipe` or `pty`.
    #[serde(default)]
    pub stdin: Option<String>,
    /// Not served yet: refused by name rather than ignored.
    #[serde(default)]
    pub matchers: Option<Value>,
    #[serde(default)]
    pub pattern: Option<Value>,
    #[serde(default)]
    pub ready: Option<Value>,
    #[serde(default)]
    pub watch: Option<Value>,
    #[serde(default)]
    pub depends_on: Option<Value>,
}

#[derive(Debug, Serialize)]
pub struct TaskResult {
    pub task: Task,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListTasksParams {
    pub session_id: Option<String>,
    pub include_finished: Option<bool>,
}

#[derive(Debug, Serialize)]
pub struct ListTasksResult {
    pub tasks: Vec<Task>,
    pub seq: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskParams {
    pub task_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputParams {
    pub task_id: String,
    #[serde(default)]
    pub run: Option<u32>,
    #[serde(default)]
    pub offset: Option<u64>,
    #[serde(default)]
    pub limit: Option<u64>,
    /// The last n lines.
    #[serde(default)]
    pub tail: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputResult {
    pub text: String,
    pub offset: u64,
    pub next_offset: u64,
    pub total_bytes: u64,
    pub eof: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PromoteParams {
    pub session_id: Option<String>,
    pub tool_call_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputParams {
    pub task_id: String,
    pub text: String,
    #[serde(default)]
    pub eof: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RerunParams {
    pub task_id: String,
    /// Not served yet: refused by name rather than ignored.
    #[serde(default)]
    pub only: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetPriorityParams {
    pub task_id: String,
    pub priority: i32,
}

/// A task: the same object everywhere.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    pub id: String,
    pub kind: &'static str,
    pub label: String,
    pub command: String,
    pub cwd: String,
    pub group: &'static str,
    pub origin: &'static str,
    pub session_id: Option<String>,
    pub tool_call_id: Option<String>,
    pub owned: bool,
    pub status: &'static str,
    pub stopping: bool,
    pub stopped_by: Option<&'static str>,
    pub run: u32,
    pub attempt: u32,
    pub max_attempts: u32,
    pub flaky: bool,
    pub runs: Vec<Run>,
    pub priority: i32,
    pub on_exit: &'static str,
    pub lifetime: &'static str,
    pub timeout_ms: Option<u64>,
    pub created_at: String,
    pub started_at: Option<String>,
    pub ended_at: Option<String>,
    pub elapsed_ms: u64,
    pub pid: Option<u32>,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    pub stragglers: u32,
    pub waiting_for: Option<WaitingFor>,
    pub unsaved: Vec<String>,
    pub output: Output,
    pub progress: Progress,
    pub diagnostics: ProblemCounts,
    pub summary: Option<String>,
    pub delivery: &'static str,
    pub delivered_turn_id: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    pub run: u32,
    pub status: &'static str,
    pub ended_at: Option<String>,
    pub exit_code: Option<i32>,
}

#[derive(Clone, Debug, Serialize)]
pub struct WaitingFor {
    pub kind: &'static str,
    pub question: Option<String>,
    pub holder: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub path: Option<String>,
    pub bytes: u64,
    pub lines: u64,
    pub last_line: String,
    pub truncated: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct Progress {
    pub message: Option<String>,
    /// 0 to 100.
    pub percent: Option<u8>,
    pub passed: u32,
    pub failed: u32,
    pub skipped: u32,
}

#[derive(Clone, Debug, Serialize)]
pub struct ProblemCounts {
    pub errors: u32,
    pub warnings: u32,
}

#[derive(Clone, Debug, Serialize)]
pub struct TaskStatusParams {
    pub seq: u64,
    pub task: Task,
}

#[derive(Clone, Debug, Serialize)]
pub struct TaskSnapshotParams {
    pub seq: u64,
    pub tasks: Vec<Task>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestResultsParams {
    pub task_id: String,
    #[serde(default)]
    pub run: Option<u32>,
}

/// The results of single tests.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestResults {
    pub task_id: String,
    pub run: u32,
    pub tests: Vec<TestResult>,
    pub counts: TestCounts,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    pub id: String,
    pub name: String,
    pub file: Option<String>,
    pub line: Option<u32>,
    /// `passed`, `failed`, `skipped`.
    pub status: &'static str,
    pub duration_ms: Option<u64>,
    pub message: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct TestCounts {
    pub passed: u32,
    pub failed: u32,
    pub skipped: u32,
}

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
        error: Option<TurnError>,
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
    ReplayStarted,
    ReplayEnded,
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
}

/// `pillion/session/request_permission`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionParams {
    pub session_id: String,
    pub question_id: String,
    pub parent_tool_call_id: Option<String>,
    pub tool_call: ToolCall,
    pub options: Vec<PermissionOption>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionOption {
    pub option_id: &'static str,
    pub name: String,
    /// `allow_once`, `allow_always`, `reject_once`, `reject_always`.
    pub kind: &'static str,
}

#[derive(Debug, Deserialize)]
pub struct PermissionResult {
    pub outcome: PermissionOutcome,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum PermissionOutcome {
    Selected {
        option_id: String,
        #[serde(default)]
        reason: Option<String>,
    },
    Cancelled,
}

/// `pillion/document/save`.
#[derive(Clone, Debug, Serialize)]
pub struct SaveParams {
    pub uris: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SaveResult {
    pub saved: Vec<String>,
    /// URIs, or objects with a reason: whatever is in it was not saved.
    pub failed: Vec<Value>,
}

/// Arguments of `pillion.test`, `pillion.build`, `pillion.lint`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProjectRunArguments {
    /// `file`, `package` or `workspace`.
    pub scope: Option<String>,
    pub uri: Option<String>,
}
