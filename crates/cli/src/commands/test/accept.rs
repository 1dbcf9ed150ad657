//! Accepts a new run: it replaces the recording, its snapshot, and the expected images.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use runninghub::{net::copy_file, say, sentence_of};

use super::{
    check::{Fault, check},
    folder::earlier,
    live::RECORDING,
    pictures,
};
use crate::{
    event::{Test, TestVerdict},
    exit::{Error, Exit},
};

/// Accepts the runs of an earlier report. Nothing runs.
///
/// # Errors
/// Usage, if there is no report; the disk.
pub(super) fn from_report(
    report: &Path,
    folders: BTreeSet<PathBuf>,
    with_pictures: bool,
) -> Result<Vec<Test>, Error> {
    let runs = earlier(report)?;
    let accepted = folders.into_iter().map(|folder| {
        if let Some(run) = runs.get(&folder.display().to_string()) {
            return accept(&folder, run, with_pictures);
        }
        let fault = Fault::new(say!("the report has no run of this recording"));
        Ok(Test::new(&folder).failed(TestVerdict::Missing, fault))
    });
    accepted.collect()
}

/// Replaces a recording with that of a new run, and writes its snapshot. Expected images are written if requested, or
/// if there already are some.
///
/// # Errors
/// Usage, if the settings are wrong; the disk.
pub(super) fn accept(folder: &Path, run: &Path, with_pictures: bool) -> Result<Test, Error> {
    let recording = run.join(RECORDING);
    let mut test = check(folder, &recording, true)?;
    if test.verdict == TestVerdict::Broken {
        return Ok(test);
    }
    replace(folder, &recording).map_err(|(path, why)| {
        Error::new(Exit::Store, say!("cannot write {path}: {why}", path = path.display(), why))
    })?;
    if with_pictures || !pictures::expected(folder).is_empty() {
        pictures::accept(&pictures::in_folder(&run.join(pictures::FOUND)), folder)?;
    }
    test.verdict = TestVerdict::Accepted;
    Ok(test)
}

/// Replaces the files of a recording with those of another one.
fn replace(folder: &Path, recording: &Path) -> Result<(), (PathBuf, String)> {
    let names = |folder: &Path| {
        let read = || -> io::Result<BTreeSet<String>> {
            let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
            let files =
                entries.into_iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
            Ok(files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
        };
        read().map_err(|why| (folder.to_owned(), why.to_string()))
    };
    let new = names(recording)?;
    for name in &new {
        let to = folder.join(name);
        copy_file(&recording.join(name), &to).map_err(|error| (to, sentence_of(&error).to_string()))?;
    }
    for name in names(folder)?.difference(&new).filter(|name| is_of_recording(name)) {
        let path = folder.join(name);
        fs::remove_file(&path).map_err(|why| (path, why.to_string()))?;
    }
    Ok(())
}

/// Whether only a recorder writes files of this name.
fn is_of_recording(name: &str) -> bool {
    let is = |start: &str, end: &str| name.starts_with(start) && name.ends_with(end);
    is("ws-", ".jsonl") || is("workflow", ".json") || is("history", ".json") || name == "object_info.json"
}
