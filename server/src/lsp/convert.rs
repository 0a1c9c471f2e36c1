//! From the owner's words to the wire's, and back for content blocks: answers and errors here, tasks and what happens in
//! sessions below. Pure.

mod code_link;
mod task;
mod update;

use std::path::Path;

use serde_json::{Value, json};
use tower_lsp::jsonrpc;

use crate::agent::approval::Mode;
use crate::agent::notification::cut;
use crate::ids::{SessionId, TaskId};
use crate::problem::{Counts, TestResult, TestStatus};
use crate::protocol as wire;
use crate::session::effect::{ChangeRow, ModelList, ProviderState, Refusal, Reply, Tested};
use crate::session::slash::COMMANDS;
use crate::task::model::Timestamp;

pub use self::task::{diagnostic, task};
pub use self::update::{always_number, content, question, update};

/// Characters of a name from outside that a message repeats.
const NAMED: usize = 200;

fn path(path: &Path) -> String {
    path.display().to_string()
}

/// The answer to a request.
pub fn reply(reply: Reply, now: Timestamp) -> Value {
    let value = match reply {
        Reply::Done => Ok(json!({})),
        Reply::Session { session: id, mode, model } => serde_json::to_value(session(id, mode, model)),
        Reply::Loaded { session: id, mode, model, before } => serde_json::to_value(wire::LoadSessionResult {
            session: session(id, mode, model),
            has_more: before.is_some(),
            before,
        }),
        Reply::Sessions(rows) => serde_json::to_value(wire::ListSessionsResult {
            sessions: rows
                .into_iter()
                .map(|row| wire::SessionInfo {
                    session_id: row.id.0,
                    title: row.title,
                    cwd: path(&row.cwd),
                    created_at: row.created_at.rfc3339(),
                    updated_at: row.updated_at.rfc3339(),
                    turns: row.turns,
                    open: row.open,
                })
                .collect(),
        }),
        Reply::Prompted { turn, prompt, queued } => {
            serde_json::to_value(wire::PromptResult { turn_id: turn.0, prompt_id: prompt.0, queued })
        }
        Reply::Task(found) => serde_json::to_value(wire::TaskResult { task: task(&found, now) }),
        Reply::Folded(found) => serde_json::to_value(wire::FoldedResult { task: task(&found, now), folded: true }),
        Reply::Tasks(tasks, seq) => serde_json::to_value(wire::ListTasksResult {
            tasks: tasks.iter().map(|found| task(found, now)).collect(),
            seq,
        }),
        Reply::Output(slice) => serde_json::to_value(wire::OutputResult {
            text: slice.text,
            offset: slice.offset,
            skipped: slice.skipped,
            next_offset: slice.next_offset,
            total_bytes: slice.total_bytes,
            eof: slice.eof,
        }),
        Reply::Commands(commands) => serde_json::to_value(wire::ProjectCommandsResult {
            commands: commands
                .into_iter()
                .map(|command| wire::ProjectCommandInfo {
                    label: command.label,
                    command: command.command,
                    cwd: path(&command.cwd),
                    group: command.group.as_str(),
                    source: command.source,
                })
                .collect(),
        }),
        Reply::TestResults { task, run, tests, counts } => serde_json::to_value(test_results(task, run, tests, counts)),
        Reply::SlashCommands => serde_json::to_value(wire::ListCommandsResult {
            commands: COMMANDS
                .iter()
                .map(|command| wire::CommandInfo {
                    name: command.name,
                    description: command.description,
                    argument_hint: command.argument,
                })
                .collect(),
        }),
        Reply::Models(list) => serde_json::to_value(models(list)),
        Reply::Text(text) => Ok(json!({"text": text})),
        Reply::Changes { rows, notes } => {
            serde_json::to_value(wire::ChangesResult { changes: rows.into_iter().map(change).collect(), notes })
        }
        Reply::Rules(rules) => {
            serde_json::to_value(wire::RulesResult { rules: rules.into_iter().map(update::rule).collect() })
        }
    };
    value.unwrap_or(Value::Null)
}

/// Results of single tests of a run.
pub fn test_results(task: TaskId, run: u32, tests: Vec<Tested>, counts: Counts) -> wire::TestResults {
    wire::TestResults {
        task_id: task.0,
        run,
        tests: tests.into_iter().map(|(test, often)| test_result(test, often)).collect(),
        counts: wire::TestCounts { passed: counts.passed, failed: counts.failed, skipped: counts.skipped },
    }
}

