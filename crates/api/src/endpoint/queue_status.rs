//! `GET /openapi/v2/queue/status`: the limit of running tasks, and their number.

use runninghub_core::Untrusted;
use serde::Deserialize;

use super::account::untrusted;
use crate::{
    Client, Error,
    http::{Answer, Call},
    lenient,
};

pub(crate) const PATH: &str = "/openapi/v2/queue/status";

/// The load of a key.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
#[serde(default, rename_all = "camelCase")]
pub struct QueueStatus {
    /// The kind of the key: `NORMAL`, `SHARED` or `EXCLUSIVE`.
    #[serde(deserialize_with = "untrusted")]
    pub api_key_type: Option<Untrusted>,
    /// Maximum number of running tasks.
    #[serde(deserialize_with = "lenient::count")]
    pub concurrent_limit: Option<u64>,
    /// Number of running tasks.
    #[serde(deserialize_with = "lenient::count")]
    pub running_count: Option<u64>,
    /// Number of queued tasks.
    #[serde(deserialize_with = "lenient::count")]
    pub queued_count: Option<u64>,
    /// Number of running and queued tasks.
    #[serde(deserialize_with = "lenient::count")]
    pub total_current_tasks: Option<u64>,
}

impl Client {
    /// Fetches the load of the key. Also the cheapest way to check a key on a site.
    ///
    /// # Errors
    /// When there is no response, or the platform refuses the request.
    pub async fn queue_status(&self) -> Result<QueueStatus, Error> {
        let call = Call::repeatable("queue status", PATH);
        self.get_v2(call, Answer::data).await
    }
}
