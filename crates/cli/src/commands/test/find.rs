//! Finds recordings.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use runninghub::{say, transport::SNAPSHOT};

use super::folder::LIST;
use crate::exit::Error;

/// Deeper folders are not searched: recordings are unlikely there, and links could form a cycle.
const DEPTH: usize = 32;

/// The folders with a recording at or below the paths, in order. Folders whose names begin with a dot are left out.
///
/// # Errors
/// Usage, if a path can't be read, or there is no recording.
pub(super) fn recordings(paths: &[PathBuf]) -> Result<BTreeSet<PathBuf>, Error> {
    let mut found = BTreeSet::new();
    for path in paths {
        let before = found.len();
        search(path, DEPTH, &mut found).map_err(|why| {
            Error::usage(say!("cannot read {path}: {why}", path = path.display(), why))
                .hint(say!("`rhub test` takes folders"))
        })?;
        if found.len() == before && !found.iter().any(|one| one.starts_with(path)) {
            return Err(Error::usage(say!("there is no recording in {path}", path = path.display()))
                .hint(say!("`rhub run … --record DIR` records a run")));
        }
    }
    Ok(found)
}

fn search(folder: &Path, depth: usize, found: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    let (mut names, mut below) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        match entry.file_type()? {
            kind if kind.is_dir() && !name.starts_with('.') => below.push(entry.path()),
            kind if kind.is_file() => names.push(name),
            _ => {}
        }
    }
    // The runs of a report have recordings without snapshots.
    if names.iter().any(|name| name == LIST) {
        return Ok(());
    }
    if is_recording(&names) {
        let short = folder.strip_prefix(".").ok().filter(|rest| !rest.as_os_str().is_empty());
        found.insert(short.unwrap_or(folder).to_owned());
        return Ok(());
    }
    for folder in below.iter().filter(|_| depth > 0) {
        // A folder that can't be read belongs to another user.
        _ = search(folder, depth - 1, found);
    }
    Ok(())
}

/// Whether a folder with these files has a recording, or the snapshot of one.
fn is_recording(names: &[String]) -> bool {
    let is_tape =
        |name: &str| name.strip_prefix("ws-").is_some_and(|rest| rest.strip_suffix(".jsonl").is_some());
    let has = |name: &str| names.iter().any(|one| one == name);
    has(SNAPSHOT) || names.iter().any(|name| is_tape(name)) || (has("meta.json") && has("http.jsonl"))
}
