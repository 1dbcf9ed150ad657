//! Calling back when a task is over: unsigned, more than once if nobody says thanks.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    http::{Request, Uri, header},
};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{sleep, sleep_until, timeout},
};

use crate::{endpoint, state::State, task::Task};

/// How often a delivery is made that is not answered with success: the first time and three times more.
const ATTEMPTS: u32 = 4;
/// The wait before it is made again. The platform takes about a minute, which no test wants to.
const AGAIN: Duration = Duration::from_millis(500);
/// A receiver that takes longer has not received.
const PATIENCE: Duration = Duration::from_secs(5);

/// Waits for the end of a task and tells it to the address, plain HTTP only.
pub(crate) async fn deliver(state: Arc<State>, task: Arc<Task>, url: String) {
    until_over(&task).await;
    // The legacy family sends its envelope as JSON in a string, models the object of `query` as it is.
    let outcome = if task.names.is_model {
        endpoint::task_object(&state, &task)
    } else {
        endpoint::outcome(&state, &task).body().to_string().into()
    };
    let body = json!({"event": "TASK_END", "taskId": task.names.task_id, "eventData": outcome});
    for _ in 0..ATTEMPTS {
        if let Ok(Some(true)) = timeout(PATIENCE, post(&url, &body)).await {
            return;
        }
        sleep(AGAIN).await;
    }
    tracing::debug!(task = task.names.task_id, "a webhook was never received");
}

async fn until_over(task: &Task) {
    let mut cancelled = task.watch();
    while !task.phase().is_over() {
        tokio::select! {
            _ = cancelled.changed() => {}
            () = sleep_until(task.ready()) => {}
        }
    }
}

/// Whether the receiver said that it has it; none if there is no receiver.
async fn post(url: &str, body: &Value) -> Option<bool> {
    let uri: Uri = url.parse().ok()?;
    let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http"))?;
    let address = (authority.host().trim_matches(['[', ']']), authority.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::post(uri.path_and_query().map_or("/", |path| path.as_str()))
        .header(header::HOST, authority.as_str())
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .ok()?;
    let answered = async {
        let response = sender.send_request(request).await.ok()?;
        let is_success = response.status().is_success();
        to_bytes(Body::new(response.into_body()), 64 << 10).await.ok()?;
        Some(is_success)
    };
    tokio::select! {
        answered = answered => answered,
        _ = connection => None,
    }
}
