//! Why the store could not do something. Variants follow what the caller does next.

use super::command::NotificationKey;
use crate::ids::{SessionId, TaskId};

/// A failure of the store; the text names the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the file: the same again may work.
    #[error("{0}: another process keeps the state file locked")]
    Busy(String),
    /// No space, a read-only disk, a folder that may not be written.
    #[error("the state file cannot be written: {0}. Free some space or check the folder's permissions")]
    NotWritable(String),
    /// The file was written by a newer Pillion; it is left alone.
    #[error("the state file {0} was written by a newer version of Pillion: update, or move the file away")]
    Newer(String),
    /// A row cannot be understood, or SQLite says that the file is damaged.
    #[error("the state file is damaged: {0}. Move it away to start afresh")]
    Damaged(String),
    /// The notification is in a history already (or was never put into the outbox): nothing was written.
    #[error("the notification of task {}, run {} ({}) is not waiting to be carried", .0.task, .0.run, .0.kind)]
    NotPending(NotificationKey),
    /// Items must follow the history without a gap and without replacing any: nothing was written.
    #[error("item {0} does not follow the stored history")]
    OutOfOrder(u64),
    /// What was to be claimed is another owner's: nothing was taken.
    #[error("task {0} of another window comes first")]
    Held(TaskId),
    /// The session was given to another owner: nothing was written.
    #[error("session {0} is open in another window")]
    Moved(SessionId),
    /// The store has ended.
    #[error("the store is closed")]
    Closed,
    /// Anything else.
    #[error("the state file: {0}")]
    Other(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => Self::Busy(text),
            Some(
                Code::DiskFull | Code::ReadOnly | Code::PermissionDenied | Code::CannotOpen | Code::SystemIoFailure,
            ) => Self::NotWritable(text),
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => Self::Damaged(text),
            _ => Self::Other(text),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}
