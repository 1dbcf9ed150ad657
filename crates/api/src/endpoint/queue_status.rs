//! `GET /openapi/v2/queue/status`: how many tasks the key may run, and how many it runs.

use runninghub_core::Untrusted;
use serde::Deserialize;

use super::{account::untrusted, into_future};
use crate::{
    Client, Error,
    http::{Answer, Call},
    lenient,
};

pub(crate) const PATH: &str = "/openapi/v2/queue/status";

/// Asks how busy the key is. Made by [`Client::queue_status`]. Also the cheapest way to try a key on a site.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited"]
pub struct GetQueueStatus {
    client: Client,
}

/// How busy a key is.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
#[serde(default, rename_all = "camelCase")]
pub struct QueueStatus {
    /// The kind of the key: `NORMAL`, `SHARED` or `EXCLUSIVE`.
    #[serde(deserialize_with = "untrusted")]
    pub api_key_type: Option<Untrusted>,
    /// How many tasks may run at once.
    #[serde(deserialize_with = "lenient::count")]
    pub concurrent_limit: Option<u64>,
    /// How many run.
    #[serde(deserialize_with = "lenient::count")]
    pub running_count: Option<u64>,
    /// How many wait.
    #[serde(deserialize_with = "lenient::count")]
    pub queued_count: Option<u64>,
    /// Both together.
    #[serde(deserialize_with = "lenient::count")]
    pub total_current_tasks: Option<u64>,
}

impl GetQueueStatus {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    async fn send(self) -> Result<QueueStatus, Error> {
        let call = Call::question("queue status", PATH);
        self.client.get_v2(call, Answer::data).await
    }
}

into_future!(GetQueueStatus => QueueStatus);
