//! A look at every finished request, for recordings.

use std::time::Duration;

use tokio::time::Instant;

/// Is told of every API request that ended, also of each attempt of a repeated one.
///
/// Downloads are not reported: they are not requests to the API.
pub trait Exchange: Send + Sync {
    /// Called once per attempt, on the task that asked: it must be quick and must not panic.
    fn finished(&self, exchange: &Finished<'_>);
}

/// One finished request.
#[derive(Debug)]
#[non_exhaustive]
pub struct Finished<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// Path without host, for example `/task/openapi/create`.
    pub path: &'a str,
    /// The JSON body without the key; `None` if there was no JSON body.
    pub request: Option<&'a str>,
    /// The HTTP status; `None` if no answer came.
    pub status: Option<u16>,
    /// The answer's text with the key masked, or what went wrong. It may hold the socket's ticket and signed
    /// addresses: whoever writes it down has to remove those.
    pub response: &'a str,
    /// When the request was started.
    pub started: Instant,
    /// How long it took until the answer was read or given up.
    pub took: Duration,
}
