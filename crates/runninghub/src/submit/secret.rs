//! The secret of one submit in its webhook's address.

use runninghub_ledger::Secret;

use crate::{Error, hub::Hub};

/// Stands for the secret of this one submit in a webhook's address.
const SECRET: &str = "{secret}";

/// A secret, where the address wants one. A recording will not have it.
pub(super) fn draw(hub: &Hub, webhook: Option<&str>) -> Result<Option<Secret>, Error> {
    if !webhook.is_some_and(|url| url.contains(SECRET)) {
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
