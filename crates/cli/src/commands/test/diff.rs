//! The difference between two texts.

use similar::{ChangeTag, DiffOp, TextDiff};

use crate::event::{DiffLine, Difference};

/// Lines around a change.
const CONTEXT: usize = 2;

/// Each line that differs, and the same as a diff.
pub(super) fn compare(expected: &str, found: &str) -> (Vec<Difference>, Vec<DiffLine>) {
    let diff = TextDiff::from_lines(expected, found);
    let differences = diff.ops().iter().flat_map(|op| differences(&diff, op)).collect();
    let mut lines = Vec::new();
    for (number, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if number > 0 {
            lines.push(DiffLine::Gap);
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let text = change.value().trim_end_matches('\n').to_owned();
            lines.push(match change.tag() {
                ChangeTag::Equal => DiffLine::Same(text),
                ChangeTag::Delete => DiffLine::Removed(text),
                ChangeTag::Insert => DiffLine::Added(text),
            });
        }
    }
    (differences, lines)
}

/// The lines of a change, paired: a line that was replaced is one difference.
fn differences(diff: &TextDiff<'_, '_, '_, str>, op: &DiffOp) -> Vec<Difference> {
    let (mut expected, mut found) = (Vec::new(), Vec::new());
    for change in diff.iter_changes(op) {
        let text = change.value().trim().to_owned();
        match change.tag() {
            ChangeTag::Equal => {}
            ChangeTag::Delete => expected.push(text),
            ChangeTag::Insert => found.push(text),
        }
    }
    let count = expected.len().max(found.len());
    (0..count)
        .map(|at| Difference { expected: expected.get(at).cloned(), found: found.get(at).cloned() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_line_is_one_difference_and_has_the_lines_around_it() {
        let (differences, lines) = compare("a\nb\nc\nd\ne\nf\n", "a\nb\nc\nx\ne\nf\ng\n");
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            differences,
            [
                Difference { expected: text("d"), found: text("x") },
                Difference { expected: None, found: text("g") }
            ]
        );
        let same = |text: &str| DiffLine::Same(text.to_owned());
        let expected = [
            same("b"),
            same("c"),
            DiffLine::Removed("d".to_owned()),
            DiffLine::Added("x".to_owned()),
            same("e"),
            same("f"),
            DiffLine::Added("g".to_owned()),
        ];
        assert_eq!(lines, expected);
    }
}
