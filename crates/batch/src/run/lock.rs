//! One process runs a batch at a time.

use std::{
    fs::{self, File, TryLockError},
    path::Path,
};

use runninghub::{Error, ErrorKind, ledger::Digest};
use runninghub_core::say;

/// Held as long as the batch runs. The system releases it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held")] File);

impl Lock {
    /// Locks a batch, by its name, in the state folder.
    pub(super) fn take(state: &Path, batch: &str) -> Result<Self, Error> {
        let folder = state.join("batches");
        let cannot = |error| {
            Error::new(ErrorKind::Io, say!("the batch `{batch}` cannot be locked", batch)).with_source(error)
        };
        fs::create_dir_all(&folder).map_err(cannot)?;
        // A name may hold anything; its digest is a file name.
        let path = folder.join(format!("{}.lock", Digest::of(batch)));
        let file = File::options().create(true).truncate(false).write(true).open(path).map_err(cannot)?;
        match file.try_lock() {
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
