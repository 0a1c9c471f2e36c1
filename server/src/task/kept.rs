//! What an output file still holds of what its run has written. A command can cut its own file, and old files are removed;
//! offsets stay those of all bytes ever seen, so that beside the file stands where its first byte belongs. No record means
//! that nothing is gone. Knows no task.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The record's name, in the folder of the run.
pub const FILE: &str = "kept.json";

/// Which part of the output its file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// Bytes that were seen before the first byte of the file.
    pub from: u64,
    /// Lines among them.
    pub lines: u64,
    /// The file was removed to make room: `from` is all that was seen.
    pub swept: bool,
}

impl Kept {
    /// The record for the output at this path.
    pub fn of(output: &Path) -> Self {
        fs::read(output.with_file_name(FILE))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    /// Writes the record: it is there whole or not at all.
    pub fn write(&self, output: &Path) -> io::Result<()> {
        let temporary = output.with_file_name("kept.json.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(serde_json::to_string(self)?.as_bytes())?;
        fs::rename(temporary, output.with_file_name(FILE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_and_none_means_that_all_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("output");
        assert_eq!(Kept::of(&output), Kept::default());
        let kept = Kept { from: 13, lines: 2, swept: false };
        kept.write(&output).unwrap();
        assert_eq!(Kept::of(&output), kept);
        fs::write(folder.path().join(FILE), b"{torn").unwrap();
        assert_eq!(Kept::of(&output), Kept::default());
    }
}
