//! Which file changes start a task again. Pure, and without a clock: changes come with the time at which they were seen.
//!
//! The rule. A change while no run is alive starts one. A change during a run asks for exactly one more, however many
//! there are, unless the run made it itself. Nobody can see who wrote a file, so this is how it is judged:
//!
//! - What the editor saved and what the agent edited always counts.
//! - Any other change during a run counts, unless the two runs before wrote that very path too: then it is what the
//!   command writes.
//! - A file that is new counts not when the two runs before both made new files in its folder: names may differ from run
//!   to run.
//! - A run reaches a little beyond its end, since its last writes may be seen late; and as long as processes that it left
//!   are alive.
//!
//! So a command that writes into the workspace runs at most two times more than asked for, and then is quiet.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::ids::TaskId;
use crate::task::model::{OnExit, Origin, StoppedBy, Task, Timestamp, Watch};
use crate::task::run::{Change, RunControl, RunId};

use super::effect::Effect;
use super::event::Timer;
use super::ledger::Entry;
use super::state::State;

/// How long after a run's end a change may still be its own, in milliseconds.
const SETTLE: u64 = 300;
/// The time of a change may be so much too early, in milliseconds: clocks of files tick slowly.
const TICK: u64 = 20;
/// How long the editor's word for a save and the change on disk may be apart, in milliseconds.
const SAVE: u64 = 3_000;
/// Paths that are remembered of one run.
const KEPT: usize = 2_000;

/// What one run has been seen to write.
#[derive(Debug, Default)]
struct Writes {
    paths: BTreeSet<PathBuf>,
    /// Folders in which it made new files.
    folders: BTreeSet<PathBuf>,
}

/// When the newest run was alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// It waits for its start, and will see everything.
    Waits,
    /// It runs since then.
    Runs(Timestamp),
    /// It is over since then.
    Over(Timestamp),
}

/// What the changes of one watched task have shown.
#[derive(Debug, Default)]
pub(super) struct Watcher {
    /// By the newest run, and by the two before it.
    now: Writes,
    before: [Writes; 2],
    /// What the editor saved and the agent edited lately.
    saved: BTreeMap<PathBuf, Timestamp>,
    /// Changes that were put down to the run itself; a word of a save may still come.
    put_down: BTreeMap<PathBuf, Timestamp>,
    /// Changes seen while the run was being started. Its first writes may be heard of before its start is.
    early: Vec<Change>,
    /// One more run is wanted.
    pub(super) again: bool,
    /// The run that is alive is being stopped for the next one.
    pub(super) restarts: bool,
}

impl Watcher {
    /// The next run begins.
    pub(super) fn begins(&mut self) {
        self.before.swap(0, 1);
        self.before[0] = std::mem::take(&mut self.now);
        self.early.clear();
        (self.again, self.restarts) = (false, false);
    }

    /// Keeps changes until it is known when the run began.
    fn hold(&mut self, changes: Vec<Change>) {
        let room = KEPT.saturating_sub(self.early.len());
        self.early.extend(changes.into_iter().take(room));
    }

    /// True when this change asks for a run.
    pub(super) fn counts(&mut self, change: &Change, span: Span) -> bool {
        let by_run = match span {
            Span::Waits => return false,
            Span::Runs(since) if change.at.0 + TICK < since.0 => return false,
            Span::Runs(_) => true,
            Span::Over(at) => change.at.since(at) <= SETTLE,
        };
        if self.take_save(&change.path, change.at) || !by_run {
            return true;
        }
        let folder = change.path.parent().unwrap_or(Path::new("")).to_owned();
        let usual = self.before.iter().all(|run| run.paths.contains(&change.path))
            || change.created && self.before.iter().all(|run| run.folders.contains(&folder));
        if self.now.paths.len() < KEPT {
            self.now.paths.insert(change.path.clone());
            if change.created {
                self.now.folders.insert(folder);
            }
        }
        if usual && self.put_down.len() < KEPT {
            self.put_down.insert(change.path.clone(), change.at);
        }
        !usual
    }

    /// The editor saved a file, or the agent edited one. True when that shows a change that was put down to the run.
    pub(super) fn was_saved(&mut self, path: &Path, now: Timestamp) -> bool {
        self.put_down.retain(|_, at| now.since(*at) <= SAVE);
        self.saved.retain(|_, at| now.since(*at) <= SAVE);
        if self.put_down.remove(path).is_some() {
            return true;
        }
        self.saved.insert(path.to_owned(), now);
        false
    }

    /// One save is one change.
    fn take_save(&mut self, path: &Path, at: Timestamp) -> bool {
        self.saved.remove(path).is_some_and(|saved| at.since(saved) <= SAVE && saved.since(at) <= SAVE)
    }
}

/// Whether anybody is told of this run's news: of what file changes started nobody is, unless it was asked for.
pub(super) fn on_exit(task: &Task) -> OnExit {
    if task.runs.last().and_then(|run| run.started_by) == Some(Origin::Watch) {
        return task.watch.as_ref().map_or(OnExit::None, |watch| watch.on_exit);
    }
    task.on_exit
}

