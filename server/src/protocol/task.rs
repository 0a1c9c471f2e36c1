//! Tasks: requests, the task itself, the results of its tests.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// Bytes between the wanted offset and `offset` that are gone.
    pub skipped: u64,
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
    /// It had no input and ended as if it had wanted an answer: its last line.
    pub wanted_answer: Option<String>,
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
    /// `agent`, `user`, `watch`; null in rows that an older version wrote.
    pub started_by: Option<&'static str>,
    /// The session whose agent asked for the run.
    pub session_id: Option<String>,
    pub stopped_by: Option<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
pub struct WaitingFor {
    pub kind: &'static str,
    pub question: Option<String>,
    pub holder: Option<String>,
    /// The answers that the question lists.
    pub options: Vec<AnswerOption>,
    /// The answer is not to be shown while it is typed.
    pub secret: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct AnswerOption {
    pub label: String,
    /// For `pillion/task/input`, as it stands.
    pub text: String,
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
