//! Whose row a task or a session is. Several windows may be open on one workspace, each with a sidecar of its own. A
//! living owner's rows are its own affair. What an owner that is gone left unfinished is kept for the next sidecar of the
//! same client during the owner's grace, as far as anything of it is alive; the rest, and all of it afterwards, goes to
//! whoever asks first. Takeovers are single statements that name the owner that was seen: of two takers one gets a row.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::command::{Elsewhere, StoredNotification};
use super::error::StoreError;
use super::outbox;
use crate::ids::SessionId;
use crate::task::model::Task;

/// One process that writes.
#[derive(Clone, Debug)]
pub struct Owner {
    /// Names this process and no other one, ever.
    pub name: String,
    /// Names its client over all its processes; two without a token count as the same one.
    pub token: Option<String>,
    /// How long what it leaves behind is kept for the same client.
    pub grace: Duration,
    /// What the store must ask about others.
    pub world: World,
}

/// What only the system knows.
#[derive(Clone, Copy, Debug)]
pub struct World {
    /// Whether the process of a name is alive.
    pub lives: fn(&str) -> bool,
    /// Waits for the end of the process of a name, no longer than this: true when it is gone.
    pub gone_within: fn(&str, Duration) -> bool,
    /// Whether the newest run of a task without an end is still watched over, or was never launched.
    pub is_held: fn(&Task) -> bool,
    /// Whether the newest run of a task without an end goes on.
    pub runs: fn(&Task) -> bool,
}

/// How long a sidecar waits for its client's last one, which is on its way out.
pub(super) const WAY_OUT: Duration = Duration::from_secs(2);

impl Owner {
    /// True for the name of another owner that is alive.
    pub(super) fn is_other(&self, name: &str) -> bool {
        name != self.name && (self.world.lives)(name)
    }
}

/// A row that came from an owner that is gone.
#[derive(Clone, Debug)]
pub struct TakenRow {
    pub task: Task,
    /// Its owner was of the same client.
    pub same_client: bool,
}

/// What happened in other windows.
#[derive(Clone, Debug, Default)]
pub struct Others {
    /// Rows of other owners that changed.
    pub changed: Vec<Task>,
    /// Rows without an end, or with something left of them, that are this owner's now.
    pub taken: Vec<TakenRow>,
    /// What of these was not told.
    pub notifications: Vec<StoredNotification>,
    /// There is no other owner, and nothing that one has left: until somebody writes, nothing will be found.
    pub alone: bool,
    /// The file's own count of what other connections wrote, and the newest change that was seen.
    version: i64,
    newest: i64,
}

/// A row and whose it was.
pub(super) struct TakenId {
    pub(super) id: String,
    pub(super) same_client: bool,
}

/// Looks at the rows of others. Cheap when nobody else wrote.
pub(super) fn others(connection: &Connection, owner: &Owner, last: &Others) -> Result<Others, StoreError> {
    let alone = known(connection, owner)?.is_empty();
    let taken = take_over(connection, owner)?;
    // One view of the file for all: what is written between two looks would be seen by neither.
    let view = connection.unchecked_transaction()?;
    let version = view.query_row("PRAGMA data_version", [], |row| row.get(0))?;
    let mut found = Others { alone, version, newest: last.newest, ..Others::default() };
    if version != last.version {
        let mut statement = view.prepare_cached(
            "SELECT json, updated, owner FROM tasks WHERE owner <> ?1 AND updated >= ?2 ORDER BY updated",
        )?;
        let rows = statement.query_map(params![owner.name, last.newest], row)?;
        for row in rows {
            let (task, updated, of) = row?;
            found.newest = found.newest.max(updated);
            found.changed.extend(task.map(|task| Task { owned: owns(owner, &task, of.as_deref()), ..task }));
        }
    }
    for TakenId { id, same_client } in taken {
        let task = view
            .prepare_cached("SELECT json, updated, owner FROM tasks WHERE id = ?1")?
            .query_row(params![id], row)
            .optional()?;
        found.taken.extend(task.and_then(|(task, ..)| task).map(|task| TakenRow { task, same_client }));
        found.notifications.extend(outbox::notifications_of(&view, &id)?);
    }
    Ok(found)
}

