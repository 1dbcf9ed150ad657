//! Atomic downloads: a file gets its name when it is complete and on disk.

use std::{
    fs, io,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use sha2::Digest as _;
use tempfile::NamedTempFile;

use super::{
    digest::{digest, hex},
    file_name::numbered,
    folder,
    sum::Sum,
    version::WORTH,
};
use crate::Error;

/// Number of bytes at the start that are kept to recognize a page.
const HEAD: usize = 64;
/// Files up to this size, bytes, are hashed when they are flushed, on another thread than the download. For larger
/// files that would delay the end, so they are hashed while they arrive.
const SUMMED_LATE: u64 = 4 << 20;
/// Number of alternative names that are tried.
const NAMES: usize = 10_000;

/// A file without its final name. Dropping it deletes it, unless another process may want to resume it.
pub(super) struct Partial {
    file: NamedTempFile,
    directory: PathBuf,
    /// Running SHA-256 of the bytes written; `None` for small files.
    sum: Option<Sum>,
    bytes: u64,
    head: Vec<u8>,
    /// Whether another process can find it.
    is_named: bool,
}

/// A downloaded file, complete and on disk.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SavedFile {
    /// Its path.
    pub path: PathBuf,
    /// Its size, bytes.
    pub bytes: u64,
    /// Its SHA-256, 64 hexadecimal digits.
    pub sha256: String,
}

/// A file that is on disk, but does not have its name yet.
pub(super) struct Flushed {
    file: NamedTempFile,
    directory: PathBuf,
    name: String,
    bytes: u64,
    sha256: String,
}

impl Partial {
    /// Creates a file in a directory, which is created if it is missing. `name` lets other processes find it.
    pub(super) fn create(directory: &Path, name: Option<&str>) -> Result<Self, Error> {
        let failed = |error| Error::io(directory, error);
        fs::create_dir_all(directory).map_err(failed)?;
        // Another process or an unrelated file may have the name: then this part cannot be found by others.
        let named = name.and_then(|name| folder::named_part(directory, name).ok());
        let is_named = named.is_some();
        let file = named.map_or_else(|| folder::new_part(directory), Ok).map_err(failed)?;
        let directory = directory.to_owned();
        Ok(Self { file, directory, sum: None, bytes: 0, head: Vec::new(), is_named })
    }

