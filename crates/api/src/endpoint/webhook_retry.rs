//! `POST /task/openapi/retryWebhook`: another delivery of a webhook.

use std::fmt;

use serde::Serialize;

use super::into_future;
use crate::{
    Client, Error,
    http::{Answer, Call},
};

/// Asks for another delivery. Made by [`Client::retry_webhook`]. It goes by the event's id
/// ([`WebhookDetail::id`](crate::WebhookDetail::id)) and not by the task's.
#[must_use = "a request does nothing until it is awaited"]
pub struct RetryWebhook {
    client: Client,
    fields: Fields,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    webhook_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_url: Option<String>,
}

impl RetryWebhook {
    pub(crate) fn new(client: Client, webhook_id: String) -> Self {
        Self { client, fields: Fields { webhook_id, webhook_url: None } }
    }

    /// To another address than the first time.
    pub fn to(mut self, url: impl Into<String>) -> Self {
        self.fields.webhook_url = Some(url.into());
        self
    }

    async fn send(self) -> Result<(), Error> {
        // Repeated deliveries are nothing new to a receiver.
        let call = Call::question("webhook retry", "/task/openapi/retryWebhook");
        self.client.post_legacy(call, &self.fields, Answer::done).await
    }
}

into_future!(RetryWebhook => ());

impl fmt::Debug for RetryWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address is a secret.
        f.debug_struct("RetryWebhook").field("webhook_id", &self.fields.webhook_id).finish_non_exhaustive()
    }
}
