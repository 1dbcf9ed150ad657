//! `POST /task/openapi/getWebhookDetail`: the state of a task's webhook.

use std::fmt;

use runninghub_core::{Observation, TaskId, Untrusted};
use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::{account::untrusted, outputs, query};
use crate::{
    Client, Error,
    http::{Answer, Call},
    lenient,
};

/// The state of a webhook.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WebhookDetail {
    /// The event's id, for [`Client::retry_webhook`]. It differs from the task's id.
    pub id: String,
    /// The URL that is called.
    pub url: Option<WebhookUrl>,
    /// The event: `TASK_END`; `None` before it has happened.
    pub event: Option<Untrusted>,
    /// How the task ended, according to the delivery.
    pub outcome: Option<Observation>,
    /// The state of the delivery: `SUCCESS`, `FAILED`, or another word while it is undecided.
    pub callback_status: Option<Untrusted>,
    /// The receiver's response.
    pub callback_response: Option<Untrusted>,
    /// Number of retries.
    pub retry_count: Option<u64>,
    /// When it was created, in the platform's local time, without a time zone.
    pub create_time: Option<Untrusted>,
    /// When it last changed, in the same format.
    pub update_time: Option<Untrusted>,
}

/// The URL of a webhook: usually a secret. `Debug` does not show it.
#[derive(Clone, Eq, PartialEq)]
pub struct WebhookUrl(String);

impl WebhookUrl {
    /// The whole URL: never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookUrl(…)")
    }
}

impl Client {
    /// Fetches the state of a task's webhook.
    ///
    /// A task without one is code 1. The response contains the webhook's URL, whose path may be a secret, so it is not
    /// passed to observers.
    ///
    /// # Errors
    /// When there is no response, or the platform refuses the request.
    pub async fn webhook_detail(&self, task_id: &TaskId) -> Result<WebhookDetail, Error> {
        let call = Call::repeatable("webhook detail", "/task/openapi/getWebhookDetail").secret_answer();
        self.post_legacy(call, &json!({ "taskId": task_id }), read).await
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    #[serde(default, deserialize_with = "lenient::filled")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient::filled")]
    webhook_url: Option<String>,
    #[serde(default, deserialize_with = "untrusted")]
    event: Option<Untrusted>,
    #[serde(default)]
    #[serde(rename = "eventData")]
    delivered: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "untrusted")]
    callback_status: Option<Untrusted>,
    #[serde(default, deserialize_with = "untrusted")]
    callback_response: Option<Untrusted>,
    #[serde(default, deserialize_with = "lenient::count")]
    retry_count: Option<u64>,
    #[serde(default, deserialize_with = "untrusted")]
    create_time: Option<Untrusted>,
    #[serde(default, deserialize_with = "untrusted")]
    update_time: Option<Untrusted>,
}

fn read(answer: &Answer) -> Result<WebhookDetail, Error> {
    let data: Data = answer.data()?;
    Ok(WebhookDetail {
        id: data.id.ok_or_else(|| answer.unexpected("data.id"))?,
        url: data.webhook_url.map(WebhookUrl),
        event: data.event,
        outcome: data.delivered.as_deref().and_then(|raw| outcome(answer, raw)),
        callback_status: data.callback_status,
        callback_response: data.callback_response,
        retry_count: data.retry_count,
        create_time: data.create_time,
        update_time: data.update_time,
    })
}

/// Parses the legacy family's envelope or the task object of v2, as JSON or as JSON in a string.
fn outcome(answer: &Answer, raw: &RawValue) -> Option<Observation> {
    let json: Box<RawValue> = lenient::object(Some(raw))?;
    let inner = answer.with_text(json.get());
    outputs::read(&inner).or_else(|_| query::read(&inner)).ok()
}

#[cfg(test)]
mod tests {
    use runninghub_core::TaskStatus;

    use super::*;
    use crate::http::tests::read_with;

    fn get(data: &str) -> WebhookDetail {
        let text = format!(
            r#"{{"code":0,"msg":"success","data":{{"id":77,"webhookUrl":"https://h/S3CRET","retryCount":"3","eventData":{data}}}}}"#
        );
        read_with(&text, read).expect("a detail")
    }

    #[test]
    fn every_shape_of_the_event() {
        let legacy = r#"{"code":0,"msg":"success","data":[{"fileUrl":"https://h/a.png","taskCostTime":78}]}"#;
        let bare = r#"{"taskId":"7","status":"SUCCESS","results":[{"url":"https://h/a.png"}]}"#;
        for json in [legacy, bare] {
            for data in [json.to_owned(), serde_json::to_string(json).expect("text")] {
                let outcome = get(&data).outcome.expect("an outcome");
                assert_eq!((outcome.status, outcome.outputs.len()), (TaskStatus::Success, 1), "{data}");
            }
        }
        let failed = get(r#""{\"code\":805,\"msg\":\"APIKEY_TASK_STATUS_ERROR\",\"data\":null}""#);
        assert_eq!(failed.outcome.map(|outcome| outcome.status), Some(TaskStatus::Failed));
        let failed =
            get(r#"{"taskId":"7","status":"FAILED","errorCode":"1501","errorMessage":"no","results":null}"#);
        let failed = failed.outcome.expect("an outcome");
        assert_eq!(
            (failed.status, failed.failure.and_then(|why| why.code)),
            (TaskStatus::Failed, Some("1501".into()))
        );
        for none in ["null", "\"\"", "7", "[]", "{}", "\"{\""] {
            assert!(get(none).outcome.is_none(), "{none}");
        }
    }

    #[test]
    fn the_url_is_not_shown() {
        let detail = get("null");
        assert_eq!((detail.id.as_str(), detail.retry_count), ("77", Some(3)));
        assert_eq!(detail.url.as_ref().map(WebhookUrl::expose), Some("https://h/S3CRET"));
        assert!(!format!("{detail:?}").contains("S3CRET"));
        read_with(r#"{"code":0,"data":{"webhookUrl":"https://h"}}"#, read).expect_err("no id");
        let none =
            read_with(r#"{"code":1,"msg":"webhook event not exists","data":null}"#, read).expect_err("none");
        assert_eq!(none.code().map(crate::Code::as_str), Some("1"));
    }
}
