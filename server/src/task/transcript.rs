//! The output of a task that is no command: a subagent's transcript, written where the output of every run lies. Knows no
//! ledger.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Appends to a run's output, in a folder that only its owner may read. Blocks. Fails where that cannot be written.
pub fn append(output: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = output.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(output)?.write_all(text.as_bytes())
}