/// Whether a row counts as this owner's: what is over and has no living owner is everybody's.
pub(super) fn owns(owner: &Owner, task: &Task, of: Option<&str>) -> bool {
    match of {
        None => true,
        Some(name) if name == owner.name => true,
        Some(name) => task.status.is_final() && task.stragglers == 0 && !(owner.world.lives)(name),
    }
}

/// Runs without an end.
pub(super) const LEFT: &str = "status IN ('queued', 'running', 'waiting_for_input')";
/// What is over and has left something: processes, or an end that nobody was told.
const LEFTOVERS: &str = "(CASE WHEN json_valid(json) THEN json_extract(json, '$.stragglers') > 0 END
    OR id IN (SELECT task FROM outbox WHERE state = 'pending'))";

/// Everything up to now is seen.
pub(super) fn now(connection: &Connection) -> Result<Others, StoreError> {
    let newest = connection.query_row("SELECT coalesce(max(updated), 0) FROM tasks", [], |row| row.get(0))?;
    Ok(Others { newest, ..Others::default() })
}

/// Enters this owner's lease. Its client's last sidecar may be on its way out: its end is awaited, for a moment.
pub(super) fn enter(connection: &Connection, owner: &Owner) -> Result<(), StoreError> {
    let grace = i64::try_from(owner.grace.as_millis()).unwrap_or(i64::MAX);
    connection.execute(
        "INSERT INTO leases (owner, token, grace_ms) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET token = excluded.token, grace_ms = excluded.grace_ms",
        params![owner.name, owner.token, grace],
    )?;
    if owner.token.is_some() {
        let same = "SELECT owner FROM leases WHERE owner <> ?1 AND token = ?2";
        let mut statement = connection.prepare(same)?;
        let names = statement.query_map(params![owner.name, owner.token], |row| row.get::<_, String>(0))?;
        for name in names.collect::<Result<Vec<_>, _>>()? {
            (owner.world.gone_within)(&name, WAY_OUT);
        }
    }
    Ok(())
}

/// The grace of this owner changed.
pub(super) fn set_grace(connection: &Connection, owner: &str, grace: Duration) -> Result<(), StoreError> {
    let grace = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
    connection.execute("UPDATE leases SET grace_ms = ?2 WHERE owner = ?1", params![owner, grace])?;
    Ok(())
}

/// An owner that is gone, as its lease has it.
struct Gone {
    name: Option<String>,
    same_client: bool,
    /// Nobody else has to wait any more.
    open_to_all: bool,
}

/// Takes what owners that are gone have left, as far as this one may.
pub(super) fn take_over(connection: &Connection, owner: &Owner) -> Result<Vec<TakenId>, StoreError> {
    let mut taken = Vec::new();
    for Gone { name, same_client, open_to_all } in gone(connection, owner)? {
        if same_client || open_to_all {
            let sql = format!("UPDATE tasks SET owner = ?1 WHERE owner IS ?2 AND ({LEFT} OR {LEFTOVERS}) RETURNING id");
            let mut statement = connection.prepare_cached(&sql)?;
            for id in statement.query_map(params![owner.name, name], |row| row.get(0))? {
                taken.push(TakenId { id: id?, same_client });
            }
            connection.execute("DELETE FROM leases WHERE owner IS ?1", params![name])?;
        } else {
            for id in unheld(connection, owner, name.as_deref())? {
                let sql = format!("UPDATE tasks SET owner = ?1 WHERE owner IS ?2 AND id = ?3 AND {LEFT}");
                if connection.prepare_cached(&sql)?.execute(params![owner.name, name, id])? > 0 {
                    taken.push(TakenId { id, same_client });
                }
            }
        }
    }
    Ok(taken)
}

