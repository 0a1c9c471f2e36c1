//! Starts runs, tails their output through the matchers, controls them, and reports what happens.

use tokio::sync::mpsc;

use super::run::{RunControl, RunEvent, RunId, RunSpec};

/// Owns every running run of this sidecar.
pub struct Supervisor {
    _events: mpsc::UnboundedSender<(RunId, RunEvent)>,
}

impl Supervisor {
    /// A supervisor that reports to `events`.
    pub fn new(events: mpsc::UnboundedSender<(RunId, RunEvent)>) -> Self {
        Self { _events: events }
    }

    /// Starts a run. Returns at once; whatever comes of it is an event, a failure to start included.
    pub fn start(&mut self, spec: RunSpec) {
        let _ = spec;
    }

    /// Acts on a run. `Err` when the run is not (or no longer) here, with the reason.
    pub fn control(&mut self, run: &RunId, control: RunControl) -> Result<(), String> {
        let _ = (run, control);
        Ok(())
    }
}
