//! The folders of a case.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// A separate folder for everything that a command may write.
pub(crate) struct Places {
    root: TempDir,
}

impl Places {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        for name in ["home", "state"] {
            fs::create_dir(root.path().join(name)).expect("a folder");
        }
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.root().join("out")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.root().join("log")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root().join("state")
    }

    /// Every file below a folder, with its bytes; other kinds of files have none.
    pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        visit(folder, &mut found).expect("a readable folder");
        found.sort();
        found
    }
}

fn visit(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(());
        }
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            visit(&entry.path(), found)?;
        } else {
            let bytes = if kind.is_file() { fs::read(entry.path())? } else { Vec::new() };
            found.push((entry.path(), bytes));
        }
    }
    Ok(())
}
