//! The folder of a report: recording and images of each new run, a list, and a page.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use runninghub::{
    net::{numbered, sanitize},
    say,
};
use serde::{Deserialize, Serialize};

use super::{page, write};
use crate::{
    event::Test,
    exit::{Error, Exit},
    input,
};

/// The list of a report. A folder with this file isn't searched for recordings, since those in it have no snapshots.
pub(super) const LIST: &str = "rhub-report.json";
/// The page.
const PAGE: &str = "index.html";
/// The default folder.
pub(super) const DEFAULT: &str = "rhub-report";
/// Name and version of the list.
const SCHEMA: &str = "rhub.report/1";
/// Maximum number of runs with the same name that a report keeps.
const MOST: usize = 10_000;

/// A report.
#[derive(Debug)]
pub(super) struct Report {
    dir: PathBuf,
    tests: Vec<Test>,
}

/// The list in its file format.
#[derive(Serialize)]
struct List<'a> {
    schema: &'static str,
    tests: &'a [Test],
}

/// The parts of an earlier report's list that are used.
#[derive(Deserialize)]
struct Earlier {
    schema: String,
    tests: Vec<EarlierTest>,
}

#[derive(Deserialize)]
struct EarlierTest {
    recording: String,
    live: Option<EarlierRun>,
}

#[derive(Deserialize)]
struct EarlierRun {
    folder: String,
}

impl Report {
    /// Begins a report. Runs of earlier reports in the same folder stay; its list and page describe the latest report.
    ///
    /// # Errors
    /// Usage, if the folder holds something else; the disk.
    pub(super) fn begin(dir: &Path, tests: Vec<Test>) -> Result<Self, Error> {
        let cannot = |why: io::Error| {
            Error::new(
                Exit::Store,
                say!("cannot write to the folder {path}: {why}", path = dir.display(), why),
            )
        };
        fs::create_dir_all(dir).map_err(cannot)?;
        let is_empty = fs::read_dir(dir).map_err(cannot)?.next().is_none();
        let has_earlier = dir.join(LIST).exists();
        if !is_empty && !has_earlier {
            return Err(Error::usage(say!(
                "{path} is not empty, and has no earlier report",
                path = dir.display()
            ))
            .hint(say!("choose another folder with `--report DIR`")));
        }
        let report = Self { dir: dir.to_owned(), tests };
        // An earlier report stays until there is something to report.
        if !has_earlier {
            report.write()?;
        }
        Ok(report)
    }

    /// A new folder for a run, and its path in the report.
    ///
    /// # Errors
    /// If it can't be written.
    pub(super) fn folder(&self, recording: &Path) -> Result<(PathBuf, String), Error> {
        let name = recording.to_string_lossy().replace(['/', '\\'], "-");
        let name = sanitize(name.trim_matches(['.', '-']));
        let mut failure = io::Error::from(io::ErrorKind::AlreadyExists);
        for number in 1..=MOST {
            let name = numbered(&name.replace('.', "-"), number);
            match fs::create_dir(self.dir.join(&name)) {
                Ok(()) => return Ok((self.dir.join(&name), name)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    failure = error;
                    break;
                }
            }
        }
        let (path, why) = (self.dir.display(), failure);
        Err(Error::new(Exit::Store, say!("cannot write to the folder {path}: {why}", path, why)))
    }

    /// Adds a test, and rewrites the list and the page.
    ///
    /// # Errors
    /// If they can't be written.
    pub(super) fn add(&mut self, test: Test) -> Result<(), Error> {
        self.tests.push(test);
        self.write()
    }

    /// The page.
    pub(super) fn page(&self) -> PathBuf {
        self.dir.join(PAGE)
    }

    fn write(&self) -> Result<(), Error> {
        let list = List { schema: SCHEMA, tests: &self.tests };
        let list = serde_json::to_string_pretty(&list).unwrap_or_default();
        write(&self.dir.join(LIST), &format!("{list}\n"))?;
        write(&self.page(), &page::page(&self.tests))
    }
}

/// The folders of the runs of an earlier report, by the names of their recordings.
///
/// # Errors
/// Usage, if there is no report.
pub(super) fn earlier(dir: &Path) -> Result<HashMap<String, PathBuf>, Error> {
    let path = dir.join(LIST);
    let cannot = |why| {
        Error::usage(say!("cannot read {path}: {why}", path = path.display(), why))
            .hint(say!("`rhub test --live` writes a report"))
    };
    let text = input::read(&path).map_err(cannot)?;
    let list: Earlier = serde_json::from_str(&text).map_err(|_| cannot(say!("it is not a report")))?;
    if list.schema != SCHEMA {
        return Err(cannot(say!("it was written by a newer version of rhub")));
    }
    let runs = list.tests.into_iter().filter_map(|test| Some((test.recording, test.live?.folder)));
    // A name from a file must not be a path.
    Ok(runs.map(|(recording, folder)| (recording, dir.join(sanitize(&folder)))).collect())
}
