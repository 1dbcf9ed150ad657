//! Parses scalars whose type varies between responses: number, text or `null`.
//!
//! The tests of the endpoints show which fields vary. A value of an unexpected type counts as absent: one malformed
//! field must not lose a task id or a result.

use std::{borrow::Cow, fmt};

use runninghub_core::repair;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// Maximum number of items read of a list or an object: results, errors, lines of a traceback. Real ones have some
/// hundred items; a response of only brackets and commas would take many times its own size in memory.
const ITEMS: usize = 10_000;
/// Maximum size of JSON inside a string, and of a response that is repaired, bytes: tracebacks and tips have a few
/// KiB, and each layer is another copy.
pub(crate) const NESTED: usize = 4 << 20;

/// Text, number or boolean, as text.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    // Raw first: an unreadable value, such as `1e400`, would lose the fields next to it.
    Ok(read(<&RawValue>::deserialize(deserializer)?))
}

/// A count, from a number or from text.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(text(deserializer)?.and_then(|text| text.trim().parse().ok()))
}

/// Text that is not blank, trimmed.
pub(crate) fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(text(deserializer)?.and_then(trimmed))
}

/// The scalar value, by the rules of [`filled`].
pub(crate) fn scalar(raw: Option<&RawValue>) -> Option<String> {
    read(raw?).and_then(trimmed)
}

fn read(raw: &RawValue) -> Option<String> {
    serde_json::Deserializer::from_str(raw.get()).deserialize_any(Scalar).ok()
}

/// In place, since the text may be long.
fn trimmed(mut text: String) -> Option<String> {
    text.truncate(text.trim_end().len());
    text.drain(..text.len() - text.trim_start().len());
    Some(text).filter(|text| !text.is_empty())
}

/// An object, or an object as JSON inside a string. `None` for anything else.
///
/// Arrays are rejected first: serde would read them as the fields in order.
pub(crate) fn object<T: DeserializeOwned>(raw: Option<&RawValue>) -> Option<T> {
    let json = inner(raw?)?;
    let json = json.trim_start();
    json.starts_with('{').then(|| serde_json::from_str(json).ok())?
}

/// The first entries of an object, by the rules of [`object`].
pub(crate) fn entries(raw: Option<&RawValue>) -> Vec<(String, Box<RawValue>)> {
    object(raw).map(|Entries(entries)| entries).unwrap_or_default()
}

/// The first items of a list, or of a list as JSON inside a string. `None` for anything else.
pub(crate) fn list(raw: Option<&RawValue>) -> Option<Vec<Box<RawValue>>> {
    let json = inner(raw?)?;
    serde_json::from_str(&json).ok().map(|Items(items)| items)
}

/// The value itself, or the JSON inside a string, repaired.
fn inner(raw: &RawValue) -> Option<Cow<'_, str>> {
    let json = raw.get();
    if !json.starts_with('"') {
        return Some(json.into());
    }
    if json.len() > NESTED {
        return None;
    }
    let text: String = serde_json::from_str(json).ok()?;
    Some(repair(&text).unwrap_or(text).into())
}

struct Items(Vec<Box<RawValue>>);

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(FirstItems)
    }
}

struct FirstItems;

impl<'de> Visitor<'de> for FirstItems {
    type Value = Items;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Items, A::Error> {
        let mut items = Vec::new();
        while items.len() < ITEMS
            && let Some(item) = all.next_element()?
        {
            items.push(item);
        }
        while all.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Items(items))
    }
}

struct Entries(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FirstEntries)
    }
}

struct FirstEntries;

impl<'de> Visitor<'de> for FirstEntries {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while entries.len() < ITEMS
            && let Some(entry) = all.next_entry()?
        {
            entries.push(entry);
        }
        while all.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Entries(entries))
    }
}

/// Types without a `visit` method are not scalars, and rejected.
struct Scalar;

