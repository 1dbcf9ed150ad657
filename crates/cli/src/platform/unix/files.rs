//! Permissions of files.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use runninghub::{Sentence, say};

/// A file that is created is for its owner only.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// The mode of an open file that other users can read, and the command that forbids it; `None` if they can't.
///
/// # Errors
/// If the file's permissions cannot be read.
pub(crate) fn is_open_to_others(file: &File, path: &Path) -> io::Result<Option<(String, Sentence)>> {
    let mode = file.metadata()?.permissions().mode();
    let cure = || say!("make it private: `chmod 600 {path}`", path = path.display());
    Ok((mode & 0o077 != 0).then(|| (format!("{:03o}", mode & 0o777), cure())))
}
