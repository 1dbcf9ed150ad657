//! `POST /task/openapi/getWebhookDetail`: the webhook of a task, and the state of its delivery.

use serde_json::Value;

use super::legacy_task;
use crate::{answer::Answer, call::Call, state::State};

pub(super) const PATH: &str = "/task/openapi/getWebhookDetail";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    match legacy_task(state, call) {
        Ok(task) => match task.webhook() {
            Some(webhook) => Answer::ok(webhook.detail(state, &task)),
            None => Answer::code(1, "webhook event not exists", Value::Null),
        },
        Err(refusal) => refusal,
    }
}
