//! `POST /api/openapi/getLoraUploadUrl`, and the object store of its URLs. A file that exists gets no URL.

use std::sync::{Arc, PoisonError};

use axum::{
    extract::{Path, Query, State as Shared},
    http::{HeaderMap, StatusCode, header},
};
use bytes::Bytes;
use serde_json::json;

use super::{file::Signature, legacy_key};
use crate::{answer::Answer, call::Call, state::State};

pub(super) const PATH: &str = "/api/openapi/getLoraUploadUrl";
pub(super) const STORE: &str = "/lora-store/{name}";

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    if let Err(refusal) = legacy_key(state, call, "apiKey") {
        return refusal;
    }
    let (Some(_), Some(md5)) = (call.text("loraName"), call.text("md5Hex")) else {
        return Answer::params_invalid();
    };
    if md5.len() != 32 || !md5.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Answer::params_invalid();
    }
    let name = format!("{md5}.safetensors");
    let file_name = format!("api-lora-cn/{name}");
    if state.uploads.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&name) {
        return Answer::ok(json!({"fileName": file_name}));
    }
    Answer::ok(json!({"fileName": file_name, "url": format!("{}/lora-store/{name}?sign=1", state.base_url)}))
}

/// Accepts a file like an object store: by signature only; a request with a key is refused.
pub(super) async fn store(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
    Query(signature): Query<Signature>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    state.counters.call("/lora-store");
    let is_plain = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/octet-stream");
    if signature.sign == 0 || headers.contains_key(header::AUTHORIZATION) || !is_plain {
        return StatusCode::FORBIDDEN;
    }
    state.uploads.lock().unwrap_or_else(PoisonError::into_inner).insert(name, body);
    StatusCode::OK
}
