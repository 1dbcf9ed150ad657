//! The WebSocket.

mod address;
mod connect;
mod dial;
mod handshake;
mod options;
mod proxy;
mod socket;

pub use connect::Live;
pub use options::LiveOptions;
pub use proxy::ProxyChoice;
