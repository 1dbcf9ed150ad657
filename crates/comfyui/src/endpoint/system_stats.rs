//! `GET /system_stats`.

use runninghub_core::Untrusted;

use crate::{Client, Error, http::Call};

/// Information about a server.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SystemStats {
    /// Its version, for example `0.29.0`; `None` if the server does not report it.
    pub version: Option<Untrusted>,
}

pub(crate) async fn get(client: &Client) -> Result<SystemStats, Error> {
    let answer = client.get(&Call { name: "system_stats", segments: &["system_stats"] }).await?;
    let stats = answer.object()?;
    if !stats["system"].is_object() {
        return Err(Error::unexpected("system"));
    }
    Ok(SystemStats { version: stats["system"]["comfyui_version"].as_str().map(Untrusted::from) })
}
