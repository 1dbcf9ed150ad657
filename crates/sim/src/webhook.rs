//! Webhooks at a task's end: unsigned, and repeated if the receiver doesn't confirm.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

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

use crate::{endpoint, scenario::seed_of, state::State, task::Task};

/// Maximum number of attempts for a delivery that fails: the first one and three more.
const ATTEMPTS: u32 = 4;
/// The wait before the next attempt. The platform waits about a minute, which is too long for tests.
const AGAIN: Duration = Duration::from_millis(500);
/// Timeout for the receiver's response.
const PATIENCE: Duration = Duration::from_secs(5);

/// A webhook, and the state of its delivery.
#[derive(Debug)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    /// Created by an endpoint of v2, which formats the task differently.
    is_v2: bool,
    calls: Mutex<Calls>,
}

#[derive(Clone, Copy, Debug)]
struct Calls {
    status: &'static str,
    response: Option<&'static str>,
    retries: u32,
}

impl Webhook {
    pub(crate) fn new(url: String, is_v2: bool) -> Self {
        Self { url, is_v2, calls: Mutex::new(Calls { status: "PENDING", response: None, retries: 0 }) }
    }

    /// The legacy family sends its envelope as JSON in a string, v2 sends the object of `query` unchanged.
    fn event_data(&self, state: &State, task: &Task) -> Value {
        if self.is_v2 {
            endpoint::task_object(state, task)
        } else {
            endpoint::outcome(state, task).body().to_string().into()
        }
    }

    /// The response of `getWebhookDetail`: the event's data as text in either family, and only once there is an
    /// event.
    pub(crate) fn detail(&self, state: &State, task: &Task) -> Value {
        let Calls { status, response, retries } = *self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let data = match self.event_data(state, task) {
            Value::String(text) => text,
            object => object.to_string(),
        };
        let is_over = task.phase().is_over();
        json!({
            "id": Self::id(task),
            "userApiKey": "0123****cdef",
            "taskId": task.names.task_id,
            "webhookUrl": self.url,
            "event": is_over.then_some("TASK_END"),
            "eventData": is_over.then_some(data),
            "callbackStatus": status,
            "callbackResponse": response,
            "retryCount": retries,
            "createTime": "2025-03-25T16:05:07",
            "updateTime": "2025-03-25T16:06:11",
        })
    }

    /// The id of the event, which differs from the task's.
    pub(crate) fn id(task: &Task) -> String {
        format!("{:x}", seed_of(&task.names.task_id))
    }

    fn note(&self, change: impl FnOnce(&mut Calls)) {
        change(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Waits for the end of a task and posts it to the URL, plain HTTP only.
pub(crate) async fn deliver(state: Arc<State>, task: Arc<Task>, url: String) {
    until_over(&task).await;
    let Some(webhook) = task.webhook() else { return };
    let data = webhook.event_data(&state, &task);
    let body = json!({"event": "TASK_END", "taskId": task.names.task_id, "eventData": data});
    webhook.note(|calls| calls.status = "RETRYING");
    for attempt in 0..ATTEMPTS {
        let is_received = matches!(timeout(PATIENCE, post(&url, &body)).await, Ok(Some(true)));
        webhook.note(|calls| {
            calls.retries = attempt;
            calls.response = is_received.then_some("200");
            calls.status = if is_received {
                "SUCCESS"
            } else if attempt + 1 == ATTEMPTS {
                "FAILED"
            } else {
                "RETRYING"
            };
        });
        if is_received {
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

/// Whether the receiver confirmed; `None` if it could not be reached.
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
    let answered = async move {
        let response = sender.send_request(request).await.ok()?;
        let is_success = response.status().is_success();
        to_bytes(Body::new(response.into_body()), 64 << 10).await.ok()?;
        // The connection ends with its sender.
        drop(sender);
        Some(is_success)
    };
    // The receiver may close at once: its response counts anyway.
    let (answered, _) = tokio::join!(answered, connection);
    answered
}
