//! The file: how it is recognized and opened.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::{
    place::{cannot, is_file},
    schema,
};
use crate::{Error, ErrorKind};

const NAME: &str = "ledger.sqlite3";
/// What SQLite writes beside the file.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];
/// How long another process may hold the store. Its transactions take milliseconds; a slow disk takes longer.
const BUSY: Duration = Duration::from_secs(15);

/// Opens the store of a folder twice, to write and to read, and makes it where it is missing: for nobody but the user.
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
    // Readers do not wait for writers, and what is committed has reached the disk.
    writer.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)).map_err(failed)?;
    writer.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;").map_err(failed)?;
    schema::update(&writer)?;
    // Whoever closes last tidies up, so that this connection may do that, too.
    let reader = connect(&path)?;
    reader.execute_batch("PRAGMA query_only = ON").map_err(failed)?;
    Ok([writer, reader])
}

/// Opens the store of a folder in which nothing can be written.
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
        // Its helper files are gone and cannot be made. With nothing in them the file alone is everything.
        Err(_) if is_empty(&beside(&path, "-wal")) => frozen(&path)?,
        Err(error) => return Err(failed(error)),
    };
    schema::check_readable(&connection)?;
    Ok(connection)
}

/// What SQLite says, and what that means.
pub(super) fn failed(error: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode as Code;
    match error.sqlite_error_code() {
        Some(Code::DatabaseCorrupt | Code::NotADatabase) => {
            Error::new(ErrorKind::Corrupt, "the ledger is damaged").with_source(error)
        }
        Some(_) => Error::new(ErrorKind::Store, "the ledger cannot be used").with_source(error),
        None => {
            Error::new(ErrorKind::Corrupt, "the ledger holds what does not belong there").with_source(error)
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

/// Whether there is a file. Anything else in its place, or in place of those beside it, is refused.
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

/// Refuses the database of another program before anything is changed or written beside it.
fn recognize(path: &Path) -> Result<(), Error> {
    // What is in a log counts, and is read when the file is opened as usual: it has the journal mode that we want already.
    if !is_empty(&beside(path, "-wal")) {
        return Ok(());
    }
    let connection = frozen(path)?;
    let number = |pragma| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let mark_and_pages =
        number("PRAGMA application_id").and_then(|mark| Ok((mark, number("PRAGMA page_count")?)));
    match mark_and_pages {
        // A store that is just being made has one page, and its mark in the log.
        Ok((mark, pages)) if mark != i64::from(schema::APPLICATION) && pages > 1 => Err(schema::another()),
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            Err(failed(error))
        }
        // Another process may write a page at this very moment: then opening it as usual tells.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Reads a file as if nobody wrote to it: takes no locks, writes nothing, and does not look beside it. Through SQLite all the
/// same, since closing the file by other means would take this process's locks away.
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

/// Makes the file where it is missing. SQLite gives its helper files the same rights.
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
