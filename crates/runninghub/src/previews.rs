//! Saves preview images.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
};

use runninghub_core::{NodeId, TaskId, say};
use runninghub_net::{check_folder, replace_file, sanitize};

use crate::{Error, ErrorKind, save::unwritable};

/// Maximum images saved per run: many more than a sampler shows, but bounded.
const MOST: u64 = 10_000;

/// A folder for the images of [`Event::Preview`](crate::Event::Preview). They are written on a separate thread,
/// since the socket must not wait for the disk.
pub struct PreviewFolder {
    pictures: Sender<Picture>,
    writer: JoinHandle<Result<u64, Error>>,
}

struct Picture {
    stem: String,
    extension: &'static str,
    data: Arc<[u8]>,
}

impl PreviewFolder {
    /// Creates the folder if it is missing.
    ///
    /// # Errors
    /// When the folder cannot be created or written to.
    pub fn create(dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let dir = dir.into();
        check_folder(&dir).map_err(|error| unwritable(&dir, error))?;
        let (pictures, wanted) = channel();
        let folder = dir.clone();
        let writer = thread::Builder::new()
            .name("previews".to_owned())
            .spawn(move || write(&folder, &wanted))
            .map_err(|error| unwritable(&dir, error))?;
        Ok(Self { pictures, writer })
    }

    /// Saves an image as `<task>-<node>-<n>` with `.jpg` or `.png`. Existing files are not replaced.
    pub fn keep(&self, task: &TaskId, node: Option<&NodeId>, mime: &str, data: &Arc<[u8]>) {
        let node = node.map_or("preview", |node| node.as_str());
        let stem = sanitize(&format!("{task}-{node}"));
        let extension = if mime == "image/png" { "png" } else { "jpg" };
        // After a failure the receiver is gone, and `finish` returns the error.
        let _ = self.pictures.send(Picture { stem, extension, data: Arc::clone(data) });
    }

    /// Waits until all images are on disk, and returns their number.
    ///
    /// # Errors
    /// That of the first image that could not be written; later images are not saved.
    pub fn finish(self) -> Result<u64, Error> {
        drop(self.pictures);
        let lost = || Err(Error::new(ErrorKind::Io, say!("the previews were not all written")));
        self.writer.join().unwrap_or_else(|_| lost())
    }
}

fn write(dir: &Path, wanted: &Receiver<Picture>) -> Result<u64, Error> {
    let (mut count, mut n) = (0, 0);
    while let Ok(Picture { stem, extension, data }) = wanted.recv() {
        if count == MOST {
            break;
        }
        let path = loop {
            n += 1;
            let path = dir.join(format!("{stem}-{n:05}.{extension}"));
            if !path.exists() {
                break path;
            }
        };
        replace_file(&path, &data).map_err(|error| {
            Error::new(ErrorKind::Io, say!("a preview was not written")).with_source(error)
        })?;
        count += 1;
    }
    Ok(count)
}

impl fmt::Debug for PreviewFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreviewFolder").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previews_are_numbered_and_never_overwritten() {
        let dir = tempfile::tempdir().expect("a folder");
        let keep = || {
            let folder = PreviewFolder::create(dir.path().join("new")).expect("a folder");
            folder.keep(&"../7".into(), Some(&"3:1".into()), "image/jpeg", &Arc::from(&b"one"[..]));
            folder.keep(&"../7".into(), None, "image/png", &Arc::from(&b"two"[..]));
            folder.finish().expect("written")
        };
        assert_eq!((keep(), keep()), (2, 2));
        let names = std::fs::read_dir(dir.path().join("new")).expect("a folder");
        let mut names: Vec<_> =
            names.map(|entry| entry.expect("a file").file_name().into_string().expect("text")).collect();
        names.sort();
        assert_eq!(names.len(), 4, "{names:?}");
        assert!(names.iter().all(|name| !name.starts_with('.')), "{names:?}");
    }

    #[test]
    fn an_impossible_folder_is_reported() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let error = PreviewFolder::create(file.path().join("x")).expect_err("a file is no folder");
        assert_eq!(error.kind(), ErrorKind::Io);
    }
}
