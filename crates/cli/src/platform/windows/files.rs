//! Permissions of files. A file in a user's folder is for this user only, by the folder's access list.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

use runninghub::Sentence;

/// A file that is created has the access list of its folder.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// The access list isn't read.
///
/// # Errors
/// Never on this system.
#[expect(clippy::unnecessary_wraps, reason = "it fails on other systems")]
pub(crate) fn is_open_to_others(_: &File, _: &Path) -> io::Result<Option<(String, Sentence)>> {
    Ok(None)
}
