//! `POST /task/openapi/outputs`: a task's status and its results.

use serde_json::{Value, json};

use super::legacy_run;
use crate::{
    answer::Answer,
    call::Call,
    fault::Address,
    scenario::extension,
    state::State,
    task::{Phase, Task},
};

pub(super) const PATH: &str = "/task/openapi/outputs";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    match legacy_run(state, call) {
        Ok(task) => outcome(state, &task),
        Err(refusal) => refusal,
    }
}

/// A task's status in the legacy format.
pub(crate) fn outcome(state: &State, task: &Task) -> Answer {
    match task.phase() {
        Phase::Queued => queued(),
        Phase::Running => match task.address() {
            Address::Included => running(&json!(state.socket_url(task))),
            Address::Missing => running(&Value::Null),
            Address::StillQueued => queued(),
        },
        Phase::Success => Answer::ok(results(state, task)),
        Phase::Failed => {
            failed(task.failure().map(|error| json!({"failedReason": failed_reason(task, error)})))
        }
        Phase::Cancelled => failed(None),
    }
}

/// The files of a successful task, as many as faults allow, with new links.
fn results(state: &State, task: &Task) -> Vec<Value> {
    let files = &task.scenario.files;
    let links = super::file::links(state, task);
    let cost = task.cost_seconds();
    let items = files.iter().zip(links).map(|(file, link)| {
        json!({
            "fileUrl": link,
            "fileType": extension(&file.name),
            "taskCostTime": cost.to_string(),
            "nodeId": file.node_id,
            "thirdPartyConsumeMoney": null,
            "consumeMoney": null,
            "consumeCoins": coins(cost),
        })
    });
    items.take(task.faults.listed(files.len())).collect()
}

/// The cost of a run of this many seconds, in coins.
pub(super) fn coins(seconds: u64) -> String {
    seconds.div_ceil(5).to_string()
}

/// `failedReason`: lists and objects are JSON in strings.
pub(super) fn failed_reason(task: &Task, error: &Value) -> Value {
    let node = error["node_id"].as_str().and_then(|id| task.scenario.workflow.get(id));
    let title = node.map_or(&Value::Null, |node| &node["_meta"]["title"]);
    json!({
        "current_outputs": error["current_outputs"].to_string(),
        "exception_type": error["exception_type"],
        "node_name": if title.is_null() { &error["node_type"] } else { title },
        "current_inputs": error["current_inputs"].to_string(),
        "traceback": error["traceback"].to_string(),
        "node_id": error["node_id"],
        "exception_message": error["exception_message"],
    })
}

fn queued() -> Answer {
    Answer::code(813, "APIKEY_TASK_IS_QUEUED", Value::Null)
}

fn running(url: &Value) -> Answer {
    Answer::code(804, "APIKEY_TASK_IS_RUNNING", json!({"netWssUrl": url}))
}

fn failed(data: Option<Value>) -> Answer {
    Answer::code(805, "APIKEY_TASK_STATUS_ERROR", data.unwrap_or_default())
}
