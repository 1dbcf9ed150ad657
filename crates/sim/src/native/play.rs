//! The only worker: prompts run one after the other.

use std::{sync::Arc, time::Duration};

use axum::extract::ws::{Message, Utf8Bytes};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use super::{
    improvise,
    queue::Prompt,
    state::{State, message},
    version::Version,
};
use crate::scenario::{Body, Mark, Scenario, made_up};

/// Runs queued prompts until stopped.
pub(crate) async fn work(state: Arc<State>, mut stop: watch::Receiver<bool>) {
    tokio::select! {
        _ = stop.changed() => {}
        () = run_all(&state) => {}
    }
}

async fn run_all(state: &State) {
    if let Some(gate) = &state.settings.waits_for {
        let mut open = gate.subscribe();
        let _ = open.wait_for(|open| *open).await;
    }
    loop {
        let next = state.lock().queue.take();
        match next {
            Some((prompt, interrupted)) => {
                state.tell_status();
                let scenario = improvise::scenario(state, &prompt);
                Play { state, prompt, scenario, messages: Vec::new(), outputs: Map::new() }
                    .run(interrupted)
                    .await;
            }
            None => state.queued.notified().await,
        }
    }
}

struct Play<'a> {
    state: &'a State,
    prompt: Prompt,
    scenario: Scenario,
    /// For the history.
    messages: Vec<Value>,
    outputs: Map<String, Value>,
}

