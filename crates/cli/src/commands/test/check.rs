//! One recording and its snapshot.

use std::{collections::HashSet, io, path::Path};

use runninghub::{
    Sentence, say, sentence_of,
    testing::{TEXT_FORMAT, Timeline, timeline},
    transport::{ErrorKind, Recording, SNAPSHOT},
};

use super::{diff, settings::Settings};
use crate::{
    event::{Test, TestVerdict},
    exit::Error,
    input, secrets,
};

/// Compares a recording with its snapshot, or writes the snapshot.
///
/// # Errors
/// Usage, if the settings are wrong; the disk. What is wrong with the recording is in the test.
pub(super) fn check(folder: &Path, accept: bool) -> Result<Test, Error> {
    let settings = Settings::of(folder)?;
    let mut test = Test {
        recording: folder.display().to_string(),
        verdict: TestVerdict::Passed,
        message: None,
        hint: None,
        differences: Vec::new(),
        diff: Vec::new(),
    };
    let found = match read(folder) {
        Ok(timeline) => settings.apply(timeline),
        Err(fault) => return Ok(test.failed(TestVerdict::Broken, fault)),
    };
    let (text, path) = (found.to_string(), folder.join(SNAPSHOT));
    let expected = match snapshot(&path) {
        Ok(expected) => expected,
        Err(fault) if !accept => return Ok(test.failed(TestVerdict::Broken, fault)),
        // It is replaced.
        Err(_) => Some(String::new()),
    };
    if expected.as_ref() == Some(&text) {
        return Ok(test);
    }
    if accept {
        super::write(&path, &text)?;
        test.verdict = TestVerdict::Accepted;
        return Ok(test);
    }
    let Some(expected) = expected else {
        let fault = Fault::new(say!("there is no snapshot yet"))
            .hint(say!("read what `rhub replay` shows, then write it with `--accept`"));
        return Ok(test.failed(TestVerdict::Missing, fault));
    };
    (test.differences, test.diff) = diff::compare(&expected, &text);
    let what = match test.differences.len() {
        _ if are_strangers(&expected, &text) => say!("the snapshot is of another workflow"),
        1 => say!("the run differs from its snapshot in one line"),
        count => say!("the run differs from its snapshot in {count} lines", count),
    };
    let fault = Fault::new(what).hint(say!("if the change is wanted, write it with `--accept`"));
    Ok(test.failed(TestVerdict::Changed, fault))
}

/// Why a recording or a snapshot can't be used.
struct Fault {
    what: Sentence,
    hint: Option<Sentence>,
}

impl Fault {
    fn new(what: Sentence) -> Self {
        Self { what: what.map(&secrets::clean), hint: None }
    }

    fn hint(self, hint: Sentence) -> Self {
        Self { hint: Some(hint), ..self }
    }
}

impl Test {
    fn failed(self, verdict: TestVerdict, fault: Fault) -> Self {
        Self { verdict, message: Some(fault.what), hint: fault.hint, ..self }
    }
}

/// The timeline of a recording that has a run with an end.
fn read(folder: &Path) -> Result<Timeline, Fault> {
    let record_it = || say!("record it again with `rhub run … --record DIR`");
    let recording = Recording::open(folder).map_err(|error| {
        let fault = Fault::new(sentence_of(&error));
        let is_newer = matches!(error.kind(), ErrorKind::TapeVersion { .. });
        fault.hint(if is_newer { say!("update rhub") } else { record_it() })
    })?;
    let is_of_nothing = recording.prompts().is_empty() && recording.task_id().is_none();
    let never_run =
        || Fault::new(say!("the recording has no run: the workflow was never started")).hint(record_it());
    let found = timeline(&recording).map_err(|error| {
        if is_of_nothing { never_run() } else { Fault::new(sentence_of(&error)).hint(record_it()) }
    })?;
    let has_begun = found.runs.iter().any(|run| run.end.is_final() || run.done > 0 || !run.nodes.is_empty());
    if !has_begun {
        return Err(never_run());
    }
    if !found.is_complete() {
        return Err(Fault::new(say!("the recording stops before the end of the run")).hint(record_it()));
    }
    Ok(found)
}

/// The text of a snapshot; `None` if there is no such file.
fn snapshot(path: &Path) -> Result<Option<String>, Fault> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(Fault::new(say!("cannot read {path}: {why}", path = path.display(), why))),
    };
    let cannot = |why: Sentence| Fault::new(say!("cannot read {path}: {why}", path = path.display(), why));
    // Git may have written it with the line ends of Windows.
    let text = input::text(&bytes).map_err(cannot)?.replace("\r\n", "\n");
    let first = text.lines().next().unwrap_or_default();
    if first == TEXT_FORMAT {
        return Ok(Some(text));
    }
    let family = TEXT_FORMAT.trim_end_matches(|c: char| c.is_ascii_digit());
    Err(if first.starts_with(family) {
        Fault::new(say!("the snapshot was written by a newer version of rhub"))
            .hint(say!("update rhub, or write the snapshot anew with `--accept`"))
    } else {
        Fault::new(say!("{file} is not a snapshot", file = SNAPSHOT))
            .hint(say!("write it anew with `--accept`"))
    })
}

/// Whether two timelines have no node in common.
fn are_strangers(expected: &str, found: &str) -> bool {
    let (expected, found) = (nodes(expected), nodes(found));
    !expected.is_empty() && !found.is_empty() && expected.is_disjoint(&found)
}

/// The nodes of a timeline: ids and titles with classes.
fn nodes(text: &str) -> HashSet<&str> {
    text.lines()
        .filter(|line| line.starts_with("  ["))
        .filter_map(|line| Some(line.rsplit_once(": ")?.0))
        .collect()
}
