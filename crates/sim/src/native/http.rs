//! The endpoints.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Multipart, Path, Query, State as Shared},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{play::now_ms, queue::Prompt, socket, state::State, validate, version::Version};
use crate::{answer::Lost, scenario::extension};

type At = Shared<Arc<State>>;

pub(crate) fn router(state: Arc<State>) -> Router {
    let version = state.version();
    let mut paths = Router::new()
        .route("/ws", get(socket::open))
        .route("/prompt", get(exec_info).post(prompt))
        .route("/queue", get(queue).post(change_queue))
        .route("/history", get(all_history).post(change_history))
        .route("/history/{id}", get(one_history))
        .route("/interrupt", post(interrupt))
        .route("/free", post(|| async {}))
        .route("/object_info", get(all_classes))
        .route("/object_info/{class}", get(one_class))
        .route("/system_stats", get(system_stats))
        .route("/upload/image", post(upload))
        .route("/view", get(view))
        .route("/node_replacements", get(replacements))
        .route("/embeddings", get(|| async { Json(json!([])) }))
        .route("/extensions", get(|| async { Json(json!([])) }));
    if version.has(Version::PROGRESS_STATE) {
        paths = paths.route("/features", get(|| async { Json(features()) }));
    }
    let mut api = paths.clone();
    if version.has(Version::JOBS) {
        api = api.route("/jobs/{id}", get(job));
    }
    if version.has(Version::CANCEL_JOBS) {
        api = api.route("/jobs/{id}/cancel", post(cancel_job));
    }
    let all = paths.nest("/api", api).fallback(|| async { (StatusCode::NOT_FOUND, "404: Not Found") });
    let prefix = state.settings.prefix.clone();
    let all = all.with_state(state);
    if prefix.is_empty() { all } else { Router::new().nest(&prefix, all) }
}

pub(crate) fn features() -> Value {
    json!({"supports_preview_metadata": true, "max_upload_size": 104_857_600})
}

async fn exec_info(Shared(state): At) -> Json<Value> {
    Json(json!({"exec_info": {"queue_remaining": state.lock().queue.remaining()}}))
}

async fn system_stats(Shared(state): At) -> Json<Value> {
    let system = json!({
        "os": "posix", "ram_total": 0, "ram_free": 0, "comfyui_version": state.version().to_string(),
        "python_version": "3.12.0", "pytorch_version": "2.8.0", "embedded_python": false, "argv": ["main.py"],
    });
    Json(json!({"system": system, "devices": []}))
}

