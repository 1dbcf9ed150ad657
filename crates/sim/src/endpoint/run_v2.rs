//! `POST /openapi/v2/run/workflow/{workflowId}` and `/run/ai-app/{webappId}`: run, with the bare task object as the
//! response.

use serde_json::Value;

use super::{create::check_node_info, query::task_object, v2_key};
use crate::{answer::Answer, call::Call, state::State};

pub(super) const WORKFLOW_PATH: &str = "/openapi/v2/run/workflow/{id}";
pub(super) const APP_PATH: &str = "/openapi/v2/run/ai-app/{id}";

pub(super) fn workflow(state: &State, call: &Call) -> Answer {
    let id = call.last_part();
    let Some(key) = v2_key(state, call) else { return wrong_key() };
    let Some(workflow) = state.workflow(id) else { return invalid() };
    let list = call.value("nodeInfoList");
    if !list.is_array() || check_node_info(list, &workflow.scenario).is_err() {
        return node_error();
    }
    run(state, key, id, workflow)
}

pub(super) fn app(state: &State, call: &Call) -> Answer {
    let Some(key) = v2_key(state, call) else { return wrong_key() };
    let Some(served) = state.app(call.last_part()) else { return invalid() };
    match call.value("nodeInfoList") {
        Value::Array(list) if list.iter().all(|entry| served.app.takes(entry)) => {
            run(state, key, &served.app.workflow_id(), &served.workflow)
        }
        _ => node_error(),
    }
}

fn run(state: &State, key: &str, workflow_id: &str, workflow: &crate::state::Workflow) -> Answer {
    match state.create(key, workflow_id, workflow) {
        Some(task) => Answer::json(task_object(state, &task)),
        None => Answer::v2_error("1520", "User concurrency limit reached"),
    }
}

fn wrong_key() -> Answer {
    Answer::v2_error("1601", "ApiKey verification failed, please check your ApiKey")
}

/// The response to an unknown id is not documented.
fn invalid() -> Answer {
    Answer::v2_error("1007", "Invalid parameters")
}

fn node_error() -> Answer {
    Answer::v2_error("1101", "Node info error")
}
