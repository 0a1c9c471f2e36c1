//! `exit.json`: what a shim wrote of a run's end, for a sidecar that was not there to hear it.

use std::path::Path;

use super::link::{Exit, VERSION};

/// How the run in this folder ended, where its shim saw the end. `None` also for a file of a later version.
pub fn read(dir: &Path) -> Option<Exit> {
    let exit: Exit = serde_json::from_slice(&std::fs::read(dir.join("exit.json")).ok()?).ok()?;
    (exit.version <= VERSION).then_some(exit)
}
