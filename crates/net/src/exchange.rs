//! A record of every finished request, for recordings.

use std::time::Duration;

use tokio::time::Instant;

/// One finished request to an API; each attempt is reported separately.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// The path below the server's URL, without a query, for example `/task/openapi/create`.
    pub path: &'a str,
    /// The JSON body without the key; `None` if there was no JSON body.
    pub request: Option<&'a str>,
    /// The HTTP status; `None` if there was no response.
    pub status: Option<u16>,
    /// The response's text with the key masked, or the error. It may contain a socket's ticket and signed URLs:
    /// remove those before you store it.
    pub response: &'a str,
    /// When the request started.
    pub started: Instant,
    /// How long it took until the response was read or the request was given up.
    pub took: Duration,
}
