//! `POST /task/openapi/cancel`: cancels a queued or running task. A finished task is reported as unknown.

use serde_json::Value;

use super::legacy_task;
use crate::{answer::Answer, call::Call, state::State};

pub(super) const PATH: &str = "/task/openapi/cancel";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    match legacy_task(state, call) {
        Ok(task) if task.faults.refuses_cancel() => Answer::code(500, "UNKNOWN_ERROR", Value::Null),
        Ok(task) if task.cancel() => Answer::ok(Value::Null),
        Ok(_) => Answer::task_not_found(),
        Err(refusal) => refusal,
    }
}
