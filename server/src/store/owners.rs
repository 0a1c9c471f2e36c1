//! Whose row a task or a session is. Several windows may be open on one workspace, each with a sidecar of its own. A
//! living owner's rows are its own affair; what an owner that is gone left unfinished goes to whoever asks first.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use crate::ids::SessionId;
use crate::task::model::Task;

/// One process that writes.
#[derive(Clone, Debug)]
pub struct Owner {
    /// Names this process and no other one, ever.
    pub name: String,
    /// Whether the process of a name is alive.
    pub lives: fn(&str) -> bool,
}

impl Owner {
    /// True for the name of another owner that is alive.
    pub(super) fn is_other(&self, name: &str) -> bool {
        name != self.name && (self.lives)(name)
    }
}

/// What happened in other windows.
#[derive(Clone, Debug, Default)]
pub struct Others {
    /// Rows of living owners that changed.
    pub changed: Vec<Task>,
    /// Rows that have no end and whose owner is gone: they are this owner's now.
    pub taken: Vec<Task>,
    /// The file's own count of what other connections wrote, and the newest change that was seen.
    version: i64,
    newest: i64,
}

/// Looks at the rows of others. Cheap when nobody else wrote.
pub(super) fn others(connection: &Connection, owner: &Owner, last: &Others) -> Result<Others, StoreError> {
    let taken = take_over(connection, owner, LEFT)?;
    let version = connection.query_row("PRAGMA data_version", [], |row| row.get(0))?;
    let mut found = Others { changed: Vec::new(), taken: Vec::new(), version, newest: last.newest };
    if version != last.version {
        let mut statement = connection.prepare_cached(
            "SELECT json, updated, owner FROM tasks WHERE owner <> ?1 AND updated >= ?2 ORDER BY updated",
        )?;
        let rows = statement.query_map(params![owner.name, last.newest], row)?;
        for row in rows {
            let (task, updated, of) = row?;
            found.newest = found.newest.max(updated);
            let owned = !of.is_some_and(|of| owner.is_other(&of));
            found.changed.extend(task.map(|task| Task { owned, ..task }));
        }
        if last.version == 0 {
            found.newest = connection.query_row("SELECT coalesce(max(updated), 0) FROM tasks", [], |row| row.get(0))?;
        }
    }
    for id in taken {
        let task = connection
            .prepare_cached("SELECT json, updated, owner FROM tasks WHERE id = ?1")?
            .query_row(params![id], row)
            .optional()?;
        found.taken.extend(task.and_then(|(task, ..)| task));
    }
    Ok(found)
}

/// Runs without an end.
pub(super) const LEFT: &str = "status IN ('queued', 'running', 'waiting_for_input')";
/// Ends that nobody was told.
pub(super) const UNTOLD: &str = "id IN (SELECT task FROM outbox WHERE state = 'pending')";

/// Everything up to now is seen.
pub(super) fn now(connection: &Connection) -> Result<Others, StoreError> {
    let newest = connection.query_row("SELECT coalesce(max(updated), 0) FROM tasks", [], |row| row.get(0))?;
    Ok(Others { newest, ..Others::default() })
}

/// Takes rows of owners that are gone. Each owner's go over at one stroke, to one taker. Returns the ids.
pub(super) fn take_over(connection: &Connection, owner: &Owner, which: &str) -> Result<Vec<String>, StoreError> {
    let sql = format!("SELECT DISTINCT owner FROM tasks WHERE owner IS NOT ?1 AND {which}");
    let mut statement = connection.prepare_cached(&sql)?;
    let owners = statement.query_map(params![owner.name], |row| row.get::<_, Option<String>>(0))?;
    let owners: Vec<Option<String>> = owners.collect::<Result<_, _>>()?;
    let mut taken = Vec::new();
    for gone in owners.into_iter().filter(|name| !name.as_ref().is_some_and(|name| owner.is_other(name))) {
        let sql = format!("UPDATE tasks SET owner = ?1 WHERE owner IS ?2 AND {which} RETURNING id");
        let mut statement = connection.prepare_cached(&sql)?;
        for id in statement.query_map(params![owner.name, gone], |row| row.get(0))? {
            taken.push(id?);
        }
    }
    Ok(taken)
}

/// Whose session it is.
pub(super) fn of_session(connection: &Connection, id: &SessionId) -> Result<Option<String>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT owner FROM sessions WHERE id = ?1")?;
    Ok(statement.query_row(params![id.as_str()], |row| row.get(0)).optional()?.flatten())
}

/// A task of another version is `None`.
fn row(row: &Row<'_>) -> rusqlite::Result<(Option<Task>, i64, Option<String>)> {
    Ok((serde_json::from_str(&row.get::<_, String>(0)?).ok(), row.get(1)?, row.get(2)?))
}
