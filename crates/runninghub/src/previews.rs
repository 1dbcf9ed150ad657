//! Keeping preview pictures.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
};

use runninghub_core::{NodeId, TaskId};
use runninghub_net::{check_folder, replace_file, sanitize};

use crate::{Error, ErrorKind};

/// How many pictures a run may leave: many times what a sampler shows, and no flood.
const MOST: u64 = 10_000;

/// A folder for the pictures of [`Event::Preview`](crate::Event::Preview). They are written on a thread of their own, since
/// the socket must not wait for the disk.
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
    /// Makes the folder if it is missing.
    ///
    /// # Errors
    /// When it cannot be made or written to.
    pub fn create(dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let dir = dir.into();
        let failed = || Error::new(ErrorKind::Io, format!("cannot write to the folder {}", dir.display()));
        check_folder(&dir).map_err(|error| failed().with_source(error))?;
        let (pictures, wanted) = channel();
        let folder = dir.clone();
        let writer = thread::Builder::new()
            .name("previews".to_owned())
            .spawn(move || write(&folder, &wanted))
            .map_err(|error| failed().with_source(error))?;
        Ok(Self { pictures, writer })
    }

    /// Keeps a picture, as `<task>-<node>-<n>` with `.jpg` or `.png`. No file is replaced.
    pub fn keep(&self, task: &TaskId, node: Option<&NodeId>, mime: &str, data: &Arc<[u8]>) {
        let node = node.map_or("preview", |node| node.as_str());
        let stem = sanitize(&format!("{task}-{node}"));
        let extension = if mime == "image/png" { "png" } else { "jpg" };
        // After a failure nobody takes it any more, and `finish` tells why.
        let _ = self.pictures.send(Picture { stem, extension, data: Arc::clone(data) });
    }

    /// Waits until all pictures are on disk, and gives how many there are.
    ///
    /// # Errors
    /// The first picture's that could not be written; those after it are not kept.
    pub fn finish(self) -> Result<u64, Error> {
        drop(self.pictures);
        let lost = || Err(Error::new(ErrorKind::Io, "the previews were not all written"));
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
        replace_file(&path, &data)
            .map_err(|error| Error::new(ErrorKind::Io, "a preview was not written").with_source(error))?;
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
    fn pictures_are_counted_and_none_is_replaced() {
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
    fn a_folder_that_cannot_be_is_told() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let error = PreviewFolder::create(file.path().join("x")).expect_err("a file is no folder");
        assert_eq!(error.kind(), ErrorKind::Io);
    }
}
