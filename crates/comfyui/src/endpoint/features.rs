//! `GET /features`: what the server can do. Since 0.3.45.

use crate::{Client, Error, http::Call};

/// The largest upload that the server takes, bytes, if it says so.
pub(crate) async fn max_upload(client: &Client) -> Result<Option<u64>, Error> {
    let answer = client.get(&Call { name: "features", segments: &["features"] }).await?;
    Ok(answer.any_json().and_then(|features| features["max_upload_size"].as_u64()))
}
