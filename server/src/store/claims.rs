//! Who has what runs one at a time, over all windows: one row for each owner that has a class or waits for it. Decided inside
//! one transaction, so that two windows never both get it.
//!
//! A claim lives as long as its task's row is without an end, and either that row's owner is alive or the run goes on
//! without it: what a window that died had claimed is free when nothing of it runs. Owners that wait are served in the order in which
//! they came: a window with a long queue of its own does not keep the others out.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::owners::{LEFT, Owner};
use crate::ids::TaskId;
use crate::task::model::Task;

/// An owner that waits asks again within this time, or does not wait any more.
const STALE_MS: i64 = 5_000;

const NOW: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// Takes all classes for a task's run, or takes a place in the queue and says who comes first.
pub(super) fn claim(
    connection: &Connection,
    owner: &Owner,
    task: &TaskId,
    run: u32,
    classes: &[String],
) -> Result<(), StoreError> {
    // One time for all classes: owners that want several of the same come in one order, and never wait for each other.
    let mut since: Option<i64> = None;
    for class in classes {
        let mut known = connection.prepare_cached("SELECT since FROM claims WHERE class = ?1 AND owner = ?2")?;
        let known: Option<i64> = known.query_row(params![class, owner.name], |row| row.get(0)).optional()?;
        since = since.into_iter().chain(known).min();
    }
    // Behind everybody who is there, also of those who came in the same millisecond, or before the clock was set back.
    let last = format!("SELECT max({NOW}, (SELECT coalesce(max(since), 0) + 1 FROM claims))");
    let since: i64 = match since {
        Some(since) => since,
        None => connection.prepare_cached(&last)?.query_row([], |row| row.get(0))?,
    };
    let mut first = None;
    for class in classes {
        connection
            .prepare_cached(&format!(
                "INSERT INTO claims (class, owner, task, run, since, asked, granted)
                 VALUES (?1, ?2, ?3, ?4, ?5, {NOW}, 0)
                 ON CONFLICT DO UPDATE SET task = excluded.task, run = excluded.run, since = excluded.since,
                    asked = excluded.asked, granted = 0"
            ))?
            .execute(params![class, owner.name, task.as_str(), run, since])?;
        first = first.or(ahead(connection, owner, class)?);
    }
    if let Some(first) = first {
        return Err(StoreError::Held(first));
    }
    connection
        .prepare_cached("UPDATE claims SET granted = 1 WHERE owner = ?1 AND task = ?2 AND run = ?3")?
        .execute(params![owner.name, task.as_str(), run])?;
    Ok(())
}

/// Whose task has the class, or has waited for it for longer than this owner has.
fn ahead(connection: &Connection, owner: &Owner, class: &str) -> Result<Option<TaskId>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT claims.task, coalesce(tasks.owner, claims.owner), claims.granted, tasks.json
         FROM claims JOIN tasks ON tasks.id = claims.task
         JOIN claims AS own ON own.class = claims.class AND own.owner = ?2
         WHERE claims.class = ?1 AND claims.owner <> ?2 AND tasks.{LEFT}
           AND (claims.granted OR (claims.asked > {NOW} - {STALE_MS}
                AND (claims.since, claims.owner) < (own.since, own.owner)))
         ORDER BY claims.granted DESC, claims.since"
    ))?;
    let rows = statement.query_map(params![class, owner.name], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?, row.get::<_, String>(3)?))
    })?;
    for row in rows {
        let (task, of, is_granted, json) = row?;
        // Of this owner it can be too: a task that it took over runs on. And one whose owner is gone may run on for a while.
        let runs_on = || serde_json::from_str::<Task>(&json).is_ok_and(|task| (owner.world.runs)(&task));
        if of == owner.name || owner.is_other(&of) || is_granted && runs_on() {
            return Ok(Some(TaskId(task)));
        }
    }
    Ok(None)
}

/// Gives back what a run had or waited for.
pub(super) fn release(connection: &Connection, task: &TaskId, run: u32) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM claims WHERE task = ?1 AND run = ?2")?
        .execute(params![task.as_str(), run])?;
    Ok(())
}
