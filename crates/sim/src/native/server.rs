//! Dispatches accepted connections to endpoints.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{DefaultBodyLimit, Request},
    http::StatusCode,
    response::IntoResponse as _,
};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use super::{http, state::State};
use crate::answer::unless_lost;

/// Accepts connections until stopped, then drops the open ones.
pub(crate) async fn run(listener: TcpListener, state: Arc<State>, mut stop: watch::Receiver<bool>) {
    let app = http::router(Arc::clone(&state)).layer(DefaultBodyLimit::disable());
    let app = TowerToHyperService::new(app);
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

async fn serve(stream: TcpStream, app: TowerToHyperService<axum::Router>, state: Arc<State>) {
    _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let (app, state) = (app.clone(), Arc::clone(&state));
        async move {
            let path = request.uri().path().trim_start_matches(&*state.settings.prefix);
            let path =
                path.strip_prefix("/api").filter(|rest| rest.starts_with('/')).unwrap_or(path).to_owned();
            *state.lock().counters.paths.entry(path).or_default() += 1;
            if !state.settings.login.as_ref().is_none_or(|login| login.is_in(&request)) {
                return Ok((StatusCode::UNAUTHORIZED, "login required").into_response());
            }
            unless_lost(app.call(request.map(Body::new)).await.unwrap_or_else(|never| match never {}))
        }
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}
