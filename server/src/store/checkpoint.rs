//! Brings the write-ahead log into the database, beside the thread that writes. SQLite would do it within the commit that
//! makes the log long, and wait there for the disk three times: on a busy one that takes seconds, in which a request to a
//! model waits for its words to be kept. What is committed is safe in the log already, so nobody has to wait for this.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rusqlite::hooks::Wal;
use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;

/// Pages of a log that is brought in: SQLite's own number, some 4 MB.
const LONG: i32 = 1_000;
/// Pages of a log that grows quicker than it is brought in: the commit does it then.
const LONGEST: i32 = 16 * LONG;

/// From now on the log is brought in beside this connection. One that has no file has no log.
pub(super) fn beside(connection: &mut Connection) -> Result<(), StoreError> {
    let Some(path) = connection.path().filter(|path| !path.is_empty()).map(PathBuf::from) else { return Ok(()) };
    when_long(connection, LONG, move |done| {
        let path = path.clone();
        let begun = thread::Builder::new().name("checkpoint".into()).spawn(move || {
            if let Err(error) = bring_in(&path) {
                tracing::warn!(%error, "the store's log was not brought in");
            }
            done();
        });
        if let Err(error) = begun {
            tracing::warn!(%error, "no thread for the store's log");
        }
    })
}

/// Calls `begin` after a commit that leaves the log with `long` pages, and again when it has grown by a quarter of that, but
/// not before what it was given is called: what is committed meanwhile keeps the log from beginning anew.
fn when_long(
    connection: &mut Connection,
    long: i32,
    begin: impl Fn(Box<dyn FnOnce() + Send>) + Send + 'static,
) -> Result<(), StoreError> {
    let is_under_way = Arc::new(AtomicBool::new(false));
    let mut enough = long;
    // In place of SQLite's own checkpoint, which is a hook too.
    connection.wal_hook(Some(move |log: &mut Wal, pages: i32| {
        if pages >= LONGEST {
            return log.checkpoint();
        }
        if pages < long {
            enough = long;
        }
        if pages >= enough && !is_under_way.swap(true, Ordering::AcqRel) {
            enough = pages.saturating_add(long / 4);
            let over = Over(Arc::clone(&is_under_way));
            begin(Box::new(move || drop(over)));
        }
        Ok(())
    }))?;
    Ok(())
}

/// What was under way is over, however it ended.
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Brings in what can be without holding up a reader or a writer.
fn bring_in(path: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::store::schema;

    #[test]
    fn a_long_log_is_brought_in_by_another_and_not_by_the_commit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let mut connection = schema::open_file(&path).unwrap();
        connection.execute_batch("CREATE TABLE t (a BLOB); PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        let (tell, told) = channel();
        when_long(&mut connection, 20, move |done| tell.send(done).unwrap()).unwrap();
        let size = || std::fs::metadata(&path).unwrap().len();
        let before = size();
        let write = |connection: &Connection| connection.execute("INSERT INTO t VALUES (zeroblob(40000))", []).unwrap();
        write(&connection);
        assert!(told.try_recv().is_err(), "it is short");
        for _ in 0..200 {
            write(&connection);
        }
        assert_eq!(size(), before, "no commit has touched the database itself");
        let done = told.try_recv().expect("it is long");
        assert!(told.try_recv().is_err(), "one is under way");
        bring_in(&path).unwrap();
        assert!(size() > before + 200 * 40_000, "the pages are in the database");
        done();
        for _ in 0..5 {
            write(&connection);
        }
        assert!(told.try_recv().is_ok(), "it is long again");
    }

    #[test]
    fn a_database_without_a_file_has_no_log() {
        beside(&mut schema::open_memory().unwrap()).unwrap();
    }
}