fn change(row: ChangeRow) -> wire::Change {
    let hunks = row.hunks.into_iter().map(|hunk| wire::Hunk {
        index: hunk.index,
        old_start: hunk.old_start,
        old_lines: hunk.old_lines,
        new_start: hunk.new_start,
        new_lines: hunk.new_lines,
        state: hunk.state.as_str(),
    });
    wire::Change {
        path: path(&row.path),
        turn_id: row.turn.0,
        kind: row.kind,
        state: row.state.as_str(),
        diff: row.diff,
        omitted_lines: row.omitted_lines,
        omitted_bytes: row.omitted_bytes,
        hunks: hunks.collect(),
    }
}

fn session(id: SessionId, mode: &str, model: String) -> wire::SessionResult {
    let modes = Mode::ALL.iter().map(|(_, id, name, description)| wire::ModeInfo { id, name, description });
    wire::SessionResult { session_id: id.0, mode: mode.to_owned(), modes: modes.collect(), model }
}

fn models(list: ModelList) -> wire::ModelListResult {
    let models = list.models.into_iter().map(|row| wire::ModelInfo {
        id: row.id,
        name: row.name,
        provider: row.provider,
        context_window: row.window,
        max_output: row.max_output,
        tools: row.tools,
        warning: row.warning,
        current: row.is_current,
        offered: row.offered,
    });
    let providers = list.providers.into_iter().map(|row| wire::ProviderInfo {
        id: row.word,
        name: row.label,
        state: match row.state {
            ProviderState::Ready => "ready",
            ProviderState::Offered => "offered",
            ProviderState::Failed => "failed",
            ProviderState::NotConfigured => "not_configured",
            ProviderState::Absent => "absent",
        },
        message: row.message,
    });
    wire::ModelListResult { models: models.collect(), providers: providers.collect() }
}

fn test_result(test: TestResult, often: Option<(u32, u32)>) -> wire::TestResult {
    wire::TestResult {
        id: test.id,
        name: test.name,
        file: test.place.as_ref().map(|place| path(&place.file)),
        line: test.place.as_ref().and_then(|place| place.line),
        status: match test.status {
            TestStatus::Passed => "passed",
            TestStatus::Failed => "failed",
            TestStatus::Skipped => "skipped",
        },
        duration_ms: test.duration_ms,
        message: test.message,
        recent: often.map(|(failed, of)| wire::RecentResults { failed, of }),
    }
}

/// A JSON-RPC error whose text names the remedy.
pub fn error(code: i64, message: String, kind: &str, field: Option<&str>, remedy: &str) -> jsonrpc::Error {
    let data = wire::ErrorData {
        kind: kind.to_owned(),
        field: field.map(str::to_owned),
        remedy: Some(remedy.to_owned()).filter(|remedy| !remedy.is_empty()),
    };
    let message = if remedy.is_empty() { message } else { format!("{message}. {remedy}") };
    jsonrpc::Error { code: code.into(), message: message.into(), data: serde_json::to_value(data).ok() }
}

/// Why a request was refused.
pub fn refusal(refusal: Refusal) -> jsonrpc::Error {
    match refusal {
        Refusal::UnknownSession(id) => error(
            wire::code::UNKNOWN_SESSION,
            format!("there is no open session {}", cut(id.as_str(), NAMED)),
            "unknown_session",
            Some("sessionId"),
            "List the sessions with pillion/session/list, open one with pillion/session/load or pillion/session/new.",
        ),
        Refusal::InUse { session, .. } => error(
            wire::code::STATE,
            format!("session {session} is open in another window"),
            "session_in_use",
            None,
            "Go on in that window, close it, or load the session here with `move: true`.",
        ),
        Refusal::UnknownTask(Some(id)) => error(
            wire::code::UNKNOWN_TASK,
            format!("there is no task {}", cut(id.as_str(), NAMED)),
            "unknown_task",
            Some("taskId"),
            "List the tasks with pillion/task/list.",
        ),
        Refusal::UnknownTask(None) => error(
            wire::code::UNKNOWN_TASK,
            "there is no such task".into(),
            "unknown_task",
            None,
            "Start one first; pillion/task/list shows what there is.",
        ),
        Refusal::BadField { field, message, remedy } => {
            error(-32602, format!("`{field}`: {message}"), "bad_params", Some(field), &remedy)
        }
        Refusal::State { kind, message, remedy } => error(wire::code::STATE, message, kind, None, &remedy),
        Refusal::Internal(message) => error(-32603, message, "internal", None, ""),
    }
}
