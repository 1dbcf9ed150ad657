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
    for (at, byte) in folded.iter().enumerate() {
        let mut rules = STARTS[usize::from(*byte)];
        if rules == 0 {
            continue;
        }
        let rest = folded.get(at..).unwrap_or_default();
        while let Some(rule) = RULES.get(rules.trailing_zeros() as usize) {
            rules &= rules - 1;
            let Some(after) = rest.strip_prefix(rule.word.as_bytes()) else { continue };
            let from = at + rule.word.len();
            // A replacement from an earlier round isn't a secret; otherwise the rounds would never end.
            let is_cut = |found: &Range<usize>| {
                let value = slice(after, found);
                value == MARK.as_bytes() || value == DIGITS.as_bytes()
            };
            if let Some(found) = rule.secret.find(after).filter(|found| !is_cut(found)) {
                hidden.push(view.range(from + found.start..from + found.end));
            }
        }
    }
}

impl Secret {
    /// The range of the secret in the text after the word.
    fn find(&self, text: &[u8]) -> Option<Range<usize>> {
        match *self {
            Self::Value => value(text, ends_value).filter(|range| !is_plain(text, range)),
            Self::HexValue => value(text, ends_value)
                .filter(|range| range.len() >= HEX && slice(text, range).iter().all(u8::is_ascii_hexdigit)),
            Self::Line => value(text, ends_line).filter(|range| !is_plain(text, range)),
            Self::Hex { within } => (0..=within).find_map(|skip| {
                let rest = text.get(skip..)?;
                let size = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
                (size >= HEX).then_some(skip..skip + size)
            }),
            Self::Bearer => {
                let space = text.iter().take_while(|byte| matches!(byte, b' ' | b'+')).count();
                let rest = text.get(space..)?;
                let size = rest.iter().take_while(|byte| is_token(**byte)).count();
                (space > 0 && size >= MIN_BEARER).then_some(space..space + size)
            }
            Self::User => {
                let host = text.split(|byte| ends_value(*byte) || b"/?#".contains(byte)).next()?;
                host.iter().rposition(|byte| *byte == b'@').filter(|end| *end > 0).map(|end| 0..end)
            }
        }
    }
}

/// The value after a name: `name=value`, `name: value`, `"name":"value"`, also with the quotes escaped.
fn value(text: &[u8], ends: fn(u8) -> bool) -> Option<Range<usize>> {
    let skip = |from: usize, what: fn(u8) -> bool| {
        from + text.iter().skip(from).take_while(|byte| what(**byte)).count()
    };
    let name = skip(0, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let equals = skip(name, is_quote);
    if !matches!(text.get(equals), Some(b'=' | b':')) {
        return None;
    }
    let start = skip(equals + 1, is_quote);
    // After a quoted name, an unquoted value is a number, a list or `null`: not a secret, and needed for valid JSON.
    let has_quote = |range: Range<usize>| slice(text, &range).contains(&b'"');
    if has_quote(name..equals) && !has_quote(equals + 1..start) {
        return None;
    }
    let end = start + text.iter().skip(start).take_while(|byte| !ends(**byte)).count();
    (end > start).then_some(start..end)
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

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'\\' | b' ')
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
}

fn ends_value(byte: u8) -> bool {
    byte.is_ascii_control() || b" \"'\\&,;#<>(){}[]|".contains(&byte)
}

fn ends_line(byte: u8) -> bool {
    byte.is_ascii_control() || b"\"'\\".contains(&byte)
}
