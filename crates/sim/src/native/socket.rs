//! `/ws`, with ComfyUI's behavior: one socket per client id, no replay of missed frames, and a socket that closes
//! removes its client's entry.

use std::sync::Arc;

use axum::{
    extract::{
        Query, State as Shared, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    response::Response,
};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc::unbounded_channel;

use super::{
    http::features,
    state::{State, message},
    version::Version,
};

#[derive(Debug, Deserialize)]
pub(crate) struct Address {
    #[serde(rename = "clientId")]
    client_id: Option<String>,
}

pub(crate) async fn open(
    Shared(state): Shared<Arc<State>>,
    Query(address): Query<Address>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let client_id = address.client_id.filter(|id| !id.is_empty());
    let client_id = client_id.unwrap_or_else(|| format!("{:032x}", fastrand::u128(..)));
    upgrade.on_upgrade(|socket| async move {
        serve(&state, &client_id, socket).await;
        state.leave(&client_id);
    })
}

/// Returning without a close frame looks like the end of a real server.
async fn serve(state: &State, client_id: &str, mut socket: WebSocket) {
    let (sender, mut frames) = unbounded_channel();
    let mut lifetime = state.join(client_id, sender);
    let mut stop = state.stop.clone();
    let mut is_first = true;
    loop {
        tokio::select! {
            biased;
            _ = stop.changed() => return,
            _ = lifetime.changed() => return,
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => {
                    // Only the first text message counts, and only if it has flags.
                    if std::mem::take(&mut is_first) && is_flags(&text) && state.version().has(Version::PROGRESS_STATE) {
                        let answer = message("feature_flags", &features());
                        if socket.send(answer).await.is_err() {
                            return;
                        }
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
            Some(frame) = frames.recv() => {
                if socket.send(frame).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn is_flags(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|message| message["type"] == "feature_flags")
}
