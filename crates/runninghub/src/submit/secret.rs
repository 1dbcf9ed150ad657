//! The secret of one submit in its webhook's address.

use runninghub_ledger::Secret;
use url::Url;

use crate::{Error, hub::Hub};

/// Stands for the secret of this one submit in a webhook's address.
const SECRET: &str = "{secret}";

/// Checks an address that the platform is to call, before anything is paid for: `http` or `https`, a host, and no other part in
/// braces than `{secret}`.
///
/// # Errors
/// When it is none.
pub fn check_webhook(url: &str) -> Result<(), Error> {
    let plain = url.replace(SECRET, "secret");
    let is_one =
        Url::parse(&plain).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if is_one && !plain.contains(['{', '}']) {
        return Ok(());
    }
    Err(Error::usage("the webhook's address is not one that can be called")
        .with_hint("it is like `https://your-host/{secret}`, and `{secret}` is the only part in braces"))
}

/// A secret, where the address wants one. A recording will not have it.
pub(super) fn draw(hub: &Hub, webhook: Option<&str>) -> Result<Option<Secret>, Error> {
    let Some(url) = webhook else { return Ok(None) };
    check_webhook(url)?;
    if !url.contains(SECRET) {
        return Ok(None);
    }
    let secret =
        Secret::random().map_err(|error| Error::ledger("a webhook's secret cannot be drawn", error))?;
    if let Some(recorder) = &hub.recorder {
        recorder.secret(secret.expose());
    }
    Ok(Some(secret))
}

/// The address with the secret in its place.
pub(super) fn fill(url: &str, secret: &Secret) -> String {
    url.replace(SECRET, secret.expose())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_called_is_refused() {
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
