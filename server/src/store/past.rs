//! The earlier runs of each command and the last results of its tests, bounded: the newest runs, tests and commands are
//! kept.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::integers::from_time;
use crate::diagnostics::delta::{KEPT_IDS, KEPT_RESULTS, KEPT_RUNS, Past, PastRun, Recent, Results};
use crate::task::run::RunId;

/// Commands of a workspace whose past is kept.
const KEPT_COMMANDS: i64 = 200;

/// Adds a run. Its serial is the next one in the file: another window may have run the command as well.
pub(super) fn save(connection: &Connection, command: &str, results: &Results) -> Result<(), StoreError> {
    let id: i64 = connection
        .prepare_cached(
            "INSERT INTO commands (command, used) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET used = excluded.used
             RETURNING id",
        )?
        .query_row(params![command, from_time(results.run.at)], |row| row.get(0))?;
    let serial: i64 = connection
        .prepare_cached("SELECT coalesce(max(serial), 0) + 1 FROM command_runs WHERE command = ?1")?
        .query_row(params![id], |row| row.get(0))?;
    let run = PastRun { serial: serial as u64, ..results.run.clone() };
    let json = serde_json::to_string(&run).map_err(|error| StoreError::Other(error.to_string()))?;
    connection
        .prepare_cached("INSERT INTO command_runs (command, serial, json) VALUES (?1, ?2, ?3)")?
        .execute(params![id, serial, json])?;
    connection
        .prepare_cached("DELETE FROM command_runs WHERE command = ?1 AND serial <= ?2")?
        .execute(params![id, serial - KEPT_RUNS as i64])?;
    for (old, new) in &results.renamed {
        connection
            .prepare_cached("UPDATE OR IGNORE results SET id = ?3 WHERE command = ?1 AND id = ?2")?
            .execute(params![id, old, new])?;
    }
    let mut put = connection.prepare_cached(
        "INSERT INTO results (command, id, serial, recent) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET serial = excluded.serial, recent = substr(recent || excluded.recent, ?5)",
    )?;
    for (test, outcome) in &results.results {
        put.execute(params![id, test, serial, outcome.letter().to_string(), -(KEPT_RESULTS as i64)])?;
    }
    let kept: i64 = connection
        .prepare_cached("SELECT count(*) FROM results WHERE command = ?1")?
        .query_row(params![id], |row| row.get(0))?;
    if kept > KEPT_IDS as i64 {
        connection
            .prepare_cached(
                "DELETE FROM results WHERE command = ?1 AND id IN
                 (SELECT id FROM results WHERE command = ?1 ORDER BY serial LIMIT ?2)",
            )?
            .execute(params![id, kept - KEPT_IDS as i64])?;
    }
    forget_old(connection)
}

/// Notes what a run has left; nothing where it is forgotten already.
pub(super) fn save_after(connection: &Connection, command: &str, run: &RunId, after: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE command_runs SET json = json_set(json, '$.after', ?4)
             WHERE command = (SELECT id FROM commands WHERE command = ?1)
                AND json_extract(json, '$.task') = ?2 AND json_extract(json, '$.run') = ?3",
        )?
        .execute(params![command, run.task.as_str(), run.run, after])?;
    Ok(())
}

