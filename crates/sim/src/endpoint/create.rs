//! `POST /task/openapi/create`: runs a workflow.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::legacy_key;
use crate::{
    answer::Answer,
    call::Call,
    json::python,
    scenario::{Scenario, last_nodes},
    state::State,
    task::{Phase, Task},
};

pub(super) const PATH: &str = "/task/openapi/create";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    create(state, call).unwrap_or_else(|refusal| refusal)
}

fn create(state: &State, call: &Call) -> Result<Answer, Answer> {
    let key = legacy_key(state, call, "apiKey")?;
    let own = own_graph(call.value("workflow"))?;
    let id = call.text("workflowId");
    let saved = match &id {
        Some(id) => Some((id.as_str(), state.workflow(id).ok_or_else(Answer::workflow_not_exists)?)),
        None => None,
    };
    // The documentation contradicts itself about a graph together with an id: one page requires the id, another
    // ignores it, and ignores `nodeInfoList` too. So the id may be missing but must not be wrong, and the list is not
    // checked.
    let (scenario, graph) = match (own, saved) {
        (Some(graph), saved) => (state.run_of(&graph, saved.map(|(_, saved)| saved)), graph),
        (None, Some((_, saved))) => {
            let list = call.value("nodeInfoList");
            check_node_info(list, &saved.scenario)?;
            (Arc::clone(&saved.scenario), changed(&saved.scenario.workflow, list))
        }
        (None, None) => return Err(Answer::params_invalid()),
    };
    let scenario = if *call.value("addMetadata") == false { scenario } else { scenario.of_graph(&graph) };
    if !matches!(call.text("instanceType").as_deref(), None | Some("default" | "plus" | "ultra")) {
        return Err(Answer::params_invalid());
    }
    let task = state.create_run(&key, &scenario, saved);
    let task = task.ok_or_else(Answer::queue_maxed)?;
    Ok(Answer::ok(created(state, &task)))
}

/// `workflow` replaces the saved graph: it must be a graph in API format, as text.
fn own_graph(workflow: &Value) -> Result<Option<Map<String, Value>>, Answer> {
    let graph = |text: &str| {
        let graph: Map<String, Value> = serde_json::from_str(text).ok()?;
        let is_graph = graph.values().all(|node| node["class_type"].is_string());
        (is_graph && !last_nodes(&graph).is_empty()).then_some(graph)
    };
    let refused = || Answer::code(433, "VALIDATE_PROMPT_FAILED", Value::Null);
    match workflow {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => graph(text).map(Some).ok_or_else(refused),
        _ => Err(refused()),
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

/// The graph with the changes of a list. Numbers may be given as text.
fn changed(graph: &Map<String, Value>, list: &Value) -> Map<String, Value> {
    let mut graph = graph.clone();
    for entry in list.as_array().into_iter().flatten() {
        let id = entry["nodeId"].as_str().map_or_else(|| entry["nodeId"].to_string(), str::to_owned);
        let field = entry["fieldName"].as_str().unwrap_or_default();
        let Some(inputs) = graph.get_mut(&id).and_then(|node| node["inputs"].as_object_mut()) else {
            continue;
        };
        let value = &entry["fieldValue"];
        let number = inputs.get(field).filter(|before| before.is_number()).and(value.as_str());
        let number = number.and_then(|text| serde_json::from_str(text).ok());
        inputs.insert(field.to_owned(), number.unwrap_or_else(|| value.clone()));
    }
    graph
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
