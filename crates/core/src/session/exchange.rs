//! The inputs and actions of a session.

use std::time::Duration;

use crate::{Event, Observation, Sentence, SocketUrl};

/// An input to a session.
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
    /// The socket is closed, or could not be opened.
    Disconnected,
    /// The socket could not be opened, and this URL would be refused again: its ticket has expired, or it must not be
    /// dialed at all.
    Refused {
        /// The warning for the user, if the URL is never dialed again. `None` if the server refused it: then the next
        /// URL in a response is dialed, even if it is the same.
        warning: Option<Sentence>,
    },
    /// The machine was suspended, see [`Suspend`](crate::Suspend). Pending polls and dials have been abandoned.
    Woke {
        /// The length of the suspension, during which the session's time didn't advance.
        slept: Duration,
    },
    /// The socket's URL from a source other than a poll, for instance the create response.
    Address(SocketUrl),
    /// A response to [`Action::Poll`].
    Answer(Observation),
    /// No usable response to [`Action::Poll`]. The server may have specified when to retry.
    NoAnswer {
        /// The minimum wait before the next poll.
        after: Option<Duration>,
        /// The reason for the failure.
        reason: Sentence,
        /// The machine of the service refuses connections: the process that ran the task has ended.
        is_gone: bool,
    },
    /// [`Action::Poll`] was denied with an error that a retry should not change: the task is unknown, or the key is
    /// refused. Polling continues while the denial may be a mistake.
    Denied {
        /// The minimum wait before the next poll.
        after: Option<Duration>,
        /// The server's message.
        reason: Sentence,
        /// Neither the service's queue nor its history has the task.
        is_unlisted: bool,
    },
    /// Only time has passed.
    Tick,
}

/// An action the driver must take.
#[derive(Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are events")]
pub enum Action {
    /// Request the task's status once, and return [`Input::Answer`] or, at the latest after
    /// [`Session::patience`](super::Session::patience), [`Input::NoAnswer`].
    Poll,
    /// Dial, and return [`Input::Connected`] or [`Input::Disconnected`].
    Connect(SocketUrl),
    /// Close the socket, wait until it is closed, and return [`Input::Disconnected`].
    Hangup,
    /// Report the event to the caller.
    Emit(Event),
    /// Neither responses nor frames for a long time: the platform is unreachable. The task may still run.
    GiveUp,
    /// [`Input::Denied`] is accepted as true. Its meaning depends on what was known before.
    Deny(Known),
}

/// The known facts about a task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Known {
    /// Only its id, which may be wrong.
    Nothing,
    /// It was accepted a moment ago, and no response has described it yet.
    Accepted,
    /// A response or a frame has confirmed it.
    Seen,
}
