//! Words workflow tests.

use anstyle::AnsiColor;
use runninghub::{Sentence, Untrusted, say};

use super::text;
use crate::{
    event::{DiffLine, LiveTest, LiveTests, PictureTest, PictureVerdict, Test, TestVerdict, Tests},
    lang::word,
    printer::{Detail, Printer},
};

/// Durations within this factor of each other, or this many seconds, aren't mentioned: machines vary.
const FACTOR: f64 = 2.0;
const SECONDS: f64 = 10.0;

/// The recording, and its problem.
pub(super) fn test(test: &Test) -> Vec<String> {
    let recording = &Untrusted::from(test.recording.as_str());
    let mut lines = vec![match (&test.message, test.verdict) {
        (Some(message), _) => word(&say!("❌ {recording}: {message}", recording, message)),
        (None, TestVerdict::Accepted) => word(&say!("💾 {recording}: snapshot written", recording)),
        (None, _) => format!("✅ {recording}"),
    }];
    let printer = Printer::new(Detail::Normal);
    lines.extend(test.diff.iter().map(|line| match line {
        DiffLine::Gap => "     …".to_owned(),
        DiffLine::Same(text) => format!("     {text}").trim_end().to_owned(),
        DiffLine::Removed(text) => printer.paint(AnsiColor::Red.on_default(), &format!("   - {text}")),
        DiffLine::Added(text) => printer.paint(AnsiColor::Green.on_default(), &format!("   + {text}")),
    }));
    lines.extend(test.live.iter().flat_map(run).map(|fact| format!("   {}", word(&fact))));
    lines.extend(test.hint.iter().map(|hint| word(&say!("   hint: {hint}", hint))));
    lines
}

/// Remarks about the new run.
fn run(live: &LiveTest) -> Vec<Sentence> {
    let mut facts: Vec<Sentence> = live.pictures.iter().filter_map(picture).collect();
    if let (Some(took), Some(before)) = (live.took_s, live.recorded_s)
        && (took - before).abs() > SECONDS
        && !(1.0 / FACTOR..=FACTOR).contains(&(took / before))
    {
        let (took, before) = (seconds(took), seconds(before));
        facts.push(say!("it took {took} s; the recorded run took {before} s", took, before));
    }
    facts
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.1}")
}

/// An image that differs from the expected one.
fn picture(picture: &PictureTest) -> Option<Sentence> {
    let name = &*picture.name;
    Some(match (picture.verdict, picture.similarity) {
        (PictureVerdict::Passed, _) => return None,
        (PictureVerdict::Changed, Some(similarity)) => {
            let similarity = format!("{similarity:.3}");
            say!("image {name} differs: its similarity is {similarity}", name, similarity)
        }
        (PictureVerdict::Changed, None) => say!("image {name} differs", name),
        (PictureVerdict::Missing, _) => say!("image {name} is missing", name),
        (PictureVerdict::New, _) => say!("image {name} is not expected", name),
    })
}

/// The runs to repeat, and their estimated cost.
pub(super) fn live(live: &LiveTests) -> Vec<Sentence> {
    let url = &*live.base_url;
    let Some(key) = &live.key else {
        return vec![match live.runs {
            1 => say!("1 run on {url}", url),
            runs => say!("{runs} runs on {url}", runs, url),
        }];
    };
    let cost = live.cost.as_ref().and_then(text::cost);
    vec![
        match live.runs {
            1 => say!("1 run on {url}, charged to {key}", url, key),
            runs => say!("{runs} runs on {url}, charged to {key}", runs, url, key),
        },
        match (cost, live.runs.saturating_sub(live.known)) {
            (Some(cost), 0) => say!("the recorded runs cost {cost}", cost),
            (Some(cost), unknown) => {
                say!("the recorded runs cost {cost}; the cost of {count} is unknown", cost, count = unknown)
            }
            (None, 0) => say!("the recorded runs cost nothing"),
            (None, _) => say!("the cost of the recorded runs is unknown"),
        },
    ]
}

/// The number of tests that passed.
pub(super) fn tests(tests: &Tests) -> Sentence {
    match *tests {
        Tests { passed, accepted: 0, failed: 0 } => say!("{passed} passed", passed),
        Tests { passed, accepted: 0, failed } => say!("{passed} passed, {failed} failed", passed, failed),
        Tests { passed, accepted, failed: 0 } => {
            say!("{passed} passed, {accepted} written", passed, accepted)
        }
        Tests { passed, accepted, failed } => {
            say!("{passed} passed, {accepted} written, {failed} failed", passed, accepted, failed)
        }
    }
}
