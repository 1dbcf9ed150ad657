//! Redacts server text that may be displayed or logged.

use runninghub_core::Untrusted;

use crate::ApiKey;

/// Maximum excerpt of a response in an error, characters: enough to recognize what responded.
const EXCERPT: usize = 200;
/// Maximum message length, characters: ComfyUI's own are a sentence or two, sometimes with a list of file names.
const MESSAGE: usize = 2_000;
/// How much text is processed for either, characters: a response of 16 MiB is not copied five times to show its
/// beginning.
const LOOKED_AT: usize = 8_000;

/// A message without the key and without the queries of URLs, truncated to a readable length.
pub(crate) fn message<'k>(text: &str, key: impl Into<Option<&'k ApiKey>>) -> Untrusted {
    beginning(text, key.into(), MESSAGE)
}

/// The beginning of a body, for an error about it.
pub(crate) fn excerpt<'k>(text: &str, key: impl Into<Option<&'k ApiKey>>) -> Untrusted {
    beginning(text, key.into(), EXCERPT)
}

fn beginning(text: &str, key: Option<&ApiKey>, characters: usize) -> Untrusted {
    let start = cut(text, LOOKED_AT);
    let Some(key) = key else { return cut(&without_queries(start), characters).into() };
    let masked = key.mask(start);
    // A truncated key at the edge was not masked, so it is removed here.
    let half = (1..key.expose().len()).rev().find_map(|size| masked.strip_suffix(key.expose().get(..size)?));
    let whole = half.filter(|_| start.len() < text.len()).unwrap_or(&masked);
    cut(&without_queries(whole), characters).into()
}

/// Drops everything between a `?` and the next white space, quote or angle bracket: it may contain socket tickets
/// and signatures of result URLs.
fn without_queries(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut hiding = false;
    for c in text.chars() {
        if hiding && (c.is_whitespace() || matches!(c, '"' | '\'' | '\\' | '<' | '>')) {
            hiding = false;
        }
        if !hiding {
            kept.push(c);
        }
        if c == '?' && !hiding {
            hiding = true;
            kept.push('…');
        }
    }
    kept
}

fn cut(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn neither_the_key_nor_a_query_stays() {
        let key = ApiKey::new("0123456789abcdef").expect("a key");
        let text = r#"{"msg":"0123456789abcdef","url":"wss://h/ws?Rh-Comfy-Auth=SECRET%3D&a=b","next":1}"#;
        assert_eq!(message(text, &key).raw(), r#"{"msg":"…","url":"wss://h/ws?…","next":1}"#);
        assert_eq!(excerpt(&"é".repeat(5000), &key).raw().chars().count(), EXCERPT);
        assert_eq!(message(&"é".repeat(50_000), &key).raw().chars().count(), MESSAGE);
    }

    proptest! {
        /// Wherever the text is truncated, and however much of it is removed.
        #[test]
        fn not_even_half_a_key_stays(
            hidden in prop_oneof![0..2 * MESSAGE, LOOKED_AT - 60..LOOKED_AT + 60],
            shown in 0..20_usize,
        ) {
            let key = ApiKey::new("0123456789abcdef0123456789abcdef").expect("a key");
            let text = format!("?{} {}{} more", "x".repeat(hidden), "-".repeat(shown), key.expose());
            for shown in [message(&text, &key), excerpt(&text, &key)] {
                prop_assert!(!shown.raw().contains("0123"), "{}", shown);
            }
        }

        #[test]
        fn no_query_stays(text in "\\PC{0,40}", name in "[?][a-z=&/:.]{0,9}", more in "[^ \"'\\\\<>\\s]{0,20}") {
            let key = ApiKey::new("0123456789abcdef").expect("a key");
            let shown = message(&format!("{text}https://h/{name}CANARY{more} after"), &key);
            prop_assert!(!shown.raw().contains("CANARY") && shown.raw().ends_with(" after"), "{}", shown);
        }
    }
}
