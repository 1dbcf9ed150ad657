//! A workspace's recordings of its latest runs.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use runninghub_core::TaskId;
use runninghub_transport::Recording;

use super::Workspace;

/// Redacted recordings of the latest runs, one folder each. The limits hold when a run begins: the oldest recordings
/// are removed first.
#[derive(Clone, Debug)]
pub struct Recordings {
    dir: PathBuf,
    /// Number of recordings.
    max_count: usize,
    /// Their total size, bytes.
    max_bytes: u64,
    max_age: Duration,
}

impl Workspace {
    /// The recordings of this machine's runs: up to 100 of the last 30 days, and 200 MB.
    pub fn recordings(&self) -> Recordings {
        Recordings {
            dir: self.dir().join("recordings"),
            max_count: 100,
            max_bytes: 200_000_000,
            max_age: Duration::from_hours(30 * 24),
        }
    }
}

impl Recordings {
    /// Makes room, and creates an empty folder for the recording of a run: for
    /// [`Builder::record`](crate::Builder::record).
    ///
    /// # Errors
    /// The folder cannot be created.
    pub fn begin(&self) -> io::Result<PathBuf> {
        self.make_room();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&self.dir)?;
        builder.recursive(false);
        loop {
            // The names sort by time; two processes can begin at the same one.
            let path = self.dir.join(format!("{now:013}-{:08x}", fastrand::u32(..)));
            match builder.create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => return created.map(|()| path),
            }
        }
    }

    /// The recording of a task. Of several, such as of its run and of a later look at it, the largest.
    pub fn find(&self, task: &TaskId) -> Option<PathBuf> {
        let is_of = |path: &PathBuf| {
            Recording::open(path).is_ok_and(|recording| {
                let mut prompts = recording.prompts().iter().filter_map(|prompt| prompt.prompt_id.as_ref());
                recording.task_id() == Some(task) || prompts.any(|prompt| prompt.as_str() == task.as_str())
            })
        };
        self.all().into_iter().filter(is_of).max_by_key(|path| size(path))
    }

    /// All recordings, oldest first.
    fn all(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let mut all: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        all.sort();
        all
    }

    /// Removes recordings until one more fits. Errors are ignored.
    fn make_room(&self) {
        let is_old = |path: &Path| {
            let age = fs::metadata(path).and_then(|data| data.modified()).map(|at| at.elapsed());
            age.is_ok_and(|age| age.is_ok_and(|age| age > self.max_age))
        };
        let (mut count, mut bytes) = (1, 0);
        for path in self.all().into_iter().rev() {
            count += 1;
            bytes += size(&path);
            let is_beyond = count > self.max_count || bytes > self.max_bytes || is_old(&path);
            if is_beyond && let Err(error) = fs::remove_dir_all(&path) {
                tracing::debug!(path = %path.display(), %error, "an old recording cannot be removed");
            }
        }
    }
}

/// The size of the files in a folder, bytes.
fn size(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|data| data.len()).sum()
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn record(recordings: &Recordings, task: &str, bytes: usize) -> PathBuf {
        let path = recordings.begin().expect("a folder");
        fs::write(path.join("meta.json"), format!(r#"{{"task_id":"{task}"}}"#)).expect("written");
        fs::write(path.join("http.jsonl"), vec![b'\n'; bytes]).expect("written");
        // A stopped clock must not decide the order.
        let number = fs::read_dir(&recordings.dir).expect("a folder").count();
        let named = recordings.dir.join(format!("{number:013}"));
        fs::rename(path, &named).expect("renamed");
        named
    }

    fn small(dir: &Path) -> Recordings {
        Recordings { max_count: 3, max_bytes: 1000, ..Workspace::open(dir).recordings() }
    }

    #[test]
    fn the_oldest_recordings_make_room() {
        let dir = tempfile::tempdir().expect("a folder");
        let recordings = small(dir.path());
        let kept = ["1", "2", "3"].map(|task| record(&recordings, task, 0));
        let next = recordings.begin().expect("a folder");
        assert_eq!(recordings.all(), [&kept[1], &kept[2], &next].map(PathBuf::clone), "three at most");
    }

    #[test]
    fn large_recordings_make_room() {
        let dir = tempfile::tempdir().expect("a folder");
        let recordings = small(dir.path());
        let kept = [600, 600].map(|bytes| record(&recordings, "1", bytes));
        let next = recordings.begin().expect("a folder");
        assert_eq!(recordings.all(), [&kept[1], &next].map(PathBuf::clone), "1,000 bytes at most");
    }

    #[test]
    fn old_recordings_are_removed() {
        let dir = tempfile::tempdir().expect("a folder");
        let recordings = small(dir.path());
        let kept = ["1", "2"].map(|task| record(&recordings, task, 0));
        let month = Duration::from_hours(31 * 24);
        let folder = File::open(&kept[0]).expect("a folder");
        folder.set_modified(SystemTime::now() - month).expect("a time");
        let next = recordings.begin().expect("a folder");
        assert_eq!(recordings.all(), [&kept[1], &next].map(PathBuf::clone));
    }

    #[test]
    fn a_task_has_its_largest_recording() {
        let dir = tempfile::tempdir().expect("a folder");
        let recordings = Workspace::open(dir.path()).recordings();
        assert_eq!(recordings.find(&"1".into()), None, "nothing is recorded yet");
        let run = record(&recordings, "1", 500);
        record(&recordings, "2", 0);
        record(&recordings, "1", 5);
        assert_eq!(recordings.find(&"1".into()), Some(run));
        assert_eq!(recordings.find(&"3".into()), None);
    }
}
