//! What outlives the process: one SQLite file per workspace with the sessions, their histories, the tasks and the
//! notifications that are still to be told (the outbox). One thread owns the connection. Writes are queued and carried
//! out in order, so that nobody waits for a disk; reads go through the same queue, so that they see every write before
//! them. The store knows no session's state machine and no wire.

mod apply;
mod backlog;
mod changes;
mod checkpoint;
mod claims;
mod command;
mod error;
mod integers;
mod outbox;
mod owners;
mod past;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{oneshot, watch};

pub use command::{
    Elsewhere, FileEdit, LoadedSession, NotificationKey, SessionRow, Settled, StoredNotification, Write,
};
pub use error::StoreError;
pub use owners::{Others, Owner, TakenRow, World};

use std::time::Duration;

use crate::agent::change::{Change, MadeFolder};
use crate::diagnostics::delta::Past;
use crate::ids::{SessionId, TaskId, TurnId};
use crate::task::model::Task;
use writer::{Job, Writer};

/// How many tasks come back at [`Store::open`]; older ones stay in the file.
const LOADED_TASKS: u32 = 200;

/// Called on the writer's thread after the commit (or the failure): it must only hand on.
pub type Done = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// What the file held when it was opened.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The newest 200 and what is alive, oldest first.
    pub tasks: Vec<Task>,
    /// Those that came from another client's process, which is gone.
    pub strangers: Vec<TaskId>,
    /// Every notification that no model has begun to answer yet, oldest first: `pending` ones are still to be put into a
    /// history, `carried` ones are in one.
    pub notifications: Vec<StoredNotification>,
    /// Task rows that this version cannot read; they stay in the file.
    pub unreadable: usize,
    /// For the first [`Store::others`].
    pub seen: Others,
}

/// A handle; cloning is cheap. When the last one is dropped, everything queued is written first.
#[derive(Clone, Debug)]
pub struct Store {
    writer: Arc<Writer>,
    owner: Arc<Owner>,
    /// None in memory.
    log: Option<Arc<Path>>,
}

impl Store {
    /// Opens the state of the workspace whose canonical folder is `root`, creating it if need be, as this
    /// owner. What owners that are gone have left unfinished becomes its own, as far as it may. Blocks for a few
    /// milliseconds; where a process of the same client is on its way out, until it is gone, at most some two seconds. The
    /// error says what is wrong and what to do; [`Store::in_memory`] goes on without a file.
    pub fn open(state_home: &Path, root: &Path, owner: Owner) -> Result<(Self, Loaded), StoreError> {
        let folder = workspace_dir(state_home, root);
        let connection = schema::open_file(&folder.join("state.db"))?;
        let loaded = read::loaded(&connection, &owner, LOADED_TASKS)?;
        let writer = Arc::new(Writer::start(connection, owner.clone())?);
        // https://www.sqlite.org/wal.html: beside the file, by this name, as long as anybody has it open.
        let log = Some(folder.join("state.db-wal").into());
        Ok((Self { writer, owner: Arc::new(owner), log }, loaded))
    }

    /// A store that forgets everything at the end of the process, for when no file can be opened, and for tests.
    pub fn in_memory() -> Result<Self, StoreError> {
        let world = World { lives: |_| false, gone_within: |_, _| true, is_held: |_| false, runs: |_| false };
        let owner = Owner { name: "memory".into(), token: None, grace: Duration::ZERO, world };
        let writer = Arc::new(Writer::start(schema::open_memory()?, owner.clone())?);
        Ok(Self { writer, owner: Arc::new(owner), log: None })
    }

    /// The write-ahead log: whoever writes to the state, in whichever process, changes this file. It may not be there: the
    /// file systems of a network have none.
    pub fn log(&self) -> Option<&Path> {
        self.log.as_deref()
    }

    /// Queues a write and returns at once. A failure is logged and shown by [`Store::trouble`].
    pub fn write(&self, write: Write) {
        self.writer.send(Job::Write(write, None));
    }

    /// Queues a write and returns at once; `done` is called when it is committed, or says why it is not.
    pub fn write_then(&self, write: Write, done: impl FnOnce(Result<(), StoreError>) + Send + 'static) {
        self.writer.send(Job::Write(write, Some(Box::new(done))));
    }

