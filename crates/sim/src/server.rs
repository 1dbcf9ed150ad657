//! Dispatches accepted connections to endpoints.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request},
    http::Response,
    response::IntoResponse,
};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::sleep,
};

use crate::{
    answer::{Answer, Code, Lost, unless_lost},
    call::Call,
    endpoint,
    fault::Faults,
    state::State,
    webhook::{self, Webhook},
};

/// The function of an endpoint, which depends only on the state and the request.
pub(crate) type Endpoint = fn(&State, &Call) -> Answer;

/// Accepts connections until stopped, then drops the open ones.
pub(crate) async fn run(listener: TcpListener, state: Arc<State>, mut stop: watch::Receiver<bool>) {
    let app = endpoint::router(Arc::clone(&state)).layer(DefaultBodyLimit::disable());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            Ok((stream, _)) = listener.accept() => {
                drop(connections.spawn(serve(stream, app.clone(), Arc::clone(&state))));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, app: Router, state: Arc<State>) {
    _ = stream.set_nodelay(true);
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |request: Request<Incoming>| {
        let (app, state) = (app.clone(), Arc::clone(&state));
        async move {
            let what = format!("{} {}", request.method(), request.uri().path());
            let response = unless_lost(respond(&state, &app, request.map(Body::new)).await);
            log(&what, response.as_ref().ok());
            response
        }
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Logs a request with the code of the response, or with its HTTP status if it has no code.
fn log(request: &str, response: Option<&Response<Body>>) {
    let Some(response) = response else { return tracing::info!("{request}: no response") };
    if let Some(Code(code)) = response.extensions().get::<Code>() {
        tracing::info!("{request}: code {code}");
    } else {
        tracing::info!("{request}: HTTP {}", response.status().as_u16());
    }
}

/// The scripted response, or else the real one.
async fn respond(state: &State, app: &TowerToHyperService<Router>, request: Request) -> Response<Body> {
    let truth = async |request| app.call(request).await.unwrap_or_else(|never| match never {});
    let path = request.uri().path().to_owned();
    let Some(rule) = state.rules.next(&path) else { return truth(request).await };
    if rule.is_done() {
        return rule.apply(Some(truth(request).await)).await;
    }
    // An unread body would make the server close the connection early, as if that were part of the rule.
    Call::read(request).await;
    state.counters.call(if path.starts_with("/files/") { "/files" } else { &path });
    rule.apply(None).await
}

/// Responds to a request other than create, with the faults in force for it.
pub(crate) async fn answer(state: Arc<State>, request: Request, endpoint: Endpoint) -> Response<Body> {
    let call = receive(&state, request).await;
    if let Some(instead) = state.with_faults(&call, Faults::instead) {
        return instead.into_response();
    }
    let answer = endpoint(&state, &call);
    if state.with_faults(&call, Faults::loses_answer) {
        return Lost.into_response();
    }
    answer.into_response()
}

/// Responds to a create, which has its own faults: errors here cost money.
pub(crate) async fn answer_create(state: Arc<State>, request: Request, endpoint: Endpoint) -> Response<Body> {
    let call = receive(&state, request).await;
    let answer = endpoint(&state, &call);
    if let Some(url) = call.text("webhookUrl")
        && let Some(task) = answer.task_id().and_then(|id| state.task(id))
    {
        task.call_back(Webhook::new(url.clone(), call.path.starts_with("/openapi/v2/")));
        tokio::spawn(webhook::deliver(Arc::clone(&state), task, url));
    }
    if answer.task_id().is_some() && state.with_faults(&call, Faults::loses_create) {
        return Lost.into_response();
    }
    answer.into_response()
}

/// Responds to a request to deliver a webhook again, and delivers it.
pub(crate) async fn answer_retry(state: Arc<State>, request: Request, endpoint: Endpoint) -> Response<Body> {
    let call = receive(&state, request).await;
    let answer = endpoint(&state, &call);
    if answer.is_success()
        && let Some(task) = call.text("webhookId").and_then(|id| state.task_of_webhook(&id))
        && let Some(webhook) = task.webhook()
    {
        let url = call.text("webhookUrl").unwrap_or_else(|| webhook.url.clone());
        tokio::spawn(webhook::deliver(Arc::clone(&state), task, url));
    }
    answer.into_response()
}

async fn receive(state: &State, request: Request) -> Call {
    let call = Call::read(request).await;
    state.counters.call(&call.path);
    if let Some(task) = call.text("taskId").and_then(|id| state.task(&id)) {
        task.calls.fetch_add(1, Ordering::Relaxed);
    }
    sleep(state.with_faults(&call, Faults::slowness)).await;
    call
}
