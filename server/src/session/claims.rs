//! What runs one at a time over all windows of the workspace is claimed in the store before it starts: rows of other windows
//! are seen a moment late, a claim is exact. Nobody waits for the store: it is asked by an effect and answers by an event.

use crate::ids::TaskId;
use crate::task::run::RunId;

use super::effect::{Effect, Write};
use super::event::Timer;
use super::ledger::Claim;
use super::state::State;

/// How long until a claim that was refused is tried again, where nothing else says that it is free.
const AGAIN_MS: u64 = 1_000;

impl State {
    /// Whether the store has to be asked before this task starts.
    pub(super) fn must_claim(&self, id: &TaskId) -> bool {
        let Some(entry) = self.ledger.get(id).filter(|entry| entry.foreground.is_none()) else { return false };
        entry.claim == Claim::None && entry.needs.as_ref().is_some_and(|needs| !needs.shared().is_empty())
    }

    /// Asks the store for what the task needs. What it needs counts as taken meanwhile.
    pub(super) fn claim(&mut self, id: &TaskId) {
        let Some(entry) = self.ledger.get_mut(id) else { return };
        entry.claim = Claim::Asked;
        // The claim lives as long as the row does: the row is there first. One that has waited is there already.
        if entry.task.waiting_for.is_none() {
            self.task_changed(id);
        }
        let write = self.claim_of(id);
        self.effects.extend(write);
    }

    fn claim_of(&self, id: &TaskId) -> Option<Effect> {
        let entry = self.ledger.get(id)?;
        let classes = entry.needs.as_ref()?.shared();
        let run = RunId { task: id.clone(), run: entry.task.run };
        (!classes.is_empty()).then_some(Effect::Store(Write::Claim { run, classes }))
    }

    /// The store's answer: it is this task's, or whose it is.
    pub(super) fn claimed(&mut self, id: &RunId, result: Result<(), TaskId>) {
        let Some(entry) = self.ledger.get_mut(&id.task).filter(|entry| entry.task.run == id.run) else { return };
        // Stopped meanwhile: it was released behind the claim. Or a promoted command, which runs in any case.
        if entry.claim != Claim::Asked {
            return;
        }
        match result {
            Ok(()) => {
                entry.claim = Claim::Granted;
                entry.task.waiting_for = None;
                self.launch(&id.task);
            }
            Err(holder) => {
                entry.claim = Claim::None;
                entry.refused_by = Some(holder);
                let timer = Timer::Claim(id.task.clone());
                self.effects.push(Effect::SetTimer { timer, after_ms: AGAIN_MS });
                self.place();
            }
        }
    }

    /// What another window held may be free.
    pub(super) fn claim_again(&mut self, id: &TaskId) {
        if let Some(entry) = self.ledger.get_mut(id) {
            entry.refused_by = None;
        }
        self.place();
    }

    /// Something happened in other windows: what they held may be free.
    pub(super) fn claim_all_again(&mut self) {
        for entry in self.ledger.entries.iter_mut().filter(|entry| entry.refused_by.is_some()) {
            entry.refused_by = None;
            self.effects.push(Effect::CancelTimer(Timer::Claim(entry.task.id.clone())));
        }
        self.place();
    }

    /// A foreground command went on in the background: it holds what it needs from now on, as far as that is free.
    pub(super) fn claim_running(&mut self, id: &TaskId) {
        self.find_needs();
        let write = self.claim_of(id);
        self.effects.extend(write);
    }

    /// A run is over, or does not come to be: what it held over all windows is free. To be called before its end is written:
    /// who sees the end finds it free.
    pub(super) fn release(&mut self, id: &TaskId) {
        let Some(entry) = self.ledger.get_mut(id) else { return };
        entry.claim = Claim::None;
        if entry.refused_by.take().is_some() {
            self.effects.push(Effect::CancelTimer(Timer::Claim(id.clone())));
        }
        if entry.needs.as_ref().is_some_and(|needs| !needs.shared().is_empty()) {
            let run = RunId { task: id.clone(), run: entry.task.run };
            self.effects.push(Effect::Store(Write::Release(run)));
        }
    }
}