/// The other owners that have a lease, or runs without an end; and whether it is a lease.
fn known(connection: &Connection, owner: &Owner) -> Result<Vec<(Option<String>, bool)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT owner, EXISTS (SELECT 1 FROM leases WHERE leases.owner IS found.owner) FROM
         (SELECT owner FROM leases UNION
          SELECT owner FROM tasks WHERE status IN ('queued', 'running', 'waiting_for_input')) AS found
         WHERE owner IS NOT ?1",
    )?;
    let rows = statement.query_map(params![owner.name], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Those of them that are gone.
fn gone(connection: &Connection, owner: &Owner) -> Result<Vec<Gone>, StoreError> {
    let mut gone = Vec::new();
    for row in known(connection, owner)? {
        match row {
            (Some(name), _) if (owner.world.lives)(&name) => {}
            (Some(name), true) => gone.push(by_lease(connection, owner, name)?),
            // Of a time without leases: nothing of it is alive.
            (name, _) => gone.push(Gone { name, same_client: false, open_to_all: true }),
        }
    }
    Ok(gone)
}

/// Notes when an owner was first seen to be gone, and says what that means now.
fn by_lease(connection: &Connection, owner: &Owner, name: String) -> Result<Gone, StoreError> {
    connection
        .prepare_cached(
            "UPDATE leases SET gone_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
             WHERE owner = ?1 AND gone_at IS NULL",
        )?
        .execute(params![name])?;
    let lease = connection
        .prepare_cached(
            "SELECT token IS ?2, gone_at + grace_ms <= CAST(unixepoch('subsec') * 1000 AS INTEGER)
             FROM leases WHERE owner = ?1",
        )?
        .query_row(params![name, owner.token], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    // Another taker may have been quicker, and left nothing.
    let (same_client, over) = lease.unwrap_or((false, true));
    Ok(Gone { name: Some(name), same_client, open_to_all: over })
}

/// Runs without an end that nobody watches over any more: their end is known, or will never be.
fn unheld(connection: &Connection, owner: &Owner, name: Option<&str>) -> Result<Vec<String>, StoreError> {
    let sql = format!("SELECT json FROM tasks WHERE owner IS ?1 AND {LEFT}");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![name], |row| row.get::<_, String>(0))?;
    let mut unheld = Vec::new();
    for json in rows {
        let task: Option<Task> = serde_json::from_str(&json?).ok();
        unheld.extend(task.filter(|task| !(owner.world.is_held)(task)).map(|task| task.id.to_string()));
    }
    Ok(unheld)
}

/// Whose session it is, and whether that owner is of the same client.
fn of_session(connection: &Connection, owner: &Owner, id: &SessionId) -> Result<Option<(String, bool)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT sessions.owner, coalesce(leases.token = ?2, 0)
         FROM sessions LEFT JOIN leases ON leases.owner = sessions.owner WHERE sessions.id = ?1",
    )?;
    let found = statement
        .query_row(params![id.as_str(), owner.token], |row| Ok((row.get::<_, Option<String>>(0)?, row.get(1)?)));
    Ok(found.optional()?.and_then(|(name, same_client)| Some((name?, same_client))))
}

/// Makes a session this owner's, or says which other one that is alive has it. The statement names the owner that was seen:
/// of two windows that open it at the same moment one gets it.
pub(super) fn take_session(
    connection: &Connection,
    owner: &Owner,
    id: &SessionId,
) -> Result<Option<Elsewhere>, StoreError> {
    let mut take = connection.prepare_cached("UPDATE sessions SET owner = ?1 WHERE id = ?2 AND owner IS ?3")?;
    loop {
        let seen = of_session(connection, owner, id)?;
        let name = match seen {
            Some((name, same_client)) if owner.is_other(&name) => {
                return Ok(Some(Elsewhere { owner: name, same_client }));
            }
            Some((name, _)) => Some(name),
            None => None,
        };
        // None changed: another window was quicker, or deleted it.
        let gone =
            || connection.prepare_cached("SELECT 1 FROM sessions WHERE id = ?1")?.exists([id.as_str()]).map(|is| !is);
        if take.execute(params![owner.name, id.as_str(), name])? > 0 || gone()? {
            return Ok(None);
        }
    }
}

/// A task of another version is `None`.
fn row(row: &Row<'_>) -> rusqlite::Result<(Option<Task>, i64, Option<String>)> {
    Ok((serde_json::from_str(&row.get::<_, String>(0)?).ok(), row.get(1)?, row.get(2)?))
}