    /// Queues a write and waits until it is committed. The write is queued by the call, not by the first poll.
    pub fn written(&self, write: Write) -> impl Future<Output = Result<(), StoreError>> + Send + 'static {
        let (send, receive) = oneshot::channel();
        self.write_then(write, move |result| drop(send.send(result)));
        async move { receive.await.unwrap_or(Err(StoreError::Closed)) }
    }

    /// Waits until everything that was queued before is committed.
    pub fn flush(&self) -> impl Future<Output = Result<(), StoreError>> + Send + 'static {
        self.read(|_| Ok(()))
    }

    /// Sessions, newest first; `before` continues behind a session of an earlier list.
    pub fn list_sessions(
        &self,
        limit: u32,
        before: Option<SessionId>,
    ) -> impl Future<Output = Result<Vec<SessionRow>, StoreError>> + Send + 'static {
        self.read(move |connection| read::list_sessions(connection, limit, before.as_ref()))
    }

    /// A session with its whole history; `None` when there is none of that id. It is this owner's from then on, unless
    /// another one that is alive has it: [`LoadedSession::elsewhere`]. A history that cannot be read whole is an
    /// error: half of one would be told to a model as if it were all.
    pub fn load_session(
        &self,
        id: SessionId,
    ) -> impl Future<Output = Result<Option<LoadedSession>, StoreError>> + Send + 'static {
        let owner = self.owner.clone();
        self.read(move |connection| read::load_session(connection, &owner, &id))
    }

    /// What other windows did to their tasks since `last`, and the tasks of those that are gone, which are taken over.
    pub fn others(&self, last: Others) -> impl Future<Output = Result<Others, StoreError>> + Send + 'static {
        let owner = self.owner.clone();
        self.read(move |connection| owners::others(connection, &owner, &last))
    }

    /// How long what this process leaves behind is kept for its client.
    pub fn set_grace(&self, grace: Duration) -> impl Future<Output = Result<(), StoreError>> + Send + 'static {
        let owner = self.owner.clone();
        self.read(move |connection| owners::set_grace(connection, &owner.name, grace))
    }

    /// The ids of every task that has a row, whosever it is.
    pub fn task_ids(&self) -> impl Future<Output = Result<HashSet<String>, StoreError>> + Send + 'static {
        self.read(read::task_ids)
    }

    /// The folders that edits made for their files, of all sessions.
    pub fn made_folders(&self) -> impl Future<Output = Result<Vec<MadeFolder>, StoreError>> + Send + 'static {
        self.read(changes::made_folders)
    }

    /// The changes of a session's files, oldest first: of this file, and of those that this turn changed.
    pub fn changes(
        &self,
        session: SessionId,
        turn: Option<TurnId>,
        path: Option<PathBuf>,
    ) -> impl Future<Output = Result<Vec<Change>, StoreError>> + Send + 'static {
        self.read(move |connection| changes::read(connection, &session, turn.as_ref(), path.as_deref()))
    }

    /// The ids of every session that has a row, whosever it is.
    pub fn session_ids(&self) -> impl Future<Output = Result<HashSet<String>, StoreError>> + Send + 'static {
        self.read(read::session_ids)
    }

    /// The saved permission rules, each with the script that it is bound to, in the order in which they were saved.
    pub fn rules(&self) -> impl Future<Output = Result<Vec<(String, Option<String>)>, StoreError>> + Send + 'static {
        self.read(read::rules)
    }

    /// What is known of a command's earlier runs; nothing where there were none.
    pub fn past(&self, command: String) -> impl Future<Output = Result<Past, StoreError>> + Send + 'static {
        self.read(move |connection| past::read(connection, &command))
    }

    /// The last write that failed, for people; `None` again when a later one succeeds.
    pub fn trouble(&self) -> watch::Receiver<Option<StoreError>> {
        self.writer.trouble()
    }

    fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&rusqlite::Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + 'static {
        let (send, receive) = oneshot::channel();
        self.writer.send(Job::Read(Box::new(move |connection| drop(send.send(read(connection))))));
        async move { receive.await.unwrap_or(Err(StoreError::Closed)) }
    }
}

/// The folder of a workspace's state: `<state_home>/pillion/workspaces/<hash of the canonical root>`.
pub fn workspace_dir(state_home: &Path, root: &Path) -> PathBuf {
    // FNV-1a: the name must be the same for every build, which the standard library's hasher does not promise.
    let hash = root
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
            (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        });
    state_home.join("pillion").join("workspaces").join(format!("{hash:032x}"))
}
