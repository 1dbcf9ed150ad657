//! `POST /task/openapi/create`: runs a workflow.

use serde_json::{Value, json};

use super::legacy_key;
use crate::{
    answer::Answer,
    call::Call,
    json::python,
    scenario::Scenario,
    state::State,
    task::{Phase, Task},
};

pub(super) const PATH: &str = "/task/openapi/create";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    create(state, call).unwrap_or_else(|refusal| refusal)
}

fn create(state: &State, call: &Call) -> Result<Answer, Answer> {
    let key = legacy_key(state, call, "apiKey")?;
    let workflow_id = call.text("workflowId").ok_or_else(Answer::params_invalid)?;
    let workflow = state.workflow(&workflow_id).ok_or_else(Answer::workflow_not_exists)?;
    if !matches!(call.text("instanceType").as_deref(), None | Some("default" | "plus" | "ultra")) {
        return Err(Answer::params_invalid());
    }
    check_own_graph(call.value("workflow"))?;
    check_node_info(call.value("nodeInfoList"), &workflow.scenario)?;
    let full = || Answer::code(421, "TASK_QUEUE_MAXED", Value::Null);
    if workflow.faults.queue_is_full() {
        return Err(full());
    }
    let task = state.create(&key, &workflow_id, workflow).ok_or_else(full)?;
    Ok(Answer::ok(created(state, &task)))
}

/// `workflow` replaces the saved graph: it must be one, in API format.
fn check_own_graph(workflow: &Value) -> Result<(), Answer> {
    let is_graph = |text: &str| {
        let graph: Option<serde_json::Map<String, Value>> = serde_json::from_str(text).ok();
        graph.is_some_and(|graph| {
            !graph.is_empty() && graph.values().all(|node| node["class_type"].is_string())
        })
    };
    match workflow {
        Value::Null => Ok(()),
        Value::String(text) if text.is_empty() || is_graph(text) => Ok(()),
        _ => Err(Answer::code(433, "VALIDATE_PROMPT_FAILED", Value::Null)),
    }
}

/// Every entry must name a node of the workflow; ids may be numbers.
pub(super) fn check_node_info(list: &Value, scenario: &Scenario) -> Result<(), Answer> {
    let invalid = || Answer::code(803, "APIKEY_INVALID_NODE_INFO", Value::Null);
    let entries = match list {
        Value::Null => return Ok(()),
        Value::Array(entries) => entries,
        _ => return Err(Answer::params_invalid()),
    };
    for entry in entries {
        let node_id = match &entry["nodeId"] {
            Value::String(id) => id.clone(),
            Value::Number(id) => id.to_string(),
            _ => return Err(invalid()),
        };
        if !scenario.workflow.contains_key(&node_id) || !entry["fieldName"].is_string() {
            return Err(invalid());
        }
    }
    Ok(())
}

pub(super) fn created(state: &State, task: &Task) -> Value {
    let tips = json!({
        "result": true,
        "error": null,
        "outputs_to_execute": task.scenario.outputs_to_execute,
        "node_errors": task.scenario.node_errors,
    });
    let running = task.faults.address_in_create() && task.phase() == Phase::Running;
    json!({
        "netWssUrl": running.then(|| state.socket_url(task)),
        "taskId": task.names.task_id,
        "clientId": task.names.client_id,
        "taskStatus": if running { "RUNNING" } else { "QUEUED" },
        "promptTips": python(&tips),
    })
}
