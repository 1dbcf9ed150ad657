//! Which path leads to which endpoint.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State as Shared},
    routing::{MethodRouter, get, post, put},
};

use super::{
    account_status, cancel, create, file, lora, outputs, query, queue_status, status, unknown, upload,
    upload_legacy, workflow_json,
};
use crate::{
    answer::Answer,
    call::Call,
    server::{Endpoint, answer, answer_create},
    socket,
    state::State,
    task::Task,
};

pub(crate) fn router(state: Arc<State>) -> Router {
    let create = post(|Shared(state): Shared<Arc<State>>, request: Request| {
        answer_create(state, request, create::answer)
    });
    Router::new()
        .route(create::PATH, or_unknown(create))
        .route(outputs::PATH, or_unknown(post_to(outputs::answer)))
        .route(status::PATH, or_unknown(post_to(status::answer)))
        .route(cancel::PATH, or_unknown(post_to(cancel::answer)))
        .route(workflow_json::PATH, or_unknown(post_to(workflow_json::answer)))
        .route(account_status::PATH, or_unknown(post_to(account_status::answer)))
        .route(upload_legacy::PATH, or_unknown(post_to(upload_legacy::answer)))
        .route(upload::PATH, or_wrong_method(post_to(upload::answer)))
        .route(query::PATH, or_wrong_method(post_to(query::answer)))
        .route(queue_status::PATH, or_wrong_method(get_from(queue_status::answer)))
        .route(lora::PATH, or_unknown(post_to(lora::answer)))
        .route(lora::STORE, put(lora::store).layer(DefaultBodyLimit::disable()))
        .route(file::RESULT_PATH, get(file::result))
        .route(file::UPLOAD_PATH, get(file::upload))
        .route(socket::PATH, get(socket::open))
        .fallback(handler(unknown::path))
        .with_state(state)
}

type Routes = MethodRouter<Arc<State>>;

fn post_to(endpoint: Endpoint) -> Routes {
    post(move |Shared(state): Shared<Arc<State>>, request: Request| answer(state, request, endpoint))
}

fn get_from(endpoint: Endpoint) -> Routes {
    get(move |Shared(state): Shared<Arc<State>>, request: Request| answer(state, request, endpoint))
}

fn or_unknown(routes: Routes) -> Routes {
    routes.fallback(handler(unknown::path))
}

fn or_wrong_method(routes: Routes) -> Routes {
    routes.fallback(handler(unknown::method))
}

fn handler(
    endpoint: Endpoint,
) -> impl Fn(Shared<Arc<State>>, Request) -> futures_util::future::BoxFuture<'static, axum::response::Response>
+ Clone {
    move |Shared(state): Shared<Arc<State>>, request| Box::pin(answer(state, request, endpoint))
}

/// The key of a legacy call: the body's field, else the header.
pub(super) fn legacy_key(state: &State, call: &Call, field: &str) -> Result<String, Answer> {
    let key = call.text(field).or_else(|| call.bearer().map(str::to_owned));
    key.filter(|key| state.accepts_key(key)).ok_or_else(Answer::wrong_key)
}

/// The key of a v2 call: the header alone.
pub(super) fn v2_key<'a>(state: &State, call: &'a Call) -> Option<&'a str> {
    call.bearer().filter(|key| state.accepts_key(key))
}

/// The task that a legacy call names. A task of another key is as unknown as none.
pub(super) fn legacy_task(state: &State, call: &Call) -> Result<Arc<Task>, Answer> {
    let key = legacy_key(state, call, "apiKey")?;
    let task_id = call.text("taskId").ok_or_else(Answer::params_invalid)?;
    state.task(&task_id).filter(|task| task.names.key == key).ok_or_else(Answer::task_not_found)
}
