//! Whether an API is there, asked without a key.

use backon::Retryable as _;
use runninghub_net::{HttpClients, backoff};
use url::Url;

use crate::{
    Class, Error, Retry,
    client::TIMEOUT,
    endpoint::queue_status::PATH,
    http::{Call, exchange},
};

/// Sends a cheap request without a key. A refusal is the expected answer. Gives the seconds by which this machine's clock is
/// ahead of the server's, negative where it is behind; `None` where the server does not tell the time.
///
/// # Errors
/// When there is no response, or not one of an API that works.
pub async fn probe(http: &HttpClients, base_url: &Url) -> Result<Option<i64>, Error> {
    let call = &Call::question("queue status", PATH);
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
