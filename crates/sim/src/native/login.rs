//! A gateway in front of the server that requires a login.

use axum::http::Request;

/// `NAME: VALUE`, or `?NAME=VALUE`.
#[derive(Clone, Debug)]
pub(crate) struct Login(pub(super) String);

impl Login {
    /// Whether the request carries the login.
    pub(super) fn is_in<B>(&self, request: &Request<B>) -> bool {
        if let Some(pair) = self.0.strip_prefix('?') {
            return request.uri().query().unwrap_or_default().split('&').any(|given| given == pair);
        }
        let Some((name, value)) = self.0.split_once(": ") else { return false };
        request.headers().get(name).is_some_and(|given| given == value)
    }
}
