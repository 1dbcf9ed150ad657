//! `POST /uc/openapi/accountStatus`: the wallet. Only this endpoint spells the key's field `apikey`.

use serde_json::json;

use super::legacy_key;
use crate::{answer::Answer, call::Call, state::State};

pub(super) const PATH: &str = "/uc/openapi/accountStatus";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    match legacy_key(state, call, "apikey") {
        Ok(key) => Answer::ok(json!({
            "remainCoins": "1000",
            "currentTaskCounts": state.load(&key).running.to_string(),
            "remainMoney": null,
            "currency": null,
            "apiType": state.key_kind(&key),
        })),
        Err(refusal) => refusal,
    }
}
