//! What a disk that was full kept out of the file. It goes in ahead of the next write: a history has no gap and a
//! notification's key is carried only once, so that without this one refused write would spoil all that follow.

use super::command::Write;

/// Most writes that are kept; beyond it the oldest are given up.
const CAP: usize = 10_000;

/// Writes that failed and may succeed later, oldest first.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    late: Vec<Write>,
}

impl Backlog {
    /// Takes everything, to be tried again.
    pub(super) fn take(&mut self) -> Vec<Write> {
        std::mem::take(&mut self.late)
    }

    /// Keeps a write behind those that are kept already. An older state of the same row is of no use any more.
    pub(super) fn keep(&mut self, write: Write) {
        self.late.retain(|kept| match (kept, &write) {
            (Write::SaveTask(old), Write::SaveTask(new)) => old.id != new.id,
            (Write::SaveSession(old), Write::SaveSession(new)) => old.id != new.id,
            _ => true,
        });
        if self.late.len() >= CAP {
            tracing::error!(write = ?self.late[0], "the disk was full for too long: a write is lost");
            self.late.remove(0);
        }
        self.late.push(write);
    }
}
