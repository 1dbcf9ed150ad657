//! Folders and files.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// All entries of a folder, sorted by name.
///
/// # Errors
/// If the folder cannot be read.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = folder.read_dir().with_context(|| folder.display().to_string())?;
    let mut paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

/// The subfolders of a folder, sorted by name.
///
/// # Errors
/// As [`entries`].
pub(crate) fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = entries(folder)?;
    paths.retain(|path| path.is_dir());
    Ok(paths)
}

/// All files below a folder, except in folders named in `skip`.
///
/// # Errors
/// As [`entries`].
pub(crate) fn walk(folder: &Path, skip: &[&str]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            if !skip.contains(&name(&path)) {
                files.extend(walk(&path, skip)?);
            }
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

/// The last component of a path.
pub(crate) fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}
