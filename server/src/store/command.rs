//! The words of the store: what can be written, and what comes back. Pure data.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::agent::history::Item;
use crate::diagnostics::delta::Results;
use crate::ids::{SessionId, TaskId, TurnId};
use crate::task::model::{Delivery, Task, Timestamp};
use crate::task::run::RunId;

/// What a notification is about. No two of the same key ever exist: that is what "once and only once" rests on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NotificationKey {
    pub task: TaskId,
    pub run: u32,
    /// Which of a run's notifications, for instance `end`, `check_in`, `question:1`.
    pub kind: String,
}

/// One edit of a file.
#[derive(Clone, Debug)]
pub struct FileEdit {
    pub session: SessionId,
    pub turn: TurnId,
    pub path: PathBuf,
    /// `None`: there was no file.
    pub before: Option<String>,
    /// `None`: there is no file any more.
    pub after: Option<String>,
    /// How many folders were made for the file, from it upwards.
    pub new_folders: u32,
    pub at: Timestamp,
}

/// What a person has settled of a change.
#[derive(Clone, Debug)]
pub struct Settled {
    pub id: i64,
    pub accepted: BTreeSet<usize>,
    pub reverted: BTreeSet<usize>,
    /// The model is still to be told.
    pub untold: bool,
}

/// A session in lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    pub id: SessionId,
    pub title: Option<String>,
    /// Whose words the title is: `rule`, `model` or `person`.
    pub title_by: String,
    /// A path that is not UTF-8 is stored with replacement characters.
    pub cwd: PathBuf,
    pub mode: String,
    pub model: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub turns: u32,
    /// Tokens and money so far, as JSON of whoever counts them.
    pub usage: Option<String>,
    pub open: bool,
}

/// One entry of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredNotification {
    pub key: NotificationKey,
    /// `None` for a task that no session owns.
    pub session: Option<SessionId>,
    pub body: String,
    pub created_at: Timestamp,
    /// `pending`, `carried` or `delivered`.
    pub state: Delivery,
    /// The sequence number of the item that carries it.
    pub item: Option<u64>,
    /// The turn whose answer made it `delivered`.
    pub turn: Option<TurnId>,
}

/// A living owner of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    pub owner: String,
    /// It is a sidecar of the same client, by its token: on its way out.
    pub same_client: bool,
}

/// A session with everything that belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadedSession {
    pub row: SessionRow,
    /// The system text that its requests begin with.
    pub system: Option<String>,
    /// Sequence numbers 0, 1, 2, …
    pub items: Vec<Item>,
    /// What is kept of each turn, oldest first; JSON of the owner's.
    pub turns: Vec<String>,
    /// Its tasks that are this owner's, newest 200, oldest first.
    pub tasks: Vec<Task>,
    /// The commit that was checked out when it was used last.
    pub head: Option<String>,
    /// Another window has it.
    pub elsewhere: Option<Elsewhere>,
    /// Its notifications that are not delivered, oldest first.
    pub notifications: Vec<StoredNotification>,
    /// The agent's plan as it was saved.
    pub plan: Option<String>,
    /// Files of which the model is still to be told that an edit was reverted.
    pub reverted: Vec<PathBuf>,
}

/// One write: done whole or not at all.
#[derive(Clone, Debug)]
pub enum Write {
    /// Inserts or replaces a task's row.
    SaveTask(Box<Task>),
    /// Removes a task's row. What is still to be told of it stays.
    DeleteTask(TaskId),
    /// Removes the rows of finished tasks of which nothing is to be told any more: all but the newest `keep`, and those
    /// that did not change since `before`.
    ForgetTasks { keep: u32, before: Timestamp },
    /// Inserts or replaces a session's row.
    SaveSession(SessionRow),
    /// Keeps the system text of a session whose row is there.
    SaveSystem { session: SessionId, text: Arc<str> },
    /// Replaces a session's plan, as JSON.
    SavePlan { session: SessionId, json: String },
    /// Adds an edit to what can be taken back.
    SaveChange(Box<FileEdit>),
    /// Notes what a person accepted and reverted of a change.
    SettleChange(Settled),
    /// The model of a session was told what was reverted.
    ChangesTold(SessionId),
    /// Removes changes that are older, and the oldest until the rest has at most `keep` bytes.
    ForgetChanges { keep: u64, before: Timestamp },
    /// Removes a session with its history, its plan, its changes and its notifications. Its tasks stay.
    DeleteSession(SessionId),
    /// Puts a notification into the outbox; one whose key is there already is ignored, whatever its state.
    Notify { key: NotificationKey, session: Option<SessionId>, body: String, created_at: Timestamp },
    /// Appends to a history and marks the notifications that it carries, in one transaction. The items get the numbers
    /// from `first_seq` (the length of the history so far); the notifications get the number of the last item.
    AppendItems { session: SessionId, first_seq: u64, items: Vec<Item>, carried: Vec<NotificationKey> },
    /// Inserts or replaces what is kept of the turn with that number.
    SaveTurn { session: SessionId, seq: u64, json: String },
    /// The commit that is checked out while a session is used.
    SaveHead { session: SessionId, head: String },
    /// Gives a session and tasks of it to another owner, at one stroke; what this owner does not have (any more) stays.
    HandOver { session: SessionId, tasks: Vec<TaskId>, to: String },
    /// A model began to answer a request that contained these. Those that are not `carried` by the session stay as they are.
    MarkDelivered { session: SessionId, keys: Vec<NotificationKey>, turn: TurnId },
    /// Gives notifications that no session owns to one. Those that have an owner stay as they are.
    AssignNotifications { keys: Vec<NotificationKey>, session: SessionId },
    /// Gives what is still to be told to one session to another.
    GiveNotifications { from: SessionId, to: SessionId },
    /// Takes pending notifications out of the outbox for good: a tool result told the end.
    Withdraw(Vec<NotificationKey>),
    /// Adds a run's results to the past of a command; the oldest go where there are too many. The store gives the serial.
    SaveResults { command: String, results: Box<Results> },
    /// What a run whose results were saved has left.
    SaveAfter { command: String, run: RunId, after: String },
    /// Takes all of these classes for a run, or none of them; refused with [`super::StoreError::Held`] while a task of
    /// another owner has one, or has waited for it for longer. The task's row is written before.
    Claim { task: TaskId, run: u32, classes: Vec<String> },
    /// Gives back what a run had taken or waited for.
    Release { task: TaskId, run: u32 },
    /// Saves a permission rule, and the script that it is bound to; of one that is there already the script is replaced.
    SaveRule { rule: String, script: Option<String> },
    /// Removes a permission rule.
    RemoveRule(String),
}