fn forget_old(connection: &Connection) -> Result<(), StoreError> {
    let mut old =
        connection.prepare_cached("SELECT id FROM commands ORDER BY used DESC, id DESC LIMIT -1 OFFSET ?1")?;
    let old: Vec<i64> = old.query_map(params![KEPT_COMMANDS], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for id in old {
        for sql in [
            "DELETE FROM results WHERE command = ?1",
            "DELETE FROM command_runs WHERE command = ?1",
            "DELETE FROM commands WHERE id = ?1",
        ] {
            connection.prepare_cached(sql)?.execute(params![id])?;
        }
    }
    Ok(())
}

/// Everything that is known of a command.
pub(super) fn read(connection: &Connection, command: &str) -> Result<Past, StoreError> {
    let mut past = Past::default();
    let id: Option<i64> = connection
        .prepare_cached("SELECT id FROM commands WHERE command = ?1")?
        .query_row(params![command], |row| row.get(0))
        .optional()?;
    let Some(id) = id else { return Ok(past) };
    let mut runs = connection.prepare_cached("SELECT json FROM command_runs WHERE command = ?1 ORDER BY serial")?;
    for json in runs.query_map(params![id], |row| row.get::<_, String>(0))? {
        // A run that another version wrote says nothing here.
        past.runs.extend(serde_json::from_str::<PastRun>(&json?));
    }
    let mut results = connection.prepare_cached("SELECT id, serial, recent FROM results WHERE command = ?1")?;
    let rows = results.query_map(params![id], |row| {
        Ok((row.get(0)?, Recent { serial: row.get::<_, i64>(1)? as u64, results: row.get(2)? }))
    })?;
    past.recent = rows.collect::<Result<_, _>>()?;
    Ok(past)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::delta::Outcome;
    use crate::store::schema;
    use crate::task::model::Timestamp;

    fn results(at: u64, results: impl IntoIterator<Item = (String, Outcome)>) -> Results {
        let run = PastRun {
            serial: 0,
            task: "t1".into(),
            run: at as u32,
            fingerprint: Some(format!("files {at}")),
            at: Timestamp(at),
            by_agent: true,
            whole: true,
            total: 0,
            edited: false,
            after: None,
        };
        Results { run, results: results.into_iter().collect(), renamed: Vec::new() }
    }

    #[test]
    fn a_test_keeps_its_results_under_another_id() {
        let connection = schema::open_memory().unwrap();
        save(&connection, "c", &results(1, [("adds".to_owned(), Outcome::Failed)])).unwrap();
        let renamed = vec![("adds".to_owned(), "api adds".to_owned())];
        save(&connection, "c", &Results { renamed, ..results(2, [("api adds".to_owned(), Outcome::Passed)]) }).unwrap();
        let past = read(&connection, "c").unwrap();
        let known: Vec<_> = past.recent.iter().map(|(id, recent)| (id.as_str(), recent.results.as_str())).collect();
        assert_eq!(known, [("api adds", "FP")]);
    }

    #[test]
    fn the_store_keeps_what_the_past_would() {
        let connection = schema::open_memory().unwrap();
        let mut past = Past::default();
        for at in 1..=25 {
            let outcome = if at % 3 == 0 { Outcome::Failed } else { Outcome::Passed };
            let mut run = results(at, [("a".to_owned(), outcome)]);
            if at == 4 {
                run.results.push(("b".to_owned(), Outcome::Failed));
            }
            save(&connection, "cargo test", &run).unwrap();
            run.run.serial = at;
            past.record(&run);
        }
        assert_eq!(read(&connection, "cargo test").unwrap(), past);
        assert_eq!(read(&connection, "cargo build").unwrap(), Past::default());
    }

    #[test]
    fn what_a_run_left_is_noted_with_that_run() {
        let connection = schema::open_memory().unwrap();
        save(&connection, "make", &results(1, [])).unwrap();
        save(&connection, "make", &results(2, [])).unwrap();
        save_after(&connection, "make", &RunId { task: "t1".into(), run: 1 }, "files 1b").unwrap();
        save_after(&connection, "make", &RunId { task: "t9".into(), run: 1 }, "nothing").unwrap();
        let after: Vec<_> = read(&connection, "make").unwrap().runs.into_iter().map(|run| run.after).collect();
        assert_eq!(after, [Some("files 1b".to_owned()), None]);
    }

    #[test]
    fn tests_and_commands_that_were_seen_longest_ago_go() {
        let connection = schema::open_memory().unwrap();
        let many = |from: usize, to: usize| (from..to).map(|n| (format!("test_{n}"), Outcome::Passed));
        save(&connection, "big", &results(1, many(0, 100))).unwrap();
        save(&connection, "big", &results(2, many(100, KEPT_IDS + 50))).unwrap();
        let past = read(&connection, "big").unwrap();
        assert_eq!(past.recent.len(), KEPT_IDS);
        assert!(past.recent.contains_key("test_150"), "the newer ones stay");
        for n in 0..KEPT_COMMANDS as u64 {
            save(&connection, &format!("make {n}"), &results(n + 3, many(0, 1))).unwrap();
        }
        assert!(read(&connection, "big").unwrap().is_empty());
        assert!(!read(&connection, "make 0").unwrap().is_empty());
        let left: i64 = connection.query_row("SELECT count(*) FROM results", [], |row| row.get(0)).unwrap();
        assert_eq!(left, KEPT_COMMANDS, "nothing of a forgotten command stays");
    }
}
