//! Durations as users write them: `90s`, `2m`, `1h30m`, or plain seconds.

use std::time::Duration;

use jiff::SignedDuration;
use runninghub::{Sentence, say};

/// Reads a duration; a number without a unit is seconds. Never negative.
///
/// # Errors
/// A sentence with the accepted formats.
pub(crate) fn parse(text: &str) -> Result<Duration, Sentence> {
    let text = text.trim();
    let parsed = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => text.parse::<SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok()),
    };
    parsed.ok_or_else(|| say!("a duration looks like `90s`, `2m`, `1h30m` or `90` (seconds)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_plain_seconds_are_read_and_nonsense_is_refused() {
        for (text, seconds) in
            [("90s", 90.0), ("2m", 120.0), ("1h30m", 5400.0), ("90", 90.0), ("0.5", 0.5), ("250ms", 0.25)]
        {
            assert_eq!(parse(text).map(|span| span.as_secs_f64()), Ok(seconds), "{text}");
        }
        for text in ["", "soon", "-5", "-5s", "NaN", "inf", "1e300", "5 parsecs"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
