//! Scalars as the platform sends them: a number today, text tomorrow, `null` in between.
//!
//! Which fields drift is in the tests of the endpoints. A value of a shape that makes no sense is read as absent:
//! no odd field may cost a task id or a result.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeOwned, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// Text, number or boolean, as text.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    deserializer.deserialize_any(Scalar)
}

/// A count, from a number or from text.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(text(deserializer)?.and_then(|text| text.trim().parse().ok()))
}

/// Text that is not blank, without the white space around it.
pub(crate) fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(text(deserializer)?.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
}

/// The scalar that stands there, by the rules of [`filled`].
pub(crate) fn scalar(raw: Option<&RawValue>) -> Option<String> {
    filled(&mut serde_json::Deserializer::from_str(raw?.get())).ok().flatten()
}

/// An object that may stand there as itself or as JSON inside a string. `None` for anything else.
///
/// Arrays are refused first: serde would read them as the fields in order.
pub(crate) fn object<T: DeserializeOwned>(raw: Option<&RawValue>) -> Option<T> {
    let json = raw?.get();
    let inner: String;
    let json = if json.starts_with('"') {
        inner = serde_json::from_str(json).ok()?;
        inner.trim_start()
    } else {
        json
    };
    json.starts_with('{').then(|| serde_json::from_str(json).ok())?
}

struct Scalar;

impl<'de> Visitor<'de> for Scalar {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(value.to_string()))
    }

    /// `0.0` becomes `0`.
    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Some(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Some(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Self::Value, E> {
        Ok(Some(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<String> {
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
            ("null", None),
            ("[1,[2]]", None),
            ("{\"a\":{}}", None),
        ] {
            assert_eq!(read(json).as_deref(), expected, "{json}");
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
        for other in ["null", "\"\"", "\"{\"", "[]", "3", "\"[1]\""] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
