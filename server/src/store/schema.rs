//! Opening the file: folders, modes, pragmas, migrations. `user_version` counts the migrations that were applied; an
//! applied one is never edited.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use super::error::StoreError;

const BUSY: Duration = Duration::from_secs(5);

const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE tasks (
        id TEXT PRIMARY KEY, session TEXT, status TEXT NOT NULL, created_at INTEGER NOT NULL, updated INTEGER NOT NULL,
        json TEXT NOT NULL
    ) STRICT;
    CREATE INDEX tasks_by_age ON tasks (created_at);
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY, title TEXT, cwd TEXT NOT NULL, mode TEXT NOT NULL, model TEXT,
        created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, turns INTEGER NOT NULL, open INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX sessions_by_age ON sessions (updated_at, id);
    CREATE TABLE items (
        session TEXT NOT NULL, seq INTEGER NOT NULL, json TEXT NOT NULL, PRIMARY KEY (session, seq)
    ) STRICT;
    CREATE TABLE updates (
        session TEXT NOT NULL, seq INTEGER NOT NULL, json TEXT NOT NULL, PRIMARY KEY (session, seq)
    ) STRICT;
    CREATE TABLE outbox (
        task TEXT NOT NULL, run INTEGER NOT NULL, kind TEXT NOT NULL, session TEXT, state TEXT NOT NULL,
        body TEXT NOT NULL, created_at INTEGER NOT NULL, item INTEGER, turn TEXT, PRIMARY KEY (task, run, kind)
    ) STRICT;
    CREATE INDEX outbox_by_session ON outbox (session, state);
    CREATE TABLE rules (rule TEXT PRIMARY KEY) STRICT;
    CREATE TABLE workspace_values (key TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT;
",
    "
    ALTER TABLE tasks ADD COLUMN owner TEXT;
    ALTER TABLE sessions ADD COLUMN owner TEXT;
    CREATE INDEX tasks_alive ON tasks (owner) WHERE status IN ('queued', 'running', 'waiting_for_input');
    CREATE INDEX tasks_by_change ON tasks (updated);
",
    "
    CREATE TABLE commands (id INTEGER PRIMARY KEY, command TEXT NOT NULL UNIQUE, used INTEGER NOT NULL) STRICT;
    CREATE TABLE command_runs (
        command INTEGER NOT NULL, serial INTEGER NOT NULL, json TEXT NOT NULL, PRIMARY KEY (command, serial)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE results (
        command INTEGER NOT NULL, id TEXT NOT NULL, serial INTEGER NOT NULL, recent TEXT NOT NULL,
        PRIMARY KEY (command, id)
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE leases (owner TEXT PRIMARY KEY, token TEXT, grace_ms INTEGER NOT NULL, gone_at INTEGER) STRICT;
    CREATE INDEX tasks_by_owner ON tasks (owner);
",
    "
    CREATE TABLE claims (
        class TEXT NOT NULL, owner TEXT NOT NULL, task TEXT NOT NULL, run INTEGER NOT NULL, since INTEGER NOT NULL,
        asked INTEGER NOT NULL, granted INTEGER NOT NULL, PRIMARY KEY (class, owner)
    ) STRICT;
",
    // Nothing has ever written to them.
    "
    DROP TABLE updates;
    DROP TABLE workspace_values;
",
    "
    CREATE TABLE plans (session TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT;
",
    "
    ALTER TABLE sessions ADD COLUMN system TEXT;
    ALTER TABLE sessions ADD COLUMN usage TEXT;
",
    "
    CREATE TABLE changes (
        id INTEGER PRIMARY KEY AUTOINCREMENT, session TEXT NOT NULL, turn TEXT NOT NULL, path BLOB NOT NULL,
        before TEXT, after TEXT, omitted INTEGER NOT NULL, accepted TEXT NOT NULL, reverted TEXT NOT NULL,
        untold INTEGER NOT NULL, at INTEGER NOT NULL, bytes INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX changes_of_file ON changes (session, path, turn);
",
    "
    ALTER TABLE sessions ADD COLUMN title_by TEXT NOT NULL DEFAULT 'rule';
    ALTER TABLE sessions ADD COLUMN head TEXT;
    CREATE TABLE turns (
        session TEXT NOT NULL, seq INTEGER NOT NULL, json TEXT NOT NULL, PRIMARY KEY (session, seq)
    ) STRICT, WITHOUT ROWID;
",
    "
    ALTER TABLE rules ADD COLUMN script TEXT;
",
    "
    ALTER TABLE changes ADD COLUMN new_folders INTEGER NOT NULL DEFAULT 0;
",
];

/// Opens or creates the file, readable by its owner alone.
pub(super) fn open_file(path: &Path) -> Result<Connection, StoreError> {
    let not_writable = |error: std::io::Error| StoreError::NotWritable(format!("{}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(not_writable)?;
        std::fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(not_writable)?;
    }
    // Created here and not by SQLite, so that it is never readable by others, not even for a moment. SQLite gives the
    // files beside it (`-wal`, `-shm`) the same mode.
    OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(not_writable)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(not_writable)?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    write_ahead(&connection)?;
    prepare(&mut connection, &path.display().to_string())?;
    Ok(connection)
}

/// Sets the journal mode. SQLite does not wait by itself here when another window is opening the same new file.
fn write_ahead(connection: &Connection) -> Result<(), StoreError> {
    let end = Instant::now() + BUSY;
    loop {
        match connection.pragma_update(None, "journal_mode", "wal").map_err(StoreError::from) {
            Err(StoreError::Busy(_)) if Instant::now() < end => {
                #[expect(clippy::disallowed_methods, reason = "SQLite tells nobody when another process lets go")]
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

/// Opens a database that lives as long as the process.
pub(super) fn open_memory() -> Result<Connection, StoreError> {
    let mut connection = Connection::open_in_memory()?;
    prepare(&mut connection, "in memory")?;
    Ok(connection)
}

fn prepare(connection: &mut Connection, name: &str) -> Result<(), StoreError> {
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.set_prepared_statement_cache_capacity(64);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let applied: usize =
        transaction.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))?.try_into().unwrap_or(0);
    if applied > MIGRATIONS.len() {
        return Err(StoreError::Newer(name.to_owned()));
    }
    for migration in &MIGRATIONS[applied..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    Ok(transaction.commit()?)
}
