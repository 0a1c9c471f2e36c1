//! A task, and a problem that it found, as clients see them.

use serde_json::{Value, json};

use crate::lsp::uri;
use crate::problem::{Place, Severity};
use crate::protocol as wire;
use crate::session::event::ShownProblem;
use crate::task::model::{self, Timestamp};

use super::{code_link, path};

/// A task as clients see it, at the moment `now`.
pub fn task(task: &model::Task, now: Timestamp) -> wire::Task {
    wire::Task {
        id: task.id.0.clone(),
        kind: task.kind.as_str(),
        label: task.label.clone(),
        command: task.command.clone(),
        cwd: path(&task.cwd),
        environment: wire::Environment {
            set: task.environment.set.iter().cloned().collect(),
            omitted: task.environment.omitted,
            withheld: task.environment.withheld.clone(),
        },
        group: task.group.as_str(),
        origin: task.origin.as_str(),
        session_id: task.session.as_ref().map(|id| id.0.clone()),
        tool_call_id: task.tool_call.as_ref().map(|id| id.0.clone()),
        parent_tool_call_id: task.parent_tool_call.as_ref().map(|id| id.0.clone()),
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
                narrowed: run.narrowed.as_ref().map(|narrowed| narrowed.command.clone()),
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
        pattern: task.monitor.pattern.clone(),
        ready: task.ready.as_ref().map(|ready| wire::Ready { line: ready.line.clone(), url: ready.url.clone() }),
        watching: task.watch.is_some(),
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
        depends_on: task.depends_on.iter().map(|id| id.0.clone()).collect(),
        delivered_turn_id: task.delivered_turn.as_ref().map(|id| id.0.clone()),
    }
}

/// One diagnostic as LSP wants it.
pub fn diagnostic(shown: &ShownProblem) -> Value {
    let problem = &shown.problem;
    let mut message = problem.message.clone();
    if shown.edited {
        message.push_str(&format!(" (from run {}, edited since)", shown.run));
    }
    // The first line is for the list; a hover shows all. One line that says the same with its place shows nothing more.
    let says_more = |detail: &&str| detail.trim().contains('\n') || !detail.contains(&problem.message);
    if let Some(detail) = problem.detail.as_deref().filter(says_more) {
        message.push_str("\n\n");
        message.push_str(detail.trim_end());
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
    let page = problem.code.as_deref().filter(|_| problem.test.is_none());
    let page = page.and_then(|code| code_link::page(&problem.tool, code));
    let mut told = json!({
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
        "data": {
            "taskId": shown.task,
            "run": shown.run,
            "tool": problem.tool,
            "test": problem.test,
            "tests": shown.tests,
            "service": shown.service.as_ref().map(|service| service.name.clone()),
        },
    });
    if let Some(page) = page {
        told["codeDescription"] = json!({"href": page});
    }
    told
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
