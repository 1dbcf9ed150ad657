//! `POST /api/fast/creation/model/params`: models and styles of Quick Create. It needs no key.

use serde_json::{Value, json};

use crate::{answer::Answer, call::Call, state::State};

pub(super) const PATH: &str = "/api/fast/creation/model/params";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    let Some(kind) = call.value("type").as_u64() else { return Answer::params_invalid() };
    let Some(webapp_id) = call.value("webappId").as_str() else { return Answer::params_invalid() };
    if state.app(webapp_id).is_none() {
        return Answer::app_not_exists();
    }
    let style = |id: u64, name: &str, key: &str, second: Value| {
        json!({
            "id": id, "type": kind, "webappId": webapp_id, "modelCategory": "插画", "modelName": name, "modelKey": key,
            "modelPreviewUrl": format!("{}/files/{key}.png", state.base_url), "content": null, "modelTrigger": "ink wash",
            "modelLoar1FileName": "ink.safetensors", "modelLoar1Weight": 0.8,
            "modelLoar2FileName": second, "modelLoar2Weight": null,
        })
    };
    Answer::ok(vec![
        style(1, "水墨", "ink", Value::Null),
        style(2, "水彩", "watercolour", json!("paper.safetensors")),
    ])
}
