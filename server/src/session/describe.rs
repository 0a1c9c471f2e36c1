//! Tasks in words, for the model.

use std::path::Path;

use crate::agent::notification;
use crate::ids::{SessionId, TaskId};
use crate::task::model::{Origin, StoppedBy, Task};

use super::facts::Failures;
use super::ledger::Entry;
use super::state::State;
use super::waiting_for_input::waits_for;

/// Tasks in the list for the model.
const LISTED: usize = 30;

impl State {
    /// All tasks, a line each, for the model; what ended untold comes with its failures, and is told thereby. One line where
    /// nothing has changed since the last time.
    pub(super) fn list_for_model(&mut self, session: &SessionId) -> String {
        if let Some(text) = self.look_at_all(session) {
            return text;
        }
        let shown: Vec<TaskId> = self.ledger.all_visible().rev().take(LISTED).map(|task| task.id.clone()).collect();
        let left_out = self.ledger.all_visible().count() - shown.len();
        let mut lines: Vec<String> = self
            .ledger
            .all_visible()
            .rev()
            .take(LISTED)
            .map(|task| {
                let detail = waits_for(task.waiting_for.as_ref())
                    .or_else(|| task.summary.clone())
                    .or_else(|| task.progress.message.clone())
                    .unwrap_or_default();
                let elapsed = notification::duration(task.elapsed_ms(self.now()));
                let command = notification::cut(&task.command, 100);
                let mut text = format!("{} {} · {} · {elapsed} · {detail}", task.id, task.status.as_str(), command)
                    .trim_end_matches(" · ")
                    .to_owned();
                let untold = self.reports.pending_ends(session).find(|report| report.key.task == task.id);
                for failure in untold.iter().flat_map(|report| report.failures.iter().take(10)) {
                    text.push_str("\n  ");
                    text.push_str(failure);
                }
                text
            })
            .collect();
        for task in &shown {
            self.told_by_result(session, task);
        }
        lines.extend((left_out > 0).then(|| format!("… and {left_out} older ones")));
        if lines.is_empty() { "There are no tasks.".into() } else { lines.join("\n") }
    }

    /// One task, for the model: status, summary, failures.
    pub(super) fn describe_for_model(&self, id: &TaskId) -> String {
        let Some(entry) = self.ledger.get(id) else { return String::new() };
        let task = &entry.task;
        let mut lines = vec![format!(
            "{id} {} · {} · run {} · {}",
            task.status.as_str(),
            task.command,
            task.run,
            notification::duration(task.elapsed_ms(self.now()))
        )];
        lines.extend(task.exit_code.map(|code| format!("Exit code: {code}")));
        lines.extend(told_summary(entry).or_else(|| task.progress.message.clone()));
        let failures = entry.failures(&self.settings.root);
        if !failures.lines.is_empty() {
            lines.push("Failures:".into());
            let more = failures.more + failures.lines.len().saturating_sub(50);
            lines.extend(failures.lines.into_iter().take(50));
            lines.extend((more > 0).then(|| format!("… and {more} more")));
        }
        lines.extend(environment(task));
        lines.extend(notes(entry, &self.settings.root));
        lines.push(format!("Output ({} bytes, {}):", task.output.bytes, task.output.path.display()));
        lines.join("\n")
    }
}

/// The variables of a command that are not the person's own, by name: those of this start, and those that it did not get.
fn environment(task: &Task) -> Option<String> {
    let set: Vec<&str> = task.env.iter().map(|(name, _)| name.as_str()).take(20).collect();
    let withheld: Vec<&str> = task.environment.withheld.iter().map(String::as_str).collect();
    let part = |what: &str, names: Vec<&str>| (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")));
    let parts: Vec<String> = [part("set", set), part("withheld", withheld)].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("Environment: {}", parts.join("; ")))
}

/// Sentences about a run that neither its status nor its output tells.
pub(super) fn notes(entry: &Entry, root: &Path) -> Vec<String> {
    let task = &entry.task;
    let mut notes: Vec<String> = waits_for(task.waiting_for.as_ref()).into_iter().collect();
    notes.extend(started_by(task));
    if task.flaky {
        let tests = if entry.tried.is_empty() { String::new() } else { failed_at_first(&entry.tried) };
        notes.push(format!("Flaky? It passed at attempt {} without a change.{tests}", task.attempt));
    }
    if entry.beside.before_agent {
        notes.push(
            "What failed had failed before you began: nothing was changed in this session before this run.".into(),
        );
    }
    if let Some(question) = &task.wanted_answer {
        notes.push(format!(
            "It may have wanted an answer: {question} (it had no input; start it with stdin `pipe` or `pty`, and the user is \
             asked)."
        ));
    }
    if !task.unsaved.is_empty() {
        let names: Vec<String> =
            task.unsaved.iter().map(|path| path.strip_prefix(root).unwrap_or(path).display().to_string()).collect();
        notes.push(format!(
            "The run did not include unsaved text in the editor: {}. It saw the files as they are on disk.",
            names.join(", ")
        ));
    }
    match task.stragglers {
        0 => {}
        1 => notes.push("1 process that it started still runs; stopping the task ends it.".into()),
        n => notes.push(format!("{n} processes that it started still run; stopping the task ends them.")),
    }
    for name in &task.environment.missed {
        notes.push(format!(
            "{name} was withheld from this command: only Pillion was given its value. The setting `background.passEnv` \
             passes it on."
        ));
    }
    if task.stopped_by == Some(StoppedBy::Limit) {
        notes.push(format!(
            "It was stopped because it wrote too much, {} bytes: the settings background.outputCapBytes and \
             background.outputTotalBytes are the limits. Write less, or to a file of its own.",
            task.output.bytes
        ));
    } else if task.output.truncated {
        notes.push("The command cut its own output; what was cut is not in the file any more.".into());
    }
    if task.output.passed_over > 0 {
        notes.push(format!(
            "{} bytes of its output were not searched for problems: it was stopped while they waited.",
            task.output.passed_over
        ));
    }
    notes
}

/// Who asked for the newest run, where it was not the agent.
pub(super) fn started_by(task: &Task) -> Option<String> {
    let by = match task.runs.last()?.started_by? {
        Origin::Agent => return None,
        Origin::User => "the user",
        Origin::Watch => "a file change",
    };
    Some(if task.run > 1 { format!("Rerun by {by}.") } else { format!("Started by {by}.") })
}

fn failed_at_first(tests: &[String]) -> String {
    let names = notification::cut(&tests.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", "), 200);
    match tests.len().saturating_sub(5) {
        0 => format!(" Failed before: {names}."),
        more => format!(" Failed before: {names} and {more} more."),
    }
}

/// The summary as the model is told it: with what it cannot have broken.
pub(super) fn told_summary(entry: &Entry) -> Option<String> {
    let summary = entry.task.summary.clone()?;
    Some(if entry.beside.before_agent { format!("{summary} (failed before you began)") } else { summary })
}

impl Entry {
    /// What went wrong in the newest run, in words.
    pub(super) fn failures(&self, root: &Path) -> Failures {
        self.facts.failures(root, self.beside.delta.as_ref(), self.beside.before_agent)
    }
}
