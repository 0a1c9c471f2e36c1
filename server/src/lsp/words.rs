//! What a person reads of a task where the client shows no tasks of its own: the words of the panel, in one line. Pure.

use crate::task::model::{Kind, Origin, Status, StoppedBy, Task, WaitKind};

/// The word for a status, the same in every editor.
pub fn status(status: Status) -> &'static str {
    match status {
        Status::Queued => "queued",
        Status::Running => "running",
        Status::WaitingForInput => "needs you",
        Status::Succeeded => "passed",
        Status::Failed => "failed",
        Status::TimedOut => "timed out",
        Status::Killed => "stopped",
        Status::Interrupted => "interrupted",
    }
}

/// How far a task is, or how its run ended. `label` gives the label of a task that is alive. `None` where there is nothing
/// to say: the last line of what stays (a server's log) is no news.
pub fn message(task: &Task, label: impl Fn(&str) -> Option<String>) -> Option<String> {
    match task.status {
        Status::WaitingForInput => {
            let question = task.waiting_for.as_ref().and_then(|on| on.question.as_deref());
            Some(question.map_or_else(|| "needs you".to_owned(), |question| format!("needs you: {question}")))
        }
        Status::Running => held_up(task, label).or_else(|| task.progress.message.clone()).or_else(|| {
            let last = (task.kind != Kind::Monitor).then(|| task.output.last_line.clone());
            last.filter(|line| !line.is_empty())
        }),
        Status::Succeeded | Status::Failed => task.summary.clone().or_else(|| Some(ended(task))),
        other => Some(status(other).to_owned()),
    }
}

/// What a running command says that it waits for.
fn held_up(task: &Task, label: impl Fn(&str) -> Option<String>) -> Option<String> {
    let on = task.waiting_for.as_ref().filter(|on| on.kind == WaitKind::Lock)?;
    let holder = on.holder.as_ref().map(|holder| label(holder).unwrap_or_else(|| holder.clone()));
    Some(format!("waits for {}", holder.as_deref().unwrap_or("a lock")))
}

/// `failed (101)`.
fn ended(task: &Task) -> String {
    match (task.status, task.exit_code) {
        (Status::Failed, Some(code)) => format!("failed ({code})"),
        (other, _) => status(other).to_owned(),
    }
}

/// What a person should look at although the command says that all is well: no test was run, or some failed.
pub fn doubtful_end(task: &Task) -> Option<String> {
    let summary = task.summary.as_deref().filter(|_| task.status == Status::Succeeded)?;
    let by_watch = task.runs.last().and_then(|run| run.started_by) == Some(Origin::Watch);
    let is_doubtful =
        summary.ends_with("no test was run") || summary.ends_with("but the command says that it succeeded");
    (is_doubtful && !by_watch).then(|| format!("{} passed: {summary}", task.label))
}

/// A bad end that nobody asked for, to be told once. `None` for what somebody stopped, and for the run that a file change
/// began: its problems are on their lines.
pub fn bad_end(task: &Task) -> Option<String> {
    let is_bad = match task.status {
        Status::Killed => task.stopped_by == Some(StoppedBy::Limit),
        Status::Failed | Status::TimedOut | Status::Interrupted => true,
        _ => false,
    };
    let by_watch = task.runs.last().and_then(|run| run.started_by) == Some(Origin::Watch);
    if !is_bad || by_watch {
        return None;
    }
    let end = format!("{} {}", task.label, ended(task));
    Some(match task.summary.as_deref() {
        Some(summary) if task.started_at.is_none() => format!("{}: {summary}", task.label),
        Some(summary) => format!("{end}: {summary}"),
        None => end,
    })
}
