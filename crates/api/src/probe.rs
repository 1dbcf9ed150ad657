//! Checks that an API responds, without a key.

use backon::Retryable as _;
use runninghub_net::{HttpClients, backoff};
use url::Url;

use crate::{
    Class, Error, Retry,
    client::TIMEOUT,
    endpoint::queue_status::PATH,
    http::{Call, exchange},
};

/// Sends a cheap request without a key and expects a refusal. Returns the seconds by which this machine's clock is
/// ahead of the server's, negative if it is behind; `None` if the server does not send the time.
///
/// # Errors
/// When there is no response, or it is not from a working API.
pub async fn probe(http: &HttpClients, base_url: &Url) -> Result<Option<i64>, Error> {
    let call = &Call::repeatable("queue status", PATH);
    let url = &format!("{}{PATH}", base_url.as_str().trim_end_matches('/'));
    let attempt = || async move {
        let request = http.pooled()?.get(url).timeout(TIMEOUT);
        let (answer, ahead) = exchange(call, None, request).await?;
        match answer.success().map(drop) {
            Err(error) if !is_refusal(&error) => Err(error),
            _ => Ok(ahead),
        }
    };
    attempt.retry(backoff()).when(|error| matches!(error.retry(), Retry::Safe { .. })).await
}

fn is_refusal(error: &Error) -> bool {
    match error.class() {
        Class::Auth => true,
        Class::Server => false,
        _ => error.code().is_some(),
    }
}
