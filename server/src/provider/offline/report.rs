//! Plain words for what came back: results of tool calls, ends of tasks. Nothing is said here that the tools or the
//! notifications did not say.

use super::past::{Done, Notice, is_shell, task_ids};
use crate::task::model::Group;
use crate::workspace::classify;

/// Lines of a result that are shown; the tool call's own row has all of them.
const LINES: usize = 60;

/// Lines of output that are shown with a failure that has no places.
const TAIL: usize = 20;

/// The report of one tool result.
pub(super) fn result(done: &Done<'_>) -> String {
    let text = done.result.text.trim();
    let command = done.input["command"].as_str().unwrap_or_default();
    let path = done.input["path"].as_str().unwrap_or_default();
    match done.name {
        name if is_shell(name) && done.result.is_error => {
            format!("`{command}` was not run or failed:\n{}", fenced(text))
        }
        name if is_shell(name) => {
            shell(command, name == "background_run" || done.input["run_in_background"] == true, text)
        }
        "read_file" if done.result.is_error => format!("`{path}` could not be read: {text}"),
        "read_file" => format!("`{path}`:\n{}", fenced(text)),
        "stop_background" => text.to_owned(),
        _ if text.lines().count() > 1 => fenced(text),
        _ => text.to_owned(),
    }
}

fn shell(command: &str, background: bool, text: &str) -> String {
    let ids = task_ids(text);
    let lower = text.to_lowercase();
    match ids.first() {
        Some(id) if lower.contains("already running") => {
            format!("`{command}` is already running as {id}. {}", promise(command))
        }
        Some(id) if background && lower.contains("permission") => {
            format!("`{command}` waits for your permission as {id}. It starts when you say yes.")
        }
        Some(id) if background => format!("Started `{command}` in the background as {id}. {}", promise(command)),
        // It took long and went on in the background: the result says so, with the output so far.
        _ if text.is_empty() => format!("`{command}` ran and printed nothing."),
        _ => format!("`{command}`:\n{}", fenced(text)),
    }
}

/// What the person will hear of a command in the background.
fn promise(command: &str) -> &'static str {
    match classify::group_of(command) {
        Group::Test => "I'll tell you what fails.",
        Group::Build | Group::Lint => "I'll tell you what it finds.",
        _ => "I'll tell you when it ends.",
    }
}

/// The report of a task's end, or of its question.
pub(super) fn notice(notice: &Notice) -> String {
    let Notice { task, status, command, exit_code, duration, summary, failures, tail, question, notes } = notice;
    let name = if command.is_empty() { task.clone() } else { format!("`{}`", command.replace('`', "'")) };
    let what = match status.as_str() {
        "succeeded" => "passed".to_owned(),
        "failed" => "failed".to_owned(),
        "timed_out" => "timed out".to_owned(),
        "killed" => "was stopped".to_owned(),
        "interrupted" => "was interrupted, and its end was not seen".to_owned(),
        "waiting_for_input" => format!("waits for your answer ({task})"),
        "running" => format!("is still running ({task})"),
        "queued" => format!("is still waiting to start ({task})"),
        other => other.replace('_', " "),
    };
    let mut facts = Vec::new();
    if !question.is_empty() {
        facts.push(question.clone());
    }
    if !summary.is_empty() {
        facts.push(summary.trim_end_matches('.').to_owned());
    } else if status == "failed" && !exit_code.is_empty() {
        facts.push(format!("exit code {exit_code}"));
    }
    if !duration.is_empty() {
        facts.push(format!("in {duration}"));
    }
    let facts = if facts.is_empty() { String::new() } else { format!(": {}", facts.join(", ")) };
    let mut text = format!("{name} {what}{facts}.");
    for note in notes {
        text.push(' ');
        text.push_str(note);
    }
    for failure in failures {
        text.push_str("\n- ");
        text.push_str(failure);
    }
    let unhappy = !matches!(status.as_str(), "succeeded" | "running" | "queued" | "killed");
    if failures.is_empty() && unhappy && !tail.is_empty() {
        text.push('\n');
        text.push_str(&last_lines(tail));
    }
    text
}

/// What the last runs came to, newest first, the newest of each task only. `None` when nothing was told yet.
pub(super) fn failures(notices: &[Notice]) -> Option<String> {
    let ended = |notice: &&Notice| !matches!(notice.status.as_str(), "running" | "queued" | "waiting_for_input");
    let mut seen: Vec<&str> = Vec::new();
    let mut newest = Vec::new();
    for notice in notices.iter().rev().filter(ended) {
        // A command that ran again under another id counts once.
        if !seen.contains(&notice.command.as_str()) {
            seen.push(&notice.command);
            newest.push(notice);
        }
    }
    let failed: Vec<String> = newest.iter().filter(|one| one.status != "succeeded").map(|one| notice(one)).collect();
    match (newest.first(), failed.is_empty()) {
        (None, _) => None,
        (Some(last), true) => Some(format!("Nothing failed. {}", notice(last))),
        (Some(_), false) => Some(failed.join("\n\n")),
    }
}

/// Text as it is, in a fence that it cannot close; what is left out is counted.
fn fenced(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines.len().min(LINES);
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    let more = lines.len() - shown;
    let more = if more > 0 { format!("\n{more} more lines are in the tool's result.") } else { String::new() };
    format!("{fence}\n{}\n{fence}{more}", lines[..shown].join("\n"))
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(TAIL);
    fenced(&lines[from..].join("\n"))
}
