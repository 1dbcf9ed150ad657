//! A task's socket, with ComfyUI's behavior: no replay of missed frames, one connection receives the frames, and
//! closing an old one silences the new one.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{
    extract::{
        Query, State as Shared, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures_util::SinkExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::{fault::Fate, json::python, state::State, task::Task};

pub(crate) const PATH: &str = "/ws/c_instance";

/// The query of the URL. Its other parameters are for the platform's router.
#[derive(Debug, Deserialize)]
pub(crate) struct Address {
    #[serde(rename = "clientId")]
    client_id: String,
    #[serde(rename = "Rh-Comfy-Auth")]
    ticket: Option<String>,
}

/// The handshake: the task must exist and the ticket must be its own.
pub(crate) async fn open(
    Shared(state): Shared<Arc<State>>,
    Query(address): Query<Address>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Some(task) = state.task_of_client(&address.client_id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if address.ticket.as_ref() != Some(&task.names.ticket) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let open = state.counters.sockets_open.load(Ordering::Relaxed);
    if let Some(status) = task.faults.refuses_handshake(open) {
        return StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN).into_response();
    }
    // Small buffers are enough: frames are shared, and clients send very little.
    upgrade.read_buffer_size(4 * 1024).on_upgrade(|socket| async move {
        let (mut connection, next) = Connection::open(state, task);
        connection.run(socket, next).await;
    })
}

struct Connection {
    id: u64,
    state: Arc<State>,
    task: Arc<Task>,
    left: bool,
}

impl Connection {
    /// Also returns the index of the first frame to send.
    fn open(state: Arc<State>, task: Arc<Task>) -> (Self, usize) {
        state.counters.sockets_opened.fetch_add(1, Ordering::Relaxed);
        state.counters.sockets_open.fetch_add(1, Ordering::Relaxed);
        let id = state.next_connection();
        let next = task.attach(id);
        (Self { id, state, task, left: false }, next)
    }

    /// Plays the run until either side ends it. Returning without a close frame looks like a cut.
    async fn run(&mut self, mut socket: WebSocket, mut next: usize) {
        let mut cancelled = self.task.watch();
        let mut stop = self.state.stop.clone();
        let mut greeted = false;
        if !self.greet(&mut socket, next).await {
            return;
        }
        loop {
            let due = if cancelled.borrow().is_some() { None } else { self.task.due(next) };
            let cut = self.task.cut().filter(|_| due.is_some());
            tokio::select! {
                message = socket.recv() => match message {
                    Some(Ok(Message::Text(text))) if !greeted => {
                        greeted = true;
                        if is_feature_flags(&text) && !self.send(&mut socket, Message::text(FEATURE_FLAGS)).await {
                            return;
                        }
                    }
                    // The client may reconnect as soon as it has the response, which the next `recv` sends.
                    Some(Ok(Message::Close(_))) => self.leave(),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return,
                },
                () = sleep_until(due.unwrap_or_else(far_future)), if due.is_some() => {
                    match self.play(&mut socket, next).await {
                        Some(index) => next = index,
                        None => return,
                    }
                }
                () = sleep_until(cut.unwrap_or_else(far_future)), if cut.is_some() => {
                    let _ = socket.flush().await;
                    return;
                }
                Ok(()) = cancelled.changed() => {
                    if !self.interrupt(&mut socket, next).await {
                        return;
                    }
                }
                _ = stop.changed() => return,
            }
        }
    }

    /// Sends what every new connection receives: the queue's length, and the current node during the run.
    async fn greet(&self, socket: &mut WebSocket, next: usize) -> bool {
        // ComfyUI finishes the run before the platform has its results.
        let remaining = u8::from(!self.task.phase().is_over() && next <= self.task.last());
        let status = json!({"status": {"exec_info": {"queue_remaining": remaining}}, "sid": self.task.names.client_id});
        if !self.send(socket, message("status", &status)).await {
            return false;
        }
        match self.task.current(next).filter(|_| remaining > 0) {
            Some(node) => self.send(socket, message("executing", &json!({ "node": node }))).await,
            None => true,
        }
    }

    /// Sends all due frames; returns the next index, or `None` when the connection is over.
    async fn play(&self, socket: &mut WebSocket, mut next: usize) -> Option<usize> {
        let now = Instant::now();
        while self.task.due(next).is_some_and(|due| due <= now) {
            let index = next;
            next += 1;
            if !self.task.listens(self.id) {
                continue;
            }
            match self.task.faults.fate(index, self.task.last()) {
                Fate::Cut => return self.cut(socket).await,
                Fate::Withheld => continue,
                Fate::Sent => {}
            }
            let Some(message) = self.task.frames.get(index)?.message() else { return self.cut(socket).await };
            self.count(&message);
            socket.feed(message).await.ok()?;
        }
        socket.flush().await.ok()?;
        Some(next)
    }

    /// Ends the connection; frames sent before still arrive.
    async fn cut(&self, socket: &mut WebSocket) -> Option<usize> {
        socket.flush().await.ok()?;
        None
    }

    /// Sends ComfyUI's frames for an interrupted prompt.
    async fn interrupt(&self, socket: &mut WebSocket, next: usize) -> bool {
        if !self.task.listens(self.id) {
            return true;
        }
        let node_id = self.task.current(next);
        let class = node_id.map_or(Value::Null, |id| self.task.scenario.workflow[id]["class_type"].clone());
        let prompt_id = &self.task.scenario.prompt_id;
        let interrupted = json!({
            "prompt_id": prompt_id, "node_id": node_id, "node_type": class, "executed": [],
            "timestamp": unix_ms(),
        });
        self.send(socket, message("execution_interrupted", &interrupted)).await
            && self
                .send(socket, message("status", &json!({"status": {"exec_info": {"queue_remaining": 0}}})))
                .await
            && self.send(socket, message("executing", &json!({"node": null, "prompt_id": prompt_id}))).await
    }

    /// Runs once per connection: a second time could unregister a newer connection.
    fn leave(&mut self) {
        if !std::mem::replace(&mut self.left, true) {
            self.task.detach();
            self.state.counters.sockets_open.fetch_sub(1, Ordering::Relaxed);
        }
    }

    async fn send(&self, socket: &mut WebSocket, message: Message) -> bool {
        self.count(&message);
        socket.send(message).await.is_ok()
    }

    fn count(&self, message: &Message) {
        let bytes = match message {
            Message::Text(text) => text.len(),
            Message::Binary(bytes) => bytes.len(),
            _ => 0,
        };
        self.state.counters.frames_sent.fetch_add(1, Ordering::Relaxed);
        self.state.counters.socket_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The flags of a ComfyUI 0.29.
const FEATURE_FLAGS: &str = r#"{"type": "feature_flags", "data": {"supports_preview_metadata": true, "supports_model_type_tags": true, "max_upload_size": 104857600, "extension": {"manager": {"supports_v4": true}}, "node_replacements": true, "assets": false}}"#;

fn is_feature_flags(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|message| message["type"] == "feature_flags")
}

fn message(kind: &str, data: &Value) -> Message {
    Message::text(python(&json!({"type": kind, "data": data})))
}

fn unix_ms() -> u64 {
    let elapsed = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// Placeholder for an instant when there is none to wait for.
fn far_future() -> Instant {
    Instant::now() + Duration::from_hours(1)
}
