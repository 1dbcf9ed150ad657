//! The WebSocket.

mod address;
mod connect;
mod handshake;
mod hosts;
mod options;
mod socket;
#[cfg(test)]
mod tests;

pub use connect::Live;
pub use hosts::Hosts;
pub use options::LiveOptions;
