//! Which run on this machine gets the frames of a prompt.
//!
//! A server sends them to one socket: the newest one with the prompt's client id. A second process that opened one would silence
//! the first, which would then show nothing until the end.

use std::{
    fs::{self, File, TryLockError},
    path::PathBuf,
};

use runninghub_core::TaskId;
use runninghub_ledger::Digest;
use runninghub_net::check_folder;

/// A folder with a locked file for each prompt whose frames a run receives.
pub(super) struct Turns(Option<PathBuf>);

/// The right to a prompt's frames, until it is dropped.
pub(super) struct Turn {
    /// `None` where nothing can be locked: then the newest run gets the frames.
    locked: Option<(File, PathBuf)>,
}

impl Turns {
    pub(super) fn new(dir: Option<PathBuf>) -> Self {
        Self(dir)
    }

    /// The right to the prompt's frames; `None` if another run has it.
    pub(super) fn take(&self, prompt: &TaskId) -> Option<Turn> {
        let Some(dir) = self.0.as_ref().filter(|dir| check_folder(dir).is_ok()) else {
            return Some(Turn { locked: None });
        };
        let path = dir.join(format!("{}.lock", Digest::of(prompt.as_str())));
        let Ok(file) = File::options().create(true).truncate(false).write(true).open(&path) else {
            return Some(Turn { locked: None });
        };
        match file.try_lock() {
            Ok(()) => Some(Turn { locked: Some((file, path)) }),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Error(error)) => {
                tracing::debug!(%error, "no lock for the prompt's frames");
                Some(Turn { locked: None })
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some((_, path)) = &self.locked {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_at_a_time_gets_the_frames() {
        let dir = tempfile::tempdir().expect("a folder");
        let turns = || Turns::new(Some(dir.path().join("sockets")));
        let first = turns().take(&"p".into()).expect("free");
        assert!(turns().take(&"p".into()).is_none());
        assert!(turns().take(&"q".into()).is_some());
        drop(first);
        assert!(turns().take(&"p".into()).is_some());
        assert!(Turns::new(None).take(&"p".into()).is_some(), "without a folder nobody has to wait");
    }
}
