//! `POST /task/openapi/ai-app/run` and `POST /task/openapi/quick-ai-app/run`: run an AI app.

use serde_json::Value;

use super::{create::created, legacy_key};
use crate::{answer::Answer, call::Call, state::State};

pub(super) const PATH: &str = "/task/openapi/ai-app/run";
pub(super) const QUICK_PATH: &str = "/task/openapi/quick-ai-app/run";

/// The documented codes of Quick Create.
const QUICK_CODES: [&str; 3] = ["001", "002", "006"];

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    run(state, call).unwrap_or_else(|refusal| refusal)
}

pub(super) fn quick(state: &State, call: &Call) -> Answer {
    match call.text("quickCreateCode") {
        Some(code) if QUICK_CODES.contains(&code.as_str()) => answer(state, call),
        _ => Answer::params_invalid(),
    }
}

fn run(state: &State, call: &Call) -> Result<Answer, Answer> {
    let key = legacy_key(state, call, "apiKey")?;
    let webapp_id = call.text("webappId").ok_or_else(Answer::params_invalid)?;
    let served = state.app(&webapp_id).ok_or_else(Answer::app_not_exists)?;
    let list = call.value("nodeInfoList").as_array().ok_or_else(Answer::params_invalid)?;
    if !list.iter().all(|entry| served.app.takes(entry)) {
        return Err(Answer::code(803, "APIKEY_INVALID_NODE_INFO", Value::Null));
    }
    let task = state.create(&key, &served.app.workflow_id(), &served.workflow);
    let task = task.ok_or_else(Answer::queue_maxed)?;
    Ok(Answer::ok(created(state, &task)))
}
