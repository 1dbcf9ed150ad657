//! `POST /task/openapi/retryWebhook`: another delivery of a webhook.

use std::fmt;

use serde::Serialize;

use super::into_future;
use crate::{
    Client, Error,
    http::{Answer, Call},
};

/// Requests another delivery. Created by [`Client::retry_webhook`]. It takes the event's id
/// ([`WebhookDetail::id`](crate::WebhookDetail::id)), not the task's.
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

    /// Delivers to another URL than the first time.
    pub fn to(mut self, url: impl Into<String>) -> Self {
        self.fields.webhook_url = Some(url.into());
        self
    }

    async fn send(self) -> Result<(), Error> {
        // Receivers have to expect repeated deliveries, so this may be retried.
        let call = Call::question("webhook retry", "/task/openapi/retryWebhook");
        self.client.post_legacy(call, &self.fields, Answer::done).await
    }
}

into_future!(RetryWebhook => ());

impl fmt::Debug for RetryWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL is a secret.
        f.debug_struct("RetryWebhook").field("webhook_id", &self.fields.webhook_id).finish_non_exhaustive()
    }
}
