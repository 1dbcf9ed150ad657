//! Lossless JSON parsing.

use std::fmt;

use runninghub_core::{Sentence, rounded_number, say};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Value, value::RawValue};

/// The entries of an object in order, including duplicate keys.
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
    match rounded_number(json.get()) {
        Some(number) => Err(say!("{number} does not fit into 64 bits and would be rounded", number)),
        None => serde_json::from_str(json.get())
            .map_err(|error| say!("it is not JSON: {error}", error = error.to_string())),
    }
}
