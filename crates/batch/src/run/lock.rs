//! Ensures that one process at a time runs a batch.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use runninghub::{Error, ErrorKind, ledger::Digest};
use runninghub_core::say;

/// Number of attempts to lock while another process only checks the lock, and the pause between them.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_millis(20);

/// Held while the batch runs. The system releases it when the process ends, even after a crash.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held")] File);

impl Lock {
    /// Locks a batch, by its name, in the state folder.
    #[expect(clippy::disallowed_methods, reason = "who only looks is gone in a moment, and signals no event")]
    pub(super) fn take(state: &Path, batch: &str) -> Result<Self, Error> {
        let cannot = |error| {
            Error::new(ErrorKind::Io, say!("the batch `{batch}` cannot be locked", batch)).with_source(error)
        };
        let path = path(state, batch);
        fs::create_dir_all(path.parent().unwrap_or(state)).map_err(cannot)?;
        let file = File::options().create(true).truncate(false).write(true).open(path).map_err(cannot)?;
        let mut tried = file.try_lock();
        for _ in 1..TRIES {
            if !matches!(tried, Err(TryLockError::WouldBlock)) {
                break;
            }
            thread::sleep(PAUSE);
            tried = file.try_lock();
        }
        match tried {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Error::new(
                ErrorKind::Usage,
                say!("the batch `{batch}` is already running in another process", batch),
            )
            .with_hint(say!("watch it there, or stop it first"))),
            Err(TryLockError::Error(error)) => Err(cannot(error)),
        }
    }
}

/// Whether a process runs the batch of this name, whose records are in the state folder.
pub fn is_running(state: &Path, batch: &str) -> bool {
    let Ok(file) = File::open(path(state, batch)) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

fn path(state: &Path, batch: &str) -> PathBuf {
    // A name may contain anything, so its digest becomes the file name.
    state.join("batches").join(format!("{}.lock", Digest::of(batch)))
}
