//! Opens the SQLite file and checks that it belongs to this program.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use runninghub_core::say;
use rusqlite::{Connection, OpenFlags};

use super::{
    place::{cannot, is_file},
    schema,
};
use crate::{Error, ErrorKind};

const NAME: &str = "ledger.sqlite3";
/// The suffixes of SQLite's files next to the database.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];
/// How long another process may lock the store. Its transactions take milliseconds; a slow disk takes longer.
const BUSY: Duration = Duration::from_secs(15);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(10);

/// Opens the store of a folder twice, for writing and for reading, and creates it if missing, accessible only to the
/// user.
pub(super) fn open(folder: &Path) -> Result<[Connection; 2], Error> {
    let path = folder.join(NAME);
    if check(&path)? {
        recognize(&path)?;
    }
    private(&path).map_err(|error| cannot(&path, error))?;
    let writer = connect(&path)?;
    if writer.is_readonly("main").map_err(failed)? {
        return Err(cannot(&path, io::ErrorKind::PermissionDenied.into()));
    }
    // Readers don't wait for writers, and committed data has reached the disk.
    patiently(|| writer.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)))
        .map_err(failed)?;
    writer.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;").map_err(failed)?;
    schema::update(&writer)?;
    // The last connection to close removes the log, so this one must be able to write, too.
    let reader = connect(&path)?;
    reader.execute_batch("PRAGMA query_only = ON").map_err(failed)?;
    Ok([writer, reader])
}

/// Opens the store of a folder that isn't writable.
pub(super) fn open_to_read(folder: &Path) -> Result<Connection, Error> {
    let path = folder.join(NAME);
    if !check(&path)? {
        return Err(cannot(&path, io::ErrorKind::NotFound.into()));
    }
    recognize(&path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(&path, flags | OpenFlags::SQLITE_OPEN_NOFOLLOW);
    let readable = opened.and_then(|connection| {
        connection.busy_timeout(BUSY)?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
        Ok(connection)
    });
    let connection = match readable {
        Ok(connection) => connection,
        // Its helper files are missing and can't be created. If the log is empty, the file alone is complete.
        Err(_) if is_empty(&beside(&path, "-wal")) => frozen(&path)?,
        Err(error) => return Err(failed(error)),
    };
    schema::check_readable(&connection)?;
    Ok(connection)
}

/// Maps an SQLite error to an error of this crate.
pub(super) fn failed(error: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode as Code;
    match error.sqlite_error_code() {
        Some(Code::DatabaseCorrupt | Code::NotADatabase) => {
            Error::new(ErrorKind::Corrupt, say!("the ledger is damaged")).with_source(error)
        }
        Some(_) => Error::new(ErrorKind::Store, say!("the ledger cannot be used")).with_source(error),
        None => {
            Error::new(ErrorKind::Corrupt, say!("the ledger contains unexpected data")).with_source(error)
        }
    }
}

/// Repeats a statement while another process creates the store: SQLite doesn't wait for a change of the journal mode.
#[expect(clippy::disallowed_methods, reason = "on the ledger's own thread, and SQLite signals no event")]
fn patiently<T>(statement: impl Fn() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let started = Instant::now();
    loop {
        match statement() {
            Err(error)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
                    && started.elapsed() < BUSY =>
            {
                thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    Ok(connection)
}

/// Whether the file exists. Anything but an ordinary file, here or at SQLite's other files, is rejected.
fn check(path: &Path) -> Result<bool, Error> {
    for suffix in BESIDE {
        is_file(&beside(path, suffix))?;
    }
    is_file(path)
}

fn is_empty(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(about) => about.len() == 0,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Rejects another program's database before anything is changed or written next to it.
fn recognize(path: &Path) -> Result<(), Error> {
    // Data in a log counts, and is read when the file is opened normally: then the journal mode is already the right
    // one.
    if !is_empty(&beside(path, "-wal")) {
        return Ok(());
    }
    let connection = frozen(path)?;
    let number = |pragma| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let mark_and_pages =
        number("PRAGMA application_id").and_then(|mark| Ok((mark, number("PRAGMA page_count")?)));
    match mark_and_pages {
        // A store under creation has one page, and its application id is in the log.
        Ok((mark, pages)) if mark != i64::from(schema::APPLICATION) && pages > 1 => Err(schema::another()),
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            Err(failed(error))
        }
        // Another process may be writing a page at this moment: then the normal open detects problems.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Reads a file as if it were immutable: takes no locks, writes nothing, and ignores the files next to it. Uses SQLite
/// even so, because closing the file by other means would release this process's locks.
fn frozen(path: &Path) -> Result<Connection, Error> {
    let mut url = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'_' | b'-' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                url.push(char::from(*byte));
            }
            #[cfg(windows)]
            b':' => url.push(':'),
            #[cfg(windows)]
            b'\\' => url.push('/'),
            byte => _ = write!(url, "%{byte:02x}"),
        }
    }
    url.push_str("?immutable=1");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(url, flags | OpenFlags::SQLITE_OPEN_NOFOLLOW).map_err(failed)
}

/// Creates the file if it is missing. SQLite gives its helper files the same permissions.
fn private(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
