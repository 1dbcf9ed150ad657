//! `POST /openapi/v2/{endpoint}`: makes a paid task of a model of the Standard Model API.

use std::fmt;

use serde_json::{Map, Value};

use super::{create::read_bare, into_future};
use crate::{Client, Created, Error, http::Call};

/// What stands before a model's endpoint.
const FAMILY: &str = "/openapi/v2/";
/// What stands before it where only the price is asked for.
const PREVIEW: &str = "/openapi/v2/price-preview/";

/// Makes a paid task of a model. Made by [`Client::run_model`].
///
/// Sent once, like [`Create`](crate::Create), and with the same three outcomes. The endpoint and the fields are sent to the
/// letter; what they can be is for a catalog to know. Only enterprise-shared keys may use models, others get code 1014. The task
/// is over already in some answers; ask for it with [`Client::query`], which knows tasks of models for certain.
#[must_use = "a request does nothing until it is awaited"]
pub struct RunModel {
    client: Client,
    endpoint: String,
    fields: Map<String, Value>,
}

impl RunModel {
    pub(crate) fn new(client: Client, endpoint: String) -> Self {
        Self { client, endpoint, fields: Map::new() }
    }

    /// The model's parameters, all of them. Media are addresses: public ones, `data:`, or the
    /// [`DownloadUrl`](crate::DownloadUrl) of an upload.
    pub fn params(mut self, params: Map<String, Value>) -> Self {
        self.fields.extend(params);
        self
    }

    /// An address that the platform calls when the task is over. It is not signed: put a secret into its path.
    pub fn webhook_url(mut self, url: impl Into<String>) -> Self {
        self.fields.insert("webhookUrl".to_owned(), Value::String(url.into()));
        self
    }

    /// The body as it is sent: for a digest, since it may hold secrets.
    pub fn body(&self) -> String {
        // A map of JSON values always has a text.
        serde_json::to_string(&self.fields).unwrap_or_default()
    }

    async fn send(self) -> Result<Created, Error> {
        let call = Call::create("model", path(FAMILY, &self.endpoint));
        if !is_path(&self.endpoint) {
            return Err(call.usage("the endpoint of the model is not a path such as `vidu/text-to-video-q2`"));
        }
        self.client.post_v2(call, &self.fields, read_bare).await
    }
}

into_future!(RunModel => Created);

impl fmt::Debug for RunModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Signed addresses and the webhook's are secrets.
        f.debug_struct("RunModel").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

pub(super) fn path(family: &str, endpoint: &str) -> String {
    format!("{family}{endpoint}")
}

/// Where only the price is asked for.
pub(super) fn preview_path(endpoint: &str) -> String {
    path(PREVIEW, endpoint)
}

/// Whether an endpoint stays where it is put: parts of letters, digits and a few signs, none of them dots alone.
pub(super) fn is_path(endpoint: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.[]".contains(c);
    endpoint.split('/').all(|part| part.chars().all(fits) && !part.trim_matches('.').is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use runninghub_core::TaskStatus;

    use super::*;
    use crate::{
        CreateOutcome, Retry,
        http::tests::{create_with, error_with},
    };

    fn outcome(text: &str) -> Option<CreateOutcome> {
        create_with(text, read_bare).expect_err(text).create_outcome()
    }

    #[test]
    fn a_task_is_accepted_running_or_over() {
        for (text, status) in [
            (
                r#"{"taskId":"7","status":"RUNNING","errorCode":"","errorMessage":"","results":null}"#,
                TaskStatus::Running,
            ),
            (r#"{"taskId":7,"status":"success","results":[{"url":"https://h/a.png"}]}"#, TaskStatus::Success),
            (
                r#"{"taskId":"7","status":"FAILED","errorCode":"1501","errorMessage":"no"}"#,
                TaskStatus::Failed,
            ),
            (r#"{"taskId":"7","errorCode":null}"#, TaskStatus::Queued),
            (r#"{"code":0,"message":"success","data":{"taskId":"7","status":"QUEUED"}}"#, TaskStatus::Queued),
            (r#"{"taskId":"7","status":{},"clientId":1e999,"news":["\ud800"]}"#, TaskStatus::Queued),
        ] {
            let created = create_with(text, read_bare).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((created.task_id.as_str(), created.status), ("7", status), "{text}");
        }
    }

    #[test]
    fn without_a_task_it_is_refused_by_a_code_of_the_list_or_unknown() {
        for text in [
            r#"{"errorCode":"1014","errorMessage":"enterprise only"}"#,
            r#"{"errorCode":1007,"errorMessage":"Invalid parameters"}"#,
            r#"{"code":1520,"msg":"busy"}"#,
            r#"{"taskId":"","status":"FAILED","errorCode":"1007","errorMessage":"Invalid parameters"}"#,
        ] {
            assert_eq!(outcome(text), Some(CreateOutcome::Refused), "{text}");
        }
        for text in [
            r#"{"errorCode":"1000","errorMessage":"unknown"}"#,
            r#"{"taskId":null,"status":"QUEUED","errorCode":""}"#,
            r#"{"status":"FAILED","errorCode":"1005"}"#,
            r#"{"code":0,"data":null}"#,
            "{}",
            "[]",
            "",
            "<html>",
        ] {
            assert_eq!(outcome(text), Some(CreateOutcome::Unknown), "{text}");
        }
        let busy = create_with(r#"{"errorCode":"1011"}"#, read_bare).expect_err("busy");
        assert!(matches!(busy.retry(), Retry::Safe { .. }));
        assert_eq!(error_with(502, "", read_bare).create_outcome(), Some(CreateOutcome::Unknown));
    }

    #[test]
    fn an_endpoint_leads_nowhere_else() {
        for fine in
            ["vidu/text-to-video-q2", "cinematic-video-generator", "rhart-image-g-1.5/edit-[Deprecated]"]
        {
            assert!(is_path(fine), "{fine}");
        }
        for bad in ["", "/", "a//b", "../query", "a/..", "a?b=1", "a#b", "a%2e", "a b", "a\\b", "https://h/a"]
        {
            assert!(!is_path(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn accepted_means_a_task_id(text in r#"(\{|\}|\[|\]|,|:|"|null|0|7|"code"|"taskId"|"data"|"status"|"errorCode"|\\ud800)*"#) {
            match create_with(&text, read_bare) {
                Ok(created) => prop_assert!(!created.task_id.as_str().is_empty()),
                Err(error) => prop_assert!(error.create_outcome().is_some()),
            }
        }
    }
}