fn refused(body: Value) -> Response {
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

async fn replacements(Shared(state): At) -> Json<Value> {
    let entry =
        |(old, new): &(String, String)| (old.clone(), json!([{"old_node_id": old, "new_node_id": new}]));
    Json(Value::Object(state.settings.replaces.iter().map(entry).collect()))
}

/// Replaces classes in a prompt. `None` if the server fails to.
fn replaced(state: &State, prompt: &mut Value) -> Option<()> {
    for node in prompt.as_object_mut().into_iter().flat_map(Map::values_mut) {
        let class = node["class_type"].as_str().unwrap_or_default();
        if let Some((_, new)) = state.settings.replaces.iter().find(|(old, _)| old == class) {
            node.get("_meta")?;
            node["class_type"] = json!(new);
        }
    }
    Some(())
}

async fn prompt(Shared(state): At, body: Bytes) -> Response {
    let mut body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if replaced(&state, &mut body["prompt"]).is_none() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let Some(workflow) = body["prompt"].as_object() else {
        return refused(validate::refusal(
            "no_prompt",
            "No prompt provided",
            "No prompt provided",
            &json!({}),
        ));
    };
    let id = match body["prompt_id"].as_str().filter(|_| state.version().has(Version::PROGRESS_STATE)) {
        Some(id) if state.version().has(Version::CANONICAL_IDS) && !is_uuid(id) => {
            return refused(validate::refusal(
                "invalid_prompt_id",
                "prompt_id must be a valid UUID",
                "prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to let the server generate one",
                &json!({}),
            ));
        }
        Some(id) => id.to_owned(),
        None => uuid(),
    };
    let valid = match validate::check(&state, workflow, &uploads(&state)) {
        Ok(valid) => valid,
        Err(body) => return refused(body),
    };
    let client_id = body["client_id"].as_str().map(str::to_owned);
    let mut extra_data = body["extra_data"].as_object().cloned().unwrap_or_default();
    if let Some(id) = &client_id {
        extra_data.insert("client_id".into(), json!(id));
    }
    if state.version().has(Version::CREATE_TIME) {
        extra_data.insert("create_time".into(), json!(now_ms()));
    }
    let number = {
        let mut inner = state.lock();
        let given = body["number"].as_i64();
        let number = given.unwrap_or_else(|| inner.queue.number(body["front"] == true));
        inner.counters.prompts += 1;
        inner.counters.last_workflow = Some(body["prompt"].to_string());
        inner.queue.put(Prompt {
            number,
            id: id.clone(),
            workflow: workflow.clone(),
            client_id,
            extra_data: Value::Object(extra_data),
            outputs: valid.outputs,
        });
        number
    };
    state.tell_status();
    state.queued.notify_one();
    if state.loses() {
        return Lost.into_response();
    }
    Json(json!({"prompt_id": id, "number": number, "node_errors": valid.node_errors})).into_response()
}

fn uuid() -> String {
    let bits = fastrand::u128(..);
    let hex = format!("{bits:032x}");
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

/// In canonical form: lower case, with hyphens.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

async fn queue(Shared(state): At) -> Json<Value> {
    Json(state.lock().queue.shown())
}

async fn change_queue(Shared(state): At, body: Bytes) {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    {
        let queue = &mut state.lock().queue;
        if body["clear"] == true {
            queue.pending.clear();
        }
        for id in body["delete"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            queue.delete(id);
        }
    }
    state.tell_status();
}

async fn all_history(Shared(state): At) -> Json<Value> {
    let all: Map<_, _> = state.lock().history.iter().cloned().collect();
    Json(Value::Object(all))
}

async fn one_history(Shared(state): At, Path(id): Path<String>) -> Json<Value> {
    if state.settings.forgets {
        return Json(json!({}));
    }
    let found: Map<_, _> = state.lock().history.iter().filter(|(other, _)| *other == id).cloned().collect();
    Json(Value::Object(found))
}

async fn change_history(Shared(state): At, body: Bytes) {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let deleted = body["delete"].as_array().cloned().unwrap_or_default();
    state.lock().history.retain(|(id, _)| body["clear"] != true && !deleted.contains(&json!(id)));
}

async fn interrupt(Shared(state): At, body: Bytes) {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let id = body["prompt_id"].as_str().filter(|_| state.version().has(Version::INTERRUPT_BY_ID));
    state.lock().queue.interrupt(id);
}

async fn job(Shared(state): At, Path(id): Path<String>) -> Response {
    let inner = state.lock();
    let entry = inner.history.iter().find(|(other, _)| *other == id && !state.settings.forgets);
    let entry = entry.map(|(_, entry)| entry);
    let is_running = inner.queue.running.as_ref().is_some_and(|running| running.prompt.id == id);
    let is_pending = inner.queue.pending.iter().any(|prompt| prompt.id == id);
    let status = match entry {
        Some(entry) if entry["status"]["status_str"] == "success" => "completed",
        Some(entry) if entry["status"]["messages"].to_string().contains("execution_interrupted") => {
            "cancelled"
        }
        Some(_) => "failed",
        None if is_running => "in_progress",
        None if is_pending => "pending",
        None => return (StatusCode::NOT_FOUND, Json(json!({"error": "Job not found"}))).into_response(),
    };
    Json(json!({"id": id, "status": status, "outputs": entry.map(|entry| &entry["outputs"])})).into_response()
}

async fn cancel_job(Shared(state): At, Path(id): Path<String>) -> Response {
    let cancelled = {
        let queue = &mut state.lock().queue;
        queue.delete(&id) || queue.interrupt(Some(&id))
    };
    state.tell_status();
    if cancelled {
        Json(json!({"cancelled": true})).into_response()
    } else {
        (StatusCode::NOT_FOUND, Json(json!({"error": "Job not found"}))).into_response()
    }
}

/// The files that `LoadImage` can load.
fn uploads(state: &State) -> Vec<String> {
    let inner = state.lock();
    let inputs = inner.files.keys().filter(|(kind, ..)| kind == "input");
    let names = inputs
        .map(|(_, folder, name)| if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") });
    std::iter::once("example.png".to_owned()).chain(names).collect()
}

async fn all_classes(Shared(state): At) -> Json<Value> {
    Json(state.classes.shown(None, &uploads(&state)))
}

async fn one_class(Shared(state): At, Path(class): Path<String>) -> Json<Value> {
    Json(state.classes.shown(Some(&class), &uploads(&state)))
}

async fn upload(Shared(state): At, mut form: Multipart) -> Response {
    let (mut image, mut fields) = (None, Map::new());
    while let Ok(Some(field)) = form.next_field().await {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let Ok(bytes) = field.bytes().await else { return StatusCode::BAD_REQUEST.into_response() };
        if name == "image" {
            image = file_name.filter(|name| !name.is_empty()).map(|name| (name, bytes));
        } else {
            fields.insert(name, json!(String::from_utf8_lossy(&bytes)));
        }
    }
    let Some((mut name, bytes)) = image else { return StatusCode::BAD_REQUEST.into_response() };
    let text =
        |field: &str, default: &str| fields.get(field).and_then(Value::as_str).unwrap_or(default).to_owned();
    let (kind, subfolder) = (text("type", "input"), text("subfolder", ""));
    let overwrites = matches!(&*text("overwrite", ""), "true" | "1");
    let mut inner = state.lock();
    let (stem, extension) =
        name.rsplit_once('.').map_or((name.clone(), String::new()), |(a, b)| (a.to_owned(), format!(".{b}")));
    let mut number = 0;
    // An existing file of the same name is kept, unless the content is the same.
    while !overwrites
        && inner
            .files
            .get(&(kind.clone(), subfolder.clone(), name.clone()))
            .is_some_and(|other| *other != bytes)
    {
        number += 1;
        name = format!("{stem} ({number}){extension}");
    }
    inner.files.insert((kind.clone(), subfolder.clone(), name.clone()), bytes);
    Json(json!({"name": name, "subfolder": subfolder, "type": kind})).into_response()
}

#[derive(Debug, Deserialize)]
struct View {
    filename: String,
    #[serde(default)]
    subfolder: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

async fn view(Shared(state): At, Query(view): Query<View>) -> Response {
    let kind = view.kind.unwrap_or_else(|| "output".to_owned());
    let found = state.lock().files.get(&(kind, view.subfolder, view.filename.clone())).cloned();
    let Some(bytes) = found else { return StatusCode::NOT_FOUND.into_response() };
    let media = if extension(&view.filename) == "png" { "image/png" } else { "application/octet-stream" };
    let disposition = format!("filename=\"{}\"", view.filename.replace(['"', '\r', '\n'], "_"));
    ([(header::CONTENT_TYPE, media.to_owned()), (header::CONTENT_DISPOSITION, disposition)], bytes)
        .into_response()
}