/// True when one of these changes asks for a run of this task.
fn ask_for_a_run(entry: &mut Entry, changes: Vec<Change>) -> bool {
    let task = &entry.task;
    if task.watch.is_none() {
        return false;
    }
    let span = match (task.started_at, task.ended_at) {
        _ if !task.status.is_final() && !entry.launched => Span::Waits,
        (Some(started), _) if !task.status.is_final() || task.stragglers > 0 => Span::Runs(started),
        (None, _) if !task.status.is_final() => {
            entry.watcher.hold(changes);
            return false;
        }
        (_, ended) => Span::Over(ended.unwrap_or_default()),
    };
    // Every change is looked at: each says something of what the run writes.
    changes.iter().filter(|change| entry.watcher.counts(change, span)).count() > 0
}

impl State {
    /// A new task is watched from now on.
    pub(super) fn begin_watching(&mut self, id: &TaskId, watch: Watch) {
        let Some(entry) = self.ledger.get_mut(id) else { return };
        entry.task.watch = Some(watch.clone());
        let root = &self.settings.root;
        let root = if entry.task.cwd.starts_with(root) { root.clone() } else { entry.task.cwd.clone() };
        self.effects.push(Effect::Watch { task: id.clone(), root, watch });
    }

    /// Nobody looks at files for this task any more.
    pub(super) fn stop_watching(&mut self, id: &TaskId) {
        let Some(entry) = self.ledger.get_mut(id) else { return };
        if std::mem::take(&mut entry.watcher).restarts {
            // Whoever stops it now is who stopped it.
            entry.task.stopped_by = None;
        }
        if entry.task.watch.take().is_some() {
            self.effects.push(Effect::Unwatch(id.clone()));
            self.task_changed(id);
        }
    }

    /// Files changed, as the watch of a task has seen it.
    pub(super) fn files_changed(&mut self, id: &TaskId, changes: Vec<Change>) {
        if self.ledger.get_mut(id).is_some_and(|entry| ask_for_a_run(entry, changes)) {
            self.run_again(id);
        }
    }

    /// The run has begun: what was seen meanwhile can be judged.
    pub(super) fn early_changes_count(&mut self, id: &TaskId) {
        let Some(entry) = self.ledger.get_mut(id) else { return };
        let early = std::mem::take(&mut entry.watcher.early);
        self.files_changed(id, early);
    }

    /// A file was saved by the editor or edited by the agent.
    pub(super) fn file_saved(&mut self, path: &Path) {
        let now = self.now();
        let watched = self.ledger.entries.iter_mut().filter(|entry| entry.task.watch.is_some());
        let counting: Vec<TaskId> =
            watched.filter_map(|entry| entry.watcher.was_saved(path, now).then(|| entry.task.id.clone())).collect();
        for task in counting {
            self.run_again(&task);
        }
    }

    /// The watch cannot be kept up.
    pub(super) fn watch_failed(&mut self, id: &TaskId, why: String) {
        let Some(entry) = self.ledger.get(id).filter(|entry| entry.task.watch.is_some()) else { return };
        let text = format!("`{}` is not run again on changes: {why}", entry.task.label);
        self.stop_watching(id);
        self.say(true, text);
    }

    /// At once, or when the run that is alive is over.
    fn run_again(&mut self, id: &TaskId) {
        let Some(entry) = self.ledger.get_mut(id) else { return };
        if entry.task.status.is_final() {
            return self.rerun_by(id, Origin::Watch);
        }
        entry.watcher.again = true;
        let restart = entry.task.watch.as_ref().is_some_and(|watch| watch.restart);
        if restart && entry.launched && !std::mem::replace(&mut entry.watcher.restarts, true) {
            entry.task.stopping = true;
            entry.task.stopped_by.get_or_insert(StoppedBy::Exit);
            let run = RunId { task: id.clone(), run: entry.task.run };
            self.effects.push(Effect::Control(run, RunControl::Stop));
            self.task_changed(id);
        }
    }

    fn next_is_wanted(&self, id: &TaskId) -> bool {
        let wanted = |entry: &Entry| entry.task.watch.is_some() && entry.watcher.again && entry.task.status.is_final();
        self.ledger.get(id).is_some_and(wanted)
    }

    /// A run is over: the next one follows, when changes asked for it. As an event of its own, so that the client sees the
    /// end first.
    pub(super) fn run_as_changes_ask(&mut self, id: &TaskId) {
        if let Some(entry) = self.ledger.get_mut(id) {
            // It may have ended without a beginning.
            let early = std::mem::take(&mut entry.watcher.early);
            entry.watcher.again |= ask_for_a_run(entry, early);
        }
        if self.next_is_wanted(id) {
            self.effects.push(Effect::SetTimer { timer: Timer::Again(id.clone()), after_ms: 0 });
        }
    }

    /// The next run of a watched task, unless somebody has stopped the watching meanwhile.
    pub(super) fn next_run_due(&mut self, id: &TaskId) {
        if self.next_is_wanted(id) {
            self.rerun_by(id, Origin::Watch);
        }
    }
}
