//! Repairs JSON written by Python.

/// Rewrites values that Python's `json` writes and strict parsers reject: outside strings `NaN` and `±Infinity` become
/// `null`, inside strings escapes of lone surrogates become `\uFFFD`.
///
/// `None` if there is nothing to rewrite. One such value in a node's data breaks every later `progress_state` of the
/// run, so a rejected frame is worth a second attempt; this runs only after a rejection.
pub fn repair(text: &str) -> Option<String> {
    repair_with(text, "null")
}

/// Like [`repair`], with another replacement for numbers that JSON doesn't have.
pub(crate) fn repair_with(text: &str, number: &'static str) -> Option<String> {
    let mut out = String::new();
    // Read and copy positions: nothing is copied until there is something to rewrite.
    let (mut at, mut copied) = (0, 0);
    let mut in_string = false;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (taken, written) = if in_string { string_piece(rest) } else { bare_piece(rest, number) };
        if rest.starts_with('"') {
            in_string = !in_string;
        }
        if let Some(written) = written {
            out.push_str(text.get(copied..at).unwrap_or_default());
            out.push_str(written);
            copied = at + taken;
        }
        at += taken;
    }
    (copied > 0).then(|| out + text.get(copied..).unwrap_or_default())
}

/// The number of bytes to consume, and their replacement.
type Piece = (usize, Option<&'static str>);

fn bare_piece(rest: &str, number: &'static str) -> Piece {
    for word in ["NaN", "-Infinity", "Infinity"] {
        if rest.starts_with(word) {
            return (word.len(), Some(number));
        }
    }
    if rest.starts_with('"') {
        return (1, None);
    }
    // Up to the next quote, or the next letter that may start one of the words.
    let first = rest.chars().next().map_or(0, char::len_utf8);
    let next = rest.get(first..).and_then(|tail| tail.find(['"', 'N', 'I', '-']));
    (next.map_or(rest.len(), |at| at + first), None)
}

fn string_piece(rest: &str) -> Piece {
    if rest.starts_with('"') {
        return (1, None);
    }
    if !rest.starts_with('\\') {
        return (rest.find(['"', '\\']).unwrap_or(rest.len()), None);
    }
    match surrogate(rest) {
        Some(Surrogate::High) if matches!(rest.get(6..).and_then(surrogate), Some(Surrogate::Low)) => {
            (12, None)
        }
        Some(_) => (6, Some("\\uFFFD")),
        // Any other escape: consume the backslash and the next character, so that `\"` doesn't end the string.
        None => (1 + rest.chars().nth(1).map_or(0, char::len_utf8), None),
    }
}

enum Surrogate {
    High,
    Low,
}

fn surrogate(rest: &str) -> Option<Surrogate> {
    let digits = rest.strip_prefix("\\u")?.get(..4)?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(Surrogate::High),
        0xdc00..=0xdfff => Some(Surrogate::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_python_writes_becomes_json() {
        for (text, repaired) in [
            (r#"{"a": NaN, "b": [-Infinity, Infinity, -1]}"#, r#"{"a": null, "b": [null, null, -1]}"#),
            (r#"{"a": "NaN \"Infinity", "b": NaN}"#, r#"{"a": "NaN \"Infinity", "b": null}"#),
            (r#""\ud83d""#, r#""\uFFFD""#),
            (r#""\ude00x\ud83d\ud83d\ude00""#, r#""\uFFFDx\uFFFD\ud83d\ude00""#),
            (r#""\\ud83d \ud83d""#, r#""\\ud83d \uFFFD""#),
        ] {
            let out = repair(text).expect("there is something to repair");
            assert_eq!(out, repaired);
            serde_json::from_str::<Value>(&out).expect("it is JSON now");
        }
    }

    proptest! {
        #[test]
        fn valid_json_is_unchanged(value in "\\PC*", number in any::<f64>()) {
            let text = serde_json::json!({ "a": value, "b": number, "NaN": ["Infinity", -1] }).to_string();
            prop_assert_eq!(repair(&text), None);
        }

        #[test]
        fn it_is_total(text in "(\\\\u[d][8-f][0-9a-f]{2}|NaN|-|Infinity|\"|\\\\|é|x)*") {
            drop(repair(&text));
        }
    }
}
