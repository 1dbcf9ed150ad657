//! The statistics of a proxy.

use tokio::sync::watch;

use super::toxic::Direction;

/// Figures since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Seen {
    /// Accepted connections.
    pub connections: u64,
    /// Connections open now.
    pub open: u64,
    /// Bytes sent by clients, whether they arrived or not.
    pub bytes_up: u64,
    /// Bytes sent by the server, whether they arrived or not.
    pub bytes_down: u64,
}

impl Seen {
    pub(super) fn add(&mut self, direction: Direction, bytes: u64) {
        match direction {
            Direction::Up => self.bytes_up += bytes,
            Direction::Down => self.bytes_down += bytes,
        }
    }
}

/// Counts a connection as open for as long as it lives.
#[derive(Debug)]
pub(super) struct Open(watch::Sender<Seen>);

impl Open {
    /// Also returns the connection's number, from 0.
    pub(super) fn new(seen: &watch::Sender<Seen>) -> (Self, u64) {
        let mut number = 0;
        seen.send_modify(|seen| {
            number = seen.connections;
            seen.connections += 1;
            seen.open += 1;
        });
        (Self(seen.clone()), number)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|seen| seen.open -= 1);
    }
}
