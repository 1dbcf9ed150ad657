//! Patterns of secrets.

use std::ops::Range;

use super::{
    redactor::{DIGITS, MARK},
    view::View,
};

/// A word, and which part of the following text is secret.
struct Rule {
    /// In lower case.
    word: &'static str,
    secret: Secret,
}

enum Secret {
    /// The word is a name or the start of one; the value ends with the field.
    Value,
    /// The same, but only for values of at least 32 hex digits: the name alone is too common.
    HexValue,
    /// The word is a name; the value ends with the line or the string.
    Line,
    /// 32 hex digits within this distance.
    Hex { within: usize },
    /// A space and a long word.
    Bearer,
    /// The text before an `@` in the host.
    User,
}

const RULES: [Rule; 30] = [
    Rule { word: "apikey", secret: Secret::Value },
    Rule { word: "apikey", secret: Secret::Hex { within: 16 } },
    Rule { word: "api_key", secret: Secret::Value },
    Rule { word: "api-key", secret: Secret::Value },
    Rule { word: "/proxy/", secret: Secret::Hex { within: 0 } },
    Rule { word: "/proxy-plus/", secret: Secret::Hex { within: 0 } },
    Rule { word: "rh-comfy-auth", secret: Secret::Value },
    Rule { word: "rh-identify", secret: Secret::Value },
    Rule { word: "q-signature", secret: Secret::Value },
    Rule { word: "q-ak", secret: Secret::Value },
    Rule { word: "q-key-time", secret: Secret::Value },
    Rule { word: "x-amz-", secret: Secret::Value },
    Rule { word: "x-cos-", secret: Secret::Value },
    Rule { word: "x-oss-", secret: Secret::Value },
    Rule { word: "ossaccesskeyid", secret: Secret::Value },
    Rule { word: "accesskeyid", secret: Secret::Value },
    Rule { word: "signature", secret: Secret::Value },
    Rule { word: "token", secret: Secret::Value },
    Rule { word: "password", secret: Secret::Value },
    Rule { word: "passwd", secret: Secret::Value },
    Rule { word: "secret", secret: Secret::Value },
    Rule { word: "session_id", secret: Secret::Value },
    Rule { word: "sign", secret: Secret::HexValue },
    Rule { word: "userid", secret: Secret::HexValue },
    Rule { word: "user_id", secret: Secret::HexValue },
    Rule { word: "authorization", secret: Secret::Line },
    Rule { word: "cookie", secret: Secret::Line },
    Rule { word: "bearer", secret: Secret::Bearer },
    Rule { word: "basic", secret: Secret::Bearer },
    Rule { word: "://", secret: Secret::User },
];

/// For each byte, a bit mask of the rules whose word starts with it: most bytes of most frames start none.
const STARTS: [u32; 256] = {
    let mut starts = [0; 256];
    let mut rule = 0;
    while rule < RULES.len() {
        starts[RULES[rule].word.as_bytes()[0] as usize] |= 1 << rule;
        rule += 1;
    }
    starts
};

/// The length of an API key, and of other hashes.
const HEX: usize = 32;
/// Prose also follows `Bearer`, but without words this long.
const MIN_BEARER: usize = 16;

pub(super) fn find(view: &View, hidden: &mut Vec<Range<usize>>) {
    let folded = view.bytes.to_ascii_lowercase();
    let mut runs = Runs::new(&folded);
    for (at, byte) in folded.iter().enumerate() {
        let mut rules = STARTS[usize::from(*byte)];
        if rules == 0 {
            continue;
        }
        let rest = folded.get(at..).unwrap_or_default();
        while let Some(rule) = RULES.get(rules.trailing_zeros() as usize) {
            rules &= rules - 1;
            if !rest.starts_with(rule.word.as_bytes()) {
                continue;
            }
            // A replacement from an earlier round isn't a secret; otherwise the rounds would never end.
            let is_cut = |found: &Range<usize>| {
                let value = slice(&folded, found);
                value == MARK.as_bytes() || value == DIGITS.as_bytes()
            };
            if let Some(found) =
                rule.secret.find(&mut runs, at + rule.word.len()).filter(|found| !is_cut(found))
            {
                hidden.push(view.range(found));
            }
        }
    }
}

/// Where runs of bytes end. Each run is read once, however many words lead into it: a message may repeat a word a
/// million times.
struct Runs<'t> {
    text: &'t [u8],
    /// The last run of each class.
    known: [Range<usize>; CLASSES.len()],
}

/// A class of bytes.
#[derive(Clone, Copy)]
enum Class {
    Name,
    Quote,
    /// Anything but `"`.
    Unquoted,
    Value,
    Line,
    Hex,
    Space,
    Token,
}

const CLASSES: [fn(u8) -> bool; 8] = [
    |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
    |byte| matches!(byte, b'"' | b'\'' | b'\\' | b' '),
    |byte| byte != b'"',
    |byte| !ends_value(byte),
    |byte| !byte.is_ascii_control() && !b"\"'\\".contains(&byte),
    |byte| byte.is_ascii_hexdigit(),
    |byte| matches!(byte, b' ' | b'+'),
    |byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte),
];

