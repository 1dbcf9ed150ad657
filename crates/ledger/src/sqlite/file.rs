//! The file: where it is, who can read it, and how it is opened.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::schema;
use crate::{Error, ErrorKind};

const NAME: &str = "ledger.sqlite3";
/// How long another process may hold the store. Its transactions take milliseconds; a slow disk takes longer.
const BUSY: Duration = Duration::from_secs(15);

/// Opens the store of a folder, and makes both where they are missing: for nobody but the user.
pub(super) fn open(folder: &Path) -> Result<Connection, Error> {
    make(folder).map_err(|error| cannot(folder, error))?;
    refuse_network(folder)?;
    let path = folder.join(NAME);
    private(&path).map_err(|error| cannot(&path, error))?;
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(&path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    // Readers do not wait for writers, and what is committed has reached the disk.
    connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)).map_err(failed)?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;").map_err(failed)?;
    connection.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
    schema::migrate(&connection)?;
    connection.execute_batch("COMMIT").map_err(failed)?;
    Ok(connection)
}

/// What SQLite says, and what that means.
pub(super) fn failed(error: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode as Code;
    match error.sqlite_error_code() {
        Some(Code::DatabaseCorrupt | Code::NotADatabase) => {
            Error::new(ErrorKind::Corrupt, "the ledger is damaged").because(error)
        }
        Some(_) => Error::new(ErrorKind::Store, "the ledger cannot be used").because(error),
        None => Error::new(ErrorKind::Corrupt, "the ledger holds what does not belong there").because(error),
    }
}

pub(super) fn cannot(path: &Path, error: io::Error) -> Error {
    let name = runninghub_core::Untrusted::from(path.to_string_lossy());
    Error::new(ErrorKind::Store, format!("cannot use {name} for the ledger")).because(error)
}

/// Makes a folder and its parents.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes the file where it is missing. SQLite gives its helper files the same rights.
fn private(path: &PathBuf) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// SQLite's locks are not to be trusted on network file systems, and neither is a flush.
#[cfg(target_os = "linux")]
fn refuse_network(folder: &Path) -> Result<(), Error> {
    match rustix::fs::statfs(folder) {
        Ok(system) if is_network(system.f_type) => {
            let what =
                "the folder of the ledger is on a network file system, where nothing is sure to be kept";
            Err(Error::new(ErrorKind::Store, what))
        }
        _ => Ok(()),
    }
}

#[cfg(target_os = "linux")]
fn is_network(kind: rustix::fs::FsWord) -> bool {
    /// NFS, SMB, CIFS, SMB2, AFS, Coda, Ceph and 9P, by the magic numbers of `statfs(2)`.
    const NETWORK: [u32; 8] =
        [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x5346_414f, 0x7375_7245, 0x00c3_6400, 0x0102_1997];
    // Some systems tell it as a number with a sign.
    NETWORK.iter().any(|network| kind & 0xffff_ffff == rustix::fs::FsWord::from(*network))
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "only Linux tells")]
fn refuse_network(_: &Path) -> Result<(), Error> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known() {
        // NFS, and SMB2 as a 32-bit system tells it.
        assert!(is_network(0x6969) && is_network(0xfe53_4d42));
        // ext4, tmpfs, btrfs, overlayfs.
        assert!(![0xef53, 0x0102_1994, 0x9123_683e, 0x794c_7630].into_iter().any(is_network));
    }
}
