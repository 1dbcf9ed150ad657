//! The WebSocket.

mod address;
mod connect;
mod dial;
mod handshake;
mod hosts;
mod options;
mod proxy;
mod socket;
#[cfg(test)]
mod tests;

pub use connect::Live;
pub use hosts::Hosts;
pub use options::LiveOptions;
pub use proxy::ProxyChoice;
