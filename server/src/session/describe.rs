//! Tasks in words, for the model.

use std::path::Path;

use crate::agent::notification;
use crate::ids::TaskId;
use crate::task::model::{StoppedBy, Task};

use super::state::State;

impl State {
    /// All tasks, a line each, for the model.
    pub(super) fn list_for_model(&self) -> String {
        let lines: Vec<String> = self
            .ledger
            .all_visible()
            .rev()
            .take(30)
            .map(|task| {
                let detail = task.summary.clone().or_else(|| task.progress.message.clone()).unwrap_or_default();
                let elapsed = notification::duration(task.elapsed_ms(self.now()));
                let command = notification::cut(&task.command, 100);
                format!("{} {} · {} · {elapsed} · {detail}", task.id, task.status.as_str(), command)
                    .trim_end_matches(" · ")
                    .to_owned()
            })
            .collect();
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
        lines.extend(task.summary.clone().or_else(|| task.progress.message.clone()));
        let (failures, _) = entry.facts.failures(&self.settings.root);
        if !failures.is_empty() {
            lines.push("Failures:".into());
            lines.extend(failures.into_iter().take(50));
        }
        lines.extend(notes(task, &self.settings.root));
        lines.push(format!("Output ({} bytes, {}):", task.output.bytes, task.output.path.display()));
        lines.join("\n")
    }
}

/// Sentences about a run that neither its status nor its output tells.
pub(super) fn notes(task: &Task, root: &Path) -> Vec<String> {
    let mut notes = Vec::new();
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
    if task.stopped_by == Some(StoppedBy::Limit) {
        notes.push(format!(
            "It was stopped because it wrote too much, {} bytes: the settings background.outputCapBytes and \
             background.outputTotalBytes are the limits. Write less, or to a file of its own.",
            task.output.bytes
        ));
    } else if task.output.truncated {
        notes.push("The command cut its own output; what was cut is not in the file any more.".into());
    }
    notes
}
