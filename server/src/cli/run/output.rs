//! The command's own output, byte for byte, as the file of its run grows.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::task::run::OutputRange;
use crate::task::slice;
use crate::workspace::watch::{FileEvents, Watch};

/// Bytes of one read.
const CHUNK: usize = 64 << 10;
/// Between two looks: file events come earlier.
const LOOK: Duration = Duration::from_millis(250);
/// The same where there are none.
const UNWATCHED: Duration = Duration::from_millis(50);

/// Reads one run's output from its start.
#[derive(Default)]
pub(super) struct Output {
    path: PathBuf,
    file: Option<File>,
    position: u64,
    events: FileEvents,
    wake: Arc<Notify>,
    watch: Option<Watch>,
}

impl Output {
    /// Where the output is; another place is another attempt of the run.
    pub fn is_at(&mut self, path: &Path) {
        if path != self.path {
            self.path = path.to_owned();
            (self.file, self.position, self.watch) = (None, 0, None);
        }
    }

    /// The next bytes; empty at some moments when there are none. Cancel safe.
    pub async fn next(&mut self) -> Vec<u8> {
        if let Some(bytes) = self.rest() {
            return bytes;
        }
        if self.watch.is_none() && self.file.is_some() {
            self.watch = self.events.watch(&self.path, self.wake.clone());
            // What came before the watch made no event.
            if let Some(bytes) = self.rest() {
                return bytes;
            }
        }
        let wait = if self.watch.is_some() { LOOK } else { UNWATCHED };
        // Either is a reason to look.
        let _ = tokio::time::timeout(wait, self.wake.notified()).await;
        self.rest().unwrap_or_default()
    }

    /// The next bytes that are there now.
    pub fn rest(&mut self) -> Option<Vec<u8>> {
        if self.file.is_none() && !self.path.as_os_str().is_empty() {
            // It is there as soon as the command runs.
            self.file = File::open(&self.path).ok();
        }
        let file = self.file.as_ref()?;
        if file.metadata().is_ok_and(|now| now.len() < self.position) {
            // The command cut its own output: what it wrote since is shown.
            self.position = 0;
        }
        let mut bytes = vec![0; CHUNK];
        let length = file.read_at(&mut bytes, self.position).ok().filter(|length| *length > 0)?;
        bytes.truncate(length);
        self.position += length as u64;
        Some(bytes)
    }

    /// The last lines, for a person.
    pub fn tail(&self, lines: u32) -> Vec<String> {
        let range = OutputRange::Tail { lines, limit: 8 << 10 };
        let text = slice::read(&self.path, range).map(|slice| slice.text).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}
