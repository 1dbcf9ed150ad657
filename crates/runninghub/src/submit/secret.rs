//! The secret of one submit in its webhook URL.

use runninghub_core::say;
use runninghub_ledger::Secret;
use url::Url;

use crate::{Error, hub::Hub};

/// Placeholder for the submit's secret in a webhook URL.
const SECRET: &str = "{secret}";

/// Checks a webhook URL before anything is paid for: `http` or `https`, a host, and `{secret}` as the only
/// placeholder in braces.
///
/// # Errors
/// When the URL is invalid.
pub fn check_webhook(url: &str) -> Result<(), Error> {
    let plain = url.replace(SECRET, "secret");
    let is_one =
        Url::parse(&plain).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if is_one && !plain.contains(['{', '}']) {
        return Ok(());
    }
    Err(Error::usage(say!("the webhook URL cannot be called")).with_hint(say!(
        "it looks like `https://your-host/{{secret}}`, where `{{secret}}` is the only part in braces"
    )))
}

/// Creates a secret, if the URL has the placeholder. It is redacted from recordings.
pub(super) fn draw(hub: &Hub, webhook: Option<&str>) -> Result<Option<Secret>, Error> {
    let Some(url) = webhook else { return Ok(None) };
    check_webhook(url)?;
    if !url.contains(SECRET) {
        return Ok(None);
    }
    let secret =
        Secret::random().map_err(|error| Error::ledger(say!("cannot generate a webhook secret"), error))?;
    if let Some(recorder) = &hub.recorder {
        recorder.secret(secret.expose());
    }
    Ok(Some(secret))
}

/// The URL with the secret filled in.
pub(super) fn fill(url: &str, secret: &Secret) -> String {
    url.replace(SECRET, secret.expose())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_cannot_be_called_are_refused() {
        for good in
            ["https://h/{secret}", "http://127.0.0.1:9/a?b={secret}", "https://h", "HTTPS://h/a%7Bb%7D"]
        {
            check_webhook(good).expect(good);
        }
        for bad in
            ["", "notaurl", "ftp://h/a", "https://", "https://h/{secrt}", "https://h/}", "{secret}", "//h/a"]
        {
            let error = check_webhook(bad).expect_err(bad);
            assert!(error.hint().is_some(), "{bad}");
        }
    }
}
