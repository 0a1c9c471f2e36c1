//! The edits that can be taken back: for each session, turn and file one text from before the first edit and one from
//! after the last. Bounded: a text that is too large is counted and not kept, and the oldest changes go when all together
//! are too much.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::command::{FileEdit, Settled};
use super::error::StoreError;
use super::integers::{from_time, number, to_time};
use crate::agent::change::{Change, MadeFolder};
use crate::ids::{SessionId, TurnId};
use crate::task::model::Timestamp;

/// Bytes of a text; of a larger one only the size is kept.
const MOST: usize = 2 << 20;

const CHANGE: &str = "SELECT id, turn, path, before, after, omitted, accepted, reverted, new_folders FROM changes";

/// Adds an edit to the change of its turn and file, or begins one.
pub(super) fn save(connection: &Connection, edit: &FileEdit) -> Result<(), StoreError> {
    let path = edit.path.as_os_str().as_bytes();
    let newest = format!("{CHANGE} WHERE session = ?1 AND turn = ?2 AND path = ?3 ORDER BY id DESC LIMIT 1");
    let newest = connection
        .prepare_cached(&newest)?
        .query_row(params![edit.session.as_str(), edit.turn.as_str(), path], change)
        .optional()?;
    let size = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let is_large = size(&edit.before) > MOST || size(&edit.after) > MOST;
    if let Some(mut known) = newest.filter(|known| known.omitted == 0 && !is_large)
        && known.extend(edit.before.as_deref(), edit.after.as_deref())
    {
        if known.before == known.after {
            connection.prepare_cached("DELETE FROM changes WHERE id = ?1")?.execute(params![known.id])?;
            return Ok(());
        }
        connection
            .prepare_cached(
                "UPDATE changes SET before = ?2, after = ?3, accepted = '[]', reverted = '[]', at = ?4, bytes = ?5,
                 new_folders = max(new_folders, ?6) WHERE id = ?1",
            )?
            .execute(params![
                known.id,
                known.before,
                known.after,
                from_time(edit.at),
                (size(&known.before) + size(&known.after)) as i64,
                edit.new_folders
            ])?;
        return Ok(());
    }
    let omitted = if is_large { size(&edit.before) + size(&edit.after) } else { 0 };
    let kept = |text: &Option<String>| text.as_ref().map(|text| if is_large { String::new() } else { text.clone() });
    connection
        .prepare_cached(
            "INSERT INTO changes (session, turn, path, before, after, omitted, accepted, reverted, untold, at, bytes,
             new_folders) VALUES (?1, ?2, ?3, ?4, ?5, ?6, '[]', '[]', 0, ?7, ?8, ?9)",
        )?
        .execute(params![
            edit.session.as_str(),
            edit.turn.as_str(),
            path,
            kept(&edit.before),
            kept(&edit.after),
            omitted as i64,
            from_time(edit.at),
            if is_large { 0 } else { (size(&edit.before) + size(&edit.after)) as i64 },
            edit.new_folders
        ])?;
    Ok(())
}

/// Notes what was accepted and reverted.
pub(super) fn settle(connection: &Connection, settled: &Settled) -> Result<(), StoreError> {
    let json = |hunks: &BTreeSet<usize>| serde_json::to_string(hunks).unwrap_or_default();
    connection
        .prepare_cached("UPDATE changes SET accepted = ?2, reverted = ?3, untold = max(untold, ?4) WHERE id = ?1")?
        .execute(params![settled.id, json(&settled.accepted), json(&settled.reverted), settled.untold])?;
    Ok(())
}

/// The model of a session has been told what was reverted.
pub(super) fn told(connection: &Connection, session: &SessionId) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE changes SET untold = 0 WHERE session = ?1 AND untold <> 0")?
        .execute(params![session.as_str()])?;
    Ok(())
}

