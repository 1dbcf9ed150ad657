//! One event on the socket, and its meaning for the simulator.

use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes};
use bytes::Bytes;
use serde_json::Value;

/// A frame and when it is due: the time since the run left the queue, at speed 1.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) at: Duration,
    pub(crate) body: Body,
    pub(crate) mark: Mark,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    Text(Utf8Bytes),
    Binary(Bytes),
    /// The server stopped here: the connection ends without a close frame.
    Cut,
}

/// The meaning of a frame for the server that sends it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Mark {
    None,
    /// A node (by its display id) became the current one; later connections receive its id.
    Executing(String),
    /// The run is over: success, error or interruption.
    End,
}

impl Frame {
    pub(crate) fn text(at: Duration, text: impl Into<Utf8Bytes>, prompt_id: &str) -> Self {
        let text = text.into();
        let mark = Mark::read(&text, prompt_id);
        Self { at, body: Body::Text(text), mark }
    }

    pub(crate) fn binary(at: Duration, bytes: impl Into<Bytes>) -> Self {
        Self { at, body: Body::Binary(bytes.into()), mark: Mark::None }
    }

    /// The message to send; `None` for a cut.
    pub(crate) fn message(&self) -> Option<Message> {
        match &self.body {
            Body::Text(text) => Some(Message::Text(text.clone())),
            Body::Binary(bytes) => Some(Message::Binary(bytes.clone())),
            Body::Cut => None,
        }
    }
}

impl Mark {
    /// Reads the mark from a frame's text. Text that isn't JSON, which does occur, has none.
    fn read(text: &str, prompt_id: &str) -> Self {
        let Ok(message) = serde_json::from_str::<Value>(text) else { return Self::None };
        let data = &message["data"];
        if data["prompt_id"].as_str() != Some(prompt_id) {
            return Self::None;
        }
        match message["type"].as_str() {
            Some("executing") => {
                let id = data["display_node"].as_str().or(data["node"].as_str());
                id.map_or(Self::None, |id| Self::Executing(id.to_owned()))
            }
            Some("execution_success" | "execution_interrupted") => Self::End,
            // A blocked node's error does not end the run.
            Some("execution_error") if data["exception_type"] != "ExecutionBlocked" => Self::End,
            _ => Self::None,
        }
    }
}
