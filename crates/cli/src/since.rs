//! Points in the past as users write them: `7d`, `2h`, `today`, `yesterday`, `2026-11-29`.

use jiff::{Span, SpanRelativeTo, Timestamp, ToSpan as _, ZonedDateTime, civil::Date};
use runninghub::{Sentence, say};

/// A point in time, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Since(pub(crate) u64);

/// Reads a time span before now, a day, or a date; days begin at midnight here.
///
/// # Errors
/// A sentence with the accepted formats.
pub(crate) fn parse(text: &str) -> Result<Since, Sentence> {
    at(text.trim(), &ZonedDateTime::now())
        .map(Since)
        .ok_or_else(|| say!("a point in time looks like `2h`, `7d`, `today`, `yesterday` or `2026-11-29`"))
}

fn at(text: &str, now: &ZonedDateTime) -> Option<u64> {
    let day = |date: Date| Some(date.to_zoned_datetime(now.time_zone().clone()).ok()?.timestamp());
    let then = match text {
        "today" => day(now.date())?,
        "yesterday" => day(now.date().checked_sub(1.day()).ok()?)?,
        text => {
            if let Ok(date) = text.parse() {
                day(date)?
            } else {
                let span: Span = text.parse().ok()?;
                let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
                if length.is_negative() {
                    return None;
                }
                now.timestamp().checked_sub(length).ok()?
            }
        }
    };
    u64::try_from(then.as_millisecond()).ok()
}

/// A past time in words, in this machine's time zone.
pub(crate) fn ago(then_ms: u64) -> Sentence {
    point(then_ms, &ZonedDateTime::now())
}

fn point(then_ms: u64, now: &ZonedDateTime) -> Sentence {
    let ms = i64::try_from(then_ms).unwrap_or(i64::MAX);
    let Ok(then) = Timestamp::from_millisecond(ms) else { return Sentence::default() };
    let then = then.to_zoned_datetime(now.time_zone().clone());
    let minutes = now.duration_since(&then).as_mins();
    let clock = || then.strftime("%H:%M").to_string();
    let yesterday = now.date().checked_sub(1.day()).ok();
    match minutes {
        ..1 => say!("just now"),
        1..60 => say!("{minutes} min ago", minutes),
        _ if then.date() == now.date() => Sentence::verbatim(clock()),
        _ if Some(then.date()) == yesterday => say!("yesterday {clock}", clock = clock()),
        _ if then.year() == now.year() => Sentence::verbatim(then.strftime("%m-%d %H:%M").to_string()),
        _ => Sentence::verbatim(then.strftime("%Y-%m-%d").to_string()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::{TimeZone, offset};

    use super::*;

    fn now() -> ZonedDateTime {
        let zone = TimeZone::fixed(offset(8));
        "2026-11-30T12:00:00Z".parse::<Timestamp>().expect("a time").to_zoned_datetime(zone)
    }

    fn ms(text: &str) -> u64 {
        u64::try_from(text.parse::<Timestamp>().expect("a time").as_millisecond()).expect("positive")
    }

    #[test]
    fn spans_days_and_dates_are_read_and_nonsense_is_not() {
        for (text, wanted) in [
            ("2h", "2026-11-30T10:00:00Z"),
            ("7d", "2026-11-23T12:00:00Z"),
            ("1w", "2026-11-23T12:00:00Z"),
            ("today", "2026-11-29T16:00:00Z"),
            ("yesterday", "2026-11-28T16:00:00Z"),
            ("2026-11-01", "2026-10-31T16:00:00Z"),
        ] {
            assert_eq!(at(text, &now()), Some(ms(wanted)), "{text}");
        }
        for text in ["", "soon", "-2h", "2026-13-01", "7"] {
            assert_eq!(at(text, &now()), None, "{text}");
        }
    }

    #[test]
    fn the_near_past_is_relative_and_the_far_past_a_date() {
        for (then, wanted) in [
            ("2026-11-30T12:00:30Z", "just now"),
            ("2026-11-30T11:48:00Z", "12 min ago"),
            ("2026-11-30T01:05:00Z", "09:05"),
            ("2026-11-29T15:30:00Z", "yesterday 23:30"),
            ("2026-11-20T15:30:00Z", "11-20 23:30"),
            ("2025-11-20T15:30:00Z", "2025-11-20"),
        ] {
            assert_eq!(point(ms(then), &now()).to_string(), wanted);
        }
    }
}
