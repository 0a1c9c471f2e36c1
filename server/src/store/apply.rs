//! The SQL of each write. Called inside a savepoint: an error takes the whole write back.

use rusqlite::{Connection, OptionalExtension, params};

use super::changes;
use super::claims;
use super::command::{NotificationKey, SessionRow, Write};
use super::error::StoreError;
use super::integers::{from_time, number};
use super::owners::Owner;
use crate::agent::history::Item;
use crate::ids::SessionId;
use crate::task::model::Task;

pub(super) fn apply(connection: &Connection, write: &Write, owner: &Owner) -> Result<(), StoreError> {
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| connection.prepare_cached(sql)?.execute(values);
    match write {
        Write::SaveTask(task) => save_task(connection, task, &owner.name)?,
        Write::DeleteTask(id) => {
            // What is still to be told of it stays in the outbox: a row that a person dismissed is no secret.
            run("DELETE FROM tasks WHERE id = ?1", params![id.as_str()])?;
        }
        Write::ForgetTasks { keep, before } => {
            run(
                "DELETE FROM tasks WHERE status NOT IN ('queued', 'running', 'waiting_for_input')
                 AND (updated < ?2 OR id NOT IN (SELECT id FROM tasks ORDER BY updated DESC, rowid DESC LIMIT ?1))
                 AND id NOT IN (SELECT task FROM outbox WHERE state <> 'delivered')",
                params![keep, from_time(*before)],
            )?;
            run(
                "DELETE FROM outbox WHERE state = 'delivered' AND created_at < ?1
                 AND task NOT IN (SELECT id FROM tasks)",
                params![from_time(*before)],
            )?;
        }
        Write::SaveSession(row) => save_session(connection, row, &owner.name)?,
        Write::SaveSystem { session, text } => {
            run("UPDATE sessions SET system = ?2 WHERE id = ?1", params![session.as_str(), &**text])?;
        }
        Write::DeleteSession(id) => {
            for sql in [
                "DELETE FROM sessions WHERE id = ?1",
                "DELETE FROM items WHERE session = ?1",
                "DELETE FROM turns WHERE session = ?1",
                "DELETE FROM plans WHERE session = ?1",
                "DELETE FROM changes WHERE session = ?1",
                "DELETE FROM outbox WHERE session = ?1 AND state <> 'delivered'",
            ] {
                run(sql, params![id.as_str()])?;
            }
        }
        Write::SavePlan { session, json } => {
            run(
                "INSERT INTO plans (session, json) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET json = excluded.json",
                params![session.as_str(), json],
            )?;
        }
        Write::SaveChange(edit) => changes::save(connection, edit)?,
        Write::SettleChange(settled) => changes::settle(connection, settled)?,
        Write::ChangesTold(session) => changes::told(connection, session)?,
        Write::ForgetChanges { keep, before } => changes::forget(connection, *keep, *before)?,
        Write::Notify { key, session, body, created_at } => {
            run(
                "INSERT INTO outbox (task, run, kind, session, state, body, created_at)
                 VALUES (?1, ?2, ?3, ?4, 'pending', ?5, ?6) ON CONFLICT DO NOTHING",
                params![
                    key.task.as_str(),
                    key.run,
                    key.kind,
                    session.as_ref().map(SessionId::as_str),
                    body,
                    from_time(*created_at)
                ],
            )?;
        }
        Write::AppendItems { session, first_seq, items, carried } => {
            owned(connection, session, owner)?;
            append_items(connection, session, *first_seq, items, carried)?;
        }
        Write::SaveTurn { session, seq, json } => {
            owned(connection, session, owner)?;
            run(
                "INSERT INTO turns (session, seq, json) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET json = excluded.json",
                params![session.as_str(), number(*seq), json],
            )?;
        }
        Write::SaveHead { session, head } => {
            owned(connection, session, owner)?;
            run("UPDATE sessions SET head = ?2 WHERE id = ?1", params![session.as_str(), head])?;
        }
        Write::HandOver { session, tasks, to } => {
            run(
                "UPDATE sessions SET owner = ?3 WHERE id = ?1 AND owner = ?2",
                params![session.as_str(), owner.name, to],
            )?;
            for task in tasks {
                run(
                    "UPDATE tasks SET owner = ?3, updated = CAST(unixepoch('subsec') * 1000 AS INTEGER)
                     WHERE id = ?1 AND owner = ?2",
                    params![task.as_str(), owner.name, to],
                )?;
                run(
                    "UPDATE OR REPLACE claims SET owner = ?3 WHERE task = ?1 AND owner = ?2",
                    params![task.as_str(), owner.name, to],
                )?;
            }
        }
        Write::MarkDelivered { session, keys, turn } => {
            for key in keys {
                run(
                    "UPDATE outbox SET state = 'delivered', turn = ?5
                     WHERE task = ?1 AND run = ?2 AND kind = ?3 AND session = ?4 AND state = 'carried'",
                    params![key.task.as_str(), key.run, key.kind, session.as_str(), turn.as_str()],
                )?;
            }
        }
        Write::AssignNotifications { keys, session } => {
            for key in keys {
                run(
                    "UPDATE outbox SET session = ?4
                     WHERE task = ?1 AND run = ?2 AND kind = ?3 AND session IS NULL AND state = 'pending'",
                    params![key.task.as_str(), key.run, key.kind, session.as_str()],
                )?;
            }
        }
        Write::GiveNotifications { from, to } => {
            run(
                "UPDATE outbox SET session = ?2 WHERE session = ?1 AND state = 'pending'",
                params![from.as_str(), to.as_str()],
            )?;
        }
        Write::Withdraw(keys) => {
            // Kept, as delivered: the key must not come back.
            for key in keys {
                run(
                    "UPDATE outbox SET state = 'delivered'
                     WHERE task = ?1 AND run = ?2 AND kind = ?3 AND state = 'pending'",
                    params![key.task.as_str(), key.run, key.kind],
                )?;
            }
        }
        Write::SaveResults { command, results } => super::past::save(connection, command, results)?,
        Write::SaveAfter { command, run, after } => super::past::save_after(connection, command, run, after)?,
        Write::Claim { task, run, classes } => claims::claim(connection, owner, task, *run, classes)?,
        Write::Release { task, run } => claims::release(connection, task, *run)?,
        Write::SaveRule { rule, script } => {
            let sql = "INSERT INTO rules (rule, script) VALUES (?1, ?2)
                       ON CONFLICT (rule) DO UPDATE SET script = excluded.script";
            run(sql, params![rule, script])?;
        }
        Write::RemoveRule(rule) => {
            run("DELETE FROM rules WHERE rule = ?1", params![rule])?;
        }
    }
    Ok(())
}

