//! The tables, and how older ones become the present ones.

use rusqlite::Connection;

use super::file::failed;
use crate::{Error, ErrorKind};

/// Marks the file as ours: `rhub` as ASCII.
const APPLICATION: i32 = 0x7268_7562;

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
];

/// Brings the store to the present version. To be called within a transaction.
pub(super) fn migrate(connection: &Connection) -> Result<(), Error> {
    let number = |pragma: &str| {
        connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i32>(0)).map_err(failed)
    };
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if application != APPLICATION && tables > 0 {
        return Err(Error::new(ErrorKind::Corrupt, "the file in the ledger's place is another database"));
    }
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    let Some(missing) = MIGRATIONS.get(done..) else {
        return Err(Error::new(ErrorKind::Newer, "a newer version of rhub has written the ledger"));
    };
    if missing.is_empty() {
        return Ok(());
    }
    for migration in missing {
        connection.execute_batch(migration).map_err(failed)?;
    }
    connection
        .execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {};",
            MIGRATIONS.len()
        ))
        .map_err(failed)
}
