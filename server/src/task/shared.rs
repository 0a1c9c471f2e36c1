//! What all runs of a sidecar share: the way to a shim, the turns that they take, and how they are handed over. Knows no
//! single run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::sweep_output::Room;
use crate::workspace::watch::FileEvents;

/// What all runs of a sidecar share.
pub(super) struct Shared {
    /// The binary whose `shim` command watches over a run.
    pub shim: PathBuf,
    pub file_events: FileEvents,
    /// How many shims are started at a time.
    pub launches: Semaphore,
    /// How many outputs are read at a time.
    pub looks: Arc<Semaphore>,
    pub epoch: Instant,
    pub custody: watch::Receiver<Custody>,
    /// What may still be written.
    pub room: Room,
}

/// How runs are handed over when this sidecar goes away, and what is left alone at their ends.
#[derive(Clone, Debug, Default)]
pub struct Custody {
    /// The folder in which shims listen; without one the end of the sidecar is the end of its runs.
    pub sockets: Option<PathBuf>,
    /// For so long only the next sidecar of the same client may take a run over.
    pub grace: Duration,
    /// The client; two without a token count as the same one.
    pub token: Option<String>,
    /// Names of programs whose daemons are left alone. For runs that start from now on.
    pub keep_daemons: Vec<String>,
}