    /// Takes over the part that another process left under that name.
    pub(super) fn adopt(directory: &Path, name: &str) -> Option<Self> {
        let file = folder::left_part(directory, name)?;
        let directory = directory.to_owned();
        let mut part = Self { file, directory, sum: None, bytes: 0, head: Vec::new(), is_named: true };
        let file = part.file.as_file_mut();
        file.take(HEAD as u64).read_to_end(&mut part.head).ok()?;
        part.bytes = file.seek(SeekFrom::End(0)).ok()?;
        part.file.disable_cleanup(part.bytes >= WORTH);
        Some(part)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Written on this thread: passing each piece to another one costs more than the write.
    pub(super) async fn write(&mut self, piece: Bytes) -> Result<(), Error> {
        if let Err(error) = self.put(&piece) {
            self.is_named = false;
            self.file.disable_cleanup(false);
            return Err(Error::io(&self.directory, error));
        }
        self.file.disable_cleanup(self.is_named && self.bytes >= WORTH);
        if let Some(sum) = &self.sum {
            sum.add(piece).await;
        }
        Ok(())
    }

    fn put(&mut self, piece: &[u8]) -> io::Result<()> {
        let bytes = self.bytes + piece.len() as u64;
        if self.sum.is_none() && bytes > SUMMED_LATE {
            self.sum = Some(Sum::begin(self.file.reopen()?, self.bytes));
        }
        self.file.as_file_mut().write_all(piece)?;
        self.bytes = bytes;
        self.head.extend(piece.iter().take(HEAD.saturating_sub(self.head.len())));
        Ok(())
    }

    /// Deletes the file because its content is wrong.
    pub(super) fn discard(mut self) {
        self.file.disable_cleanup(false);
    }

    /// Whether the content is a web page instead of the file: expired links have returned one with status 200.
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

    /// Flushes the content to disk. Blocks.
    pub(super) fn flush(mut self, name: String) -> Result<Flushed, Error> {
        self.file.disable_cleanup(false);
        let Self { mut file, directory, sum, bytes, .. } = self;
        let whole = |file: &mut fs::File| file.rewind().and_then(|()| digest(file));
        let sum = sum.map_or_else(|| whole(file.as_file_mut()), Sum::finish);
        let hash = sum.and_then(|hash| file.as_file().sync_all().map(|()| hash));
        let sha256 = hex(&hash.map_err(|error| Error::io(&directory, error))?.finalize());
        Ok(Flushed { file, directory, name, bytes, sha256 })
    }
}

impl Flushed {
    /// Gives the file its name, or `name-2`, `name-3`, … if that name has other content.
    fn name(self) -> Result<SavedFile, Error> {
        let Self { mut file, directory, name, bytes, sha256 } = self;
        for number in 1..=NAMES {
            let path = directory.join(numbered(&name, number));
            match file.persist_noclobber(&path) {
                Ok(_) => return Ok(SavedFile { path, bytes, sha256 }),
                Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists => {
                    if folder::holds(&path, bytes, &sha256) {
                        return Ok(SavedFile { path, bytes, sha256 });
                    }
                    file = taken.file;
                }
                Err(other) => return Err(Error::io(&path, other.error)),
            }
        }
        Err(Error::io(directory.join(name), io::ErrorKind::AlreadyExists.into()))
    }
}

/// Names files, and then flushes their folders once for all of them. Blocks.
pub(super) fn settle(files: Vec<Result<Flushed, Error>>) -> Vec<Result<SavedFile, Error>> {
    let mut named: Vec<_> = files.into_iter().map(|file| file.and_then(Flushed::name)).collect();
    let folders = named.iter().filter_map(|file| file.as_ref().ok()?.path.parent());
    for (directory, error) in folder::sync_all(folders) {
        let kind = error.kind();
        let lost = |file: &&mut Result<SavedFile, Error>| {
            file.as_ref().is_ok_and(|file| file.path.parent() == Some(&directory))
        };
        for file in named.iter_mut().filter(lost) {
            *file = Err(Error::io(&directory, kind.into()));
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use sha2::Sha256;

    use super::*;

    async fn save(directory: &Path, name: &str, content: &[u8]) -> Result<SavedFile, Error> {
        let mut partial = Partial::create(directory, None)?;
        partial.write(Bytes::copy_from_slice(content)).await?;
        end(partial, name).await
    }

    async fn end(partial: Partial, name: &str) -> Result<SavedFile, Error> {
        let name = name.to_owned();
        let saved = move || settle(vec![partial.flush(name)]).remove(0);
        tokio::task::spawn_blocking(saved).await.expect("no panic")
    }

    #[tokio::test]
    async fn nothing_is_overwritten_and_nothing_is_left_behind() {
        let home = tempfile::tempdir().expect("a directory");
        let directory = home.path().join("new/deep");
        for (content, name) in
            [("one", "a.png"), ("two", "a-2.png"), ("three", "a-3.png"), ("two", "a-2.png")]
        {
            let saved = save(&directory, "a.png", content.as_bytes()).await.expect("saved");
            assert_eq!(saved.path, directory.join(name));
            assert_eq!(fs::read_to_string(&saved.path).expect("readable"), content);
        }
        let empty = save(&directory, "empty", b"").await.expect("saved");
        assert_eq!(empty.sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        drop(Partial::create(&directory, Some("name")).expect("started"));
        assert_eq!(fs::read_dir(&directory).expect("listed").count(), 4);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_result_is_as_readable_as_any_other_file() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("other"), "").expect("written");
        let saved = save(directory.path(), "a.png", b"x").await.expect("saved");
        let mode = |path: &Path| fs::metadata(path).expect("found").permissions().mode();
        assert_eq!(mode(&saved.path), mode(&directory.path().join("other")));
    }

    /// A link with the requested name counts as an existing file, wherever it leads.
    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_is_neither_followed_nor_replaced() {
        let (home, directory) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("another"));
        let outside = home.path().join("outside");
        std::os::unix::fs::symlink(&outside, directory.path().join("a.png")).expect("linked");
        let saved = save(directory.path(), "a.png", b"x").await.expect("saved");
        assert_eq!(saved.path, directory.path().join("a-2.png"));
        assert!(!outside.exists());
    }

    /// Small files are hashed at the end, large ones as they arrive.
    #[tokio::test]
    async fn the_sum_is_that_of_the_file_whatever_its_size() {
        let directory = tempfile::tempdir().expect("a directory");
        let piece = Bytes::from(vec![7; usize::try_from(SUMMED_LATE / 4 + 1).expect("small")]);
        for count in [1, 3, 4, 5, 9] {
            let mut part = Partial::create(directory.path(), None).expect("started");
            for _ in 0..count {
                part.write(piece.clone()).await.expect("written");
            }
            assert_eq!(part.sum.is_some(), count > 3);
            let saved = end(part, &format!("{count}")).await.expect("saved");
            let content = fs::read(&saved.path).expect("readable");
            assert_eq!(content, piece.repeat(count));
            assert_eq!((saved.sha256, saved.bytes), (hex(&Sha256::digest(&content)), content.len() as u64));
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn large_partial_files_are_resumed_and_small_ones_deleted() {
        let directory = tempfile::tempdir().expect("a directory");
        let piece = Bytes::from(vec![7; usize::try_from(WORTH).expect("small")]);
        for (count, stays) in [(1, true), (0, false)] {
            let mut part = Partial::create(directory.path(), Some("name")).expect("started");
            part.write(Bytes::from_static(b"head")).await.expect("written");
            for _ in 0..count {
                part.write(piece.clone()).await.expect("written");
            }
            drop(part);
            let found = Partial::adopt(directory.path(), "name");
            assert_eq!(found.is_some(), stays);
            if let Some(mut found) = found {
                assert_eq!((found.bytes(), found.head.starts_with(b"head")), (WORTH + 4, true));
                found.write(Bytes::from_static(b"tail")).await.expect("written");
                let saved = end(found, "a").await.expect("saved");
                assert!(folder::holds(&saved.path, WORTH + 8, &saved.sha256), "the sum is that of the whole");
            }
        }
        assert_eq!(fs::read_dir(directory.path()).expect("listed").count(), 1);
    }

    #[tokio::test]
    async fn an_error_of_the_disk_names_the_path() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("file");
        fs::write(&file, "").expect("written");
        let error = save(&file.join("under"), "a.png", b"x").await.expect_err("no directory");
        assert!(error.to_string().contains("file"), "{error}");
    }

    #[tokio::test]
    async fn a_web_page_is_not_an_image() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut page = Partial::create(directory.path(), None).expect("started");
        page.write(Bytes::from_static(b"\xef\xbb\xbf\n <!DOC")).await.expect("written");
        page.write(Bytes::from_static(b"TYPE HTML><html>")).await.expect("written");
        assert!(page.is_stray_page("a.png") && page.is_stray_page("a"));
        assert!(!page.is_stray_page("a.HTML"));
    }
}
