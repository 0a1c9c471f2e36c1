//! `run.json`: what the next sidecar must know to take a run over. It lies in the run's folder before the shim starts.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

const NAME: &str = "run.json";

/// A run that was launched.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFile {
    /// What every process of the run carries.
    pub marker: String,
    /// Where its shim listens; `None` where it cannot be taken over.
    pub socket: Option<PathBuf>,
}

impl RunFile {
    /// What lies in this folder; `None` where no run was launched.
    pub fn read(dir: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(dir.join(NAME)).ok()?).ok()
    }

    /// Puts it there, whole or not at all.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let temporary = dir.join("run.json.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(serde_json::to_string(self)?.as_bytes())?;
        std::fs::rename(temporary, dir.join(NAME))
    }
}