/// The files of which the model is still to be told that an edit was reverted.
pub(super) fn untold(connection: &Connection, session: &SessionId) -> Result<Vec<PathBuf>, StoreError> {
    let sql = "SELECT path FROM changes WHERE session = ?1 AND untold <> 0 GROUP BY path ORDER BY max(id)";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![session.as_str()], |row| Ok(path_of(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The changes of a session, oldest first; of these files alone: the one, or those that the turn changed.
pub(super) fn read(
    connection: &Connection,
    session: &SessionId,
    turn: Option<&TurnId>,
    path: Option<&Path>,
) -> Result<Vec<Change>, StoreError> {
    let sql = format!(
        "{CHANGE} WHERE session = ?1 AND (?2 IS NULL OR path = ?2)
         AND (?3 IS NULL OR path IN (SELECT path FROM changes WHERE session = ?1 AND turn = ?3)) ORDER BY id"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let path = path.map(|path| path.as_os_str().as_bytes());
    let rows = statement.query_map(params![session.as_str(), path, turn.map(TurnId::as_str)], change)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The folders that edits made for their files, whichever session's: what lies in one may be of several.
pub(super) fn made_folders(connection: &Connection) -> Result<Vec<MadeFolder>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT path, new_folders, at FROM changes WHERE new_folders > 0")?;
    let made = |row: &Row<'_>| {
        let (path, count, by) = (path_of(row.get(0)?), row.get::<_, u32>(1)?, to_time(row.get(2)?));
        let folders = path.ancestors().skip(1).take(count as usize);
        Ok(folders.map(|folder| MadeFolder { path: folder.to_owned(), by }).collect::<Vec<_>>())
    };
    let rows = statement.query_map([], made)?.collect::<Result<Vec<_>, _>>()?;
    Ok(rows.into_iter().flatten().collect())
}

/// Removes what is older than `before`, and the oldest until the rest has at most `keep` bytes.
pub(super) fn forget(connection: &Connection, keep: u64, before: Timestamp) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM changes WHERE at < ?1")?.execute(params![from_time(before)])?;
    connection
        .prepare_cached(
            "DELETE FROM changes WHERE id <= coalesce((SELECT max(id) FROM
             (SELECT id, sum(bytes) OVER (ORDER BY id DESC) AS used FROM changes) WHERE used > ?1), 0)",
        )?
        .execute(params![number(keep)])?;
    Ok(())
}

fn change(row: &Row<'_>) -> rusqlite::Result<Change> {
    // What another version wrote says nothing here.
    let hunks = |json: String| serde_json::from_str(&json).unwrap_or_default();
    Ok(Change {
        id: row.get(0)?,
        turn: TurnId(row.get(1)?),
        path: path_of(row.get(2)?),
        before: row.get(3)?,
        after: row.get(4)?,
        omitted: u64::try_from(row.get::<_, i64>(5)?).unwrap_or(0),
        accepted: hunks(row.get(6)?),
        reverted: hunks(row.get(7)?),
        new_folders: row.get(8)?,
    })
}

