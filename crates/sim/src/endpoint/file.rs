//! Files behind signed links: results and uploads, whole or in part. No key is needed, or wanted, here.

use std::{
    ops::RangeInclusive,
    sync::{Arc, PoisonError, atomic::Ordering},
};

use axum::{
    extract::{Path, Query, State as Shared},
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use bytes::Bytes;
use serde::Deserialize;

use crate::{
    scenario::{extension, seed_of},
    state::State,
    task::Task,
};

pub(super) const RESULT_PATH: &str = "/files/{task_id}/{name}";
pub(super) const UPLOAD_PATH: &str = "/uploads/{name}";

#[derive(Debug, Deserialize)]
pub(super) struct Signature {
    #[serde(default)]
    sign: u64,
}

/// A link to each result, all signed anew.
pub(super) fn links(state: &State, task: &Task) -> Vec<String> {
    let sign = task.sign_links();
    let files = task.scenario.files.iter();
    files
        .map(|file| format!("{}/files/{}/{}?sign={sign}", state.base_url, task.names.task_id, file.name))
        .collect()
}

pub(super) async fn result(
    Shared(state): Shared<Arc<State>>,
    Path((task_id, name)): Path<(String, String)>,
    Query(signature): Query<Signature>,
    headers: HeaderMap,
) -> Response {
    state.counters.call("/files");
    let Some(task) = state.task(&task_id) else { return StatusCode::NOT_FOUND.into_response() };
    let Some(file) = task.scenario.files.iter().find(|file| file.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if signature.sign == 0 || !task.link_works(signature.sign) {
        return (StatusCode::FORBIDDEN, EXPIRED).into_response();
    }
    deliver(&state, &file.content, &name, &headers)
}

pub(super) async fn upload(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let hash = name.split('.').next().unwrap_or_default();
    let content = state.uploads.lock().unwrap_or_else(PoisonError::into_inner).get(hash).cloned();
    content.map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        |content| deliver(&state, &content, &name, &headers),
    )
}

/// What the object store says about a link that is too old.
const EXPIRED: &str = "<?xml version='1.0' encoding='utf-8' ?>\n<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";

fn deliver(state: &State, content: &Bytes, name: &str, headers: &HeaderMap) -> Response {
    let etag = format!("\"{:016x}-{:x}\"", seed_of(name), content.len());
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let same = text(header::IF_RANGE).is_none_or(|wanted| wanted == etag);
    let range = text(header::RANGE).filter(|_| same).and_then(|range| read_range(range, content.len()));
    let common = [
        (header::ETAG, etag),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_TYPE, mime(name)),
    ];
    let (status, body, place) = match range {
        None => (StatusCode::OK, content.clone(), None),
        Some(Ok(range)) => {
            let place = format!("bytes {}-{}/{}", range.start(), range.end(), content.len());
            (StatusCode::PARTIAL_CONTENT, content.slice(range), Some(place))
        }
        Some(Err(OutOfRange)) => {
            let place = format!("bytes */{}", content.len());
            (StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new(), Some(place))
        }
    };
    state.counters.download_bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
    let place = place.map(|place| (header::CONTENT_RANGE, place));
    (status, common, AppendHeaders(place), body).into_response()
}

struct OutOfRange;

/// One range of bytes; anything else in the header is ignored, as servers may.
fn read_range(header: &str, length: usize) -> Option<Result<RangeInclusive<usize>, OutOfRange>> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    let end = length.checked_sub(1);
    let (start, end) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) => (first, Some(last).min(end)),
        (Ok(first), Err(_)) if last.is_empty() => (first, end),
        (Err(_), Ok(count)) if first.is_empty() => (length.saturating_sub(count), end),
        _ => return None,
    };
    Some(end.filter(|end| start <= *end).map(|end| start..=end).ok_or(OutOfRange))
}

fn mime(name: &str) -> String {
    let kind = match extension(name) {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "mp4" => "video/mp4",
        "txt" => "text/plain",
        _ => "application/octet-stream",
    };
    kind.to_owned()
}
