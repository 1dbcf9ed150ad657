//! Maps paths to endpoints.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State as Shared},
    routing::{MethodRouter, get, post, put},
};

use super::{
    account_status, api_key_list, app_demo, app_list, app_run, assets, cancel, create, file, lora, model,
    model_price, outputs, query, queue_status, quick_params, resource_list, run_v2, status, unknown, upload,
    upload_legacy, view, webhook_detail, webhook_retry, workflow_json,
};
use crate::{
    answer::Answer,
    call::Call,
    server::{Endpoint, answer, answer_create, answer_retry},
    socket,
    state::State,
    task::Task,
};

pub(crate) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route(create::PATH, or_unknown(creating(create::answer)))
        .route(app_run::PATH, or_unknown(creating(app_run::answer)))
        .route(app_run::QUICK_PATH, or_unknown(creating(app_run::quick)))
        .route(run_v2::WORKFLOW_PATH, or_wrong_method(creating(run_v2::workflow)))
        .route(run_v2::APP_PATH, or_wrong_method(creating(run_v2::app)))
        .route(app_demo::PATH, or_unknown(get_from(app_demo::answer)))
        .route(app_list::PATH, or_wrong_method(post_to(app_list::answer)))
        .route(quick_params::PATH, or_unknown(post_to(quick_params::answer)))
        .route(outputs::PATH, or_unknown(post_to(outputs::answer)))
        .route(status::PATH, or_unknown(post_to(status::answer)))
        .route(cancel::PATH, or_unknown(post_to(cancel::answer)))
        .route(workflow_json::PATH, or_unknown(post_to(workflow_json::answer)))
        .route(account_status::PATH, or_unknown(post_to(account_status::answer)))
        .route(webhook_detail::PATH, or_unknown(post_to(webhook_detail::answer)))
        .route(webhook_retry::PATH, or_unknown(retrying()))
        .route(upload_legacy::PATH, or_unknown(post_to(upload_legacy::answer)))
        .route(upload::PATH, or_wrong_method(post_to(upload::answer)))
        .route(query::PATH, or_wrong_method(post_to(query::answer)))
        .route(queue_status::PATH, or_wrong_method(get_from(queue_status::answer)))
        .route(api_key_list::PATH, or_wrong_method(get_from(api_key_list::answer)))
        .route(resource_list::PATH, or_wrong_method(post_to(resource_list::answer)))
        .route(assets::PATH, or_wrong_method(post_to(assets::asset)))
        .route(assets::GROUPS_PATH, or_wrong_method(post_to(assets::group)))
        .route(model_price::PATH, or_wrong_method(post_to(model_price::answer)))
        // Everything else below `/openapi/v2/`: the model endpoint reports unknown paths itself.
        .route(model::PATH, or_unknown(creating(model::answer)))
        .route(lora::PATH, or_unknown(post_to(lora::answer)))
        .route(lora::STORE, put(lora::store).layer(DefaultBodyLimit::disable()))
        .route(file::RESULT_PATH, get(file::result))
        .route(file::UPLOAD_PATH, get(file::upload))
        .route(view::PATH, get(view::answer))
        .route(socket::PATH, get(socket::open))
        .fallback(handler(unknown::path))
        .with_state(state)
}

type Routes = MethodRouter<Arc<State>>;

/// An endpoint that creates tasks.
fn creating(endpoint: Endpoint) -> Routes {
    post(move |Shared(state): Shared<Arc<State>>, request: Request| answer_create(state, request, endpoint))
}

/// The endpoint that delivers a webhook again, after its response.
fn retrying() -> Routes {
    post(async |Shared(state): Shared<Arc<State>>, request: Request| {
        answer_retry(state, request, webhook_retry::answer).await
    })
}

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

/// The key of a legacy request: from the body's field, or else from the header.
pub(super) fn legacy_key(state: &State, call: &Call, field: &str) -> Result<String, Answer> {
    let in_body = call.text(field);
    if in_body.is_some() && state.wants_key_in_header() {
        return Err(Answer::wrong_key());
    }
    let key = in_body.or_else(|| call.bearer().map(str::to_owned));
    key.filter(|key| state.accepts_key(key)).ok_or_else(Answer::wrong_key)
}

/// The key of a v2 request: the header only.
pub(super) fn v2_key<'a>(state: &State, call: &'a Call) -> Option<&'a str> {
    call.bearer().filter(|key| state.accepts_key(key))
}

/// The workflow run of a legacy request: only v2 knows tasks of models.
pub(super) fn legacy_run(state: &State, call: &Call) -> Result<Arc<Task>, Answer> {
    legacy_task(state, call)
        .and_then(|task| if task.names.is_model { Err(Answer::task_not_found()) } else { Ok(task) })
}

/// The task of a legacy request. Another key's task is reported as unknown.
pub(super) fn legacy_task(state: &State, call: &Call) -> Result<Arc<Task>, Answer> {
    let key = legacy_key(state, call, "apiKey")?;
    let task_id = call.text("taskId").ok_or_else(Answer::params_invalid)?;
    state.task(&task_id).filter(|task| task.names.key == key).ok_or_else(Answer::task_not_found)
}
