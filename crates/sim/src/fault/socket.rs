//! The hooks of sockets: the handshake, and each frame that is due.

use std::{sync::atomic::Ordering, time::Duration};

use super::{Fault, Faults};

/// The fate of a frame that is due on a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    Sent,
    Withheld,
    /// The connection ends instead, without a close frame.
    Cut,
}

impl Faults {
    /// The HTTP status of a refused handshake; `None` if it may proceed.
    pub(crate) fn refuses_handshake(&self, open: usize) -> Option<u16> {
        self.find(|fault| match fault {
            Fault::HandshakeRefused(status) => Some(*status),
            Fault::ConnectionLimit(limit) if open >= *limit => Some(503),
            _ => None,
        })
    }

    /// How long before the run's last frames connections are cut, if they are.
    pub(crate) fn cuts_early(&self) -> Option<Duration> {
        self.find(|fault| match fault {
            Fault::CutBeforeEnd(early) if !early.is_zero() => Some(*early),
            _ => None,
        })
    }

    /// `index` counts the run's frames, `last` is the first of its last ones.
    pub(crate) fn fate(&self, index: usize, last: usize) -> Fate {
        let fate = self.active.iter().find_map(|active| match active.fault {
            Fault::DropAt { frame, times } if index >= frame => {
                (active.hits.fetch_add(1, Ordering::Relaxed) < times).then_some(Fate::Cut)
            }
            Fault::CutBeforeEnd(_) if index >= last => Some(Fate::Cut),
            Fault::SilenceAt(frame) if index >= frame => Some(Fate::Withheld),
            Fault::LastFramesNever if index >= last => Some(Fate::Withheld),
            _ => None,
        });
        fate.unwrap_or(Fate::Sent)
    }
}