impl Play<'_> {
    async fn run(mut self, interrupted: watch::Receiver<bool>) {
        let start = Instant::now();
        let speed = self.state.settings.speed;
        let frames = Arc::clone(&self.scenario.frames);
        let mut success = false;
        for frame in frames.iter() {
            let due = start + frame.at.div_f64(speed);
            if due > Instant::now() {
                sleep_until(due).await;
            }
            if *interrupted.borrow() {
                if self.is_forgotten() {
                    return;
                }
                self.interrupt();
                break;
            }
            if let Mark::Executing(node) = &frame.mark
                && let Some(running) = &mut self.state.lock().queue.running
            {
                running.node = Some(node.clone());
            }
            match &frame.body {
                Body::Text(text) => success |= self.text(text),
                Body::Binary(bytes) => self.binary(bytes),
                // The recorded server stopped here.
                Body::Cut => return self.state.restart(),
            }
            if frame.mark == Mark::End {
                break;
            }
        }
        sleep(self.state.settings.race).await;
        self.end(success);
    }

    /// Whether the server was restarted meanwhile.
    fn is_forgotten(&self) -> bool {
        self.state.lock().queue.running.as_ref().is_none_or(|running| running.prompt.id != self.prompt.id)
    }

    /// Sends a frame of this prompt. Returns whether it reports success.
    fn text(&mut self, text: &Utf8Bytes) -> bool {
        let text = text.replace(&self.scenario.prompt_id, &self.prompt.id);
        // A frame with `NaN` is sent unchanged, and leaves no trace in the history.
        let frame: Value = serde_json::from_str(&text).unwrap_or_default();
        let kind = frame["type"].as_str().unwrap_or_default().to_owned();
        let version = self.state.version();
        match &*kind {
            // The queue and the end of the run send their own.
            "status" => return false,
            "progress_state" if !version.has(Version::PROGRESS_STATE) => return false,
            "executed" => self.keep(&frame["data"]),
            "execution_start" | "execution_cached" | "execution_success" | "execution_error" => {
                self.messages.push(json!([kind, frame["data"]]));
            }
            _ => {}
        }
        let text = if kind == "executed" && self.is_temp(&frame["data"]["node"]) {
            text.replace(r#""type": "output""#, r#""type": "temp""#)
        } else {
            text
        };
        let message = Message::text(text);
        let to_all = kind == "progress_state"
            && version.has(Version::PROGRESS_STATE)
            && !version.has(Version::STATE_TO_ITS_CLIENT);
        match &self.prompt.client_id {
            Some(client) if !to_all => self.state.send(Some(client), &message),
            // Without a client id only progress is sent, to all clients.
            None if !matches!(&*kind, "progress" | "progress_state") => {}
            _ => self.state.send(None, &message),
        }
        kind == "execution_success"
    }

    /// Replaces the prompt's id in a preview, which contains it as bytes of the same length.
    fn binary(&self, bytes: &Bytes) {
        let (old, new) = (self.scenario.prompt_id.as_bytes(), self.prompt.id.as_bytes());
        let mut bytes = bytes.to_vec();
        if old.len() == new.len()
            && let Some(at) = bytes.windows(old.len()).position(|window| window == old)
        {
            bytes[at..at + new.len()].copy_from_slice(new);
        }
        self.state.send(self.prompt.client_id.as_deref(), &Message::Binary(bytes.into()));
    }

    fn is_temp(&self, node: &Value) -> bool {
        let id = node.as_str().unwrap_or_default();
        self.prompt.workflow.get(id).is_some_and(|node| node["class_type"] == "PreviewImage")
    }

    /// Stores a node's files for `/view`.
    fn keep(&mut self, data: &Value) {
        let mut output = data["output"].clone();
        if self.is_temp(&data["node"]) {
            let lists =
                output.as_object_mut().into_iter().flatten().filter_map(|(_, list)| list.as_array_mut());
            lists
                .flatten()
                .filter(|entry| entry["type"] == "output")
                .for_each(|entry| entry["type"] = "temp".into());
        }
        let lists = output.as_object().into_iter().flatten().filter_map(|(_, list)| list.as_array());
        for entry in lists.flatten() {
            let text = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
            let name = text("filename");
            if name.is_empty() {
                continue;
            }
            let recorded = self.scenario.files.iter().find(|file| file.name == name);
            let content = recorded.map_or_else(|| made_up(&name), |file| file.content.clone());
            self.state.lock().files.insert((text("type"), text("subfolder"), name), content);
        }
        if let Some(node) = data["node"].as_str().filter(|_| output.is_object()) {
            self.outputs.insert(node.to_owned(), output);
        }
    }

    fn interrupt(&mut self) {
        let node = self.state.lock().queue.running.as_ref().and_then(|running| running.node.clone());
        let class = node.as_ref().and_then(|id| self.prompt.workflow.get(id)).map(|node| &node["class_type"]);
        let data = json!({
            "prompt_id": self.prompt.id, "node_id": node, "node_type": class, "executed": [], "timestamp": now_ms(),
        });
        let to = self.prompt.client_id.as_deref();
        self.state.send(to, &message("execution_interrupted", &data));
        self.messages.push(json!(["execution_interrupted", data]));
    }

    /// Adds the history entry first, then notifies the clients.
    fn end(self, success: bool) {
        let meta: Map<String, Value> = self
            .outputs
            .keys()
            .map(|id| {
                let real = id.split('.').next().unwrap_or(id);
                (
                    id.clone(),
                    json!({"node_id": id, "display_node": real, "parent_node": null, "real_node_id": real}),
                )
            })
            .collect();
        let entry = json!({
            "prompt": self.prompt.parts(), "outputs": self.outputs,
            "status": {"status_str": if success { "success" } else { "error" }, "completed": success, "messages": self.messages},
            "meta": meta,
        });
        {
            let mut inner = self.state.lock();
            if inner.queue.running.as_ref().is_none_or(|running| running.prompt.id != self.prompt.id) {
                return;
            }
            inner.queue.running = None;
            inner.history.retain(|(id, _)| *id != self.prompt.id);
            inner.history.push((self.prompt.id.clone(), entry));
        }
        self.state.tell_status();
        if let Some(client) = &self.prompt.client_id {
            let data = json!({"node": null, "prompt_id": self.prompt.id});
            self.state.send(Some(client), &message("executing", &data));
        }
    }
}

pub(crate) fn now_ms() -> u64 {
    let elapsed = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or(Duration::ZERO);
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
