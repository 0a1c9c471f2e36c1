//! Tasks: requests, the task itself, the results of its tests.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartTaskParams {
    /// Not needed with the `label` of a task in `.vscode/tasks.json`.
    #[serde(default)]
    pub command: Option<String>,
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
    /// VS Code's `problemMatcher`: a name, an object, or a list of them.
    #[serde(default)]
    pub matchers: Option<Value>,
    /// A regular expression.
    #[serde(default)]
    pub pattern: Option<String>,
    /// A regular expression.
    #[serde(default)]
    pub ready: Option<String>,
    #[serde(default)]
    pub watch: Option<WatchParams>,
    /// What has to succeed before: ids of tasks, labels of `.vscode/tasks.json`, or starts; one or a list.
    #[serde(default)]
    pub depends_on: Option<Value>,
    /// `parallel` or `sequence`.
    #[serde(default)]
    pub depends_order: Option<String>,
    /// The active file, for a task of `.vscode/tasks.json` that needs one.
    #[serde(default)]
    pub uri: Option<String>,
}

/// `true`, or which files.
#[derive(Debug)]
pub enum WatchParams {
    Plain(bool),
    Files(WatchFiles),
}

impl<'de> Deserialize<'de> for WatchParams {
    /// By hand: the error of an untagged enum names no field.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = WatchParams;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("true, false or an object")
            }

            fn visit_bool<E>(self, value: bool) -> Result<WatchParams, E> {
                Ok(WatchParams::Plain(value))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WatchParams, A::Error> {
                WatchFiles::deserialize(MapAccessDeserializer::new(map)).map(WatchParams::Files)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct WatchFiles {
    /// Globs, relative to the workspace; all files when empty.
    pub paths: Vec<String>,
    pub ignore: Vec<String>,
    pub debounce_ms: Option<u64>,
    pub restart: bool,
}

#[derive(Debug, Serialize)]
pub struct TaskResult {
    pub task: Task,
}

/// A task that ran elsewhere, and is over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportTaskParams {
    pub command: String,
    pub cwd: String,
    pub exit_code: i32,
    pub output: String,
    /// RFC 3339.
    pub started_at: String,
    pub ended_at: String,
    #[serde(default)]
    pub label: Option<String>,
    #[serde(default)]
    pub group: Option<String>,
    #[serde(default)]
    pub session_id: Option<String>,
}

/// The answer to a start of what runs already.
#[derive(Debug, Serialize)]
pub struct FoldedResult {
    pub task: Task,
    /// `true`: nothing was started.
    pub folded: bool,
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

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FollowParams {
    pub task_id: String,
    pub on: bool,
    /// Of the newest run's output; 0 when unset.
    #[serde(default)]
    pub offset: Option<u64>,
}

/// A piece of the output of a task that the client follows.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskOutputParams {
    pub task_id: String,
    pub run: u32,
    pub offset: u64,
    pub next_offset: u64,
    pub text: String,
    /// Bytes before `offset` that were left out.
    pub skipped: u64,
    /// The run is over, and this is its last piece.
    pub eof: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PromoteParams {
    pub session_id: Option<String>,
    pub tool_call_id: Option<String>,
    /// The call of the subagent whose call `tool_call_id` is.
    pub parent_tool_call_id: Option<String>,
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
    #[serde(default)]
    pub only: Option<RerunOnly>,
}

/// What of a task runs again.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum RerunOnly {
    /// `failed`, or the id of one test.
    One(String),
    /// The ids of tests.
    Tests(Vec<String>),
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
    pub environment: Environment,
    pub group: &'static str,
    pub origin: &'static str,
    pub session_id: Option<String>,
    pub tool_call_id: Option<String>,
    /// The call of the subagent that started it.
    pub parent_tool_call_id: Option<String>,
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
    pub pattern: Option<String>,
    pub ready: Option<Ready>,
    pub watching: bool,
    pub progress: Progress,
    pub diagnostics: ProblemCounts,
    /// It had no input and ended as if it had wanted an answer: its last line.
    pub wanted_answer: Option<String>,
    pub summary: Option<String>,
    pub delivery: &'static str,
    pub delivered_turn_id: Option<String>,
    pub depends_on: Vec<String>,
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
    /// What it ran instead of the task's command, for some of its tests.
    pub narrowed: Option<String>,
}

/// What the environment of the newest run was, beside the person's own.
#[derive(Clone, Debug, Serialize)]
pub struct Environment {
    pub set: std::collections::BTreeMap<String, String>,
    pub omitted: u32,
    pub withheld: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Ready {
    pub line: String,
    pub url: Option<String>,
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

/// The same as a notification: results since the last one. A test that is named again has a new result.
#[derive(Clone, Debug, Serialize)]
pub struct TestResultsTold {
    pub seq: u64,
    #[serde(flatten)]
    pub results: TestResults,
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
    /// How it went lately, where it has both passed and failed; told with the results of a run that has ended.
    pub recent: Option<RecentResults>,
}

/// Of its last results, at most ten, so many failed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RecentResults {
    pub failed: u32,
    pub of: u32,
}

#[derive(Clone, Debug, Serialize)]
pub struct TestCounts {
    pub passed: u32,
    pub failed: u32,
    pub skipped: u32,
}
