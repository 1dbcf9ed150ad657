//! `POST /task/openapi/status`: a task's status only.

use runninghub_core::{TaskId, TaskStatus};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::task_request::{Endpoint, TaskRequest};
use crate::{Client, Error, http::Answer, lenient};

static ENDPOINT: Endpoint<TaskStatus> =
    Endpoint { name: "status", path: "/task/openapi/status", is_v2: false, read };

impl Client {
    /// Fetches a task's status only.
    ///
    /// The platform no longer maintains this endpoint, and it gives no reason for a failed task: prefer
    /// [`Client::outputs`].
    pub fn status(&self, task_id: &TaskId) -> TaskRequest<TaskStatus> {
        TaskRequest::new(self, task_id, &ENDPOINT)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    #[serde(default, deserialize_with = "lenient::text")]
    task_status: Option<String>,
}

/// Documented as a string; one client expects an object.
fn read(answer: &Answer) -> Result<TaskStatus, Error> {
    let envelope = answer.envelope()?;
    if let Some(status) = envelope.failure().and_then(|code| state(code.as_str())) {
        return Ok(status);
    }
    let data: Option<&RawValue> = answer.success()?.data;
    lenient::object::<Data>(data)
        .and_then(|data| data.task_status)
        .or_else(|| lenient::text(&mut serde_json::Deserializer::from_str(data?.get())).ok()?)
        .map(|word| TaskStatus::parse(word.trim()))
        .ok_or_else(|| answer.unexpected("data"))
}

/// The codes that represent a state.
pub(crate) fn state(code: &str) -> Option<TaskStatus> {
    match code {
        "804" => Some(TaskStatus::Running),
        "813" => Some(TaskStatus::Queued),
        "805" => Some(TaskStatus::Failed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::read_with;

    #[test]
    fn a_status_is_a_word_an_object_or_a_code() {
        for (answer, status) in [
            (r#"{"code":0,"msg":"","data":"RUNNING"}"#, TaskStatus::Running),
            (r#"{"code":"0","data":"queued"}"#, TaskStatus::Queued),
            (r#"{"code":0,"data":{"taskStatus":"SUCCESS","netWssUrl":null}}"#, TaskStatus::Success),
            (r#"{"code":0,"data":""}"#, TaskStatus::Unknown(String::new())),
            (r#"{"code":0,"data":"PAUSED"}"#, TaskStatus::Unknown("PAUSED".into())),
            (r#"{"code":804,"msg":"APIKEY_TASK_IS_RUNNING","data":null}"#, TaskStatus::Running),
            (r#"{"code":813,"msg":"APIKEY_TASK_IS_QUEUED","data":null}"#, TaskStatus::Queued),
        ] {
            assert_eq!(read_with(answer, read).expect(answer), status);
        }
        for bad in [r#"{"code":0,"data":null}"#, r#"{"code":0,"data":[]}"#, r#"{"code":423,"data":null}"#] {
            read_with(bad, read).expect_err(bad);
        }
    }
}
