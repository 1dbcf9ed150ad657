//! What is kept of a server's text when it may reach a person or a log.

use runninghub_core::Untrusted;

use crate::ApiKey;

/// Longest excerpt of an answer kept in an error, characters: enough to recognise what answered.
const EXCERPT: usize = 200;

/// A message without the key and without the queries of addresses in it, cut to a readable length.
pub(crate) fn message(text: &str, key: &ApiKey) -> Untrusted {
    cut(&without_queries(&key.mask(text)), EXCERPT * 10).into()
}

/// The beginning of a body, for an error about it.
pub(crate) fn excerpt(text: &str, key: &ApiKey) -> Untrusted {
    // Masked before it is cut, so that half a key cannot stay; the first cut only bounds the work.
    cut(&without_queries(&key.mask(cut(text, EXCERPT * 10))), EXCERPT).into()
}

/// Everything between a `?` and the next white space, quote or angle bracket is dropped: tickets of sockets and
/// signatures of result addresses stand there.
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
    use super::*;

    #[test]
    fn neither_the_key_nor_a_query_stays() {
        let key = ApiKey::new("0123456789abcdef").expect("a key");
        let text = r#"{"msg":"0123456789abcdef","url":"wss://h/ws?Rh-Comfy-Auth=SECRET%3D&a=b","next":1}"#;
        assert_eq!(message(text, &key).raw(), r#"{"msg":"…","url":"wss://h/ws?…","next":1}"#);
        assert_eq!(excerpt(&"é".repeat(5000), &key).raw().chars().count(), EXCERPT);
    }
}
