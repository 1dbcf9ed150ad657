//! JSON that isn't changed by reading it.

use std::fmt;

use runninghub_core::{Sentence, say};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Value, value::RawValue};

/// The entries of an object in their order, also those whose key is there twice.
#[derive(Debug)]
pub(super) struct Entries(pub(super) Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> de::Visitor<'de> for All {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(All)
    }
}

/// The value of a JSON text.
///
/// # Errors
/// A number that would be rounded, or JSON that isn't valid.
pub(super) fn exact(json: &RawValue) -> Result<Value, Sentence> {
    match rounded(json.get()) {
        Some(number) => Err(say!("{number} does not fit into 64 bits and would be rounded", number)),
        None => serde_json::from_str(json.get())
            .map_err(|error| say!("it is not JSON: {error}", error = error.to_string())),
    }
}

/// The first whole number that has more than 64 bits. Numbers with a point or an exponent are doubles everywhere.
fn rounded(json: &str) -> Option<&str> {
    let mut rest = json;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        let (_, from) = rest.split_at(at);
        let is_part: fn(char) -> bool = |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
        let length = match from.strip_prefix('"') {
            Some(text) => text_length(text) + 1,
            None => from.find(|c| !is_part(c)).unwrap_or(from.len()),
        };
        let (token, after) = from.split_at_checked(length)?;
        let is_whole = token.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
        if is_whole && token.parse::<u64>().is_err() && token.parse::<i64>().is_err() {
            return Some(token);
        }
        rest = after;
    }
    None
}

/// The length of a string whose opening quote is left out, with its closing quote.
fn text_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let is_end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        is_end
    });
    end.map_or(text.len(), |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_beyond_64_bits_are_rounded() {
        for (json, number) in [
            ("18446744073709551615", None),
            ("18446744073709551616", Some("18446744073709551616")),
            (r#"{"a":["99999999999999999999",-9223372036854775809]}"#, Some("-9223372036854775809")),
            (r#"["\"99999999999999999999", 1e99, 0.1]"#, None),
        ] {
            assert_eq!(rounded(json), number, "{json}");
        }
    }
}
