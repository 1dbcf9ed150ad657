//! Which process a submit belongs to, and whether that process still lives.
//!
//! Each process that submits holds a lock on a file of its own, which the system takes away from it when it ends,
//! however it ends. So whoever gets the lock knows that the owner is dead. Process ids would come again.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::place::{cannot, open_file};
use crate::{Error, digest::random};

const FOLDER: &str = "owners";

/// This process, as long as it lives.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) name: String,
    path: PathBuf,
    _lock: File,
}

impl Owner {
    /// Takes a lock. To be called within a writing transaction, like [`is_dead`], so that the two do not meet.
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
        // Left behind it is swept away by another process.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether the process of this name is gone. To be asked about owners of submits, whose lock was taken before the submit was
/// written down, or within a writing transaction.
pub(super) fn is_dead(store: &Path, name: &str) -> bool {
    let path = store.join(FOLDER).join(name);
    match open_file(&path) {
        // Shared, so that two who ask at once do not take each other for the owner. An error that is none about the lock says
        // nothing: then it is taken to live.
        Ok(file) => file.try_lock_shared().is_ok(),
        // What is not an ordinary file says nothing either.
        Err(_) => path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound),
    }
}

/// Takes away the files of dead processes. To be called within a writing transaction.
pub(super) fn sweep(store: &Path) {
    let files = fs::read_dir(store.join(FOLDER)).into_iter().flatten().flatten();
    for file in files {
        if file.file_name().to_str().is_some_and(|name| is_dead(store, name)) {
            let _ = fs::remove_file(file.path());
        }
    }
}
