//! A run beside the earlier ones of its command: the past is read when it starts, compared at its end, and grows by it.
//! What the difference means is `diagnostics/delta`'s.
//!
//! Commands are the same when their text and folder are, in one workspace, whichever task or window ran them. An end that
//! comes before the past has been read waits for it: a read of the store, well below the time that a process takes.
//!
//! "Failed before you began" is said of an agent's first run of a command on a day (UTC), when its session had changed
//! nothing before that run started: no edit, and no command but such as only look, test or build.

use crate::diagnostics::delta::{Delta, Outcome, Past, PastRun, Results};
use crate::ids::{SessionId, TaskId};
use crate::task::model::{Group, Origin, Status, Task};
use crate::task::run::RunId;
use crate::workspace::classify;

use super::effect::{Effect, Write};
use super::ledger::Entry;
use super::state::State;

/// What is known of a run's past.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// `None` until the store has answered.
    pub(super) past: Option<Past>,
    /// The end came before the answer.
    pub(super) held: Option<Box<crate::task::run::RunEnd>>,
    /// The agent had changed nothing when the run started.
    untouched: bool,
    /// How often something had been edited then.
    edits: u64,
    /// The difference, once the run has ended.
    pub(super) delta: Option<Delta>,
    /// What failed was red before the agent began.
    pub(super) before_agent: bool,
}

/// What makes two runs the same work.
fn command_key(task: &Task) -> String {
    format!("{}\n{}", task.cwd.display(), task.command)
}

impl State {
    /// The first attempt of a run is about to start, or any is taken over.
    pub(super) fn begin_beside(&mut self, id: &TaskId) {
        let first = |entry: &&Entry| entry.task.attempt == 1 || entry.taken_over;
        let Some(entry) = self.ledger.get(id).filter(first) else { return };
        let task = &entry.task;
        let by_agent = task.runs.last().is_some_and(|record| record.started_by == Some(Origin::Agent));
        let owner = task.session.as_ref().and_then(|session| self.sessions.get(session));
        let untouched = by_agent && owner.is_some_and(|owner| !owner.has_acted);
        let edits = self.edits;
        let run = RunId { task: id.clone(), run: task.run };
        self.effects.push(Effect::ReadPast { run, command: command_key(task) });
        if let Some(entry) = self.ledger.get_mut(id) {
            entry.beside = Beside { untouched, edits, ..Beside::default() };
        }
    }

    /// The store has answered.
    pub(super) fn past_read(&mut self, run: &RunId, past: Past) {
        let Some(entry) = self.ledger.get_mut(&run.task).filter(|entry| entry.task.run == run.run) else { return };
        entry.beside.past = Some(past);
        if let Some(end) = entry.beside.held.take() {
            let now = self.now();
            self.ended(run, *end, now);
        }
    }

    /// The run has ended, its status is set: what has changed, and what later runs are compared with.
    pub(super) fn compare(&mut self, id: &TaskId) {
        let (now, root, edits) = (self.now(), self.settings.root.clone(), self.edits);
        let Some(entry) = self.ledger.get_mut(id) else { return };
        let Some(mut past) = entry.beside.past.take() else { return };
        let edited = entry.beside.edits != edits;
        let (task, facts) = (&entry.task, &entry.facts);
        let by_itself = matches!(task.status, Status::Succeeded | Status::Failed) && task.started_at.is_some();
        let mut present = facts.present(&root);
        present.whole = by_itself && task.signal.is_none() && facts.is_complete() && task.narrowed().is_none();
        present.fingerprint = task.runs.last().and_then(|record| record.fingerprint.clone());
        let renamed = past.adopt(&present);
        let (delta, results) = past.compare(&present);
        let checks = matches!(task.group, Group::Build | Group::Test | Group::Lint);
        let by_agent = task.runs.last().is_some_and(|record| record.started_by == Some(Origin::Agent));
        let says = !results.is_empty() || !past.is_empty() || (checks && present.whole);
        let is_red = results.iter().any(|(_, outcome)| *outcome == Outcome::Failed);
        let by_itself = by_itself && task.status == Status::Failed;
        entry.beside.before_agent = entry.beside.untouched && is_red && by_itself && past.first_of_day(now);
        entry.beside.delta = Some(delta);
        if !says || task.started_at.is_none() {
            return;
        }
        let run = PastRun {
            serial: past.next_serial(),
            task: id.clone(),
            run: task.run,
            fingerprint: present.fingerprint,
            at: now,
            by_agent,
            whole: present.whole,
            total: present.total,
            edited,
            after: None,
        };
        let (command, of) = (command_key(task), RunId { task: id.clone(), run: task.run });
        let results = Box::new(Results { run, results, renamed });
        let looks_after = is_red && !edited && results.run.fingerprint.is_some();
        self.effects.push(Effect::Store(Write::Results { command: command.clone(), results }));
        if looks_after {
            let unsaved = self.moment.documents.unsaved_hash(&root);
            self.effects.push(Effect::FingerprintAfter { run: of, command, unsaved });
        }
    }

    /// The agent has done something that may change what a test finds.
    pub(super) fn acted(&mut self, session: &SessionId, command: Option<&str>) {
        if command.is_some_and(classify::only_looks) {
            return;
        }
        self.edits += 1;
        let root = self.root(session).clone();
        if let Some(owner) = self.sessions.get_mut(&root) {
            owner.has_acted = true;
        }
    }
}

impl Entry {
    /// The summary of an ended run, with what has changed, what does not fit together and what was left out of it.
    pub(super) fn summary(&self) -> Option<String> {
        let summary = self.facts.summary();
        let words = self.beside.delta.as_ref().and_then(|delta| delta.words(&self.task.id));
        let summary = match (summary, words) {
            (Some(summary), Some(words)) => Some(format!("{summary} ({words})")),
            (None, Some(words)) => Some(words),
            (summary, None) => summary,
        };
        let parts = summary.into_iter().chain(self.contradiction()).chain(self.facts.left_out.iter().cloned());
        Some(parts.collect::<Vec<_>>().join("; ")).filter(|summary| !summary.is_empty())
    }

    /// Where the exit code and what the tests said do not agree: neither alone is the verdict.
    fn contradiction(&self) -> Option<String> {
        let counts = self.facts.counts.unwrap_or_default();
        let none_failed = counts.total() > 0 && counts.failed == 0 && !self.facts.has_errors();
        // Of a run of some tests the others are skipped.
        let left_out = self.task.narrowed().is_some() && counts.skipped > 0 && counts.passed + counts.failed == 0;
        match (self.task.status, self.task.exit_code) {
            (Status::Succeeded, _) if counts.failed > 0 => Some("but the command says that it succeeded".to_owned()),
            (Status::Succeeded, _) if self.total == Some(0) && counts.total() == 0 || left_out => {
                Some("no test was run".to_owned())
            }
            (Status::Failed, Some(code)) if none_failed => Some(format!("but the command failed ({code})")),
            _ => None,
        }
    }
}
