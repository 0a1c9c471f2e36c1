//! Which queued task may start, and its start. Builds, tests, lints and installs share slots, by priority, then age; other
//! tasks and foreground commands take none.

use std::path::PathBuf;
use std::time::Duration;

use crate::ids::TaskId;
use crate::task::model::{
    EnvironmentRecord, Group, Lifetime, OnClose, OutputInfo, Progress, Status, Task, WaitKind, WaitingFor,
};
use crate::task::run::{RunControl, RunId, RunSpec};

use super::effect::Effect;
use super::facts::Facts;
use super::ledger::Entry;
use super::monitor;
use super::settings::Settings;
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
        let mut waiting: Vec<(i32, usize, TaskId)> = self
            .ledger
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| {
                entry.task.owned && entry.task.status == Status::Queued && !entry.launched && entry.question.is_none()
            })
            .filter(|(_, entry)| entry.task.waiting_for.as_ref().is_none_or(|waiting| waiting.kind == WaitKind::Slot))
            .map(|(at, entry)| (-entry.task.priority, at, entry.task.id.clone()))
            .collect();
        waiting.sort();
        for (_, _, id) in waiting {
            let Some(entry) = self.ledger.get_mut(&id) else { continue };
            if entry.foreground.is_none() && takes_slot(entry.task.group) {
                if used >= self.settings.slots {
                    if entry.task.waiting_for.is_none() {
                        entry.task.waiting_for = Some(WaitingFor::of(WaitKind::Slot));
                        self.task_changed(&id);
                    }
                    continue;
                }
                used += 1;
            }
            entry.task.waiting_for = None;
            self.launch(&id);
        }
    }

    pub(super) fn run_dir(&self, task: &Task) -> PathBuf {
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
        entry.address = None;
        let task = &mut entry.task;
        task.unsaved = unsaved;
        task.output = OutputInfo { path: dir.join("output"), ..OutputInfo::default() };
        task.progress = Progress::default();
        task.environment = EnvironmentRecord::default();
        (task.ready, task.monitor.heard) = (None, 0);
        let spec = spec_of(entry, &self.settings, dir);
        self.begin_problems(id);
        // The row is written before anything starts: a crash between the two leaves a row, never an unknown process.
        self.task_changed(id);
        let run = spec.id.clone();
        self.effects.push(Effect::StartRun(spec));
        self.ask_fingerprint(id, run);
    }

    /// A run begins, or is read from its beginning once more: what earlier ones of its command found is old.
    pub(super) fn begin_problems(&mut self, id: &TaskId) {
        let Some(entry) = self.ledger.get(id) else { return };
        let task = &entry.task;
        let changed = self.problems.begin_run(id, task.run, (task.command.clone(), task.cwd.clone()));
        self.show_problems(changed);
    }

    /// What happens when this sidecar goes away is another thing from now on.
    pub(super) fn tell_on_close(&mut self, id: &TaskId) {
        let alive = |entry: &&Entry| entry.task.owned && (entry.launched || entry.task.stragglers > 0);
        let Some(entry) = self.ledger.get(id).filter(alive) else { return };
        let run = RunId { task: id.clone(), run: entry.task.run };
        let on_close = on_close(entry, &self.settings);
        self.effects.push(Effect::Control(run, RunControl::OnClose(on_close)));
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

/// What a run needs, to start or to be taken over.
pub(super) fn spec_of(entry: &Entry, settings: &Settings, dir: PathBuf) -> RunSpec {
    let task = &entry.task;
    RunSpec {
        id: RunId { task: task.id.clone(), run: task.run },
        command: task.command.clone(),
        cwd: task.cwd.clone(),
        env: task.env.clone(),
        stdin: task.stdin,
        timeout: task.timeout,
        stop_grace: Duration::from_millis(settings.stop_grace),
        stall_after: Duration::from_millis(settings.stall_after),
        output_cap: settings.output_cap,
        output_total: settings.output_total,
        dir,
        root: settings.root.clone(),
        on_close: on_close(entry, settings),
        listen: monitor::listen(task),
    }
}

/// What becomes of a run when its sidecar goes away. A turn ends with its sidecar, and what only a turn wanted with it: a
/// call that waits for a foreground command is never answered with its end.
fn on_close(entry: &Entry, settings: &Settings) -> OnClose {
    match entry.task.lifetime {
        _ if entry.foreground.is_some() => OnClose::Stop,
        Lifetime::Turn => OnClose::Stop,
        Lifetime::Session => settings.on_close,
        Lifetime::Detached => OnClose::Keep,
    }
}
