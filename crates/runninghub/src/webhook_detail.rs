//! The platform's records of a task's webhook.

use runninghub_api::WebhookDetail;
use runninghub_core::{TaskId, say};

use crate::{Error, RunningHub, check_webhook};

impl RunningHub {
    /// The URL that was called for a task, and the result of the delivery.
    ///
    /// # Errors
    /// When the task is unknown or has no webhook, or there is no response.
    pub async fn webhook_detail(&self, task: &TaskId) -> Result<WebhookDetail, Error> {
        let detail = self.0.client.webhook_detail(task).await;
        detail.map_err(|error| Error::api(say!("cannot get the webhook's details"), error))
    }

    /// Requests another delivery of a task's webhook, to the same URL or to another.
    ///
    /// # Errors
    /// When the task is unknown, has no webhook or is not over, or there is no response.
    pub async fn resend_webhook(&self, task: &TaskId, url: Option<&str>) -> Result<(), Error> {
        if let Some(url) = url {
            // A redelivery has no separate secret.
            check_webhook(url)?;
        }
        let detail = self.webhook_detail(task).await?;
        if detail.event.is_none() {
            return Err(Error::usage(say!("the task has not ended, so there is nothing to deliver again")));
        }
        if let (Some(recorder), Some(url)) = (&self.0.recorder, url) {
            recorder.address(url);
        }
        let again = self.0.client.retry_webhook(&detail.id, url).await;
        again.map_err(|error| Error::api(say!("the webhook was not delivered again"), error))
    }
}
