//! Reads the outbox: what is not delivered, and how far what is told of a task's newest run got.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::command::{NotificationKey, StoredNotification};
use super::error::StoreError;
use super::integers::to_time;
use crate::ids::{SessionId, TaskId, TurnId};
use crate::task::model::{Delivery, Task};

const NOTIFICATION: &str = "SELECT task, run, kind, session, body, created_at, state, item, turn FROM outbox
    WHERE state IN ('pending', 'carried')";

/// What is not delivered, of one session or of the whole workspace, oldest first.
pub(super) fn notifications(
    connection: &Connection,
    session: Option<&SessionId>,
) -> Result<Vec<StoredNotification>, StoreError> {
    let sql = format!("{NOTIFICATION} AND (?1 IS NULL OR session = ?1) ORDER BY created_at, rowid");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![session.map(SessionId::as_str)], notification)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The same of one task.
pub(super) fn notifications_of(connection: &Connection, task: &str) -> Result<Vec<StoredNotification>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("{NOTIFICATION} AND task = ?1 ORDER BY created_at, rowid"))?;
    let rows = statement.query_map(params![task], notification)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Says of a row how far what is told of its newest run got. The outbox knows: a window may have told what another one's row
/// is about, and writes no rows of others.
pub(super) fn settle_delivery(connection: &Connection, task: &mut Task) -> Result<(), StoreError> {
    if !matches!(task.delivery, Delivery::Pending | Delivery::Carried) {
        return Ok(());
    }
    // The least that is done of all that is told.
    let mut statement = connection.prepare_cached(
        "SELECT state, turn FROM outbox WHERE task = ?1 AND run = ?2
         ORDER BY CASE state WHEN 'pending' THEN 0 WHEN 'carried' THEN 1 ELSE 2 END, created_at DESC LIMIT 1",
    )?;
    let found = statement
        .query_row(params![task.id.as_str(), task.run], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
        })
        .optional()?;
    if let Some((state, turn)) = found {
        task.delivery = Delivery::parse(&state).unwrap_or(task.delivery);
        task.delivered_turn = turn.map(TurnId);
    }
    Ok(())
}

fn notification(row: &Row<'_>) -> rusqlite::Result<StoredNotification> {
    Ok(StoredNotification {
        key: NotificationKey { task: TaskId(row.get(0)?), run: row.get(1)?, kind: row.get(2)? },
        session: row.get::<_, Option<String>>(3)?.map(SessionId),
        body: row.get(4)?,
        created_at: to_time(row.get(5)?),
        state: Delivery::parse(&row.get::<_, String>(6)?).unwrap_or(Delivery::Pending),
        item: row.get::<_, Option<i64>>(7)?.map(|seq| seq as u64),
        turn: row.get::<_, Option<String>>(8)?.map(TurnId),
    })
}
