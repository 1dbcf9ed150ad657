//! Whether asking again is safe.

use std::time::{Duration, SystemTime};

use crate::{Class, Error, ErrorKind};

/// Whether the same request may be sent again after an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Retry {
    /// It may have had its effect, and the effect costs money: find out first.
    Ambiguous,
    /// It would fail again.
    Never,
    /// It had no effect, or repeating the effect does no harm.
    Safe {
        /// The least time to wait, from `Retry-After` or from what is known about the code.
        after: Option<Duration>,
    },
}

/// What is known about a create that gave an error. A create without an error was accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CreateOutcome {
    /// No task exists: the request never left, or the platform said no in so many words.
    Refused,
    /// There may be a task, and it may cost money.
    Unknown,
}

/// Shortest and longest `Retry-After` that is obeyed: below is hammering, above is a mistake of the server.
const OBEYED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(10));

/// Reads `Retry-After`: seconds or an HTTP date, clamped to 1 s…10 min; nonsense is `None`.
///
/// A date is compared with the answer's own `Date`, since this machine's clock may be wrong.
pub(crate) fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let until = httpdate::parse_http_date(value).ok()?;
        let now = date.and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or_else(SystemTime::now);
        until.duration_since(now).unwrap_or_default()
    };
    Some(wait.clamp(OBEYED.0, OBEYED.1))
}

/// How long the key as a whole has to wait after an error: it has asked too often, or the server is overloaded and says
/// for how long. What the server does not say, or not in a way that can be read, is the least.
pub(crate) fn held(error: &Error) -> Option<Duration> {
    match error.kind() {
        ErrorKind::Http { status: 429 } | ErrorKind::Api { status: 429, .. } => {
            Some(error.wait().unwrap_or(OBEYED.0))
        }
        ErrorKind::Http { status: 503 } => error.wait(),
        ErrorKind::Api { code, .. } if code.class() == Class::Rate => Some(error.wait().unwrap_or(OBEYED.0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seconds_dates_and_nonsense() {
        let date = Some("Wed, 21 Oct 2026 07:28:00 GMT");
        let wait = |value| retry_after(value, date).map(|wait| wait.as_secs());
        assert_eq!(wait("7"), Some(7));
        assert_eq!(wait(" 0 "), Some(1));
        assert_eq!(wait("99999999999999999999999"), Some(600));
        assert_eq!(wait("Wed, 21 Oct 2026 07:28:40 GMT"), Some(40));
        assert_eq!(wait("Wed, 21 Oct 2020 07:28:40 GMT"), Some(1));
        for nonsense in ["", "soon", "-3", "1.5", "+4"] {
            assert_eq!(wait(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn the_key_waits_where_it_is_the_key_that_is_meant() {
        let http = |status| Error::new("query", ErrorKind::Http { status });
        let api = |status, code: &str| {
            let code = crate::Code::new(code);
            Error::new("query", ErrorKind::Api { status, code, message: "".into() })
        };
        let asked = Some(Duration::from_secs(9));
        let least = Some(Duration::from_secs(1));
        for (error, expected) in [
            (http(429), least),
            (http(429).after(asked), asked),
            (http(429).of_create(true), least),
            (http(503), None),
            (http(503).after(asked), asked),
            (http(503).of_create(true).after(asked), asked),
            (http(500).after(asked), None),
            (api(429, "-1"), least),
            (api(200, "1003"), least),
            (api(200, "1003").after(asked), asked),
            // Places are not requests: who waits for one may ask how a task stands.
            (api(200, "421"), None),
            (api(200, "415"), None),
            (Error::new("query", ErrorKind::Timeout), None),
        ] {
            assert_eq!(held(&error), expected, "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn never_longer_than_ten_minutes(value in ".*", date in proptest::option::of(".*")) {
            if let Some(wait) = retry_after(&value, date.as_deref()) {
                prop_assert!(wait >= OBEYED.0 && wait <= OBEYED.1);
            }
        }
    }
}
