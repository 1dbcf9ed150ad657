//! Whether asking again is safe.

use std::time::Duration;

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

/// How long a key waits at least where the server does not say it, or not in a way that can be read.
const LEAST: Duration = Duration::from_secs(1);

/// How long the key as a whole has to wait after an error: it has asked too often, or the server is overloaded and says
/// for how long.
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
            (Error::new("query", ErrorKind::Net(runninghub_net::ErrorKind::Timeout)), None),
        ] {
            assert_eq!(held(&error), expected, "{error:?}");
        }
    }
}
