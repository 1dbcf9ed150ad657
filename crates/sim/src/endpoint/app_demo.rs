//! `GET /api/webapp/apiCallDemo?apiKey=&webappId=`: the fields of an app. Only this endpoint takes the key in the
//! query.

use serde_json::json;

use super::legacy_key;
use crate::{answer::Answer, call::Call, state::State};

pub(super) const PATH: &str = "/api/webapp/apiCallDemo";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    if let Err(refusal) = legacy_key(state, call, "apiKey") {
        return refusal;
    }
    let Some(webapp_id) = call.text("webappId") else { return Answer::params_invalid() };
    let Some(served) = state.app(&webapp_id) else { return Answer::app_not_exists() };
    let app = &served.app;
    Answer::ok(json!({
        "curl": format!("curl -X POST '{}/task/openapi/ai-app/run'", state.base_url),
        "accessEncrypted": false,
        "webappName": app.name,
        "statisticsInfo": {"likeCount": "12", "downloadCount": "0", "useCount": "340", "pv": "1200", "collectCount": "5"},
        // Missing in an app that never ran.
        "nodeInfoList": (!app.fields.is_empty()).then_some(&app.fields),
        "covers": [{"id": "1", "objName": "cover", "url": format!("{}/files/cover.png", state.base_url),
            "thumbnailUri": null, "imageWidth": 768, "imageHeight": 1024}],
        "tags": [{"id": "1", "name": "人像", "nameEn": "portrait", "labels": null}],
    }))
}
