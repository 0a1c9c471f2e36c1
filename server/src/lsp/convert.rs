//! From the owner's words to the wire's, and back for content blocks. Pure.

use std::path::Path;

use serde_json::{Value, json};
use tower_lsp::jsonrpc;

use crate::agent::approval::Mode;
use crate::agent::history::Content;
use crate::problem::{Place, Severity, TestResult, TestStatus};
use crate::protocol::{self as wire, ContentBlock};
use crate::session::effect::{
    Question, Refusal, Reply, StopReason, ToolChange, ToolContent, ToolRow, ToolStatus, TurnReason, Update, UsageSum,
};
use crate::session::event::ShownProblem;
use crate::task::model::{self, Timestamp};

use super::uri;

fn path(path: &Path) -> String {
    path.display().to_string()
}

/// A task as clients see it, at the moment `now`.
pub fn task(task: &model::Task, now: Timestamp) -> wire::Task {
    wire::Task {
        id: task.id.0.clone(),
        kind: task.kind.as_str(),
        label: task.label.clone(),
        command: task.command.clone(),
        cwd: path(&task.cwd),
        group: task.group.as_str(),
        origin: task.origin.as_str(),
        session_id: task.session.as_ref().map(|id| id.0.clone()),
        tool_call_id: task.tool_call.as_ref().map(|id| id.0.clone()),
        owned: task.owned,
        status: task.status.as_str(),
        stopping: task.stopping,
        stopped_by: task.stopped_by.map(model::StoppedBy::as_str),
        run: task.run,
        attempt: task.attempt,
        max_attempts: task.max_attempts,
        flaky: task.flaky,
        runs: task
            .runs
            .iter()
            .map(|run| wire::Run {
                run: run.run,
                status: run.status.as_str(),
                ended_at: run.ended_at.map(Timestamp::rfc3339),
                exit_code: run.exit_code,
                started_by: run.started_by.map(model::Origin::as_str),
                session_id: run.session.as_ref().map(|id| id.0.clone()),
                stopped_by: run.stopped_by.map(model::StoppedBy::as_str),
            })
            .collect(),
        priority: task.priority,
        on_exit: task.on_exit.as_str(),
        lifetime: task.lifetime.as_str(),
        timeout_ms: task.timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
        created_at: task.created_at.rfc3339(),
        started_at: task.started_at.map(Timestamp::rfc3339),
        ended_at: task.ended_at.map(Timestamp::rfc3339),
        elapsed_ms: task.elapsed_ms(now),
        pid: task.pid,
        exit_code: task.exit_code,
        signal: task.signal,
        stragglers: task.stragglers,
        waiting_for: task.waiting_for.as_ref().map(|waiting| wire::WaitingFor {
            kind: waiting.kind.as_str(),
            question: waiting.question.clone(),
            holder: waiting.holder.clone(),
            options: waiting
                .options
                .iter()
                .map(|option| wire::AnswerOption { label: option.label.clone(), text: option.text.clone() })
                .collect(),
            secret: waiting.secret,
        }),
        unsaved: task.unsaved.iter().map(|file| path(file)).collect(),
        output: wire::Output {
            path: Some(path(&task.output.path)).filter(|path| !path.is_empty()),
            bytes: task.output.bytes,
            lines: task.output.lines,
            last_line: task.output.last_line.clone(),
            truncated: task.output.truncated,
        },
        progress: wire::Progress {
            message: task.progress.message.clone(),
            percent: task.progress.percent,
            passed: task.progress.counts.passed,
            failed: task.progress.counts.failed,
            skipped: task.progress.counts.skipped,
        },
        diagnostics: wire::ProblemCounts { errors: task.errors, warnings: task.warnings },
        wanted_answer: task.wanted_answer.clone(),
        summary: task.summary.clone(),
        delivery: task.delivery.as_str(),
        delivered_turn_id: task.delivered_turn.as_ref().map(|id| id.0.clone()),
    }
}

/// A prompt's blocks in the owner's words.
pub fn content(blocks: Vec<ContentBlock>) -> Vec<Content> {
    blocks
        .into_iter()
        .map(|block| match block {
            ContentBlock::Text { text } => Content::Text { text },
            ContentBlock::Image { data, mime_type } => Content::Image { data, mime_type },
            ContentBlock::ResourceLink { uri, name, range } => {
                Content::Link { uri, name, lines: range.map(|range| (range.start, range.end)) }
            }
            ContentBlock::Resource { resource } => Content::Resource { uri: resource.uri, text: resource.text },
        })
        .collect()
}

