//! The digest of what an item runs.

use std::fmt::Write as _;

use serde_json::Value;

use crate::{Digest, Set, Setting, Target};

/// Whole doubles up to this are written without a decimal point: `7.0` and `7` are the same number.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Computes fingerprints of one target's items.
#[derive(Debug)]
pub(crate) struct Fingerprints {
    place: String,
    target: String,
    buffer: String,
}

impl Fingerprints {
    pub(crate) fn new(target: &Target) -> Self {
        let (mut place, mut of) = (String::new(), String::new());
        write(&serde_json::json!({"word": target.place.word(), "url": target.place.url()}), &mut place);
        write(&serde_json::json!({"kind": target.kind.as_str(), "id": target.id}), &mut of);
        Self { place, target: of, buffer: String::new() }
    }

    /// The digest of `{"instance":…,"place":{…},"set":{…},"target":{…}}`.
    pub(crate) fn of(&mut self, set: &Set<Setting>, instance: Option<&str>) -> Digest {
        let out = &mut self.buffer;
        out.clear();
        out.push_str("{\"instance\":");
        write(&instance.map_or(Value::Null, Value::from), out);
        out.extend([",\"place\":", &self.place, ",\"set\":{"]);
        for (at, (field, setting)) in set.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            text(field, out);
            match setting {
                Setting::Text(value) => {
                    out.push_str(":{\"text\":");
                    text(value, out);
                }
                Setting::Json(value) => {
                    out.push_str(":{\"json\":");
                    write(value, out);
                }
                Setting::File { sha256, .. } => out.extend([":{\"file\":\"", &sha256.to_string(), "\""]),
            }
            out.push('}');
        }
        out.extend(["},\"target\":", &self.target, "}"]);
        Digest::of(out)
    }
}

/// The first `digits` hexadecimal digits of a digest.
pub(crate) fn prefix(digest: &Digest, digits: usize) -> String {
    let mut text = digest.to_string();
    text.truncate(digits);
    text
}

/// The first 64 bits of a digest as a number.
pub(crate) fn number(digest: &Digest) -> u64 {
    digest.as_bytes().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// Writes JSON without spaces, with sorted keys and one spelling for every number.
pub(crate) fn write(value: &Value, out: &mut String) {
    match value {
        Value::String(value) => text(value, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (at, (key, item)) in entries.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                text(key, out);
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
        Value::Number(number) => match number.as_f64() {
            Some(double) if number.is_f64() && double.fract() == 0.0 && double.abs() < EXACT => {
                // Negative zero is written as zero.
                let _ = write!(out, "{:.0}", double + 0.0);
            }
            _ => out.push_str(&number.to_string()),
        },
        Value::Null | Value::Bool(_) => out.push_str(&value.to_string()),
    }
}

fn text(text: &str, out: &mut String) {
    out.push_str(&Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use runninghub_core::{Kind, Place};
    use serde_json::json;

    use super::*;

    fn target() -> Target {
        let place = Place::new("cn", "https://www.runninghub.cn");
        Target { place, kind: Kind::App, id: "1877265245566922753".into() }
    }

    fn canonical(value: &Value) -> String {
        let mut out = String::new();
        write(value, &mut out);
        out
    }

    #[test]
    fn canonical_json_has_one_spelling() {
        let value =
            json!({"b": [1, 1.0, -0.0, 1.5, 1e300, u64::MAX, i64::MIN], "a": {"d": null, "c": "ä\n"}});
        assert_eq!(
            canonical(&value),
            r#"{"a":{"c":"ä\n","d":null},"b":[1,1,0,1.5,1e+300,18446744073709551615,-9223372036854775808]}"#
        );
    }

    #[test]
    fn a_digest_begins_with_its_digits() {
        let digest = Digest::of("abc");
        assert_eq!(prefix(&digest, 10), "ba7816bf8f");
        assert_eq!(number(&digest), 0xba78_16bf_8f01_cfea);
    }

    /// Ledgers keep fingerprints: if this one changes, finished rows run again.
    #[test]
    fn a_fingerprint_is_the_same_in_every_version() {
        let mut set = Set::default();
        set.insert("6.text", Setting::Text("一只猫".into()));
        set.insert("3.seed", Setting::Json(json!(42)));
        set.insert(
            "10.image",
            Setting::File { sha256: Digest::of("abc"), name: "a.png".into(), path: "in/a.png".into() },
        );
        let canonical = concat!(
            r#"{"instance":"plus","place":{"url":"https://www.runninghub.cn","word":"cn"},"set":{"#,
            r#""10.image":{"file":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},"#,
            r#""3.seed":{"json":42},"6.text":{"text":"一只猫"}},"#,
            r#""target":{"id":"1877265245566922753","kind":"app"}}"#
        );
        assert_eq!(Fingerprints::new(&target()).of(&set, Some("plus")), Digest::of(canonical));
    }
}
