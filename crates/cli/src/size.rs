//! Sizes as users write them: `500M`, `2G`, `1.5 GiB`, or plain bytes.

use runninghub::{Sentence, say};

/// The units after a number, with their bytes; longer names first.
const UNITS: [(&str, f64); 12] = [
    ("kib", 1024.0),
    ("mib", 1024.0 * 1024.0),
    ("gib", 1024.0 * 1024.0 * 1024.0),
    ("tib", 1024.0 * 1024.0 * 1024.0 * 1024.0),
    ("kb", 1e3),
    ("mb", 1e6),
    ("gb", 1e9),
    ("tb", 1e12),
    ("k", 1e3),
    ("m", 1e6),
    ("g", 1e9),
    ("t", 1e12),
];

/// Reads a size; a number without a unit is bytes.
///
/// # Errors
/// A sentence with the accepted formats.
pub(crate) fn parse(text: &str) -> Result<u64, Sentence> {
    let lower = text.trim().to_ascii_lowercase();
    let unit = UNITS.iter().find_map(|(unit, bytes)| Some((lower.strip_suffix(unit)?, *bytes)));
    let (number, factor) = unit.unwrap_or((lower.trim_end_matches('b'), 1.0));
    number
        .trim()
        .parse::<f64>()
        .ok()
        .map(|number| number * factor)
        // Beyond this a double cannot count bytes exactly, and no disk holds such files.
        .filter(|bytes| (1.0..9e15).contains(bytes))
        .map(to_bytes)
        .ok_or_else(|| say!("a size looks like `500M`, `2G`, `1.5 GiB` or `1000000` (bytes)"))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within 1 and 9e15")]
fn to_bytes(bytes: f64) -> u64 {
    bytes as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_plain_bytes_are_read_and_nonsense_is_refused() {
        for (text, bytes) in [
            ("500M", 500_000_000),
            ("2G", 2_000_000_000),
            ("1.5 GiB", 1_610_612_736),
            ("10kb", 10_000),
            ("1000000", 1_000_000),
            ("12 b", 12),
            ("1t", 1_000_000_000_000),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "much", "-5M", "0", "NaN", "inf", "1e300", "5 parsecs", "M"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