/// A block as clients send and get it.
pub fn block(content: Content) -> ContentBlock {
    match content {
        Content::Text { text } => ContentBlock::Text { text },
        Content::Image { data, mime_type } => ContentBlock::Image { data, mime_type },
        Content::Link { uri, name, lines } => {
            ContentBlock::ResourceLink { uri, name, range: lines.map(|(start, end)| wire::LineRange { start, end }) }
        }
        Content::Resource { uri, text } => ContentBlock::Resource { resource: wire::ResourceText { uri, text } },
    }
}

fn text(text: String) -> ContentBlock {
    ContentBlock::Text { text }
}

fn queue(prompts: Vec<(crate::ids::PromptId, Vec<Content>)>) -> Vec<wire::QueuedPrompt> {
    prompts
        .into_iter()
        .map(|(id, content)| wire::QueuedPrompt { prompt_id: id.0, prompt: content.into_iter().map(block).collect() })
        .collect()
}

fn usage(sum: UsageSum, window: Option<u64>) -> wire::Usage {
    wire::Usage {
        input_tokens: sum.input,
        output_tokens: sum.output,
        cache_read_tokens: sum.cache_read,
        cache_write_tokens: sum.cache_write,
        context_used: sum.context_used,
        context_window: window,
        cost: None,
    }
}

fn tool_status(status: ToolStatus) -> &'static str {
    match status {
        ToolStatus::Pending => "pending",
        ToolStatus::InProgress => "in_progress",
        ToolStatus::Completed => "completed",
        ToolStatus::Failed => "failed",
    }
}

fn tool_content(content: Vec<ToolContent>) -> Vec<wire::ToolContent> {
    content
        .into_iter()
        .map(|content| match content {
            ToolContent::Text(body) => wire::ToolContent::Content { content: text(body) },
            ToolContent::Diff(diff) => {
                wire::ToolContent::Diff { path: path(&diff.path), old_text: diff.old_text, new_text: diff.new_text }
            }
        })
        .collect()
}

fn locations(locations: Vec<crate::tool::Location>) -> Vec<wire::ToolLocation> {
    locations.into_iter().map(|at| wire::ToolLocation { path: path(&at.path), line: at.line }).collect()
}

fn tool_call(row: ToolRow) -> wire::ToolCall {
    wire::ToolCall {
        tool_call_id: row.call.0,
        title: row.title,
        name: row.name,
        kind: row.kind,
        status: tool_status(row.status),
        raw_input: row.input,
        content: tool_content(row.content),
        locations: locations(row.locations),
    }
}

/// An update of a session.
pub fn update(update: Update) -> wire::Update {
    match update {
        Update::UserMessage { message, content } => {
            wire::Update::UserMessageChunk { content: block(content), message_id: message.0 }
        }
        Update::AgentMessage { message, text: body } => {
            wire::Update::AgentMessageChunk { content: text(body), message_id: message.0 }
        }
        Update::AgentThought { message, text: body } => {
            wire::Update::AgentThoughtChunk { content: text(body), message_id: message.0 }
        }
        Update::MessageDiscarded { message } => wire::Update::MessageDiscarded { message_id: message.0 },
        Update::ToolCall(row) => wire::Update::ToolCall(tool_call(*row)),
        Update::ToolCallUpdate { call, change } => {
            let ToolChange { status, content, output, locations: places, task } = *change;
            wire::Update::ToolCallUpdate {
                tool_call_id: call.0,
                status: status.map(tool_status),
                content: content.map(tool_content),
                raw_output: output.map(Value::String),
                locations: places.map(locations),
                task_id: task.map(|id| id.0),
            }
        }
        Update::Queue(prompts) => wire::Update::Queue { prompts: queue(prompts) },
        Update::TaskNotification { tasks, text } => {
            wire::Update::TaskNotification { task_ids: tasks.into_iter().map(|id| id.0).collect(), text }
        }
        Update::TurnStarted { reason } => wire::Update::TurnStarted {
            reason: match reason {
                TurnReason::Prompt => "prompt",
                TurnReason::TaskNotification => "task_notification",
            },
        },
        Update::TurnEnded { stop, usage: sum, error, unsent } => wire::Update::TurnEnded {
            stop_reason: match stop {
                StopReason::EndTurn => "end_turn",
                StopReason::MaxTokens => "max_tokens",
                StopReason::MaxTurnRequests => "max_turn_requests",
                StopReason::Refusal => "refusal",
                StopReason::Cancelled => "cancelled",
                StopReason::Interrupted => "interrupted",
                StopReason::Error => "error",
            },
            usage: usage(sum, None),
            error: error.map(|message| wire::TurnError { message }),
            unsent: queue(unsent),
        },
        Update::Usage { sum, window } => wire::Update::Usage(usage(sum, window)),
        Update::Info { title, mode, model, wakes_paused } => {
            wire::Update::SessionInfo { title, mode, model, wakes_paused }
        }
        Update::Retrying { reason, after_ms, attempt } => wire::Update::Retrying { reason, after_ms, attempt },
        Update::ReplayStarted => wire::Update::ReplayStarted,
        Update::ReplayEnded => wire::Update::ReplayEnded,
    }
}

