//! Where a benchmark writes.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

/// A temporary folder, in memory if the system supports that.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Result<Self> {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
        let path = parent.join(format!("rhub-bench-{name}-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn empty(&self) -> Result<()> {
        fs::remove_dir_all(&self.0)?;
        Ok(fs::create_dir(&self.0)?)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}