/// Refuses a write to a session that was given to another owner.
fn owned(connection: &Connection, session: &SessionId, owner: &Owner) -> Result<(), StoreError> {
    let of: Option<Option<String>> = connection
        .prepare_cached("SELECT owner FROM sessions WHERE id = ?1")?
        .query_row(params![session.as_str()], |row| row.get(0))
        .optional()?;
    match of.flatten() {
        Some(other) if other != owner.name => Err(StoreError::Moved(session.clone())),
        _ => Ok(()),
    }
}

fn save_task(connection: &Connection, task: &Task, owner: &str) -> Result<(), StoreError> {
    let json = serde_json::to_string(task).map_err(|error| StoreError::Other(format!("task {}: {error}", task.id)))?;
    connection
        .prepare_cached(
            "INSERT INTO tasks (id, session, status, created_at, updated, json, owner)
             VALUES (?1, ?2, ?3, ?4, CAST(unixepoch('subsec') * 1000 AS INTEGER), ?5, ?6)
             ON CONFLICT DO UPDATE SET session = excluded.session, status = excluded.status,
                created_at = excluded.created_at, updated = excluded.updated, json = excluded.json,
                owner = excluded.owner",
        )?
        .execute(params![
            task.id.as_str(),
            task.session.as_ref().map(SessionId::as_str),
            task.status.as_str(),
            from_time(task.created_at),
            json,
            owner
        ])?;
    Ok(())
}

fn save_session(connection: &Connection, row: &SessionRow, owner: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO sessions (id, title, cwd, mode, model, created_at, updated_at, turns, open, owner, title_by, usage)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT DO UPDATE SET title = excluded.title, title_by = excluded.title_by, cwd = excluded.cwd,
                mode = excluded.mode, model = excluded.model, created_at = excluded.created_at, updated_at = excluded.updated_at,
                turns = excluded.turns, open = excluded.open, owner = excluded.owner, usage = excluded.usage
             WHERE sessions.owner IS NULL OR sessions.owner = excluded.owner",
        )?
        .execute(params![
            row.id.as_str(),
            row.title,
            row.cwd.to_string_lossy(),
            row.mode,
            row.model,
            from_time(row.created_at),
            from_time(row.updated_at),
            row.turns,
            row.open,
            owner,
            row.title_by,
            row.usage
        ])?;
    Ok(())
}

fn append_items(
    connection: &Connection,
    session: &SessionId,
    first_seq: u64,
    items: &[Item],
    carried: &[NotificationKey],
) -> Result<(), StoreError> {
    let stored: i64 = connection
        .prepare_cached("SELECT coalesce(max(seq) + 1, 0) FROM items WHERE session = ?1")?
        .query_row(params![session.as_str()], |row| row.get(0))?;
    if stored != number(first_seq) {
        return Err(StoreError::OutOfOrder(first_seq));
    }
    if items.is_empty() {
        return Err(StoreError::Other("nothing to append to the history".into()));
    }
    let mut insert = connection.prepare_cached("INSERT INTO items (session, seq, json) VALUES (?1, ?2, ?3)")?;
    for (seq, item) in (stored..).zip(items) {
        let json = serde_json::to_string(item).map_err(|error| StoreError::Other(format!("item {seq}: {error}")))?;
        insert.execute(params![session.as_str(), seq, json])?;
    }
    let last = stored + items.len() as i64 - 1;
    let mut mark = connection.prepare_cached(
        "UPDATE outbox SET state = 'carried', session = ?4, item = ?5
         WHERE task = ?1 AND run = ?2 AND kind = ?3 AND state = 'pending' AND (session IS NULL OR session = ?4)",
    )?;
    for key in carried {
        if mark.execute(params![key.task.as_str(), key.run, key.kind, session.as_str(), last])? != 1 {
            return Err(StoreError::NotPending(key.clone()));
        }
    }
    Ok(())
}
