//! Whether a retry is safe.

use std::time::Duration;

use crate::{Class, Error, ErrorKind};

/// Whether the same request may be sent again after an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Retry {
    /// It may have had its effect, which costs money: check first.
    Ambiguous,
    /// It would fail again.
    Never,
    /// It had no effect, or repeating the effect does no harm.
    Safe {
        /// The minimum delay, from `Retry-After` or from the code.
        after: Option<Duration>,
    },
}

/// The outcome of a create that returned an error. A create without an error was accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CreateOutcome {
    /// No task exists: the request was never sent, or the platform explicitly refused it.
    Refused,
    /// There may be a task, and it may cost money.
    Unknown,
}

/// Minimum pause of a key if the server gives none, or none that can be parsed.
const LEAST: Duration = Duration::from_secs(1);

/// How long the whole key has to wait after an error: it has sent too many requests, or the server is overloaded and
/// gives a delay.
pub(crate) fn held(error: &Error) -> Option<Duration> {
    match error.kind() {
        ErrorKind::Http { status: 429 } | ErrorKind::Api { status: 429, .. } => {
            Some(error.wait().unwrap_or(LEAST))
        }
        ErrorKind::Http { status: 503 } => error.wait(),
        ErrorKind::Api { code, .. } if code.class() == Class::Rate => Some(error.wait().unwrap_or(LEAST)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_limits_pause_the_key_and_other_errors_only_the_request() {
        let http = |status| Error::new(ErrorKind::Http { status });
        let api = |status, code: &str| {
            let code = crate::Code::new(code);
            Error::new(ErrorKind::Api { status, code, message: "".into(), nodes: Vec::new() })
        };
        let pause = Some(Duration::from_secs(9));
        let least = Some(Duration::from_secs(1));
        for (error, expected) in [
            (http(429), least),
            (http(429).after(pause), pause),
            (http(429).of_create(true), least),
            (http(503), None),
            (http(503).after(pause), pause),
            (http(503).of_create(true).after(pause), pause),
            (http(500).after(pause), None),
            (api(429, "-1"), least),
            (api(200, "1003"), least),
            (api(200, "1003").after(pause), pause),
            // A lack of task slots does not limit requests: status polls continue.
            (api(200, "421"), None),
            (api(200, "415"), None),
            (Error::new(ErrorKind::Net(runninghub_net::ErrorKind::Timeout)), None),
        ] {
            assert_eq!(held(&error), expected, "{error:?}");
        }
    }
}
