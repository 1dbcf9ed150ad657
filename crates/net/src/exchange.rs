//! A look at every finished request, for recordings.

use std::time::Duration;

use tokio::time::Instant;

/// One finished request to an API; each attempt of a repeated one is another.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// The path below the server's URL, without a query, for example `/task/openapi/create`.
    pub path: &'a str,
    /// The JSON body without the key; `None` if there was no JSON body.
    pub request: Option<&'a str>,
    /// The HTTP status; `None` if no response came.
    pub status: Option<u16>,
    /// The response's text with the key masked, or what went wrong. It may hold a socket's ticket and signed URLs: whoever
    /// writes it down has to remove those.
    pub response: &'a str,
    /// When the request was started.
    pub started: Instant,
    /// How long it took until the response was read or given up.
    pub took: Duration,
}
