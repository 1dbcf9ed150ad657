//! One recording and its snapshot.

use std::{
    collections::{BTreeMap, HashSet},
    io, mem,
    path::Path,
};

use runninghub::{
    Sentence, say, sentence_of,
    testing::{TEXT_FORMAT, Timeline, timeline},
    transport::{ErrorKind, Recording, SNAPSHOT},
};

use super::{diff, settings::Settings};
use crate::{
    event::{DiffLine, Difference, Test, TestVerdict},
    exit::Error,
    input, secrets,
};

/// Compares a run with the snapshot in the folder of a recording, or writes the snapshot. `run` is the recording of the
/// run: the same folder, or that of a new run.
///
/// # Errors
/// Usage, if the settings are wrong; the disk. Problems of the recording are reported in the test.
pub(super) fn check(folder: &Path, run: &Path, accept: bool) -> Result<Test, Error> {
    let settings = Settings::of(folder)?;
    let mut test = Test::new(folder);
    let whole = match read(run) {
        Ok(timeline) => timeline,
        Err(fault) => return Ok(test.failed(TestVerdict::Broken, fault)),
    };
    if settings.measures() && lacks_measures(&whole) {
        let fault = Fault::new(say!("the recording has no dimensions and digests of results"))
            .hint(say!("record it again with `rhub run … --record DIR --out DIR`"));
        return Ok(test.failed(TestVerdict::Broken, fault));
    }
    let found = settings.apply(whole.clone());
    let (text, path) = (found.to_string(), folder.join(SNAPSHOT));
    let expected = match snapshot(&path) {
        Ok(expected) => expected,
        Err(fault) if !accept => return Ok(test.failed(TestVerdict::Broken, fault)),
        // It is replaced.
        Err(_) => Some(String::new()),
    };
    // Recorded or not, an image of another size is a different result.
    let resized = match settings.has_dimensions() {
        None if run != folder && !accept => read(folder).map(|before| resized(&before, &whole)),
        _ => Ok(Vec::new()),
    };
    let resized = resized.unwrap_or_default();
    if expected.as_ref() == Some(&text) && resized.is_empty() {
        return Ok(test);
    }
    if accept {
        super::write(&path, &text)?;
        test.verdict = TestVerdict::Accepted;
        return Ok(test);
    }
    let Some(expected) = expected else {
        let fault = Fault::new(say!("there is no snapshot yet"))
            .hint(say!("check the output of `rhub replay`, then write it with `--accept`"));
        return Ok(test.failed(TestVerdict::Missing, fault));
    };
    (test.differences, test.diff) = diff::compare(&expected, &text);
    for Difference { expected, found } in &resized {
        let line = |text: &Option<String>| format!("  {}", text.as_deref().unwrap_or_default());
        test.diff.extend([DiffLine::Removed(line(expected)), DiffLine::Added(line(found))]);
    }
    test.differences.extend(resized);
    let what = match test.differences.len() {
        _ if are_strangers(&expected, &text) => say!("the snapshot is of another workflow"),
        1 => say!("the run differs from its snapshot in one line"),
        count => say!("the run differs from its snapshot in {count} lines", count),
    };
    let fault = Fault::new(what).hint(say!("if the change is intended, write it with `--accept`"));
    Ok(test.failed(TestVerdict::Changed, fault))
}

/// Whether a run has results that aren't measured.
fn lacks_measures(timeline: &Timeline) -> bool {
    let mut outputs = timeline.runs.iter().flat_map(|run| &run.outputs);
    outputs.any(|output| output.files.len() < output.count)
}

/// The results whose dimensions have changed, where both recordings have them.
fn resized(before: &Timeline, after: &Timeline) -> Vec<Difference> {
    let sizes = |timeline: &Timeline| {
        let outputs =
            timeline.clone().without_digests().without_texts().runs.into_iter().flat_map(|run| run.outputs);
        let all = outputs.map(|mut output| {
            let sizes: Vec<_> = mem::take(&mut output.files).iter().map(ToString::to_string).collect();
            (output.to_string(), sizes)
        });
        all.collect::<BTreeMap<_, _>>()
    };
    let (before, after) = (sizes(before), sizes(after));
    let changed = before.iter().filter_map(|(name, old)| {
        let new = after.get(name).filter(|new| new.len() == old.len() && *new != old)?;
        let line = |sizes: &[String]| Some(format!("{name}: {}", sizes.join(", ")));
        Some(Difference { expected: line(old), found: line(new) })
    });
    changed.collect()
}

/// Why a recording or a snapshot can't be used.
#[derive(Debug)]
pub(super) struct Fault {
    what: Sentence,
    hint: Option<Sentence>,
}

impl Fault {
    pub(super) fn new(what: Sentence) -> Self {
        Self { what: what.map(&secrets::clean), hint: None }
    }

    pub(super) fn hint(self, hint: Sentence) -> Self {
        Self { hint: Some(hint), ..self }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self { what: error.message, hint: error.hint.map(|hint| *hint) }
    }
}

impl Test {
    /// A test that passes.
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            recording: folder.display().to_string(),
            verdict: TestVerdict::Passed,
            message: None,
            hint: None,
            differences: Vec::new(),
            live: None,
            diff: Vec::new(),
        }
    }

    pub(super) fn failed(self, verdict: TestVerdict, fault: Fault) -> Self {
        Self { verdict, message: Some(fault.what), hint: fault.hint, ..self }
    }
}

/// The timeline of a recording that has a run with an end.
pub(super) fn read(folder: &Path) -> Result<Timeline, Fault> {
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
    // Git may have written it with Windows line endings.
    let text = input::text(&bytes).map_err(cannot)?.replace("\r\n", "\n");
    let first = text.lines().next().unwrap_or_default();
    if first == TEXT_FORMAT {
        return Ok(Some(text));
    }
    let family = TEXT_FORMAT.trim_end_matches(|c: char| c.is_ascii_digit());
    Err(if first.starts_with(family) {
        Fault::new(say!("the snapshot was written by a newer version of rhub"))
            .hint(say!("update rhub, or rewrite the snapshot with `--accept`"))
    } else {
        Fault::new(say!("{file} is not a snapshot", file = SNAPSHOT)).hint(say!("rewrite it with `--accept`"))
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
