//! The tables, and how older ones become the present ones.

use rusqlite::Connection;

use super::file::failed;
use crate::{Error, ErrorKind};

/// Marks the file as ours: `rhub` as ASCII.
pub(super) const APPLICATION: i32 = 0x7268_7562;

/// Each entry brings a store to the next version; `user_version` counts them. Entries are never changed, only added.
const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE fact (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE attempt (
    n        INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    owner    TEXT NOT NULL,
    created  INTEGER NOT NULL,
    changed  INTEGER NOT NULL,
    site     TEXT NOT NULL,
    base_url TEXT NOT NULL,
    key      TEXT NOT NULL,
    kind     TEXT NOT NULL,
    workflow TEXT,
    body     TEXT NOT NULL,
    secret   TEXT UNIQUE,
    state    TEXT NOT NULL,
    note     TEXT
) STRICT;
CREATE INDEX attempt_open ON attempt (state) WHERE state IN ('submitting', 'waiting', 'unknown', 'accepted');
CREATE TABLE task (
    base_url TEXT NOT NULL,
    id       TEXT NOT NULL,
    attempt  INTEGER NOT NULL UNIQUE REFERENCES attempt (n),
    cost     TEXT,
    saved    TEXT,
    PRIMARY KEY (base_url, id)
) STRICT, WITHOUT ROWID;
",
    "
ALTER TABLE attempt ADD COLUMN target TEXT;
",
    "
ALTER TABLE task ADD COLUMN cancelling INTEGER NOT NULL DEFAULT 0;
",
    "
CREATE INDEX attempt_key ON attempt (key);
CREATE INDEX task_id ON task (id);
CREATE TABLE delivery (
    attempt INTEGER NOT NULL REFERENCES attempt (n),
    task    TEXT NOT NULL,
    PRIMARY KEY (attempt, task)
) STRICT, WITHOUT ROWID;
",
];

/// The first version with all columns that questions ask for.
const READABLE: i32 = 3;

/// The error for a database of another program.
pub(super) fn another() -> Error {
    Error::new(ErrorKind::Corrupt, "the file in the ledger's place is another database")
}

/// Brings the store to the present version. A store that has it is only looked at: nobody waits for a lock then.
pub(super) fn update(connection: &Connection) -> Result<(), Error> {
    if missing(connection)?.is_empty() {
        return Ok(());
    }
    let run = |sql: &str| connection.execute_batch(sql).map_err(failed);
    run("BEGIN IMMEDIATE")?;
    // Another process may have been faster.
    for migration in missing(connection)? {
        run(migration)?;
    }
    run(&format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {}; COMMIT", MIGRATIONS.len()))
}

/// Whether questions can be answered from a store that cannot be brought to the present version.
pub(super) fn check_readable(connection: &Connection) -> Result<(), Error> {
    missing(connection)?;
    if version(connection)?.1 < READABLE {
        let what = "an older version of rhub has written the ledger, and it cannot be updated here";
        return Err(Error::new(ErrorKind::Store, what));
    }
    Ok(())
}

/// What brings the store to the present version.
fn missing(connection: &Connection) -> Result<&'static [&'static str], Error> {
    let (application, version) = version(connection)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if application != APPLICATION && tables > 0 {
        return Err(another());
    }
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    MIGRATIONS
        .get(done..)
        .ok_or_else(|| Error::new(ErrorKind::Newer, "a newer version of rhub has written the ledger"))
}

/// Whose store it is, and its version.
fn version(connection: &Connection) -> Result<(i32, i32), Error> {
    // In one statement, so that no other process gets in between.
    let sql = "SELECT application_id, user_version FROM pragma_application_id, pragma_user_version";
    connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)
}
