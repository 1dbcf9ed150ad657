//! Faults for the bytes of a connection.

use std::time::Duration;

use bytes::Bytes;

/// A network fault. By default it applies to every connection. Delays and rates apply in both directions, events at a
/// byte apply to what the server sends ([`Toxic::up`] reverses that).
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a toxic does nothing until a proxy has it"]
pub struct Toxic {
    pub(super) kind: Kind,
    direction: Option<Direction>,
    skip: u64,
    first: u64,
    path: Option<String>,
}

/// A direction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Direction {
    /// From client to server.
    Up,
    /// From server to client.
    Down,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Latency {
        delay: Duration,
        jitter: Duration,
    },
    /// Bytes per second.
    Bandwidth(u64),
    Slicer {
        bytes: usize,
        pause: Duration,
    },
    At(Spot, Event),
    Refuse,
}

/// A position in the stream, in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Spot {
    Start(u64),
    /// From the end of the first HTTP head.
    Head(u64),
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Event {
    Cut,
    Reset,
    Silence,
    HalfClose,
    Corrupt,
    Insert(Bytes),
    Break(Break),
}

/// How TLS breaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Break {
    Garbage,
    Alert,
}

impl Toxic {
    /// Delays bytes by this much.
    pub fn latency(delay: Duration) -> Self {
        Self::new(Kind::Latency { delay, jitter: Duration::ZERO }, None)
    }

    /// Adds up to this much to each delay of a [`Toxic::latency`]; has no effect on others.
    pub fn jitter(mut self, at_most: Duration) -> Self {
        if let Kind::Latency { jitter, .. } = &mut self.kind {
            *jitter = at_most;
        }
        self
    }

    /// Limits the rate to this many bytes per second.
    pub fn bandwidth(bytes_per_second: u64) -> Self {
        Self::new(Kind::Bandwidth(bytes_per_second.max(1)), None)
    }

    /// Sends bytes in chunks of this size, with a pause between them.
    pub fn slicer(bytes: usize, pause: Duration) -> Self {
        Self::new(Kind::Slicer { bytes: bytes.max(1), pause }, None)
    }

    /// Closes the connection cleanly (FIN both ways) after this many bytes.
    pub fn cut(after: u64) -> Self {
        Self::at(after, Event::Cut)
    }

    /// Resets the connection (RST both ways) after this many bytes.
    pub fn reset(after: u64) -> Self {
        Self::at(after, Event::Reset)
    }

    /// Sends an undecryptable record after this many bytes, and ends the connection. Only a proxy that terminates TLS
    /// has records; for others it is a [`Toxic::cut`].
    pub fn garbage(after: u64) -> Self {
        Self::at(after, Event::Break(Break::Garbage))
    }

    /// Sends a fatal TLS alert after this many bytes, and ends the connection; as [`Toxic::garbage`].
    pub fn alert(after: u64) -> Self {
        Self::at(after, Event::Break(Break::Alert))
    }

    /// A black hole: after this many bytes nothing arrives, and the connection stays open.
    pub fn silence(after: u64) -> Self {
        Self::at(after, Event::Silence)
    }

    /// Closes this direction (FIN) after this many bytes; the other one stays open.
    pub fn half_close(after: u64) -> Self {
        Self::at(after, Event::HalfClose)
    }

    /// Inverts all bits of this byte; the first byte is 0.
    pub fn corrupt(byte: u64) -> Self {
        Self::at(byte, Event::Corrupt)
    }

    /// Inserts `bytes` after this many bytes from the peer.
    pub fn insert(after: u64, bytes: impl Into<Bytes>) -> Self {
        Self::at(after, Event::Insert(bytes.into()))
    }

    /// Refuses connections while this applies. It affects the whole proxy, but not open connections.
    pub fn refuse() -> Self {
        Self::new(Kind::Refuse, None)
    }

    /// Applies only to what the client sends.
    pub fn up(mut self) -> Self {
        self.direction = Some(Direction::Up);
        self
    }

    /// Applies only to what the server sends.
    pub fn down(mut self) -> Self {
        self.direction = Some(Direction::Down);
        self
    }

    /// Counts bytes from the end of the first HTTP head in this direction: after the head of a request or a response,
    /// or from the first frame of a WebSocket.
    pub fn after_head(mut self) -> Self {
        if let Kind::At(spot, _) = &mut self.kind
            && let Spot::Start(byte) = *spot
        {
            *spot = Spot::Head(byte);
        }
        self
    }

    /// Skips the first N connections.
    pub fn skip(mut self, connections: u64) -> Self {
        self.skip = connections;
        self
    }

    /// Applies to N connections only: the first ones after the skipped ones.
    pub fn first(mut self, connections: u64) -> Self {
        self.first = connections;
        self
    }

    /// Applies to connections whose first request is for a path with this prefix.
    pub fn on_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    fn new(kind: Kind, direction: Option<Direction>) -> Self {
        Self { kind, direction, skip: 0, first: u64::MAX, path: None }
    }

    fn at(byte: u64, event: Event) -> Self {
        Self::new(Kind::At(Spot::Start(byte), event), Some(Direction::Down))
    }

    /// Whether it applies to this direction of a connection; the first connection is number 0.
    pub(super) fn holds(&self, direction: Direction, number: u64, path: Option<&str>) -> bool {
        self.direction.is_none_or(|own| own == direction)
            && number.checked_sub(self.skip).is_some_and(|number| number < self.first)
            && self.path.as_deref().is_none_or(|wanted| path.is_some_and(|path| path.starts_with(wanted)))
    }
}
