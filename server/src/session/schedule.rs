//! Which queued task may start, and its start. Builds, tests, lints and installs share slots, by priority, then age; other
//! tasks and foreground commands take none. `decide` has the rules.

mod decide;
mod needs;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::ids::TaskId;
use crate::task::model::{EnvironmentRecord, Lifetime, OnClose, OutputInfo, Progress, Status, Task, WaitingFor};
use crate::task::run::{RunControl, RunId, RunSpec};

use super::effect::Effect;
use super::facts::Facts;
use super::ledger::Entry;
use super::monitor;
use super::settings::Settings;
use super::state::State;

use decide::{Candidate, Holder, Rank, Verdict, decide};

pub(super) use decide::Needs;
pub(super) use needs::is_heavy;
pub use needs::{Exclusive, exclusive};

/// What is to become of a row that waits.
enum Change {
    Start,
    /// It waits for something else than its row says.
    Wait(WaitingFor),
}

impl State {
    /// Starts every queued task that may start. Whoever has queued a task, or has ended one, calls this; the row is told
    /// here, started or waiting.
    pub(super) fn place(&mut self) {
        self.follow_dependencies();
        self.find_needs();
        for (id, change) in self.changes() {
            match change {
                Change::Start if self.must_claim(&id) => self.claim(&id),
                Change::Start => {
                    if let Some(entry) = self.ledger.get_mut(&id) {
                        entry.task.waiting_for = None;
                    }
                    self.launch(&id);
                }
                Change::Wait(waiting) => {
                    let Some(entry) = self.ledger.get_mut(&id) else { continue };
                    let known = entry.task.waiting_for.replace(waiting);
                    if known.is_none() {
                        self.task_changed(&id);
                    } else {
                        // Only the holder is another one: for whoever looks, and not worth a write each.
                        self.task_got_on(&id);
                    }
                }
            }
        }
    }

    /// Finds what rows need that were not asked yet: it is read from the command, once.
    pub(super) fn find_needs(&mut self) {
        for entry in &mut self.ledger.entries {
            if entry.needs.is_none() && !entry.task.status.is_final() {
                entry.needs = Some(Arc::new(Needs::of(&entry.task, &self.settings.exclusive)));
            }
        }
    }

    /// What the rules say about the rows, as far as it is news.
    fn changes(&self) -> Vec<(TaskId, Change)> {
        let none = Needs::default();
        let entries = || self.ledger.entries.iter().enumerate();
        let needs = |entry: &'_ Entry| entry.needs.clone().filter(|_| entry.foreground.is_none());
        let needed: Vec<Option<Arc<Needs>>> = entries().map(|(_, entry)| needs(entry)).collect();
        let needs_at = |at: usize| needed[at].as_deref().unwrap_or(&none);
        let mut running: Vec<Holder<'_>> = entries()
            .filter(|(_, entry)| entry.is_active())
            .map(|(at, entry)| {
                let asks = entry.task.status == Status::WaitingForInput;
                let needs = needs_at(at);
                Holder {
                    task: &entry.task.id,
                    elsewhere: !entry.task.owned,
                    // Who waits leaves the machine to others.
                    slot: needs.slot && !asks && entry.task.waiting_for.is_none(),
                    classes: if asks { needs.while_asking() } else { &needs.classes },
                }
            })
            .collect();
        // Another window was first, whether its row has been seen or not.
        running.extend(entries().filter_map(|(at, entry)| {
            let task = entry.refused_by.as_ref()?;
            Some(Holder { task, elsewhere: true, slot: false, classes: needs_at(at).while_asking() })
        }));
        let in_line: Vec<(usize, &Entry)> = entries().filter(|(_, entry)| entry.may_start()).collect();
        let waiting: Vec<Candidate<'_>> = in_line
            .iter()
            .map(|&(at, entry)| Candidate {
                task: &entry.task.id,
                rank: Rank::new(entry.task.priority, entry.queued_at, at),
                needs: needs_at(at),
                named: entry.task.waiting_for.as_ref().and_then(|waiting| waiting.holder.as_deref()),
            })
            .collect();
        let verdicts = decide(&waiting, &running, self.settings.slots).into_iter();
        verdicts
            .filter_map(|(at, verdict)| {
                let task = &in_line[at].1.task;
                let change = match verdict {
                    Verdict::Start => Change::Start,
                    Verdict::Wait { kind, holder } => {
                        let holder = holder.map(ToString::to_string);
                        Change::Wait(WaitingFor { holder, ..WaitingFor::of(kind) })
                    }
                };
                let known = matches!(&change, Change::Wait(waiting) if task.waiting_for.as_ref() == Some(waiting));
                (!known).then(|| (task.id.clone(), change))
            })
            .collect()
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
        entry.read = self.moment.documents.clone();
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
        let only = task.narrowed().map(|narrowed| narrowed.tests.iter().cloned().collect());
        let changed = self.problems.begin_run(id, task.run, (task.command.clone(), task.cwd.clone()), only);
        self.forget_services();
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
        command: task.ran().to_owned(),
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
        path_map: settings.path_map.clone(),
        matchers: task.matchers.clone(),
        on_close: on_close(entry, settings),
        listen: monitor::listen(task),
    }
}

/// What becomes of a run when its sidecar goes away. A turn ends with its sidecar, and what only a turn wanted with it: a
/// call that waits for a foreground command is never answered with its end.
fn on_close(entry: &Entry, settings: &Settings) -> OnClose {
    match entry.task.lifetime {
        _ if entry.foreground.is_some() || entry.task.tied => OnClose::Stop,
        Lifetime::Turn => OnClose::Stop,
        Lifetime::Session => settings.on_close,
        Lifetime::Detached => OnClose::Keep,
    }
}
