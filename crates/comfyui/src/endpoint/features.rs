//! `GET /features`: the features of the server. Since 0.3.45.

use crate::{Client, Error, http::Call};

/// The server's limit for uploads in bytes, if it reports one.
pub(crate) async fn max_upload(client: &Client) -> Result<Option<u64>, Error> {
    let answer = client.get(&Call { name: "features", segments: &["features"] }).await?;
    Ok(answer.any_json().and_then(|features| features["max_upload_size"].as_u64()))
}
