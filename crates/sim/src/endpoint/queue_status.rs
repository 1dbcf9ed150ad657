//! `GET /openapi/v2/queue/status`: used and free slots. One value is a number, the rest are strings.
//! A wrong key is code 401 in the body, with HTTP 200.

use serde_json::{Value, json};

use super::v2_key;
use crate::{answer::Answer, call::Call, state::State};

pub(super) const PATH: &str = "/openapi/v2/queue/status";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    let Some(key) = v2_key(state, call) else {
        return Answer::code(401, "ApiKey verification failed", Value::Null);
    };
    let load = state.load(key);
    Answer::ok(json!({
        "apiKeyType": state.key_kind(key),
        "concurrentLimit": state.concurrency(),
        "runningCount": load.running.to_string(),
        "queuedCount": load.queued.to_string(),
        "totalCurrentTasks": (load.running + load.queued).to_string(),
    }))
}
