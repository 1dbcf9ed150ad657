//! `POST /task/openapi/outputs`: a task's status, its socket URL, its results.

use runninghub_core::{Failure, Observation, TaskId, TaskStatus};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    status::state,
    task_request::{Endpoint, TaskRequest},
};
use crate::{Client, Error, http::Answer, lenient, observation};

static ENDPOINT: Endpoint<Observation> =
    Endpoint { name: "outputs", path: "/task/openapi/outputs", is_v2: false, read };

impl Client {
    /// Fetches a task's status and results.
    ///
    /// Success may come with an empty list right after the end: then poll again. A failed task is not an error here but
    /// an [`Observation`] with [`TaskStatus::Failed`].
    pub fn outputs(&self, task_id: &TaskId) -> TaskRequest<Observation> {
        TaskRequest::new(self, task_id, &ENDPOINT)
    }
}

/// `data` when it is an object: while running, and after a failure.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Data {
    net_wss_url: Option<Box<RawValue>>,
    failed_reason: Option<Box<RawValue>>,
    #[serde(deserialize_with = "lenient::filled")]
    task_status: Option<String>,
}

/// The code gives the state: 0 with a list, 804, 813, 805. Older responses had code 0 with `null` for a queued or
/// running task, and other codes with a `failedReason` for a failed one.
pub(crate) fn read(answer: &Answer) -> Result<Observation, Error> {
    let envelope = answer.envelope()?;
    let code = envelope.failure();
    let list = envelope.data.filter(|data| data.get().starts_with('['));
    if let (None, Some(items)) = (&code, lenient::list(list)) {
        return Ok(Observation {
            outputs: observation::outputs(&items),
            cost: observation::cost_of_items(&items),
            ..Observation::of(TaskStatus::Success)
        });
    }
    let data: Data = lenient::object(envelope.data).unwrap_or_default();
    let failure = observation::failure(data.failed_reason.as_deref());
    let status = match code.as_ref().map(|code| state(code.as_str())) {
        Some(Some(status)) => status,
        _ if failure.is_some() => TaskStatus::Failed,
        Some(None) => return Err(answer.refusal(&envelope)),
        // Only a list is a success.
        None => match data.task_status.as_deref().map(TaskStatus::parse) {
            Some(status) if status != TaskStatus::Success => status,
            _ if !envelope.is_success() => return Err(answer.unexpected("code")),
            _ => TaskStatus::Running,
        },
    };
    let failure = (status == TaskStatus::Failed)
        .then(|| Failure { code: code.map(|code| code.as_str().to_owned()), ..failure.unwrap_or_default() });
    let socket = observation::socket(data.net_wss_url.as_deref());
    Ok(Observation { socket, failure, ..Observation::of(status) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use runninghub_core::FileUrl;

    use super::*;
    use crate::{Class, http::tests::read_with};

    fn get(text: &str) -> Observation {
        read_with(text, read).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_task_runs() {
        let seen =
            get(r#"{"code":804,"msg":"APIKEY_TASK_IS_RUNNING","data":{"netWssUrl":"wss://h/ws?t=%3D"}}"#);
        assert_eq!(seen.status, TaskStatus::Running);
        assert_eq!(seen.socket.expect("an address").expose(), "wss://h/ws?t=%3D");
        for text in [
            r#"{"code":804,"msg":"APIKEY_TASK_IS_RUNNING","data":null}"#,
            r#"{"code":"804","data":{"netWssUrl":null}}"#,
            r#"{"code":804,"data":{"netWssUrl":""}}"#,
            r#"{"code":804,"data":[]}"#,
            r#"{"code":0,"msg":"任务运行中","data":null}"#,
            r#"{"code":0,"data":{}}"#,
            r#"{"code":0,"data":{"taskStatus":"SUCCESS"}}"#,
        ] {
            let seen = get(text);
            assert_eq!(seen.status, TaskStatus::Running, "{text}");
            assert!(seen.socket.is_none() && seen.failure.is_none(), "{text}");
        }
    }

    #[test]
    fn a_task_waits() {
        assert_eq!(
            get(r#"{"code":813,"msg":"APIKEY_TASK_IS_QUEUED","data":null}"#).status,
            TaskStatus::Queued
        );
        assert_eq!(get(r#"{"code":0,"data":{"taskStatus":"QUEUED"}}"#).status, TaskStatus::Queued);
    }

    #[test]
    fn a_task_is_done() {
        let seen = get(r#"{"code":0,"msg":"success","errorMessages":null,"data":[
                {"fileUrl":"https://cdn/a.png?sign=1","fileType":"png","taskCostTime":"83","nodeId":9,
                 "thirdPartyConsumeMoney":null,"consumeMoney":"0.14","consumeCoins":"51","bucket":"b"},
                {"fileUrl":"https://cdn/b.mp4","fileType":"mp4","taskCostTime":83,"nodeId":"57:8","consumeCoins":"51"},
                {"text":"a poem","fileUrl":null,"nodeId":null},
                "https://cdn/c.png", null]}"#);
        assert_eq!(seen.status, TaskStatus::Success);
        assert_eq!(seen.outputs.len(), 5);
        assert_eq!(seen.outputs[0].node_id, Some("9".into()));
        assert_eq!(seen.outputs[1].url, Some(FileUrl::new("https://cdn/b.mp4")));
        assert_eq!(seen.outputs[1].node_id, Some("57:8".into()));
        assert_eq!(seen.outputs[2].text.as_deref(), Some("a poem"));
        assert_eq!(seen.outputs[3].url, Some(FileUrl::new("https://cdn/c.png")));
        let cost = seen.cost.expect("a cost");
        assert_eq!((cost.coins.as_deref(), cost.money.as_deref()), (Some("51"), Some("0.14")));
        assert!(get(r#"{"code":0,"data":[]}"#).outputs.is_empty());
    }

    #[test]
    fn a_task_failed() {
        let text = r#"{"code":805,"msg":"APIKEY_TASK_STATUS_ERROR","data":{"failedReason":{
            "current_outputs":"{}","exception_type":"torch.OutOfMemoryError","node_name":"KSampler","node_id":"3",
            "traceback":"[\"  File a\"]","exception_message":"Allocation failed"}}}"#;
        let failure = get(text).failure.expect("a reason");
        assert_eq!(failure.code.as_deref(), Some("805"));
        assert_eq!(failure.node_id, Some("3".into()));
        assert_eq!(failure.message, Some("Allocation failed".into()));
        assert_eq!(failure.traceback.len(), 1);
        for text in [
            r#"{"code":805,"data":null}"#,
            r#"{"code":805,"data":[]}"#,
            r#"{"code":805,"data":{}}"#,
            r#"{"code":500,"msg":"x","data":{"failedReason":{"node_id":3}}}"#,
            r#"{"code":0,"data":{"taskStatus":"FAILED"}}"#,
        ] {
            let seen = get(text);
            assert_eq!(seen.status, TaskStatus::Failed, "{text}");
            assert!(seen.failure.is_some(), "{text}");
        }
    }

    #[test]
    fn a_task_is_not_known() {
        for code in [423, 807, 1004] {
            let error =
                read_with(&format!(r#"{{"code":{code},"msg":"gone","data":null}}"#), read).expect_err("gone");
            assert_eq!(error.class(), Class::NotFound, "{code}");
        }
        assert_eq!(
            read_with(r#"{"code":500,"data":null}"#, read).expect_err("failed").class(),
            Class::Server
        );
        read_with(r#"{"hello":"world"}"#, read).expect_err("not an answer of this endpoint");
    }

    proptest! {
        #[test]
        fn any_response_is_an_observation_or_an_error(code in 0..900, data in r#"(\{|\}|\[|\]|,|:|"|null|"netWssUrl"|"failedReason"|7|\\ud800)*"#) {
            let _ = read_with(&format!(r#"{{"code":{code},"data":{data}}}"#), read);
        }
    }
}
