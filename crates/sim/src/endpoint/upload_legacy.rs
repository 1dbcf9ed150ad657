//! `POST /task/openapi/upload`: uploads a file for a workflow's loader nodes.

use serde_json::{Value, json};

use super::{
    legacy_key,
    upload::{MAX_FILE, kept_extension, store},
};
use crate::{answer::Answer, call::Call, state::State};

pub(super) const PATH: &str = "/task/openapi/upload";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    if let Err(refusal) = legacy_key(state, call, "apiKey") {
        return refusal;
    }
    let Some((Some(name), content)) = &call.file else { return Answer::params_invalid() };
    if content.len() > MAX_FILE {
        return Answer::code(809, "APIKEY_FILE_SIZE_EXCEEDED", Value::Null);
    }
    let hash = store(state, content);
    // An archive's name has neither folder nor extension.
    let file_name = match kept_extension(name).as_str() {
        "zip" => hash,
        extension => format!("api/{hash}.{extension}"),
    };
    let file_type = call.text("fileType").unwrap_or_else(|| "input".to_owned());
    Answer::ok(json!({"fileName": file_name, "fileType": file_type}))
}
