//! Files at signed links: results and uploads, whole or in ranges. No key is needed, and clients should send none.

use std::{
    future::ready,
    io,
    ops::RangeInclusive,
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{Path, Query, State as Shared},
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;

use crate::{
    fault::Delivery,
    png::gzip,
    scenario::{extension, seed_of},
    state::State,
    task::Task,
};

pub(super) const RESULT_PATH: &str = "/files/{task_id}/{name}";
pub(super) const UPLOAD_PATH: &str = "/uploads/{name}";

#[derive(Debug, Deserialize)]
pub(super) struct Signature {
    #[serde(default)]
    pub(super) sign: u64,
}

/// A newly signed link for each result.
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
    deliver(&state, &file.content, &name, &headers, &task.faults.delivery())
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
        |content| deliver(&state, &content, &name, &headers, &Delivery::default()),
    )
}

/// The object store's response to an expired link.
const EXPIRED: &str = "<?xml version='1.0' encoding='utf-8' ?>\n<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";

pub(super) fn deliver(
    state: &State,
    content: &Bytes,
    name: &str,
    headers: &HeaderMap,
    delivery: &Delivery,
) -> Response {
    let content = edited(content, delivery);
    let version = u8::from(delivery.is_changed);
    let etag = format!("\"{:016x}-{:x}-{version}\"", seed_of(name), content.len());
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let same = text(header::IF_RANGE).is_none_or(|wanted| wanted == etag);
    let range = text(header::RANGE).filter(|_| same && !delivery.is_whole);
    if let (Some(_), Some(status)) = (range, delivery.refused) {
        return StatusCode::from_u16(status).unwrap_or(StatusCode::RANGE_NOT_SATISFIABLE).into_response();
    }
    let common = [
        (header::ETAG, etag),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_TYPE, mime(name)),
    ];
    let (status, part, place) = match range.and_then(|range| read_range(range, content.len())) {
        None => (StatusCode::OK, content.clone(), None),
        Some(Ok(range)) => {
            let first = range.start() + usize::from(delivery.is_shifted);
            let place = format!("bytes {first}-{}/{}", range.end(), content.len());
            (StatusCode::PARTIAL_CONTENT, content.slice(range), Some(place))
        }
        Some(Err(OutOfRange)) => {
            let place = format!("bytes */{}", content.len());
            (StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new(), Some(place))
        }
    };
    state.counters.download_bytes.fetch_add(part.len() as u64, Ordering::Relaxed);
    let place = place.map(|place| (header::CONTENT_RANGE, place));
    let packed = delivery.is_packed.then_some((header::CONTENT_ENCODING, "gzip"));
    let length = (!delivery.is_endless).then(|| (header::CONTENT_LENGTH, part.len().to_string()));
    let extra = (AppendHeaders(place), AppendHeaders(packed), AppendHeaders(length));
    (status, common, extra.0, extra.1, extra.2, body(part, delivery)).into_response()
}

fn edited(content: &Bytes, delivery: &Delivery) -> Bytes {
    let mut content = content.clone();
    if delivery.is_changed {
        content = content.iter().map(|byte| !byte).collect();
    }
    if delivery.is_packed { gzip(&content).into() } else { content }
}

/// Chunks per second of a slow body.
const DRIPS: usize = 10;

/// The body after faults. It always ends with a pause, so that all bytes before a break are actually sent.
fn body(part: Bytes, delivery: &Delivery) -> Body {
    let length = part.len();
    let end = delivery.cut.unwrap_or(length).min(length.saturating_sub(usize::from(delivery.is_short)));
    if delivery.is_endless {
        let part = if part.is_empty() { Bytes::from_static(b"0") } else { part };
        return Body::from_stream(stream::repeat(part).map(Ok::<_, io::Error>));
    }
    let Some(speed) = delivery.speed else {
        if end == length {
            return part.into();
        }
        return Body::from_stream(stream::once(ready(Ok(part.slice(..end)))).chain(stream::once(broken())));
    };
    let drip = speed.div_ceil(DRIPS).max(1);
    let drips = stream::unfold(0, move |at| {
        let piece = part.slice(at..end.min(at + drip));
        async move {
            let pause = Duration::from_secs(1) / u32::try_from(DRIPS).unwrap_or(1);
            tokio::time::sleep(pause).await;
            (!piece.is_empty()).then(|| (Ok(piece.clone()), at + piece.len()))
        }
    });
    if end == length {
        Body::from_stream(drips)
    } else {
        Body::from_stream(drips.chain(stream::once(broken())))
    }
}

async fn broken() -> io::Result<Bytes> {
    tokio::task::yield_now().await;
    Err(io::ErrorKind::ConnectionReset.into())
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
