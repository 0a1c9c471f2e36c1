//! The way of one run's events to whoever keeps the ledger, and the end that travels it last.

use tokio::sync::mpsc;

use super::model::Timestamp;
use super::run::{Ending, RunEvent, RunId};

/// Sends one run's events.
#[derive(Clone)]
pub struct Reporter {
    pub id: RunId,
    pub events: mpsc::UnboundedSender<(RunId, RunEvent)>,
}

impl Reporter {
    /// Sends an event; nobody listens any more when the sidecar ends, and then nothing is owed.
    pub fn send(&self, event: RunEvent) {
        let _ = self.events.send((self.id.clone(), event));
    }
}

/// How a run ended, for the reader to tell when it has read the rest.
pub struct End {
    pub ending: Ending,
    pub at: Timestamp,
    pub stragglers: u32,
}
