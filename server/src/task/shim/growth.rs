//! How large the output is, looked at every 100 ms while it grows and never while it does not: the kernel tells when it
//! begins to grow again (`F_NOTIFY` on its folder; an inotify instance per run would use up the 128 that a user has).

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::task::run_folder::lock;
use crate::task::system::ask_for_news;

const INTERVAL: Duration = Duration::from_millis(100);
/// The slowest look where the kernel has no `F_NOTIFY`.
const SLOWEST: Duration = Duration::from_secs(2);

/// The watch over one output file.
pub struct Growth {
    output: File,
    folder: Option<File>,
    size: u64,
    next: Option<Instant>,
    interval: Duration,
}

impl Growth {
    /// Watches `output`, which lies in `folder`, and keeps sweeps away from there.
    pub fn new(output: File, folder: &Path) -> Self {
        // The lock says that the run lives, for as long as this process does.
        let folder = File::open(folder).ok().inspect(|folder| drop(lock(folder)));
        Self { output, folder, size: 0, next: Some(Instant::now()), interval: INTERVAL }
    }

    /// When the next look is due; `None` while nothing grows.
    pub fn due(&self) -> Option<Instant> {
        self.next
    }

    /// The size of the file at the last look, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The size of the file at this moment, in bytes.
    pub fn now(&self) -> u64 {
        self.output.metadata().map_or(self.size, |metadata| metadata.len())
    }

    /// The kernel says that the folder changed.
    pub fn woken(&mut self, now: Instant) {
        self.next = self.next.or(Some(now + INTERVAL));
    }

    /// Looks, if a look is due, and returns the size of the file in bytes.
    pub fn look(&mut self, now: Instant) -> u64 {
        if self.next.is_none_or(|next| next > now) {
            return self.size;
        }
        if self.grew() {
            self.interval = INTERVAL;
            self.next = Some(now + INTERVAL);
        } else if self.arm() {
            // What was written between the look and the arming is seen by a second look.
            self.next = self.grew().then_some(now + INTERVAL);
        } else {
            self.interval = (self.interval * 2).min(SLOWEST);
            self.next = Some(now + self.interval);
        }
        self.size
    }

    fn grew(&mut self) -> bool {
        let size = self.now();
        std::mem::replace(&mut self.size, size) != size
    }

    /// Asks to be woken by the next write.
    fn arm(&self) -> bool {
        self.folder.as_ref().is_some_and(ask_for_news)
    }
}
