//! Limits and timeouts of a live connection.

use std::time::Duration;

use runninghub_net::Net;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::Hosts;
use crate::scale::scale;

/// From name resolution to the finished handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Below the idle timeouts of common gateways.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// A busy server responds within 7 ms; after this long no response will come.
const PONG_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a close waits for the peer to close its end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Previews are 72 KB, and the largest observed text frames 40 KB; custom nodes send more.
const MAX_MESSAGE: usize = 4 << 20;
/// The largest configurable limit.
const MAX_MAX_MESSAGE: usize = 64 << 20;
/// tungstenite's default of 128 KiB is zeroed before each read and stays resident: 17 times the memory and twice the
/// time for a thousand quiet sockets.
const READ_BUFFER: usize = 8 << 10;
/// The limit for queued writes: pings, and pongs for the server's pings. A server that pings without reading is
/// dropped.
const WRITE_BUFFER: usize = 16 << 10;
/// The size at which queued writes are flushed.
const WRITE_THRESHOLD: usize = 4 << 10;

/// How [`Live`](crate::Live) connects, what it accepts, and its timeouts.
#[derive(Clone, Debug)]
#[must_use]
pub struct LiveOptions {
    pub(super) connect_timeout: Duration,
    pub(super) ping_interval: Duration,
    pub(super) pong_timeout: Duration,
    pub(super) close_timeout: Duration,
    max_message: usize,
    max_frame: usize,
    read_buffer: usize,
    pub(super) preview_metadata: bool,
    pub(super) allow_insecure: bool,
    pub(super) hosts: Option<Hosts>,
    pub(super) net: Net,
}

impl LiveOptions {
    /// Creates the options with the defaults named at each setter.
    pub fn new() -> Self {
        Self {
            connect_timeout: CONNECT_TIMEOUT,
            ping_interval: PING_INTERVAL,
            pong_timeout: PONG_TIMEOUT,
            close_timeout: CLOSE_TIMEOUT,
            max_message: MAX_MESSAGE,
            max_frame: MAX_MAX_MESSAGE,
            read_buffer: READ_BUFFER,
            preview_metadata: false,
            allow_insecure: false,
            hosts: None,
            net: Net::default(),
        }
    }

    /// The total time for connecting: name resolution, TCP, proxy, TLS and handshake. Default: 10 s.
    pub fn connect_timeout(self, wait: Duration) -> Self {
        Self { connect_timeout: wait, ..self }
    }

    /// The interval between pings. Default: 20 s.
    pub fn ping_interval(self, wait: Duration) -> Self {
        Self { ping_interval: wait, ..self }
    }

    /// How long after a ping the first pong or frame may take. Default: 10 s.
    pub fn pong_timeout(self, wait: Duration) -> Self {
        Self { pong_timeout: wait, ..self }
    }

    /// The largest accepted message, in bytes. Default: 4 MiB; maximum: 64 MiB.
    pub fn max_message(self, bytes: usize) -> Self {
        Self { max_message: bytes.min(MAX_MAX_MESSAGE), ..self }
    }

    /// The largest accepted frame, in bytes. Default: the message limit, because ComfyUI never splits a message.
    pub fn max_frame(self, bytes: usize) -> Self {
        Self { max_frame: bytes, ..self }
    }

    /// The initial read buffer of each connection, in bytes. Default: 8 KiB. It grows to the largest frame and keeps
    /// that size.
    pub fn read_buffer(self, bytes: usize) -> Self {
        Self { read_buffer: bytes.clamp(1 << 10, MAX_MAX_MESSAGE), ..self }
    }

    /// Whether to request previews with their node and prompt ids. Default: no.
    pub fn preview_metadata(self, wanted: bool) -> Self {
        Self { preview_metadata: wanted, ..self }
    }

    /// Whether unencrypted `ws://` may lead to another machine, for a ComfyUI in your own network. Default: no.
    pub fn allow_insecure(self, allowed: bool) -> Self {
        Self { allow_insecure: allowed, ..self }
    }

    /// The allowed hosts. Default: any.
    pub fn hosts(self, hosts: Hosts) -> Self {
        Self { hosts: Some(hosts), ..self }
    }

    /// Proxy and TLS. Default: the environment's proxy, and the system's trusted certificates.
    pub fn net(self, net: Net) -> Self {
        Self { net, ..self }
    }

    /// Multiplies all timeouts by `factor`; below 1 for tests.
    pub fn scaled(mut self, factor: f64) -> Self {
        for wait in [
            &mut self.connect_timeout,
            &mut self.ping_interval,
            &mut self.pong_timeout,
            &mut self.close_timeout,
        ] {
            *wait = scale(*wait, factor);
        }
        self
    }

    pub(super) fn socket(&self) -> WebSocketConfig {
        WebSocketConfig::default()
            .read_buffer_size(self.read_buffer)
            .write_buffer_size(WRITE_THRESHOLD)
            .max_write_buffer_size(WRITE_BUFFER)
            .max_message_size(Some(self.max_message))
            .max_frame_size(Some(self.max_frame.min(self.max_message)))
    }
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self::new()
    }
}
