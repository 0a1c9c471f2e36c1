//! What a run was run on, and whether a start would only say again what a running one says.

use crate::ids::TaskId;
use crate::task::run::RunId;

use super::effect::Effect;
use super::schedule::is_heavy;
use super::state::State;

impl State {
    /// A run is about to start: what it is run on is to be recorded. A quick look of the agent (`ls`) is no such run.
    pub(super) fn ask_fingerprint(&mut self, id: &TaskId, run: RunId) {
        let Some(entry) = self.ledger.get(id) else { return };
        if entry.foreground.is_none() || is_heavy(entry.task.group) {
            let unsaved = self.moment.documents.unsaved_hash(&self.settings.root);
            self.effects.push(Effect::Fingerprint { run, unsaved });
        }
    }

    /// What a run was run on is known. It may have ended meanwhile.
    pub(super) fn fingerprinted(&mut self, id: &RunId, fingerprint: Option<String>) {
        let Some(entry) = self.ledger.get_mut(&id.task) else { return };
        let Some(record) = entry.task.runs.iter_mut().find(|record| record.run == id.run) else { return };
        record.fingerprint = fingerprint;
        self.save_task(&id.task);
    }
}
