//! Which queued task may start, and its start. Builds, tests, lints and installs share slots, by priority, then age; other
//! tasks and foreground commands take none.

use std::path::PathBuf;
use std::time::Duration;

use crate::ids::TaskId;
use crate::task::model::{Group, OutputInfo, Progress, Status, Task, WaitKind, WaitingFor};
use crate::task::run::{RunId, RunSpec};

use super::effect::Effect;
use super::facts::Facts;
use super::state::State;

pub(super) fn takes_slot(group: Group) -> bool {
    matches!(group, Group::Build | Group::Test | Group::Lint | Group::Install)
}

impl State {
    /// Starts every queued task that may start: by priority, then by age. Builds, tests, lints and installs take slots.
    /// Whoever has queued a task calls this; the row is told here, started or waiting.
    pub(super) fn place(&mut self) {
        let mut used = self
            .ledger
            .entries
            .iter()
            .filter(|entry| entry.launched && entry.foreground.is_none() && takes_slot(entry.task.group))
            // A person may take hours to answer.
            .filter(|entry| entry.task.status != Status::WaitingForInput)
            .count();
        let mut waiting: Vec<(i32, usize)> = self
            .ledger
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| {
                entry.task.owned && entry.task.status == Status::Queued && !entry.launched && entry.question.is_none()
            })
            .filter(|(_, entry)| entry.task.waiting_for.as_ref().is_none_or(|waiting| waiting.kind == WaitKind::Slot))
            .map(|(at, entry)| (-entry.task.priority, at))
            .collect();
        waiting.sort();
        // By place, not by id: a thousand may wait, and each start asks all of them.
        for (_, at) in waiting {
            let Some(entry) = self.ledger.entries.get_mut(at) else { continue };
            if entry.foreground.is_none() && takes_slot(entry.task.group) {
                if used >= self.settings.slots {
                    if entry.task.waiting_for.is_none() {
                        entry.task.waiting_for = Some(WaitingFor::of(WaitKind::Slot));
                        let id = entry.task.id.clone();
                        self.task_changed(&id);
                    }
                    continue;
                }
                used += 1;
            }
            entry.task.waiting_for = None;
            let id = entry.task.id.clone();
            self.launch(&id);
        }
    }

    fn run_dir(&self, task: &Task) -> PathBuf {
        let name = match task.attempt {
            1 => task.run.to_string(),
            attempt => format!("{}.{attempt}", task.run),
        };
        self.settings.runs.join(task.id.as_str()).join(name)
    }

    pub(super) fn launch(&mut self, id: &TaskId) {
        self.begin_beside(id);
        let unsaved = self.unsaved();
        let Some(at) = self.ledger.entries.iter().position(|entry| entry.task.id == *id) else { return };
        let dir = self.run_dir(&self.ledger.entries[at].task);
        let entry = &mut self.ledger.entries[at];
        entry.launched = true;
        let failed: Vec<String> = entry.facts.failed_tests().map(str::to_owned).collect();
        entry.tried = if entry.task.attempt > 1 { failed } else { Vec::new() };
        entry.facts = Facts::default();
        entry.total = None;
        entry.explanation = None;
        let task = &mut entry.task;
        task.unsaved = unsaved;
        task.output = OutputInfo { path: dir.join("output"), ..OutputInfo::default() };
        task.progress = Progress::default();
        let spec = RunSpec {
            id: RunId { task: task.id.clone(), run: task.run },
            command: task.command.clone(),
            cwd: task.cwd.clone(),
            env: task.env.clone(),
            stdin: task.stdin,
            timeout: task.timeout,
            stop_grace: Duration::from_millis(self.settings.stop_grace),
            stall_after: Duration::from_millis(self.settings.stall_after),
            output_cap: self.settings.output_cap,
            output_total: self.settings.output_total,
            dir,
            root: self.settings.root.clone(),
        };
        let key = (task.command.clone(), task.cwd.clone());
        let changed = self.problems.begin_run(&task.id.clone(), task.run, key);
        self.show_problems(changed);
        // The row is written before anything starts: a crash between the two leaves a row, never an unknown process.
        self.task_changed(id);
        let run = spec.id.clone();
        self.effects.push(Effect::StartRun(spec));
        self.ask_fingerprint(id, run);
    }

    pub(super) fn set_priority(&mut self, id: &TaskId, priority: i32) {
        if let Some(entry) = self.ledger.get_mut(id) {
            entry.task.priority = priority;
        }
        self.task_changed(id);
        self.place();
    }

    /// Workspace files with text that the person has not saved.
    pub(super) fn unsaved(&self) -> Vec<PathBuf> {
        let root = &self.settings.root;
        self.moment.documents.unsaved().into_iter().filter(|path| path.starts_with(root)).collect()
    }
}
