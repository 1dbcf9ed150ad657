//! `GET /view`: a file that a node has written, by the ticket of the task's socket. This path is not documented, but
//! clients use it.

use std::sync::Arc;

use axum::{
    extract::{Query, State as Shared},
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    fault::Delivery,
    scenario::{Body, made_up},
    state::State,
    task::Task,
};

use super::file::deliver;

pub(super) const PATH: &str = "/view";

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    filename: String,
    #[serde(default)]
    subfolder: String,
    #[serde(rename = "type", default)]
    folder_type: String,
    #[serde(rename = "clientId")]
    client_id: String,
    #[serde(rename = "Rh-Comfy-Auth")]
    ticket: Option<String>,
}

/// The observed response to an expired ticket: a web page with status 200.
const LOGIN: &str = "<!DOCTYPE html><html><body>login</body></html>";

pub(super) async fn answer(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Response {
    state.counters.call(PATH);
    let Some(task) = state.task_of_client(&wanted.client_id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if wanted.ticket.as_ref() != Some(&task.names.ticket) || task.faults.hides_node_files() {
        return Html(LOGIN).into_response();
    }
    if !is_named(&task, &wanted) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let kept = task.scenario.files.iter().find(|file| file.name == wanted.filename);
    let content = kept.map_or_else(|| made_up(&wanted.filename), |file| file.content.clone());
    deliver(&state, &content, &wanted.filename, &headers, &Delivery::default())
}

/// Whether a message of the run, sent or pending, names the file.
fn is_named(task: &Task, wanted: &Wanted) -> bool {
    let outputs = task.frames.iter().filter_map(|frame| match &frame.body {
        Body::Text(text) if text.contains("executed") => serde_json::from_str::<Value>(text).ok(),
        _ => None,
    });
    outputs.filter(|message| message["type"] == "executed").any(|message| {
        let lists = message["data"]["output"].as_object().into_iter().flat_map(|output| output.values());
        lists.filter_map(Value::as_array).flatten().any(|file| {
            file["filename"] == *wanted.filename
                && file["subfolder"].as_str().unwrap_or_default() == wanted.subfolder
                && file["type"] == *wanted.folder_type
        })
    })
}
