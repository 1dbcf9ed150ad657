//! `GET /openapi/v2/api-key/list`: the keys of the account, masked.

use serde_json::{Value, json};

use super::v2_key;
use crate::{answer::Answer, call::Call, state::State};

pub(super) const PATH: &str = "/openapi/v2/api-key/list";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    let Some(key) = v2_key(state, call) else {
        return Answer::code(401, "ApiKey verification failed", Value::Null);
    };
    let (first, last) = (key.get(..4).unwrap_or_default(), key.get(key.len().saturating_sub(4)..));
    Answer::ok(json!([{
        "key": format!("{first}****{}", last.unwrap_or_default()),
        "apiKeyName": "simulated",
        "status": 1,
        "quotaLimit": null,
        "quotaUsed": "0",
        "visible": true,
        "expireAt": null,
        "expireInMinute": null,
        "createdAt": "2026-01-01 00:00:00",
    }]))
}
