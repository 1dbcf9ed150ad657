//! The server's state under a single lock, like the single thread of a real server.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::extract::ws::Message;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc::UnboundedSender, watch};

use super::{classes::Classes, login::Login, queue::Queue, version::Version};
use crate::{Scenario, json::python};

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) version: Version,
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) speed: f64,
    pub(crate) race: Duration,
    pub(crate) previews: bool,
    pub(crate) login: Option<Login>,
    /// Classes that the server replaces in prompts, each with the new class.
    pub(crate) replaces: Vec<(String, String)>,
    /// Whether another client has cleared the history.
    pub(crate) forgets: bool,
    pub(crate) prefix: String,
    pub(crate) loses_prompts: u32,
    /// Nothing runs until this is true.
    pub(crate) waits_for: Option<watch::Sender<bool>>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) classes: Classes,
    /// Notified when a prompt is queued.
    pub(crate) queued: Notify,
    pub(crate) stop: watch::Receiver<bool>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub(crate) queue: Queue,
    /// In order of completion.
    pub(crate) history: Vec<(String, Value)>,
    /// By `type`, `subfolder` and name.
    pub(crate) files: BTreeMap<(String, String, String), Bytes>,
    pub(crate) counters: Counters,
    /// By client id, as in ComfyUI: a socket that closes removes the entry, even a newer socket's.
    sockets: HashMap<String, Listener>,
    connections: u64,
    lost: u32,
    /// Every socket ends when this is dropped.
    lifetime: Option<watch::Sender<()>>,
    /// The number of files for each prefix.
    pub(crate) numbers: HashMap<String, u32>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) prompts: u64,
    pub(crate) opened: u64,
    pub(crate) open: u64,
    pub(crate) paths: HashMap<String, u64>,
    pub(crate) last_workflow: Option<String>,
}

#[derive(Debug)]
struct Listener {
    frames: UnboundedSender<Message>,
}

impl State {
    pub(crate) fn new(settings: Settings, stop: watch::Receiver<bool>) -> Self {
        let classes = Classes::new(&settings.scenarios);
        Self { settings, classes, queued: Notify::new(), stop, inner: Mutex::default() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn version(&self) -> Version {
        self.settings.version
    }

    pub(crate) fn counters(&self) -> Counters {
        self.lock().counters.clone()
    }

    /// Whether this prompt's response is lost.
    pub(crate) fn loses(&self) -> bool {
        let mut inner = self.lock();
        inner.lost += 1;
        inner.lost <= self.settings.loses_prompts
    }

    /// Registers a socket; returns a receiver that ends it. The running prompt's own client gets the current node.
    pub(crate) fn join(&self, client_id: &str, frames: UnboundedSender<Message>) -> watch::Receiver<()> {
        let mut inner = self.lock();
        inner.connections += 1;
        inner.counters.opened += 1;
        inner.counters.open += 1;
        let status = inner.status(Some(client_id));
        let _ = frames.send(status);
        if let Some(running) = &inner.queue.running
            && running.prompt.client_id.as_deref() == Some(client_id)
            && let Some(node) = &running.node
        {
            let _ = frames.send(message("executing", &json!({ "node": node })));
        }
        inner.sockets.insert(client_id.to_owned(), Listener { frames });
        inner.lifetime.get_or_insert_with(|| watch::Sender::new(())).subscribe()
    }

    pub(crate) fn leave(&self, client_id: &str) {
        let mut inner = self.lock();
        inner.counters.open -= 1;
        inner.sockets.remove(client_id);
    }

    /// Sends to one client, or to all.
    pub(crate) fn send(&self, client_id: Option<&str>, message: &Message) {
        let inner = self.lock();
        match client_id {
            Some(id) => inner.sockets.get(id).into_iter().for_each(|one| one.send(message)),
            None => inner.sockets.values().for_each(|one| one.send(message)),
        }
    }

    pub(crate) fn tell_status(&self) {
        let status = self.lock().status(None);
        self.send(None, &status);
    }

    pub(crate) fn restart(&self) {
        let mut inner = self.lock();
        if let Some(running) = inner.queue.running.take() {
            running.interrupt.send_replace(true);
        }
        inner.queue.pending.clear();
        inner.history.clear();
        inner.lifetime = None;
    }

    pub(crate) fn cut(&self) {
        self.lock().lifetime = None;
    }

    pub(crate) fn release(&self) {
        if let Some(gate) = &self.settings.waits_for {
            gate.send_replace(true);
        }
    }
}

impl Inner {
    fn status(&self, sid: Option<&str>) -> Message {
        let mut data = json!({"status": {"exec_info": {"queue_remaining": self.queue.remaining()}}});
        if let Some(sid) = sid {
            data["sid"] = sid.into();
        }
        message("status", &data)
    }
}

impl Listener {
    fn send(&self, message: &Message) {
        // A receiver that is gone is about to be removed.
        let _ = self.frames.send(message.clone());
    }
}

pub(crate) fn message(kind: &str, data: &Value) -> Message {
    Message::text(python(&json!({"type": kind, "data": data})))
}
