//! When a request may be sent again.

use std::{
    error::Error as StdError,
    time::{Duration, SystemTime},
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

use crate::error::is_not_listening;

/// Attempts per request in total.
const ATTEMPTS: usize = 3;
/// The same while nothing listens at the server's address: it may be starting.
const STARTS: usize = 5;
/// The pause after the first attempt; it doubles after the second, with added jitter.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause while a server may be starting, without jitter.
const LONGEST: Duration = Duration::from_secs(2);
/// Range of accepted `Retry-After` values: a shorter one would hammer the server, a longer one is the server's
/// mistake.
const OBEYED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(10));

/// The pauses between the attempts.
pub fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::new().with_min_delay(PAUSE).with_max_times(ATTEMPTS - 1).with_jitter()
}

/// The pauses between the attempts to reach a server that may be starting: some 6 to 11 seconds together.
pub fn start_backoff() -> ExponentialBuilder {
    backoff().with_max_delay(LONGEST).with_max_times(STARTS - 1)
}

/// The same as durations.
pub fn start_pauses() -> impl Iterator<Item = Duration> + Send {
    start_backoff().build()
}

/// Whether another attempt is allowed after an error, with the previous ones counted in `tried`. A server that isn't
/// listening yet has received no request, so it gets the attempts of [`start_backoff`].
pub fn may_repeat(error: &(dyn StdError + 'static), tried: &mut usize) -> bool {
    if !is_not_listening(error) {
        *tried += 1;
    }
    *tried < ATTEMPTS
}

/// The pause that a response's headers request, see [`retry_after`].
pub fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    retry_after(text(RETRY_AFTER)?, text(DATE))
}

/// Parses `Retry-After`: seconds or an HTTP date, clamped to 1 s…10 min; `None` if it is invalid.
///
/// A date is compared with the response's own `Date`, since this machine's clock may be wrong.
pub fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
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

    proptest! {
        #[test]
        fn never_longer_than_ten_minutes(value in ".*", date in proptest::option::of(".*")) {
            if let Some(wait) = retry_after(&value, date.as_deref()) {
                prop_assert!(wait >= OBEYED.0 && wait <= OBEYED.1);
            }
        }
    }
}
