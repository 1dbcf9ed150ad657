//! Words tests of workflows.

use anstyle::AnsiColor;
use runninghub::{Sentence, Untrusted, say};

use crate::{
    event::{DiffLine, Test, TestVerdict, Tests},
    lang::word,
    printer::{Detail, Printer},
};

/// The recording, and what is wrong with it.
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
    lines.extend(test.hint.iter().map(|hint| word(&say!("   hint: {hint}", hint))));
    lines
}

/// How many passed.
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
