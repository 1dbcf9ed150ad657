//! `POST /openapi/v2/price-preview/{endpoint}`: the price of a model request. Creates no task.

use serde_json::json;

use super::model::key_and_model;
use crate::{answer::Answer, call::Call, state::State};

pub(super) const PATH: &str = "/openapi/v2/price-preview/{*endpoint}";
const FAMILY: &str = "/openapi/v2/price-preview/";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    match key_and_model(state, call, FAMILY) {
        Ok((_, model)) => {
            let price = model.price();
            Answer::json(json!({
                "errorCode": "",
                "errorMessage": "",
                "estimatedPrice": price,
                "currency": "CNY",
                "priceText": format!("{price}元/次"),
                "priceTextEn": format!("CNY {price} per call"),
                "freeLimit": false,
                "freeLimitCount": 0,
                "remainingFreeLimitCount": 0,
                "isFreeThisCall": false,
            }))
        }
        Err(refusal) => refusal,
    }
}
