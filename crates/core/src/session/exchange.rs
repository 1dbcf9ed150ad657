//! What goes into a session, and what comes out.

use std::time::Duration;

use crate::{Event, Observation, SocketUrl, Untrusted};

/// Something that came in.
#[derive(Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "one at a time, and never stored")]
pub enum Input<'a> {
    /// A text frame.
    Text(&'a str),
    /// A binary frame.
    Binary(&'a [u8]),
    /// The socket is open.
    Connected,
    /// The socket is gone, or could not be opened.
    Disconnected,
    /// The socket could not be opened, and this address would be refused again: its ticket has expired, or it must not
    /// be dialled at all.
    Refused {
        /// What the user has to know, of an address that is not dialled again. Nothing where it was refused by the other
        /// side: then the next one that an answer names is dialled, and that may be the same.
        warning: Option<Untrusted>,
    },
    /// The machine was suspended, see [`Suspend`](crate::Suspend). Questions and dials that were under way have been
    /// given up.
    Woke {
        /// For how long. The session's own time stood still meanwhile.
        slept: Duration,
    },
    /// The socket's address, learned elsewhere than from an answer (the create answer, for instance).
    Address(SocketUrl),
    /// An answer to [`Action::Poll`].
    Answer(Observation),
    /// No usable answer to [`Action::Poll`]. The server may have said when to ask again.
    NoAnswer {
        /// Ask again not before this much time.
        after: Option<Duration>,
        /// What went wrong.
        reason: Untrusted,
    },
    /// [`Action::Poll`] was answered with a no that asking again should not change: the task is not known, or the key is
    /// refused. It is asked again all the same while that may be a mistake.
    Denied {
        /// Ask again not before this much time.
        after: Option<Duration>,
        /// What was said.
        reason: Untrusted,
    },
    /// Nothing but time.
    Tick,
}

/// Something to do.
#[derive(Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are events")]
pub enum Action {
    /// Ask how the task stands, once, and bring back [`Input::Answer`] or, after
    /// [`Session::patience`](super::Session::patience) at the latest, [`Input::NoAnswer`].
    Poll,
    /// Dial, and bring back [`Input::Connected`] or [`Input::Disconnected`].
    Connect(SocketUrl),
    /// Close the socket, wait until it is gone, and bring back [`Input::Disconnected`].
    Hangup,
    /// Tell whoever watches.
    Emit(Event),
    /// Neither answers nor frames for a long time: the platform cannot be reached. The task may still run.
    GiveUp,
    /// [`Input::Denied`] is believed. What it means depends on what was known before.
    Deny(Known),
}

/// What is known of a task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Known {
    /// Nothing but its id, which may be wrong.
    Nothing,
    /// It was accepted a moment ago, and there was no answer about it yet.
    Accepted,
    /// It was there.
    Seen,
}
