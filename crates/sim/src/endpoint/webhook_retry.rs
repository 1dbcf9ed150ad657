//! `POST /task/openapi/retryWebhook`: another delivery, to the same URL or to another one. Requests use the event's
//! id.

use serde_json::{Value, json};

use super::legacy_key;
use crate::{answer::Answer, call::Call, state::State};

pub(super) const PATH: &str = "/task/openapi/retryWebhook";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    let key = match legacy_key(state, call, "apiKey") {
        Ok(key) => key,
        Err(refusal) => return refusal,
    };
    let Some(id) = call.text("webhookId") else { return Answer::params_invalid() };
    match state.task_of_webhook(&id).filter(|task| task.names.key == key) {
        // `msg` is empty here.
        Some(_) => Answer::json(json!({"code": 0, "msg": "", "errorMessages": null, "data": null})),
        None => Answer::code(1, "webhook event not exists", Value::Null),
    }
}
