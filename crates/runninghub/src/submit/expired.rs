//! Signed URLs that have expired: a model would charge for the run and fail to load the file.

use std::time::{SystemTime, UNIX_EPOCH};

use runninghub_core::say;
use serde_json::{Map, Value};
use url::Url;

use crate::Error;

/// Rejects values with a URL whose signature has expired, in the format of the platform's object store
/// (`q-sign-time=from;until`, seconds since 1970).
pub(super) fn check(body: &Map<String, Value>) -> Result<(), Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    for (name, value) in body {
        if holds_expired(value, now) {
            return Err(Error::usage(say!("the URL of `{name}` has expired", name))
                .with_hint(say!("upload the file again")));
        }
    }
    Ok(())
}

fn holds_expired(value: &Value, now: u64) -> bool {
    match value {
        Value::String(text) => until(text).is_some_and(|until| until < now),
        Value::Array(items) => items.iter().any(|item| holds_expired(item, now)),
        Value::Object(fields) => fields.values().any(|field| holds_expired(field, now)),
        _ => false,
    }
}

/// When a URL expires, if its query contains that.
fn until(text: &str) -> Option<u64> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let (_, times) = url.query_pairs().find(|(name, _)| name == "q-sign-time")?;
    times.split_once(';')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_signed_url_contains_its_expiry() {
        for (text, expected) in [
            (
                "https://h/a.png?q-sign-algorithm=sha1&q-sign-time=1600000000%3B1600003600&x=1",
                Some(1_600_003_600),
            ),
            ("https://h/a.png?q-sign-time=1;2", Some(2)),
            ("https://h/a.png?q-sign-time=1", None),
            ("https://h/a.png", None),
            ("q-sign-time=1;2", None),
        ] {
            assert_eq!(until(text), expected, "{text}");
        }
        let body =
            |value: Value| json!({"prompt": "a", "imageUrls": value}).as_object().expect("an object").clone();
        let old = "https://h/a.png?q-sign-time=1;2";
        check(&body(json!("https://h/a.png?q-sign-time=1;99999999999"))).expect("good for long");
        for value in [json!(old), json!(["https://h/b.png", old]), json!({"a": [old]})] {
            let error = check(&body(value)).expect_err("too old");
            assert!(error.to_string().contains("`imageUrls` has expired"), "{error}");
        }
    }
}
