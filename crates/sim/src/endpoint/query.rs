//! `POST /openapi/v2/query`: status and results in one bare object.

use serde_json::{Value, json};

use super::{
    outputs::{coins, failed_reason},
    v2_key,
};
use crate::{
    answer::Answer,
    call::Call,
    scenario::{File, extension},
    state::State,
    task::{Phase, Task},
};

pub(super) const PATH: &str = "/openapi/v2/query";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    let Some(key) = v2_key(state, call) else {
        return Answer::v2_error("1601", "ApiKey verification failed, please check your ApiKey");
    };
    let Some(task_id) = call.text("taskId") else { return Answer::v2_error("1007", "Invalid parameters") };
    match state.task(&task_id).filter(|task| task.names.key == key) {
        Some(task) => Answer::json(task_object(state, &task)),
        None => Answer::v2_error("1004", "Task not found or expired"),
    }
}

pub(crate) fn task_object(state: &State, task: &Task) -> Value {
    let phase = task.phase();
    let usage = usage(task, &phase);
    let (error_code, error_message) = match phase {
        Phase::Failed if task.names.is_model => ("1015", "Generation failed"),
        Phase::Failed => ("1000", "unknown error"),
        _ => ("", ""),
    };
    let has_results =
        phase == Phase::Success || phase == Phase::Failed && task.faults.lists_files_of_failed();
    // The nodes inside a model are not public.
    let has_reason = phase == Phase::Failed && !task.names.is_model;
    let reason = task.failure().filter(|_| has_reason).map(|error| failed_reason(task, error));
    // A number here, although it exceeds a double's precision and is a string everywhere else.
    let number: Option<u64> = task.names.task_id.parse().ok();
    let usages = if phase.is_over() {
        json!([{"taskId": number, "parentTaskId": null, "taskStatus": phase.word(), "usage": usage}])
    } else {
        json!([])
    };
    json!({
        "taskId": task.names.task_id,
        "status": phase.word(),
        "errorCode": error_code,
        "errorMessage": error_message,
        "results": has_results.then(|| results(state, task)),
        "clientId": "",
        "promptTips": "",
        "failedReason": reason.unwrap_or_else(|| json!({})),
        "usage": usage,
        "parentTaskId": null,
        "taskUsageList": usages,
    })
}

fn results(state: &State, task: &Task) -> Vec<Value> {
    let files = &task.scenario.files;
    let items = files.iter().zip(super::file::links(state, task)).map(|(file, link)| {
        if task.names.is_model {
            return model_result(file, &link);
        }
        json!({"url": link, "nodeId": file.node_id, "outputType": extension(&file.name), "text": null})
    });
    items.take(task.faults.listed(files.len())).collect()
}

/// Results of models name no node and contain text directly.
fn model_result(file: &File, link: &str) -> Value {
    match extension(&file.name) {
        "txt" => {
            json!({"url": null, "outputType": "string", "text": String::from_utf8_lossy(&file.content)})
        }
        extension => json!({"url": link, "outputType": extension, "text": null}),
    }
}

/// All null before the end. Models have a third-party cost, workflows cost coins.
fn usage(task: &Task, phase: &Phase) -> Value {
    let cost = phase.is_over().then(|| task.cost_seconds());
    if task.names.is_model {
        return json!({
            "consumeMoney": null,
            "consumeCoins": null,
            "taskCostTime": cost.map(|seconds| seconds.to_string()),
            "thirdPartyConsumeMoney": cost.map(|_| &task.names.price),
        });
    }
    json!({
        "consumeMoney": null,
        "consumeCoins": cost.map(coins),
        "taskCostTime": cost.map(|seconds| seconds.to_string()),
        "thirdPartyConsumeMoney": null,
    })
}
