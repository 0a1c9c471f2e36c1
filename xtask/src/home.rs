//! A place of its own for a program that is only tried: its settings, state and sockets do not mix with the person's.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

/// Empty folders under the temporary folder (the path of a socket has to be short); gone when this is dropped.
#[derive(Debug)]
pub struct Home(PathBuf);

impl Home {
    /// Fresh folders.
    pub fn new() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("pillion-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Self(folder))
    }

    /// Makes a command live here.
    pub fn house(&self, command: &mut Command) -> Result<()> {
        for (name, folder) in [("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state"), ("XDG_RUNTIME_DIR", "run")] {
            let folder = self.0.join(folder);
            std::fs::create_dir_all(&folder)?;
            command.env(name, folder);
        }
        for name in ["PILLION_PROVIDER", "PILLION_MODEL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"] {
            command.env_remove(name);
        }
        command.current_dir(&self.0);
        Ok(())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What is left lies in the temporary folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
