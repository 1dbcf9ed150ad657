//! Messages with placeholders, and how a message is recognized.

use std::borrow::Cow;

/// A message in both languages.
#[derive(Debug)]
pub(super) struct Row {
    from: Vec<Part>,
    to: Vec<Part>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Text(String),
    Place(Place),
}

/// A placeholder.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// `{}`: copied as it is.
    As,
    /// `{~}`: translated as a message.
    Told,
    /// `{#}`: a number, without its ordinal suffix.
    Number,
}

/// A deeper nesting isn't a message of this program but interpolated text.
const MAX_DEPTH: usize = 6;

/// Reads a table: two lines for each row, blank lines between rows, comments with `#`.
pub(super) fn rows(table: &str) -> Vec<Row> {
    let mut lines = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    std::iter::from_fn(|| Some(Row { from: parts(lines.next()?), to: parts(lines.next()?) })).collect()
}

fn parts(line: &str) -> Vec<Part> {
    let line = line.replace("\\n", "\n");
    let mut parts = Vec::new();
    let mut rest = line.as_str();
    let places = [("{}", Place::As), ("{~}", Place::Told), ("{#}", Place::Number)];
    while let Some((at, mark, place)) = places
        .iter()
        .filter_map(|(mark, place)| Some((rest.find(mark)?, mark, *place)))
        .min_by_key(|found| found.0)
    {
        let (text, tail) = rest.split_at(at);
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        parts.push(Part::Place(place));
        rest = tail.strip_prefix(mark).unwrap_or_default();
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    parts
}

/// Translates by the row that fits best: one that begins with text of its own, and has the most of it. If none fits
/// the whole message, translates a chain of causes one by one, and a list if all its parts are known.
pub(super) fn translate<'t>(rows: &[Row], text: &'t str) -> Cow<'t, str> {
    told(rows, text, MAX_DEPTH).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn told(rows: &[Row], text: &str, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    if let Some(told) = whole(rows, text, depth) {
        return Some(told);
    }
    // A message may contain these separators: the longest known prefix is the first of the chain.
    let marks = [(": ", '：'), ("; ", '；')];
    let mut joints: Vec<_> =
        marks.iter().flat_map(|mark| text.match_indices(mark.0).map(move |(at, _)| (at, *mark))).collect();
    joints.sort_unstable();
    let part = |(at, (mark, chinese)): (usize, (&str, char))| {
        Some((text.get(..at)?, chinese, text.get(at + mark.len()..)?))
    };
    for (first, chinese, rest) in joints.iter().rev().filter_map(|joint| part(*joint)) {
        if let Some(first) = whole(rows, first, depth) {
            let rest = told(rows, rest, depth).map_or(Cow::Borrowed(rest), Cow::Owned);
            return Some(format!("{first}{chinese}{rest}"));
        }
    }
    if let Some((first, chinese, rest)) = joints.first().and_then(|joint| part(*joint)) {
        return told(rows, rest, depth).map(|rest| format!("{first}{chinese}{rest}"));
    }
    let (first, rest) = text.split_once(", ")?;
    Some(format!("{}，{}", told(rows, first, depth)?, told(rows, rest, depth)?))
}

/// Translates by a single row.
fn whole(rows: &[Row], text: &str, depth: usize) -> Option<String> {
    let fitting = rows.iter().filter(|row| captures(&row.from, text).is_some());
    fitting.max_by_key(|row| row.own()).and_then(|row| row.apply(rows, text, depth))
}

impl Row {
    fn apply(&self, rows: &[Row], text: &str, depth: usize) -> Option<String> {
        let mut found = captures(&self.from, text)?.into_iter();
        let mut out = String::new();
        for part in &self.to {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Place(place) => {
                    let put_in = found.next()?;
                    match place {
                        Place::As => out.push_str(put_in),
                        Place::Number => {
                            out.extend(put_in.chars().filter(|c| c.is_ascii_digit() || *c == '.'));
                        }
                        Place::Told => {
                            let message = put_in.trim_start();
                            let (indent, _) = put_in.split_at(put_in.len() - message.len());
                            out.push_str(indent);
                            out.push_str(told(rows, message, depth).as_deref().unwrap_or(message));
                        }
                    }
                }
            }
        }
        Some(out)
    }

    /// How much literal text a row has: whether it begins with it, and its total bytes.
    fn own(&self) -> (bool, usize) {
        let text = |part: &Part| if let Part::Text(text) = part { text.len() } else { 0 };
        (self.from.first().is_some_and(|part| text(part) > 0), self.from.iter().map(text).sum())
    }

    /// Whether the text is an instance of this message.
    #[cfg(test)]
    pub(super) fn is_of(&self, text: &str) -> bool {
        self.from == [Part::Text(text.to_owned())]
    }

    /// The longest text between placeholders.
    #[cfg(test)]
    pub(super) fn longest(&self) -> &str {
        let texts = self.from.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Place(_) => None,
        });
        texts.max_by_key(|text| text.len()).unwrap_or_default()
    }
}

/// The values of the placeholders, if the text matches. A placeholder takes as little as it can, the last one the
/// rest.
fn captures<'t>(parts: &[Part], text: &'t str) -> Option<Vec<&'t str>> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut open = None;
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Place(place) => open = Some(*place),
            Part::Text(text) => {
                let at = match open {
                    None => 0,
                    Some(_) if index + 1 == parts.len() => rest.len().checked_sub(text.len())?,
                    Some(_) => rest.find(text.as_str())?,
                };
                let (put_in, tail) = rest.split_at_checked(at)?;
                found.extend(open.take().map(|place| (place, put_in)));
                rest = tail.strip_prefix(text.as_str())?;
            }
        }
    }
    if let Some(place) = open {
        found.push((place, std::mem::take(&mut rest)));
    }
    let fits = |&(place, put_in): &(Place, &str)| match place {
        Place::As | Place::Told => !put_in.is_empty(),
        Place::Number => put_in.starts_with(|c: char| c.is_ascii_digit()) && !put_in.contains(' '),
    };
    (rest.is_empty() && found.iter().all(fits)).then(|| found.into_iter().map(|(_, put_in)| put_in).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lines_of_a_row_have_the_same_places() {
        let places = |parts: &[Part]| {
            parts.iter().filter(|part| matches!(part, Part::Place(_))).cloned().collect::<Vec<_>>()
        };
        let rows = rows(include_str!("zh.txt"));
        assert!(rows.len() > 200, "{}", rows.len());
        for row in &rows {
            assert_eq!(places(&row.from), places(&row.to), "{row:?}");
        }
    }

    #[test]
    fn shapes() {
        let captures = |shape: &str, text| captures(&parts(shape), text);
        assert_eq!(captures("a {} b {}", "a 1 b 2 b 3"), Some(vec!["1", "2 b 3"]));
        assert_eq!(captures("a {} b", "a 1 b 2 b"), Some(vec!["1 b 2"]));
        assert_eq!(captures("{} s", "12 s"), Some(vec!["12"]));
        assert_eq!(captures("{} s", " s"), None);
        assert_eq!(captures("a", "a b"), None);
        assert_eq!(captures("{}aa", "a"), None);
        assert_eq!(captures("{}a", "放"), None);
        assert_eq!(captures("{#} s", "1st s"), Some(vec!["1st"]));
        assert_eq!(captures("{#} s", "1 of 2 s"), None);
    }
}
