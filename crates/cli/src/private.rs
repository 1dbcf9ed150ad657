//! Files with secrets: readable only by their owner, and written atomically.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::Path,
};

use runninghub::{Sentence, net::sync_folder, say};
use tempfile::NamedTempFile;

use crate::{
    exit::{Error, Exit},
    platform::is_open_to_others,
};

/// Reads a file that only its owner can read, up to `limit` bytes; `None` if it doesn't exist.
///
/// # Errors
/// Usage, if it cannot be read or other users can read it. `what` names it, such as `the API key file ~/key`.
pub(crate) fn read(path: &Path, what: &Sentence, limit: u64) -> Result<Option<String>, Error> {
    let cannot = |why: io::Error| Error::usage(say!("cannot read {what}: {why}", what, why));
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(error)),
    };
    // Check the open file: the path could be replaced in between.
    if let Some((mode, cure)) = is_open_to_others(&file, path).map_err(cannot)? {
        return Err(Error::usage(say!("{what} is readable by others (mode {mode})", what, mode)).hint(cure));
    }
    let mut text = String::new();
    file.take(limit).read_to_string(&mut text).map_err(cannot)?;
    Ok(Some(text))
}

/// Writes a file that only its owner can read, and creates its folder.
///
/// # Errors
/// [`Exit::Store`] for the disk; the previous content is then unchanged.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    // Keep a symbolic link: users link to a configuration stored elsewhere.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        // Created with mode 0600.
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&target)?;
        sync_folder(folder)
    };
    write().map_err(|why| {
        let path = path.display();
        Error::new(Exit::Store, say!("cannot write {path}: {why}", path, why))
    })
}
