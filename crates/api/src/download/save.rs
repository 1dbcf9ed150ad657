//! Whole or absent: a file gets its name when all of it is on disk.

use std::{
    fmt::Write as _,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::{
    fetch::{CALL, Downloaded},
    file_name::sanitize,
};
use crate::Error;

/// How much of the beginning is kept to recognise a page.
const HEAD: usize = 64;
/// How many names are tried beside the wanted one.
const NAMES: usize = 10_000;

/// A file that has no name yet. Dropping it removes it.
pub(super) struct Partial {
    file: NamedTempFile,
    directory: PathBuf,
    hash: Sha256,
    bytes: u64,
    head: Vec<u8>,
}

/// Saves a result that came as text, with the same care as a download: whole or absent, and no file is replaced.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io) for the disk.
pub fn save_bytes(directory: &Path, name: &str, bytes: &[u8]) -> Result<Downloaded, Error> {
    let mut partial = Partial::create(directory)?;
    partial.write(bytes)?;
    partial.finish(&sanitize(name))
}

impl Partial {
    /// In the target directory, so that giving it its name is one step. Hidden, so that no one takes it for a result.
    pub(super) fn create(directory: &Path) -> Result<Self, Error> {
        let failed = |error| Error::io(CALL, directory, error);
        fs::create_dir_all(directory).map_err(failed)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".rhub-").suffix(".part");
        // A result is an ordinary file: the umask decides, not the privacy of temporary files.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(directory).map_err(failed)?;
        Ok(Self { file, directory: directory.to_owned(), hash: Sha256::new(), bytes: 0, head: Vec::new() })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Written where it arrives: handing each piece to another thread costs more than the write.
    pub(super) fn write(&mut self, chunk: &[u8]) -> Result<(), Error> {
        self.file.as_file_mut().write_all(chunk).map_err(|error| Error::io(CALL, &self.directory, error))?;
        self.hash.update(chunk);
        self.bytes += chunk.len() as u64;
        self.head.extend(chunk.iter().take(HEAD.saturating_sub(self.head.len())));
        Ok(())
    }

    /// Whether a web page came instead of the file: expired links have been answered with one and with status 200.
    pub(super) fn is_stray_page(&self, name: &str) -> bool {
        let head = String::from_utf8_lossy(&self.head)
            .trim_start_matches('\u{feff}')
            .trim_start()
            .to_ascii_lowercase();
        let is_page = head.starts_with("<!doctype html") || head.starts_with("<html");
        let extension = Path::new(name).extension().unwrap_or_default();
        is_page
            && !["htm", "html", "txt", "svg", "xml"].iter().any(|text| extension.eq_ignore_ascii_case(text))
    }

    /// Puts the file on disk and gives it the name, or `name-2`, `name-3`, … if that is taken.
    pub(super) fn finish(self, name: &str) -> Result<Downloaded, Error> {
        let Self { mut file, directory, hash, bytes, .. } = self;
        let failed = |path: &Path, error| Error::io(CALL, path, error);
        file.as_file().sync_all().map_err(|error| failed(&directory, error))?;
        for number in 1..=NAMES {
            let path = directory.join(numbered(name, number));
            match file.persist_noclobber(&path) {
                Ok(_) => {
                    sync_directory(&directory).map_err(|error| failed(&directory, error))?;
                    return Ok(Downloaded { path, bytes, sha256: hex(&hash.finalize()) });
                }
                Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists => file = taken.file,
                Err(other) => return Err(failed(&path, other.error)),
            }
        }
        Err(failed(&directory.join(name), io::ErrorKind::AlreadyExists.into()))
    }
}

fn numbered(name: &str, number: usize) -> String {
    match name.rsplit_once('.') {
        _ if number == 1 => name.to_owned(),
        Some((stem, extension)) => format!("{stem}-{number}.{extension}"),
        None => format!("{name}-{number}"),
    }
}

/// A name lives in its directory, which is flushed apart from the file.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "directories cannot be opened there")]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn save(directory: &Path, name: &str, content: &[u8]) -> Result<Downloaded, Error> {
        let mut partial = Partial::create(directory)?;
        partial.write(content)?;
        partial.finish(name)
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_is_left_behind() {
        let home = tempfile::tempdir().expect("a directory");
        let directory = home.path().join("new/deep");
        for (content, name) in [("one", "a.png"), ("two", "a-2.png"), ("three", "a-3.png")] {
            let saved = save(&directory, "a.png", content.as_bytes()).expect("saved");
            assert_eq!(saved.path, directory.join(name));
            assert_eq!(fs::read_to_string(&saved.path).expect("readable"), content);
        }
        let empty = save(&directory, "empty", b"").expect("saved");
        assert_eq!(empty.sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        drop(Partial::create(&directory).expect("started"));
        assert_eq!(fs::read_dir(&directory).expect("listed").count(), 4);
    }

    #[cfg(unix)]
    #[test]
    fn a_result_is_as_readable_as_any_other_file() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("other"), "").expect("written");
        let saved = save(directory.path(), "a.png", b"x").expect("saved");
        let mode = |path: &Path| fs::metadata(path).expect("found").permissions().mode();
        assert_eq!(mode(&saved.path), mode(&directory.path().join("other")));
    }

    #[test]
    fn an_error_of_the_disk_names_the_path() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("file");
        fs::write(&file, "").expect("written");
        let error = save(&file.join("under"), "a.png", b"x").expect_err("no directory");
        assert!(error.to_string().contains("file"), "{error}");
    }

    #[test]
    fn a_page_is_no_picture() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut page = Partial::create(directory.path()).expect("started");
        page.write(b"\xef\xbb\xbf\n <!DOC").expect("written");
        page.write(b"TYPE HTML><html>").expect("written");
        assert!(page.is_stray_page("a.png") && page.is_stray_page("a"));
        assert!(!page.is_stray_page("a.HTML"));
    }
}
