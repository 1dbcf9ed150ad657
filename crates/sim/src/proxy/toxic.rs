//! What can be done to the bytes of a connection.

use std::time::Duration;

use bytes::Bytes;

/// A fault of the network. By default it holds for every connection; delays and rates hold both ways, what happens at
/// a byte holds for what the server sends ([`Toxic::up`] turns that round).
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a toxic does nothing until a proxy has it"]
pub struct Toxic {
    pub(super) kind: Kind,
    way: Option<Way>,
    skip: u64,
    first: u64,
    path: Option<String>,
}

/// A direction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
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
    /// Bytes a second.
    Bandwidth(u64),
    Slicer {
        bytes: usize,
        pause: Duration,
    },
    At(Spot, Event),
    Refuse,
}

/// A place in the stream, counted in bytes.
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

/// How encryption breaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Break {
    Garbage,
    Alert,
}

impl Toxic {
    /// Bytes arrive this much later.
    pub fn latency(delay: Duration) -> Self {
        Self::new(Kind::Latency { delay, jitter: Duration::ZERO }, None)
    }

    /// Adds up to this much to each delay of a [`Toxic::latency`]; on others it has no effect.
    pub fn jitter(mut self, at_most: Duration) -> Self {
        if let Kind::Latency { jitter, .. } = &mut self.kind {
            *jitter = at_most;
        }
        self
    }

    /// No more than this many bytes a second.
    pub fn bandwidth(bytes_per_second: u64) -> Self {
        Self::new(Kind::Bandwidth(bytes_per_second.max(1)), None)
    }

    /// Bytes come in pieces of this size, with a pause between them.
    pub fn slicer(bytes: usize, pause: Duration) -> Self {
        Self::new(Kind::Slicer { bytes: bytes.max(1), pause }, None)
    }

    /// The connection is closed in good order (FIN both ways) after this many bytes.
    pub fn cut(after: u64) -> Self {
        Self::at(after, Event::Cut)
    }

    /// The connection is reset (RST both ways) after this many bytes.
    pub fn reset(after: u64) -> Self {
        Self::at(after, Event::Reset)
    }

    /// A record that nobody can decrypt comes after this many bytes, and the connection ends. Only a proxy that
    /// encryption ends at has records; for others it is a [`Toxic::cut`].
    pub fn garbage(after: u64) -> Self {
        Self::at(after, Event::Break(Break::Garbage))
    }

    /// A fatal alert of TLS comes after this many bytes, and the connection ends; as [`Toxic::garbage`].
    pub fn alert(after: u64) -> Self {
        Self::at(after, Event::Break(Break::Alert))
    }

    /// A black hole: after this many bytes nothing arrives any more, and the connection stays open.
    pub fn silence(after: u64) -> Self {
        Self::at(after, Event::Silence)
    }

    /// This direction is closed (FIN) after this many bytes; the other one stays open.
    pub fn half_close(after: u64) -> Self {
        Self::at(after, Event::HalfClose)
    }

    /// All bits of this byte are turned round; the first one is 0.
    pub fn corrupt(byte: u64) -> Self {
        Self::at(byte, Event::Corrupt)
    }

    /// Bytes of ours come after this many of the peer's.
    pub fn insert(after: u64, bytes: impl Into<Bytes>) -> Self {
        Self::at(after, Event::Insert(bytes.into()))
    }

    /// Nobody listens while this holds. It is for the whole proxy, and leaves open connections alone.
    pub fn refuse() -> Self {
        Self::new(Kind::Refuse, None)
    }

    /// Only what the client sends.
    pub fn up(mut self) -> Self {
        self.way = Some(Way::Up);
        self
    }

    /// Only what the server sends.
    pub fn down(mut self) -> Self {
        self.way = Some(Way::Down);
        self
    }

    /// Counts bytes from the end of the first HTTP head in this direction: after a request's or an answer's head, or
    /// from the first frame of a WebSocket.
    pub fn after_head(mut self) -> Self {
        if let Kind::At(spot, _) = &mut self.kind
            && let Spot::Start(byte) = *spot
        {
            *spot = Spot::Head(byte);
        }
        self
    }

    /// Leaves the first so many connections alone.
    pub fn skip(mut self, connections: u64) -> Self {
        self.skip = connections;
        self
    }

    /// Holds for so many connections only: the first ones after those that are skipped.
    pub fn first(mut self, connections: u64) -> Self {
        self.first = connections;
        self
    }

    /// Holds for connections whose first request is for a path that begins like this.
    pub fn on_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    fn new(kind: Kind, way: Option<Way>) -> Self {
        Self { kind, way, skip: 0, first: u64::MAX, path: None }
    }

    fn at(byte: u64, event: Event) -> Self {
        Self::new(Kind::At(Spot::Start(byte), event), Some(Way::Down))
    }

    /// Whether it holds for this direction of a connection; the first connection is number 0.
    pub(super) fn holds(&self, way: Way, number: u64, path: Option<&str>) -> bool {
        self.way.is_none_or(|own| own == way)
            && number.checked_sub(self.skip).is_some_and(|number| number < self.first)
            && self.path.as_deref().is_none_or(|wanted| path.is_some_and(|path| path.starts_with(wanted)))
    }
}
