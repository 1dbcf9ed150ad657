//! A board of all running tasks: an HTTP server that sends them as server-sent events, and starts one on POST.
//!
//! ```sh
//! RUNNINGHUB_API_KEY=… cargo run --example board -- 127.0.0.1:8080
//! curl -N http://127.0.0.1:8080/events
//! curl -d '{"workflow": "1979026379880697857", "set": {"6.text": "a cat"}}' -H 'content-type: application/json' http://127.0.0.1:8080/tasks
//! ```
#![expect(clippy::print_stdout, reason = "an example")]

use std::{collections::BTreeMap, convert::Infallible, env, error::Error, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{
        IntoResponse, Sse,
        sse::{self, KeepAlive},
    },
    routing::{get, post},
};
use futures_util::{Stream, StreamExt as _, stream};
use runninghub::{Builder, Destination, ErrorKind, Event, Line, Service, Snapshot, Submit, Workspace};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::broadcast::error::RecvError};

#[derive(Clone)]
struct Board {
    workspace: Workspace,
    service: Arc<dyn Service>,
}

#[derive(Deserialize)]
struct Order {
    workflow: String,
    #[serde(default)]
    set: BTreeMap<String, Value>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let workspace = Workspace::open("state");
    let service = Arc::new(Builder::from_env()?.workspace(&workspace)?.build()?);
    let router = Router::new()
        .route("/events", get(events))
        .route("/tasks", post(start))
        .with_state(Board { workspace, service });
    let listener = TcpListener::bind(address).await?;
    println!("http://{}/events", listener.local_addr()?);
    Ok(axum::serve(listener, router).await?)
}

/// Everything that runs now, and then every line about it.
async fn events(State(board): State<Board>) -> Sse<impl Stream<Item = Result<sse::Event, Infallible>>> {
    let lines = board.workspace.lines();
    let now = stream::iter(snapshots(&board.workspace));
    let later = stream::unfold((lines, board), |(mut lines, board)| async {
        let events = match lines.recv().await {
            Ok(line) => vec![sse::Event::default().event("line").data(line.to_string())],
            // A browser that fell behind starts over with the current runs.
            Err(RecvError::Lagged(_)) => snapshots(&board.workspace),
            Err(RecvError::Closed) => return None,
        };
        Some((stream::iter(events), (lines, board)))
    });
    Sse::new(now.chain(later.flatten()).map(Ok)).keep_alive(KeepAlive::default())
}

fn snapshots(workspace: &Workspace) -> Vec<sse::Event> {
    let shown = |snapshot: Snapshot| {
        let line = Line {
            t: Duration::ZERO,
            task_id: Some(snapshot.task),
            event: Event::Progress(snapshot.progress),
        };
        sse::Event::default().event("snapshot").data(line.to_string())
    };
    workspace.running().iter().map(|handle| shown(handle.snapshot())).collect()
}

/// Starts a run; its results are saved to `results`.
async fn start(State(board): State<Board>, Json(order): Json<Order>) -> impl IntoResponse {
    let mut submit = Submit::workflow(order.workflow);
    for (name, value) in order.set {
        submit = submit.set(name, value);
    }
    match board.workspace.start(&board.service, submit, Some(Destination::folder("results"))).await {
        Ok(handle) => (StatusCode::CREATED, Json(json!({ "task_id": handle.id() }))),
        Err(error) => {
            let status = match error.kind() {
                ErrorKind::Usage => StatusCode::BAD_REQUEST,
                ErrorKind::Refused => StatusCode::CONFLICT,
                _ => StatusCode::BAD_GATEWAY,
            };
            (status, Json(json!({ "error": error.to_string(), "hint": error.hint() })))
        }
    }
}
