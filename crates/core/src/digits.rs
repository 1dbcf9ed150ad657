//! Whole numbers that would be rounded: JSON allows any number of digits, programs keep 64 bits.

/// The first whole number in a JSON text that does not fit into 64 bits. Numbers with a point or an exponent are
/// doubles everywhere. Digits inside strings don't count.
pub fn rounded_number(json: &str) -> Option<&str> {
    let mut rest = json;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        let (_, tail) = rest.split_at(at);
        if let Some(text) = tail.strip_prefix('"') {
            rest = after_text(text);
            continue;
        }
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
        let (number, after) = tail.split_at(tail.find(|c| !is_part(c)).unwrap_or(tail.len()));
        if is_rounded(number) {
            return Some(number);
        }
        rest = after;
    }
    None
}

/// Whether the text is a whole number that does not fit into 64 bits.
pub fn is_rounded(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && number.parse::<u64>().is_err()
        && number.parse::<i64>().is_err()
}

/// The rest after a string whose opening quote is already consumed.
fn after_text(text: &str) -> &str {
    let mut escaped = false;
    let end = text.find(|c| {
        let is_end = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        is_end
    });
    end.and_then(|end| text.get(end + 1..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_beyond_64_bits_are_rounded() {
        for (json, expected) in [
            ("18446744073709551615", None),
            ("18446744073709551616", Some("18446744073709551616")),
            (r#"{"a":[1,-9223372036854775809]}"#, Some("-9223372036854775809")),
            (r#"{"a":["99999999999999999999",-9223372036854775809]}"#, Some("-9223372036854775809")),
            (r#"{"18446744073709551616":"18446744073709551616","b":18446744073709551615}"#, None),
            (r#"{"a":"\\\"12345678901234567890123","b":-9223372036854775808}"#, None),
            (r#"["\"99999999999999999999", 1e99, 0.1]"#, None),
            (r"[0.12345678901234567890123,1e30,12345678901234567890123.0]", None),
            (r#"{"a":"unfinished 12345678901234567890123"#, None),
            ("[-]", None),
            ("", None),
        ] {
            assert_eq!(rounded_number(json), expected, "{json}");
        }
    }
}