impl Visitor<'_> for Scalar {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number or a boolean")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }

    /// `0.0` becomes `0`.
    fn visit_f64<E: Error>(self, value: f64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<String, E> {
        Ok(value.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar_of(json: &str) -> Option<String> {
        text(&mut serde_json::Deserializer::from_str(json)).expect("any JSON is fine")
    }

    #[test]
    fn every_spelling_of_a_scalar() {
        for (json, expected) in [
            ("\"0\"", Some("0")),
            ("0", Some("0")),
            ("0.0", Some("0")),
            ("-1", Some("-1")),
            ("0.14", Some("0.14")),
            ("1904154698679771137", Some("1904154698679771137")),
            ("true", Some("true")),
            ("1e400", None),
            ("\"\\ud800\"", None),
            ("null", None),
            ("[1,[2]]", None),
            ("{\"a\":{}}", None),
        ] {
            assert_eq!(scalar_of(json).as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn a_count_is_a_number_or_text() {
        let read = |json| count(&mut serde_json::Deserializer::from_str(json)).expect("any JSON is fine");
        assert_eq!(read("3"), Some(3));
        assert_eq!(read("\" 3\""), Some(3));
        assert_eq!(read("3.0"), Some(3));
        assert_eq!(read("\"many\""), None);
        assert_eq!(read("-1"), None);
    }

    #[test]
    fn an_object_may_be_inside_a_string() {
        type Map = serde_json::Map<String, serde_json::Value>;
        let read = |json: &str| {
            let raw = RawValue::from_string(json.to_owned()).expect("valid JSON");
            object::<Map>(Some(&raw)).map(|map| map.len())
        };
        assert_eq!(read(r#"{"a":1}"#), Some(1));
        assert_eq!(read(r#""{\"a\":1}""#), Some(1));
        assert_eq!(read(r#"" {\"a\":NaN,\"b\":\"\\ud83d\"}""#), Some(2));
        for other in ["null", "\"\"", "\"{\"", "[]", "3", "\"[1]\""] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).expect("valid JSON")
    }

    #[test]
    fn a_list_may_be_inside_a_string() {
        let read = |json| list(Some(&raw(json))).map(|items| items.len());
        assert_eq!(read("[1,[2],null]"), Some(3));
        assert_eq!(read(r#""[1,Infinity]""#), Some(2));
        for other in ["null", "\"\"", "\"[\"", "{}", "3"] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn very_long_json_inside_a_string_is_not_read() {
        let long = |size: usize| raw(&format!("\"[{}]\"", " ".repeat(size - 4)));
        assert!(list(Some(&long(NESTED))).is_some() && list(Some(&long(NESTED + 1))).is_none());
    }

    #[test]
    fn of_very_many_items_the_first_are_read() {
        let list = raw(&format!("[{}7]", "7,".repeat(ITEMS)));
        assert_eq!(super::list(Some(&list)).map(|items| items.len()), Some(ITEMS));
        let object = raw(&format!("{{{}\"b\":7}}", "\"a\":7,".repeat(ITEMS)));
        assert_eq!(entries(Some(&object)).len(), ITEMS);
        assert_eq!(entries(Some(&raw(r#"{"a":1,"b":{}}"#))).len(), 2);
        assert!(entries(None).is_empty());
    }

    /// An unreadable value does not affect the others.
    #[test]
    fn an_unreadable_value_is_absent() {
        #[derive(Deserialize)]
        struct Fields {
            #[serde(deserialize_with = "text")]
            a: Option<String>,
            #[serde(deserialize_with = "filled")]
            b: Option<String>,
        }
        for bad in ["1e400", r#""\ud800""#, "[1e400]", &format!("{}{}", "[".repeat(200), "]".repeat(200))] {
            let fields: Fields = serde_json::from_str(&format!(r#"{{"a":{bad},"b":" 7 "}}"#)).expect(bad);
            assert_eq!((fields.a, fields.b.as_deref()), (None, Some("7")), "{bad}");
        }
    }
}
