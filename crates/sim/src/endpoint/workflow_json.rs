//! `POST /api/openapi/getJsonApiFormat`: the graph, as JSON in a string.

use serde_json::json;

use super::legacy_key;
use crate::{answer::Answer, call::Call, state::State};

pub(super) const PATH: &str = "/api/openapi/getJsonApiFormat";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    if let Err(refusal) = legacy_key(state, call, "apiKey") {
        return refusal;
    }
    let Some(workflow_id) = call.text("workflowId") else { return Answer::params_invalid() };
    let Some(workflow) = state.workflow(&workflow_id) else { return Answer::workflow_not_exists() };
    let prompt = workflow.scenario.workflow_json();
    // `msg` is in upper case here.
    Answer::json(json!({"code": 0, "msg": "SUCCESS", "errorMessages": null, "data": {"prompt": prompt}}))
}