impl<'t> Runs<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self { text, known: std::array::from_fn(|_| 0..0) }
    }

    /// The end of the run of a class that begins at a position, or that the position is in.
    fn end(&mut self, class: Class, from: usize) -> usize {
        let Some((known, is_in)) = self.known.get_mut(class as usize).zip(CLASSES.get(class as usize)) else {
            return from;
        };
        if !known.contains(&from) {
            let rest = self.text.get(from..).unwrap_or_default();
            // Text before the known run may lead into it.
            let unknown =
                if from < known.start { rest.get(..known.start - from).unwrap_or(rest) } else { rest };
            let size = unknown.iter().take_while(|byte| is_in(**byte)).count();
            #[cfg(test)]
            tests::STEPS.set(tests::STEPS.get() + size + 1);
            let leads_on = from < known.start && size == unknown.len();
            *known = from..if leads_on { known.end } else { from + size };
        }
        known.end.max(from)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.get(at).copied()
    }

    fn has_quote(&mut self, range: &Range<usize>) -> bool {
        self.end(Class::Unquoted, range.start) < range.end
    }

    /// The value after a name: `name=value`, `name: value`, `"name":"value"`, also with the quotes escaped.
    fn value(&mut self, from: usize, class: Class) -> Option<Range<usize>> {
        let name = self.end(Class::Name, from);
        let equals = self.end(Class::Quote, name);
        if !matches!(self.byte(equals), Some(b'=' | b':')) {
            return None;
        }
        let start = self.end(Class::Quote, equals + 1);
        // After a quoted name, an unquoted value is a number, a list or `null`: not a secret, and needed for valid JSON.
        if self.has_quote(&(name..equals)) && !self.has_quote(&(equals + 1..start)) {
            return None;
        }
        let end = self.end(class, start);
        (end > start).then_some(start..end)
    }
}

impl Secret {
    /// The range of the secret after the word that ends at a position.
    fn find(&self, runs: &mut Runs<'_>, from: usize) -> Option<Range<usize>> {
        let text = runs.text;
        match *self {
            Self::Value => runs.value(from, Class::Value).filter(|range| !is_plain(text, range)),
            Self::HexValue => runs
                .value(from, Class::Value)
                .filter(|range| range.len() >= HEX && runs.end(Class::Hex, range.start) >= range.end),
            Self::Line => runs.value(from, Class::Line).filter(|range| !is_plain(text, range)),
            Self::Hex { within } => (from..=from + within).find_map(|start| {
                let end = runs.end(Class::Hex, start);
                (end - start >= HEX).then_some(start..end)
            }),
            Self::Bearer => {
                let start = runs.end(Class::Space, from);
                let end = if start > from { runs.end(Class::Token, start) } else { start };
                (end - start >= MIN_BEARER).then_some(start..end)
            }
            Self::User => {
                let rest = text.get(from..)?;
                let host = rest.split(|byte| ends_value(*byte) || b"/?#".contains(byte)).next()?;
                host.iter().rposition(|byte| *byte == b'@').filter(|end| *end > 0).map(|end| from..from + end)
            }
        }
    }
}

/// JSON values that aren't secret and whose removal would break the JSON: numbers, `null`, `true`.
fn is_plain(text: &[u8], range: &Range<usize>) -> bool {
    let bare = range.start > 0 && !matches!(text.get(range.start - 1), Some(b'"' | b'\''));
    let value = slice(text, range);
    matches!(value, b"null" | b"true" | b"false" | b"none" | b"{" | b"[")
        || bare && value.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
}

fn slice<'a>(text: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    text.get(range.clone()).unwrap_or_default()
}

fn ends_value(byte: u8) -> bool {
    byte.is_ascii_control() || b" \"'\\&,;#<>(){}[]|".contains(&byte)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    thread_local! {
        /// Bytes that were read by [`Runs::end`].
        pub(super) static STEPS: Cell<usize> = const { Cell::new(0) };
    }

    fn steps(text: &str) -> usize {
        STEPS.set(0);
        find(&View::new(text.as_bytes()), &mut Vec::new());
        STEPS.get()
    }

    #[test]
    fn a_word_that_is_repeated_a_million_times_is_read_once() {
        for part in [
            "token",
            "token=",
            "token\"=",
            "token: ",
            "basic",
            "basic ",
            "bearer+",
            "cookie:",
            "authorization: a",
            "apikey",
            "sign=",
            "userid=a",
            "signature",
            "/proxy/a",
            "://",
            "://@",
            "secret\\\"",
            "password='",
        ] {
            for end in ["", "\"", " ", "=", "=x", "    =x", "\"\"\"\":\"x"] {
                let short = steps(&(part.repeat(1_000) + &end.repeat(1_000)));
                let long = steps(&(part.repeat(10_000) + &end.repeat(10_000)));
                assert!(long <= 11 * short + 1_000, "{part} {end}: {short} {long}");
            }
        }
    }

    /// The same without any memory.
    fn found_plainly(text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let folded = text.to_ascii_lowercase();
        for rule in &RULES {
            for (at, _) in folded.match_indices(rule.word) {
                found.extend(rule.secret.find(&mut Runs::new(folded.as_bytes()), at + rule.word.len()));
            }
        }
        found.sort_unstable_by_key(|range| (range.start, range.end));
        found.dedup();
        found
    }

    proptest! {
        #[test]
        fn remembered_runs_change_no_result(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "token", "sign", "ature", "basic", "bearer", "cookie", "apikey", "://", "=", ":", " ", "\"", "\\", "a",
                    "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f", "&", "null", "12", "+", "@", "words_of_16_bytes_and_more",
                ]),
                0..40,
            )
        ) {
            let text = parts.concat();
            let mut found = Vec::new();
            find(&View::new(text.as_bytes()), &mut found);
            found.sort_unstable_by_key(|range| (range.start, range.end));
            found.dedup();
            let is_cut = |range: &Range<usize>| matches!(text.get(range.clone()), Some("***" | "111"));
            let plain: Vec<_> = found_plainly(&text).into_iter().filter(|range| !is_cut(range)).collect();
            prop_assert_eq!(found, plain);
        }
    }
}
