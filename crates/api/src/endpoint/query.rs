//! `POST /openapi/v2/query`: status and results of a task of any origin.

use runninghub_core::{Failure, Observation, TaskId, TaskStatus};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::task_request::{Endpoint, TaskRequest};
use crate::{Client, Error, http::Answer, lenient, observation};

static ENDPOINT: Endpoint<Observation> =
    Endpoint { name: "query", path: "/openapi/v2/query", is_v2: true, read };

impl Client {
    /// Like [`Client::outputs`], with the v2 endpoint, which knows tasks of every origin but not the socket.
    pub fn query(&self, task_id: &TaskId) -> TaskRequest<Observation> {
        TaskRequest::new(self, task_id, &ENDPOINT)
    }
}

/// The bare task object in the responses of every v2 submit and of `query`.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Task {
    status: Option<Box<RawValue>>,
    error_code: Option<Box<RawValue>>,
    error_message: Option<Box<RawValue>>,
    results: Option<Box<RawValue>>,
    failed_reason: Option<Box<RawValue>>,
    usage: Option<Box<RawValue>>,
    net_wss_url: Option<Box<RawValue>>,
    data: Option<Box<RawValue>>,
}

/// The message of a task that failed or was stopped for no known reason.
const NO_REASON: &str = "unknown error";

/// Parses a bare task object, or one inside `{code, data}` as some gateways wrap it.
pub(crate) fn read(answer: &Answer) -> Result<Observation, Error> {
    answer.success_within()?;
    let outer: Task = answer.object()?;
    let wrapped = lenient::object::<Task>(outer.data.as_deref());
    let task = wrapped.filter(|_| outer.status.is_none()).unwrap_or(outer);

    let results = task.results.as_deref().filter(|results| results.get().starts_with('['));
    let items = lenient::list(results).unwrap_or_default();
    let error_code = lenient::scalar(task.error_code.as_deref()).filter(|code| code != "0");
    // The status has been seen empty; results prove success, and anything else counts as running.
    let word = lenient::scalar(task.status.as_deref());
    let status = match &word {
        Some(word) => TaskStatus::parse(word),
        None if !items.is_empty() => TaskStatus::Success,
        None if task.status.is_some() => TaskStatus::Unknown(String::new()),
        None => return Err(answer.unexpected("status")),
    };
    let failure = (status == TaskStatus::Failed).then(|| {
        let reason = observation::failure(task.failed_reason.as_deref()).unwrap_or_default();
        let message = lenient::scalar(task.error_message.as_deref());
        let message = message.filter(|text| !text.eq_ignore_ascii_case(NO_REASON)).map(Into::into);
        Failure { code: error_code, message: reason.message.clone().or(message), ..reason }
    });
    Ok(Observation {
        socket: observation::socket(task.net_wss_url.as_deref()),
        outputs: observation::outputs(&items),
        failure,
        cost: observation::cost(task.usage.as_deref()),
        ..Observation::of(status)
    })
}

#[cfg(test)]
mod tests {
    use runninghub_core::FileUrl;

    use super::*;
    use crate::http::tests::read_with;

    fn get(text: &str) -> Observation {
        read_with(text, read).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_refusal_may_be_wrapped() {
        let text = r#"{"code":0,"data":{"errorCode":"1004","errorMessage":"no such task"}}"#;
        let error = read_with(text, read).expect_err("refused");
        assert_eq!(error.code().map(crate::Code::as_str), Some("1004"));
        let failed = get(r#"{"code":0,"data":{"status":"FAILED","errorCode":"1501","errorMessage":"no"}}"#);
        assert_eq!(failed.status, TaskStatus::Failed);
    }

    #[test]
    fn a_task_is_done() {
        let text = r#"{"taskId":"2","status":"SUCCESS","errorCode":"","errorMessage":"","results":[
            {"url":"https://h/a.jpg","nodeId":"9","outputType":"jpg","text":null},
            {"outputUrl":"https://h/b.png","outputType":"image"},{"url":null,"content":"words"}],
            "failedReason":{},"promptTips":"","usage":{"consumeMoney":null,"consumeCoins":"7","taskCostTime":"32"},
            "taskUsageList":[{"taskId":2000000000000000002,"usage":{"consumeCoins":"7"}}]}"#;
        let seen = get(text);
        assert_eq!(seen.status, TaskStatus::Success);
        assert_eq!(seen.outputs.len(), 3);
        assert_eq!(seen.outputs[1].url, Some(FileUrl::new("https://h/b.png")));
        assert_eq!(seen.outputs[2].text.as_deref(), Some("words"));
        assert_eq!(seen.cost.expect("a cost").coins.as_deref(), Some("7"));
        let wrapped = get(&format!(r#"{{"code":0,"message":"success","data":{text}}}"#));
        assert_eq!((wrapped.status, wrapped.outputs.len()), (TaskStatus::Success, 3));
    }

    #[test]
    fn every_status_and_none() {
        for (word, status) in [
            ("\"QUEUED\"", TaskStatus::Queued),
            ("\"running\"", TaskStatus::Running),
            ("\"CANCEL\"", TaskStatus::Cancelled),
            ("\"\"", TaskStatus::Unknown(String::new())),
            ("\"NEW\"", TaskStatus::Unknown("NEW".into())),
        ] {
            let seen = get(&format!(r#"{{"taskId":"1","status":{word},"results":null,"usage":null}}"#));
            assert_eq!(seen.status, status);
            assert!(seen.outputs.is_empty() && seen.cost.is_none());
        }
    }

    #[test]
    fn a_failed_task_is_not_an_error_but_a_failed_request_is() {
        let seen =
            get(r#"{"status":"FAILED","errorCode":1000,"errorMessage":"unknown","failedReason":null}"#);
        let failure = seen.failure.expect("a reason");
        assert_eq!((failure.code.as_deref(), failure.message), (Some("1000"), Some("unknown".into())));
        let seen = get(r#"{"status":"FAILED","errorCode":"1000","errorMessage":"Unknown error"}"#);
        assert!(!seen.failure.expect("a failure").has_reason());
        for bad in [
            r#"{"errorCode":"1601","errorMessage":"ApiKey verification failed"}"#,
            r#"{"code":1004,"msg":"not found","data":null}"#,
        ] {
            assert!(read_with(bad, read).expect_err(bad).code().is_some(), "{bad}");
        }
        for bad in ["{}", r#"{"code":0,"data":null}"#, r#"{"results":[]}"#, "[]", ""] {
            read_with(bad, read).expect_err(bad);
        }
    }
}