/// A permission question with its choices.
pub fn question(question: &Question) -> wire::PermissionParams {
    let option = |option_id, name: String, kind| wire::PermissionOption { option_id, name, kind };
    let mut options = vec![option("allow_once", "Yes".into(), "allow_once")];
    options.extend(
        question.always.as_ref().map(|rule| option("allow_always", format!("Always allow {rule}"), "allow_always")),
    );
    options.push(option("reject_once", "No".into(), "reject_once"));
    wire::PermissionParams {
        session_id: question.session.0.clone(),
        question_id: question.id.0.clone(),
        parent_tool_call_id: None,
        tool_call: tool_call(question.row.clone()),
        options,
    }
}

/// One diagnostic as LSP wants it.
pub fn diagnostic(shown: &ShownProblem) -> Value {
    let problem = &shown.problem;
    let mut message = problem.message.clone();
    if shown.edited {
        message.push_str(&format!(" (from run {}, edited since)", shown.run));
    }
    let related: Vec<Value> = problem
        .related
        .iter()
        .map(|related| {
            json!({
                "location": {"uri": uri::from_path(&related.place.file), "range": range(&related.place)},
                "message": related.message,
            })
        })
        .collect();
    json!({
        "range": range(&problem.place),
        "severity": match problem.severity {
            Severity::Error => 1,
            Severity::Warning => 2,
            Severity::Information => 3,
            Severity::Hint => 4,
        },
        "source": "pillion",
        "code": problem.test.as_ref().or(problem.code.as_ref()),
        "message": message,
        "relatedInformation": related,
        "data": {"taskId": shown.task, "run": shown.run, "tool": problem.tool, "test": problem.test},
    })
}

/// Columns that are not known reach over the whole line; LSP clients cut a column that is behind the line's end.
fn range(place: &Place) -> Value {
    const WHOLE_LINE: u32 = 1_000;
    let line = place.line.unwrap_or(1).saturating_sub(1);
    let (start, end_line, end) = match place.column {
        None => (0, line, WHOLE_LINE),
        Some(column) => {
            let start = column.saturating_sub(1);
            let end_line = place.end_line.map_or(line, |end| end.saturating_sub(1)).max(line);
            let end = place.end_column.map_or(start + 1, |end| end.saturating_sub(1));
            (start, end_line, if end_line == line { end.max(start + 1) } else { end })
        }
    };
    json!({"start": {"line": line, "character": start}, "end": {"line": end_line, "character": end}})
}

/// The answer to a request.
pub fn reply(reply: Reply, now: Timestamp) -> Value {
    let value = match reply {
        Reply::Done => Ok(json!({})),
        Reply::Session { session, mode, model } => serde_json::to_value(wire::SessionResult {
            session_id: session.0,
            mode: mode.to_owned(),
            modes: Mode::ALL
                .iter()
                .map(|(_, id, name, description)| wire::ModeInfo { id, name, description })
                .collect(),
            model,
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
        Reply::TestResults { task, run, tests, counts } => serde_json::to_value(wire::TestResults {
            task_id: task.0,
            run,
            tests: tests.into_iter().map(test_result).collect(),
            counts: wire::TestCounts { passed: counts.passed, failed: counts.failed, skipped: counts.skipped },
        }),
        Reply::Text(text) => Ok(json!({"text": text})),
        Reply::Rules(rules) => serde_json::to_value(wire::RulesResult { rules }),
    };
    value.unwrap_or(Value::Null)
}

fn test_result(test: TestResult) -> wire::TestResult {
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
            format!("there is no open session {id}"),
            "unknown_session",
            Some("sessionId"),
            "List the sessions with pillion/session/list, open one with pillion/session/load or pillion/session/new.",
        ),
        Refusal::UnknownTask(Some(id)) => error(
            wire::code::UNKNOWN_TASK,
            format!("there is no task {id}"),
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
