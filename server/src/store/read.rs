//! The SQL of the reads.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;

use super::Loaded;
use super::changes;
use super::command::{LoadedSession, SessionRow};
use super::error::StoreError;
use super::integers::to_time;
use super::outbox::{notifications, settle_delivery};
use super::owners::{self, Owner};
use crate::ids::{SessionId, TaskId};
use crate::task::model::Task;

const SESSION: &str =
    "SELECT id, title, cwd, mode, model, created_at, updated_at, turns, open, title_by, usage FROM sessions";

pub(super) fn loaded(connection: &Connection, owner: &Owner, limit: u32) -> Result<Loaded, StoreError> {
    owners::enter(connection, owner)?;
    let taken = owners::take_over(connection, owner)?;
    let mut loaded = Loaded { seen: owners::now(connection)?, ..Loaded::default() };
    let mut foreign = HashSet::new();
    let mut statement = connection.prepare(
        // However old, what is alive is among them.
        "SELECT json, owner FROM tasks WHERE rowid IN
         (SELECT rowid FROM (SELECT rowid FROM tasks ORDER BY created_at DESC, rowid DESC LIMIT ?1))
         OR status IN ('queued', 'running', 'waiting_for_input')
         ORDER BY created_at, rowid",
    )?;
    let rows = statement.query_map(params![limit], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    for row in rows {
        let (json, of): (_, Option<String>) = row?;
        match serde_json::from_str::<Task>(&json) {
            Ok(mut task) => {
                task.owned = owners::owns(owner, &task, of.as_deref());
                settle_delivery(connection, &mut task)?;
                if !task.owned {
                    foreign.insert(task.id.clone());
                }
                loaded.tasks.push(task);
            }
            Err(error) => {
                tracing::warn!(%error, "a stored task cannot be read");
                loaded.unreadable += 1;
            }
        }
    }
    let strangers = taken.into_iter().filter(|taken| !taken.same_client);
    loaded.strangers = strangers.map(|taken| TaskId(taken.id)).collect();
    loaded.notifications = notifications(connection, None)?;
    // What another window is about to tell is not told here as well.
    loaded.notifications.retain(|notification| !foreign.contains(&notification.key.task));
    Ok(loaded)
}

pub(super) fn list_sessions(
    connection: &Connection,
    limit: u32,
    before: Option<&SessionId>,
) -> Result<Vec<SessionRow>, StoreError> {
    let sql = format!(
        "{SESSION} WHERE ?2 IS NULL OR (updated_at, id) < (SELECT updated_at, id FROM sessions WHERE id = ?2)
         ORDER BY updated_at DESC, id DESC LIMIT ?1"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![limit, before.map(SessionId::as_str)], session)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Reads a session and makes it this owner's, unless another one has it.
pub(super) fn load_session(
    connection: &Connection,
    owner: &Owner,
    id: &SessionId,
) -> Result<Option<LoadedSession>, StoreError> {
    // First: what is read after it is not written by anybody else any more.
    let elsewhere = owners::take_session(connection, owner, id)?;
    let sql = format!("{SESSION} WHERE id = ?1");
    let Some(row) = connection.prepare_cached(&sql)?.query_row(params![id.as_str()], session).optional()? else {
        return Ok(None);
    };
    let system = "SELECT system FROM sessions WHERE id = ?1";
    let system = connection.prepare_cached(system)?.query_row(params![id.as_str()], |row| row.get(0))?;
    Ok(Some(LoadedSession {
        row,
        head: connection
            .prepare_cached("SELECT head FROM sessions WHERE id = ?1")?
            .query_row(params![id.as_str()], |row| row.get(0))
            .optional()?
            .flatten(),
        tasks: tasks_of(connection, owner, id)?,
        turns: texts(connection, "SELECT json FROM turns WHERE session = ?1 ORDER BY seq", id)?,
        system,
        items: log(connection, "SELECT json FROM items WHERE session = ?1 ORDER BY seq", id)?,
        elsewhere,
        notifications: notifications(connection, Some(id))?,
        plan: connection
            .prepare_cached("SELECT json FROM plans WHERE session = ?1")?
            .query_row(params![id.as_str()], |row| row.get(0))
            .optional()?,
        reverted: changes::untold(connection, id)?,
    }))
}

/// The newest tasks of a session that are this owner's, oldest first; those of another version are left out.
fn tasks_of(connection: &Connection, owner: &Owner, id: &SessionId) -> Result<Vec<Task>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT json FROM tasks WHERE owner = ?1 AND session = ?2 ORDER BY created_at DESC, rowid DESC LIMIT 200",
    )?;
    let rows = statement.query_map(params![owner.name, id.as_str()], |row| row.get::<_, String>(0))?;
    let mut tasks = Vec::new();
    for json in rows {
        if let Ok(mut task) = serde_json::from_str::<Task>(&json?) {
            task.owned = true;
            settle_delivery(connection, &mut task)?;
            tasks.push(task);
        }
    }
    tasks.reverse();
    Ok(tasks)
}

pub(super) fn task_ids(connection: &Connection) -> Result<HashSet<String>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id FROM tasks")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn session_ids(connection: &Connection) -> Result<HashSet<String>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id FROM sessions")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn rules(connection: &Connection) -> Result<Vec<(String, Option<String>)>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT rule, script FROM rules ORDER BY rowid")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn log<T: DeserializeOwned>(connection: &Connection, sql: &str, id: &SessionId) -> Result<Vec<T>, StoreError> {
    texts(connection, sql, id)?.iter().map(|json| Ok(serde_json::from_str(json)?)).collect()
}

fn texts(connection: &Connection, sql: &str, id: &SessionId) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![id.as_str()], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn session(row: &Row<'_>) -> rusqlite::Result<SessionRow> {
    Ok(SessionRow {
        id: SessionId(row.get(0)?),
        title: row.get(1)?,
        cwd: row.get::<_, String>(2)?.into(),
        mode: row.get(3)?,
        model: row.get(4)?,
        created_at: to_time(row.get(5)?),
        updated_at: to_time(row.get(6)?),
        turns: row.get(7)?,
        open: row.get(8)?,
        title_by: row.get(9)?,
        usage: row.get(10)?,
    })
}
