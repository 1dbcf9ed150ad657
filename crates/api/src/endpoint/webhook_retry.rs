//! `POST /task/openapi/retryWebhook`: another delivery of a webhook.

use crate::{
    Client, Error,
    http::{Answer, Call},
    payload::given,
};

impl Client {
    /// Requests another delivery of a webhook, by the event's id ([`WebhookDetail::id`](crate::WebhookDetail::id)), to
    /// the same URL or to another.
    ///
    /// # Errors
    /// When there is no response, or the platform refuses the request.
    pub async fn retry_webhook(&self, webhook_id: &str, url: Option<&str>) -> Result<(), Error> {
        // Receivers have to expect repeated deliveries, so this may be retried.
        let call = Call::repeatable("webhook retry", "/task/openapi/retryWebhook");
        let fields = given([("webhookId", Some(webhook_id)), ("webhookUrl", url)]);
        self.post_legacy(call, &fields, Answer::done).await
    }
}
