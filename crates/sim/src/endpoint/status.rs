//! `POST /task/openapi/status`: one word.

use serde_json::json;

use super::legacy_run;
use crate::{answer::Answer, call::Call, state::State, task::Phase};

pub(super) const PATH: &str = "/task/openapi/status";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    match legacy_run(state, call).map(|task| task.phase()) {
        // This endpoint has four statuses, and none for a cancelled task.
        Ok(Phase::Cancelled) => word(Phase::Failed.word()),
        Ok(phase) => word(phase.word()),
        Err(refusal) => refusal,
    }
}

/// `msg` is empty here, and the newer `errorMessages` is missing.
fn word(word: &str) -> Answer {
    Answer::json(json!({"code": 0, "msg": "", "data": word}))
}
