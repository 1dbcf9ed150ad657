//! Tracks which process a submit belongs to, and whether that process is still alive.
//!
//! Each process that submits holds a lock on its own file, and the system releases the lock when the process ends,
//! however it ends. So acquiring the lock proves that the owner is dead. Process ids would be reused.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::place::{cannot, open_file};
use crate::{Error, digest::random};

const FOLDER: &str = "owners";

/// This process's lock, held for its lifetime.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) name: String,
    path: PathBuf,
    _lock: File,
}

impl Owner {
    /// Takes a lock. Call it within a write transaction, like [`is_dead`], so that the two don't interleave.
    pub(super) fn register(store: &Path) -> Result<Self, Error> {
        let folder = store.join(FOLDER);
        fs::create_dir_all(&folder).map_err(|error| cannot(&folder, error))?;
        let name = u64::from_le_bytes(random()?).to_string();
        let path = folder.join(&name);
        let lock = File::create_new(&path).map_err(|error| cannot(&path, error))?;
        lock.lock().map_err(|error| cannot(&path, error))?;
        Ok(Self { name, path, _lock: lock })
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // If this fails, another process sweeps the file.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether the process with this name is gone. Call it for owners of submits, whose lock was taken before the submit
/// was written, or within a write transaction.
pub(super) fn is_dead(store: &Path, name: &str) -> bool {
    let path = store.join(FOLDER).join(name);
    match open_file(&path) {
        // A shared lock, so that two concurrent checks don't mistake each other for the owner. Any error except a lock
        // conflict is inconclusive: the process then counts as alive.
        Ok(file) => file.try_lock_shared().is_ok(),
        // Anything but an ordinary file is inconclusive, too.
        Err(_) => path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound),
    }
}

/// Removes the files of dead processes. Call it within a write transaction.
pub(super) fn sweep(store: &Path) {
    let files = fs::read_dir(store.join(FOLDER)).into_iter().flatten().flatten();
    for file in files {
        if file.file_name().to_str().is_some_and(|name| is_dead(store, name)) {
            let _ = fs::remove_file(file.path());
        }
    }
}
