//! The folder of results: opens only new or regular files, and never follows a link.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::digest::{digest, hex};
use crate::Error;

/// Prefix of incomplete files. They are hidden, so that they are not mistaken for results.
const PREFIX: &str = ".rhub-";
const SUFFIX: &str = ".part";
/// Parts that have not been resumed for this long are deleted: their links have long expired.
const STALE: Duration = Duration::from_hours(7 * 24);

/// Checks that results can be written to a folder, which is created if it is missing. Deletes parts of downloads
/// that have not changed for a week.
///
/// # Errors
/// The system's error for the folder.
pub fn check_folder(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    new_part(directory)?.close()?;
    sweep(directory, STALE);
    Ok(())
}

/// Writes an internal file, such as an index of results, atomically, and **replaces** an existing file of that name.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io) for errors of the disk.
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    put(path, |file| file.write_all(bytes))
}

/// Copies a file, complete or not at all. Follows no links.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io).
pub fn copy_file(from: &Path, to: &Path) -> Result<(), Error> {
    put(to, |file| io::copy(&mut open_file(from)?, file).map(drop))
}

/// Puts a file in its place once it is complete and on the disk.
fn put(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), Error> {
    // The parent of a bare name is empty.
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let put = || {
        let mut file = new_part(directory)?;
        write(file.as_file_mut())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        sync_folder(directory)
    };
    put().map_err(|error| Error::io(path, error))
}

/// The number of bytes free for this user on a folder's disk; `None` if the system doesn't report it.
pub fn free_space(directory: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let disk = rustix::fs::statvfs(directory).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = directory;
        None
    }
}

/// Opens a regular file for reading. Links are not followed.
///
/// # Errors
/// When the file does not exist, or is not a regular file.
pub fn open_file(path: &Path) -> io::Result<File> {
    let file = options().read(true).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

/// Whether a file of that size and SHA-256 (64 hexadecimal digits) exists. Reads the whole file.
pub fn holds(path: &Path, bytes: u64, sha256: &str) -> bool {
    let hash = || -> io::Result<Option<String>> {
        let mut file = open_file(path)?;
        if file.metadata()?.len() != bytes {
            return Ok(None);
        }
        Ok(Some(hex(&digest::<Sha256>(&mut file)?.finalize())))
    };
    hash().is_ok_and(|found| found.is_some_and(|found| found == sha256))
}

/// A new part, deleted when dropped. In the target folder, so that the final rename is atomic.
pub(super) fn new_part(directory: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX).make_in(directory, create)
}

/// A new part under a name that other processes can find.
pub(super) fn named_part(directory: &Path, name: &str) -> io::Result<NamedTempFile> {
    let path = part_path(directory, name);
    let file = create(&path)?;
    let part = NamedTempFile::from_parts(file, tempfile::TempPath::try_from_path(path)?);
    part.as_file().try_lock()?;
    Ok(part)
}

/// The part that an earlier process left under that name; `None` if it does not exist, if another process uses it,
/// or if another user could have put it there.
#[cfg(unix)]
pub(super) fn left_part(directory: &Path, name: &str) -> Option<NamedTempFile> {
    use std::os::unix::fs::MetadataExt as _;
    let path = part_path(directory, name);
    let file = options().read(true).write(true).open(&path).ok()?;
    file.try_lock().ok()?;
    // Between opening and locking, the other process may have finished it, so that the file is a result now.
    let (opened, named) = (file.metadata().ok()?, fs::symlink_metadata(&path).ok()?);
    let is_same = (opened.dev(), opened.ino()) == (named.dev(), named.ino());
    let is_ours =
        opened.is_file() && opened.nlink() == 1 && opened.uid() == rustix::process::geteuid().as_raw();
    if !(is_same && is_ours) {
        return None;
    }
    Some(NamedTempFile::from_parts(file, tempfile::TempPath::try_from_path(path).ok()?))
}

#[cfg(not(unix))]
pub(super) fn left_part(_: &Path, _: &str) -> Option<NamedTempFile> {
    None
}

/// Runs disk I/O on a separate thread, starting at once: the sockets of running tasks must not wait.
pub(super) fn blocking<T: Send + 'static, W>(
    directory: &Path,
    work: W,
) -> impl Future<Output = Result<T, Error>> + Send + use<T, W>
where
    W: FnOnce() -> Result<T, Error> + Send + 'static,
{
    let (directory, task) = (directory.to_owned(), tokio::task::spawn_blocking(work));
    async move { task.await.unwrap_or_else(|error| Err(Error::io(directory, io::Error::other(error)))) }
}

