//! The tables, and the migrations from older versions.

use runninghub_core::say;
use rusqlite::Connection;

use super::file::failed;
use crate::{Error, ErrorKind};

/// Marks the file as this program's: `rhub` in ASCII.
pub(super) const APPLICATION: i32 = 0x7268_7562;

/// Each entry migrates a store to the next version; `user_version` counts them. Entries are never changed, only added.
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
    "
CREATE TABLE pool (
    n            INTEGER PRIMARY KEY,
    base_url     TEXT NOT NULL,
    key          TEXT NOT NULL,
    singles      INTEGER NOT NULL DEFAULT 0,
    floor_single INTEGER NOT NULL DEFAULT 0,
    floor_batch  INTEGER NOT NULL DEFAULT 0,
    measure      TEXT,
    UNIQUE (base_url, key)
) STRICT;
CREATE TABLE slot (
    pool    INTEGER NOT NULL REFERENCES pool (n),
    n       INTEGER NOT NULL,
    attempt INTEGER NOT NULL UNIQUE REFERENCES attempt (n),
    since   INTEGER NOT NULL,
    PRIMARY KEY (pool, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE waiter (
    ticket INTEGER PRIMARY KEY AUTOINCREMENT,
    pool   INTEGER NOT NULL REFERENCES pool (n),
    class  TEXT NOT NULL,
    weight INTEGER NOT NULL,
    pass   INTEGER NOT NULL,
    wants  INTEGER NOT NULL,
    beat   INTEGER NOT NULL,
    owner  TEXT NOT NULL
) STRICT;
CREATE INDEX waiter_pool ON waiter (pool);
ALTER TABLE attempt ADD COLUMN reserve INTEGER;
ALTER TABLE attempt ADD COLUMN guess INTEGER;
ALTER TABLE task ADD COLUMN spent INTEGER;
",
    "
CREATE TABLE batch (
    n        INTEGER PRIMARY KEY AUTOINCREMENT,
    name     TEXT NOT NULL UNIQUE,
    origin   TEXT NOT NULL,
    spec     TEXT NOT NULL,
    site     TEXT NOT NULL,
    base_url TEXT NOT NULL,
    kind     TEXT NOT NULL,
    target   TEXT NOT NULL,
    folder   TEXT,
    created  INTEGER NOT NULL,
    opened   INTEGER NOT NULL
) STRICT;
CREATE TABLE item (
    n           INTEGER PRIMARY KEY AUTOINCREMENT,
    batch       INTEGER NOT NULL REFERENCES batch (n),
    id          TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    body        TEXT NOT NULL,
    is_current  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX item_current ON item (batch, id) WHERE is_current;
CREATE INDEX item_id ON item (batch, id);
CREATE INDEX item_fingerprint ON item (fingerprint);
ALTER TABLE attempt ADD COLUMN item INTEGER REFERENCES item (n);
CREATE INDEX attempt_item ON attempt (item);
CREATE INDEX attempt_workflow ON attempt (workflow);
CREATE INDEX attempt_target ON attempt (target);
",
    "
ALTER TABLE attempt ADD COLUMN label TEXT;
ALTER TABLE attempt ADD COLUMN recipe TEXT;
CREATE TABLE graph (
    digest TEXT PRIMARY KEY,
    json   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
",
    "
ALTER TABLE batch ADD COLUMN is_halted INTEGER NOT NULL DEFAULT 0;
",
    "
ALTER TABLE batch ADD COLUMN limits TEXT;
",
    "
ALTER TABLE attempt ADD COLUMN once TEXT;
ALTER TABLE attempt ADD COLUMN once_sha256 TEXT;
CREATE INDEX attempt_once ON attempt (once) WHERE once IS NOT NULL;
",
];

/// The first version with all columns that the queries use.
const READABLE: usize = 10;

/// The error for another program's database.
pub(super) fn another() -> Error {
    Error::new(ErrorKind::Corrupt, say!("the ledger file is another program's database"))
}

/// Migrates the store to the current version. A current store is only read, so that no caller waits for a lock.
pub(super) fn update(connection: &Connection) -> Result<(), Error> {
    if missing(connection)?.is_empty() {
        return Ok(());
    }
    let run = |sql: &str| connection.execute_batch(sql).map_err(failed);
    run("BEGIN IMMEDIATE")?;
    // Another process may have migrated it in the meantime.
    for migration in missing(connection)? {
        run(migration)?;
    }
    run(&format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {}; COMMIT", MIGRATIONS.len()))
}

/// Checks whether a store that can't be migrated is still readable.
pub(super) fn check_readable(connection: &Connection) -> Result<(), Error> {
    if MIGRATIONS.len() - missing(connection)?.len() < READABLE {
        let what =
            say!("the ledger was written by an older version of this program, and cannot be updated here");
        return Err(Error::new(ErrorKind::Store, what));
    }
    Ok(())
}

/// The migrations that the store still needs.
fn missing(connection: &Connection) -> Result<&'static [&'static str], Error> {
    // In one statement, which reads one state of the file: another process may create the store at this moment.
    let sql = "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
        FROM pragma_application_id, pragma_user_version";
    let (application, version, tables): (i32, i64, i64) =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(failed)?;
    if application != APPLICATION && tables > 0 {
        return Err(another());
    }
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    MIGRATIONS.get(done..).ok_or_else(|| {
        Error::new(ErrorKind::Newer, say!("the ledger was written by a newer version of this program"))
    })
}
