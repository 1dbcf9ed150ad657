//! Limits and waits of a live connection.

use std::time::Duration;

use runninghub_net::Net;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::Hosts;
use crate::scale::scale;

/// From name to finished handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Often enough for the idle timeouts of the usual gateways.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// A busy server answers within 7 ms; after this long there is none.
const PONG_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a close waits for the peer's own end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Previews have 72 KB, the largest text frames seen 40 KB; custom nodes send more.
const MAX_MESSAGE: usize = 4 << 20;
/// The most that can be asked for.
const MAX_MAX_MESSAGE: usize = 64 << 20;
/// tungstenite's own 128 KiB are filled with zeros before each read and stay resident: 17 times the memory and twice
/// the time for a thousand quiet sockets.
const READ_BUFFER: usize = 8 << 10;
/// What may wait to be written: pings, and the answers to a server's own. One that pings without reading is dropped.
const WRITE_BUFFER: usize = 16 << 10;
/// From here on they are written out.
const WRITE_THRESHOLD: usize = 4 << 10;

/// How [`Live`](crate::Live) connects, what it accepts and how long it waits.
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
    /// The defaults named at each setter.
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

    /// How long connecting may take in all: name, TCP, proxy, TLS and handshake. 10 s.
    pub fn connect_timeout(mut self, wait: Duration) -> Self {
        self.connect_timeout = wait;
        self
    }

    /// How often the peer is asked for a sign of life. 20 s.
    pub fn ping_interval(mut self, wait: Duration) -> Self {
        self.ping_interval = wait;
        self
    }

    /// How long after a ping the first sign of life may take, be it pong or frame. 10 s.
    pub fn pong_timeout(mut self, wait: Duration) -> Self {
        self.pong_timeout = wait;
        self
    }

    /// The largest message accepted, in bytes. 4 MiB; 64 MiB at most.
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes.min(MAX_MAX_MESSAGE);
        self
    }

    /// The largest single frame accepted, in bytes. As large as a message: ComfyUI never splits one.
    pub fn max_frame(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self
    }

    /// The room that each connection reads into, in bytes. 8 KiB. It grows to the largest frame and stays so.
    pub fn read_buffer(mut self, bytes: usize) -> Self {
        self.read_buffer = bytes.clamp(1 << 10, MAX_MAX_MESSAGE);
        self
    }

    /// Whether to ask for previews that tell which node and prompt they belong to. No.
    pub fn preview_metadata(mut self, wanted: bool) -> Self {
        self.preview_metadata = wanted;
        self
    }

    /// Whether unencrypted `ws://` may lead off this machine: for a ComfyUI in one's own network. No.
    pub fn allow_insecure(mut self, allowed: bool) -> Self {
        self.allow_insecure = allowed;
        self
    }

    /// Where addresses may lead. Anywhere.
    pub fn hosts(mut self, hosts: Hosts) -> Self {
        self.hosts = Some(hosts);
        self
    }

    /// Proxy and TLS. The environment's proxy, and what the system trusts.
    pub fn net(mut self, net: Net) -> Self {
        self.net = net;
        self
    }

    /// All waits times `factor`: below 1 for tests.
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