/// Flushes each folder once: a file's name is stored in its folder, which is flushed separately from the file.
pub(super) fn sync_all<'p>(directories: impl Iterator<Item = &'p Path>) -> Vec<(PathBuf, io::Error)> {
    let directories: BTreeSet<&Path> = directories.collect();
    let failed = |directory: &Path| Some((directory.to_owned(), sync_folder(directory).err()?));
    directories.into_iter().filter_map(failed).collect()
}

/// Flushes a folder, so that the names of new and renamed files are on the disk.
///
/// # Errors
/// The system's error for the folder.
#[cfg(unix)]
pub fn sync_folder(directory: &Path) -> io::Result<()> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    File::open(directory)?.sync_all()
}

/// Does nothing on this system.
///
/// # Errors
/// Never on this system.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "directories cannot be opened there")]
pub fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

fn part_path(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{PREFIX}{name}{SUFFIX}"))
}

fn create(path: &Path) -> io::Result<File> {
    options().read(true).write(true).create_new(true).open(path)
}

#[cfg(unix)]
fn options() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    // Opening a named pipe in place of a file must not block.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.custom_flags(flags.bits().cast_signed());
    options
}

#[cfg(not(unix))]
fn options() -> OpenOptions {
    OpenOptions::new()
}

/// Deletes stale parts. Best effort: errors are ignored.
fn sweep(directory: &Path, stale: Duration) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_part = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if is_part && age().is_some_and(|age| age >= stale) {
            let path = entry.path();
            // A part in use by another process is locked.
            let is_free = open_file(&path).is_ok_and(|file| file.try_lock().is_ok());
            if is_free && let Err(error) = fs::remove_file(&path) {
                tracing::debug!(%error, "an old part stays");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    #[cfg(unix)]
    #[test]
    fn links_are_never_followed() {
        use std::os::unix::fs::symlink;
        let (home, dir) = (folder(), folder());
        let outside = home.path().join("outside");
        fs::write(&outside, "mine").expect("written");
        let link = dir.path().join("link");
        symlink(&outside, &link).expect("linked");
        open_file(&link).expect_err("a link");
        assert!(!holds(&link, 4, &hex(&Sha256::digest("mine"))));
        assert!(holds(&outside, 4, &hex(&Sha256::digest("mine"))));

        symlink(&outside, part_path(dir.path(), "name")).expect("linked");
        named_part(dir.path(), "name").expect_err("a link");
        assert!(left_part(dir.path(), "name").is_none());

        replace_file(&link, b"ours").expect("the link goes");
        assert_eq!(fs::read_to_string(&outside).expect("still there"), "mine");
        assert_eq!(fs::read_to_string(&link).expect("a file now"), "ours");
    }

    #[cfg(unix)]
    #[test]
    fn a_part_is_taken_up_only_if_it_is_ours_alone() {
        let dir = folder();
        let part = named_part(dir.path(), "name").expect("made");
        assert!(left_part(dir.path(), "name").is_none(), "somebody works on it");
        named_part(dir.path(), "name").expect_err("taken");
        let path = part.path().to_owned();
        let (file, kept) = part.keep().expect("kept");
        drop(file);
        assert_eq!(kept, path);
        fs::hard_link(&path, dir.path().join("second name")).expect("linked");
        assert!(left_part(dir.path(), "name").is_none(), "writing would change the other file");
        fs::remove_file(dir.path().join("second name")).expect("removed");
        drop(left_part(dir.path(), "name").expect("taken up"));
        assert!(!path.exists());
        fs::create_dir(&path).expect("made");
        assert!(left_part(dir.path(), "name").is_none());
    }

    #[test]
    fn old_parts_go_and_nothing_else() {
        let dir = folder();
        for name in [".rhub-1.part", ".rhub-2.part", "rhub-3.part", ".rhub-4.png"] {
            fs::write(dir.path().join(name), "x").expect("written");
        }
        let busy = named_part(dir.path(), "5").expect("made");
        let week = Duration::from_hours(8 * 24);
        let old = File::options().write(true).open(dir.path().join(".rhub-1.part")).expect("opened");
        old.set_modified(std::time::SystemTime::now() - week).expect("aged");
        busy.as_file().set_modified(std::time::SystemTime::now() - week).expect("aged");
        check_folder(dir.path()).expect("usable");
        let mut left: Vec<_> =
            fs::read_dir(dir.path()).expect("listed").map(|e| e.expect("one").file_name()).collect();
        left.sort();
        assert_eq!(left, [".rhub-2.part", ".rhub-4.png", ".rhub-5.part", "rhub-3.part"]);
    }
}
