//! New values of fields: parsed, and converted to the type of the value they replace.

use runninghub_core::{Node, Sentence, rounded_number, say};
use serde_json::Value;

/// Drawn seeds are below this: every program that reads JSON keeps such numbers.
const SEEDS: u64 = 1 << 53;

/// ComfyUI's own classes, whose seeds are 0 or more. Custom classes may draw one for -1.
const SAMPLERS: [&str; 5] =
    ["KSampler", "KSamplerAdvanced", "KSampler (Efficient)", "RandomNoise", "SamplerCustom"];

/// Parses a value as a user writes it, given the current one: if that is text, the new text is verbatim, except that a
/// JSON string loses its quotes; otherwise it is JSON. `random` draws a seed.
pub(super) fn written(field: &str, old: &Value, text: &str) -> Value {
    let json = serde_json::from_str(text);
    match (old, json) {
        (Value::String(_), Ok(json @ Value::String(_))) => json,
        (Value::String(_), _) => text.into(),
        (Value::Number(_), _) if is_drawn(field, old, text) => fastrand::u64(..SEEDS).into(),
        // Parsed as a number it would be rounded.
        _ if is_too_large(text) => text.into(),
        (_, json) => json.unwrap_or_else(|_| text.into()),
    }
}

/// Whether the text requests a random seed.
pub(super) fn is_drawn(field: &str, old: &Value, text: &str) -> bool {
    old.is_number() && is_seed(field) && text.trim().eq_ignore_ascii_case("random")
}

fn is_seed(field: &str) -> bool {
    field == "seed" || field.ends_with("_seed")
}

/// Whether the value is a seed that the node's class rejects.
pub(super) fn is_negative_seed(node: &Node, field: &str, value: &Value) -> bool {
    is_seed(field)
        && SAMPLERS.contains(&node.class_type.raw())
        && value.as_f64().is_some_and(|number| number < 0.0)
}

/// Converts the value to the type of the one it replaces, or returns the expected and the given type.
pub(super) fn fit(old: &Value, new: Value) -> Result<Value, (Sentence, Sentence)> {
    match (old, new) {
        (Value::String(_), new @ (Value::Number(_) | Value::Bool(_))) => Ok(Value::String(new.to_string())),
        (Value::Number(old), Value::Number(new)) => Ok(whole(old, &new).unwrap_or(Value::Number(new))),
        (Value::String(_), new @ Value::String(_))
        | (Value::Bool(_), new @ Value::Bool(_))
        | (Value::Array(_), new @ Value::Array(_))
        | (Value::Object(_), new @ Value::Object(_))
        | (Value::Null, new) => Ok(new),
        (old, new) => Err((kind(old), kind(&new))),
    }
}

/// A whole number for a field that holds one: `20.0` and `1e3` are refused by servers there.
fn whole(old: &serde_json::Number, new: &serde_json::Number) -> Option<Value> {
    let is_whole = !old.is_f64() && new.is_f64();
    let number =
        new.as_f64().filter(|number| is_whole && number.fract() == 0.0 && number.abs() < SEEDS as f64)?;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
    Some((number as i64).into())
}

/// Whether this is JSON with a whole number that does not fit into 64 bits.
fn is_too_large(text: &str) -> bool {
    rounded_number(text).is_some() && serde_json::from_str::<Value>(text).is_ok()
}

fn kind(value: &Value) -> Sentence {
    match value {
        Value::Null => say!("nothing"),
        Value::Bool(_) => say!("`true` or `false`"),
        Value::Number(_) => say!("a number"),
        Value::String(text) if is_too_large(text) => say!("an integer beyond 64 bits"),
        Value::String(_) => say!("text"),
        Value::Array(_) => say!("a list"),
        Value::Object(_) => say!("an object"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_field_takes_text_to_the_letter() {
        let text = |text: &str| fit(&json!("old"), written("text", &json!("old"), text)).expect("text");
        for given in [
            r#"{"scene": "rain",  "n": 1}"#,
            r#"{"id": 123456789012345678901}"#,
            "[-9223372036854775809]",
            "12345678901234567890123",
            "[1, 2]",
            "null",
            "123",
            "1.50",
            "true",
            "[brackets]",
            "random",
        ] {
            assert_eq!(text(given), json!(given));
        }
        assert_eq!(text(r#""a \"cat\"""#), json!("a \"cat\""));
    }

    #[test]
    fn other_fields_take_json() {
        let value = |old: Value, text: &str| fit(&old, written("x", &old, text));
        assert_eq!(value(json!(8), "7.5"), Ok(json!(7.5)));
        assert_eq!(value(json!(8), "20.0"), Ok(json!(20)));
        assert_eq!(value(json!(8), "1e3"), Ok(json!(1000)));
        assert_eq!(value(json!(0.5), "1.0"), Ok(json!(1.0)));
        assert_eq!(value(json!([1]), "[2,3]"), Ok(json!([2, 3])));
        assert_eq!(value(json!(true), "false"), Ok(json!(false)));
        assert_eq!(value(json!(u64::MAX), "18446744073709551615"), Ok(json!(u64::MAX)));
        let wrong = |old: Value, text: &str| {
            let (wanted, got) = value(old, text).expect_err(text);
            format!("{wanted}, not {got}")
        };
        assert_eq!(wrong(json!(8), "18446744073709551616"), "a number, not an integer beyond 64 bits");
        assert_eq!(wrong(json!([1]), "[1, -9223372036854775809]"), "a list, not an integer beyond 64 bits");
        assert_eq!(wrong(json!(8), "18446744073709551616 cats"), "a number, not text");
        assert_eq!(wrong(json!(8), "x"), "a number, not text");
        assert_eq!(wrong(json!(8), "random"), "a number, not text");
    }

    #[test]
    fn a_seed_is_drawn() {
        let draw = || written("noise_seed", &json!(1), "random").as_u64().expect("a number");
        assert!(draw() < SEEDS && draw() != draw());
        assert!(is_drawn("seed", &json!(1), "Random") && !is_drawn("steps", &json!(1), "random"));
    }
}