fn path_of(bytes: Vec<u8>) -> PathBuf {
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema;

    fn edit(turn: &str, path: &str, before: Option<&str>, after: &str) -> FileEdit {
        FileEdit {
            session: "s1".into(),
            turn: turn.into(),
            path: path.into(),
            before: before.map(str::to_owned),
            after: Some(after.to_owned()),
            new_folders: 0,
            at: Timestamp(5),
        }
    }

    /// `turn path: before -> after`, a change each.
    fn shown(connection: &Connection, turn: Option<&str>, path: Option<&str>) -> Vec<String> {
        let found = read(connection, &"s1".into(), turn.map(TurnId::from).as_ref(), path.map(Path::new)).unwrap();
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into()).replace('\n', "/");
        let one =
            |it: &Change| format!("{} {}: {} -> {}", it.turn, it.path.display(), text(&it.before), text(&it.after));
        found.iter().map(one).collect()
    }

    #[test]
    fn a_turns_edits_of_a_file_are_one_change() {
        let connection = schema::open_memory().unwrap();
        for edit in [
            edit("t1", "/a", Some("1\n"), "2\n"),
            edit("t1", "/b", None, "x\n"),
            edit("t1", "/a", Some("2\n"), "3\n"),
            edit("t2", "/a", Some("3\n"), "4\n"),
            // Somebody wrote at the same place in between.
            edit("t2", "/a", Some("mine\n"), "5\n"),
            edit("t1", "/c", Some("same\n"), "other\n"),
            edit("t1", "/c", Some("other\n"), "same\n"),
        ] {
            save(&connection, &edit).unwrap();
        }
        let (a, b) = (["t1 /a: 1/ -> 3/", "t2 /a: 3/ -> 4/", "t2 /a: mine/ -> 5/"], "t1 /b: - -> x/");
        assert_eq!(shown(&connection, None, None), [a[0], b, a[1], a[2]]);
        assert_eq!(shown(&connection, None, Some("/a")), a);
        assert_eq!(
            shown(&connection, Some("t1"), None),
            [a[0], b, a[1], a[2]],
            "with what came later to the same files"
        );
        assert_eq!(shown(&connection, Some("t2"), None), a);
        assert_eq!(shown(&connection, None, Some("/c")), [""; 0], "it came to nothing");
    }

    #[test]
    fn what_a_person_settles_stays_and_is_told_once() {
        let connection = schema::open_memory().unwrap();
        save(&connection, &edit("t1", "/a", Some("1\n"), "2\n")).unwrap();
        let id = read(&connection, &"s1".into(), None, None).unwrap()[0].id;
        settle(&connection, &Settled { id, accepted: [].into(), reverted: [0].into(), untold: true }).unwrap();
        settle(&connection, &Settled { id, accepted: [1].into(), reverted: [0].into(), untold: false }).unwrap();
        let change = read(&connection, &"s1".into(), None, None).unwrap().remove(0);
        assert_eq!((change.accepted, change.reverted), ([1].into(), [0].into()));
        assert_eq!(untold(&connection, &"s1".into()).unwrap(), [PathBuf::from("/a")]);
        told(&connection, &"s1".into()).unwrap();
        assert_eq!(untold(&connection, &"s1".into()).unwrap(), Vec::<PathBuf>::new());
    }

    #[test]
    fn it_is_bounded() {
        let connection = schema::open_memory().unwrap();
        let large = "x".repeat(MOST + 1);
        save(&connection, &edit("t1", "/big", Some(&large), "1")).unwrap();
        let change = read(&connection, &"s1".into(), None, None).unwrap().remove(0);
        assert_eq!((change.omitted, change.before.as_deref()), (MOST as u64 + 2, Some("")));
        for n in 0..10 {
            save(&connection, &edit("t1", &format!("/{n}"), Some("12345"), "67890")).unwrap();
        }
        forget(&connection, 25, Timestamp(0)).unwrap();
        let left: Vec<String> = shown(&connection, None, None).iter().map(|line| line[..5].to_owned()).collect();
        assert_eq!(left, ["t1 /8", "t1 /9"], "the newest that fit");
        forget(&connection, 25, Timestamp(6)).unwrap();
        assert_eq!(shown(&connection, None, None), [""; 0]);
    }

    #[test]
    fn the_folders_of_every_session_are_known() {
        let connection = schema::open_memory().unwrap();
        let edits = [
            FileEdit { new_folders: 2, ..edit("t1", "/w/a/b/one", None, "1\n") },
            FileEdit { session: "s2".into(), at: Timestamp(7), new_folders: 1, ..edit("t9", "/w/c/two", None, "2\n") },
            edit("t1", "/w/a/b/three", None, "3\n"),
        ];
        for edit in &edits {
            save(&connection, edit).unwrap();
        }
        let found = made_folders(&connection).unwrap();
        let found: Vec<_> = found.iter().map(|made| (made.path.to_str().unwrap(), made.by.0)).collect();
        assert_eq!(found, [("/w/a/b", 5), ("/w/a", 5), ("/w/c", 7)]);
    }
}
