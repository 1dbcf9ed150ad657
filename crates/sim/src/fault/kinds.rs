//! The faults themselves.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::Toxic;

/// A deliberate fault. Names and values for the command line: [`Fault::all`].
///
/// Frames are counted from 0, as the run sends them. Counts ("the first N") are kept per task for task requests, per
/// workflow for creates, and otherwise for the whole server.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// Tasks wait this long in the queue; overrides the builder.
    QueueDelay(Duration),
    /// Running tasks never report their socket's URL.
    UrlNever,
    /// The URL is reported only this long after the start; before that, 804 without it.
    UrlLate(Duration),
    /// The response to create contains the URL already.
    UrlInCreate,
    /// The socket's handshake fails with this HTTP status.
    HandshakeRefused(u16),
    /// The connection is cut when this frame is due, and later connections at their next frame, `times` in all.
    DropAt {
        /// The first frame that isn't sent.
        frame: usize,
        /// How many connections of the task are cut.
        times: u32,
    },
    /// Connections are cut this long before the run's last frames are due, or when they are.
    CutBeforeEnd(Duration),
    /// From this frame on nothing is sent; connections stay open and the task continues.
    SilenceAt(usize),
    /// The run's last frames are never sent; connections stay open.
    LastFramesNever,
    /// The task seems queued until this long after its start; only then is the URL reported.
    LateJoin(Duration),
    /// Each frame is sent twice with this probability.
    DuplicateFrames(f64),
    /// Each frame swaps places with the next one with this probability.
    ReorderFrames(f64),
    /// Every response takes this much longer.
    SlowAnswers(Duration),
    /// Keys in the body or the query of a legacy request are rejected; keys in the header are accepted.
    HeaderKeys,
    /// Tasks are created, but the connection is closed without a response.
    LostCreateAnswer(Rate),
    /// Requests other than create are processed, but the connection is closed without a response.
    LostAnswers(Rate),
    /// Requests other than create get HTTP 502.
    Http5xx(Rate),
    /// Requests other than create get HTTP 200 and a web page.
    Html(Rate),
    /// Links to results return 403 until outputs are requested again.
    ExpiredLinks,
    /// The first file responses break off.
    CutFiles {
        /// After this many bytes of the response body.
        at: usize,
        /// How many responses of a task break off.
        times: u32,
    },
    /// Every file response ends a byte early.
    ShortFiles,
    /// After the first file response of a task, files have different content and a different `ETag`.
    FilesChange,
    /// Range requests get the whole file.
    NoRanges,
    /// Range responses claim to begin a byte later than they do.
    WrongRange,
    /// Range requests get this HTTP status.
    RangeRefused(u16),
    /// The first file responses of a task are slow.
    SlowFiles {
        /// Bytes per second.
        speed: usize,
        /// How many responses of a task are slow.
        times: u32,
    },
    /// Files are compressed, although plain ones were requested.
    PackedFiles,
    /// Files have no length and never end.
    EndlessFiles,
    /// Files that only the socket names return a login page with HTTP 200.
    NoNodeFiles,
    /// Results are ready this long after the run's last frames; overrides the builder.
    Settle(Duration),
    /// The first successful responses list fewer files, the very first none.
    EmptyOutputsFirst(u32),
    /// Runs end with an error instead of success.
    TaskFails,
    /// The v2 response lists the files of failed tasks too.
    FilesOfFailed,
    /// The first creates get 421.
    QueueFull(u32),
    /// Cancel returns an error, and the task continues.
    CancelRefused,
    /// At most this many sockets are open at once; more get HTTP 503.
    ConnectionLimit(usize),
    /// Odd binary messages appear between the frames.
    BinaryGarbage,
    /// Messages of custom nodes appear between the frames.
    UnknownFrames,
    /// One text message of this many bytes follows the start.
    BigFrame(usize),
    /// Every connection of any kind is affected.
    Network(Toxic),
}

/// How often a fault occurs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// The first N times.
    First(u32),
    /// With this probability, 0 to 1.
    Chance(f64),
}

/// A line of the list of faults.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FaultInfo {
    /// The name, as in `--fault NAME=VALUE`.
    pub name: &'static str,
    /// The placeholder of the value; empty if there is none, in brackets if it is optional.
    pub value: &'static str,
    /// One line of explanation.
    pub about: &'static str,
}

/// The active faults of a scope, with their counters.
#[derive(Debug)]
pub(crate) struct Faults {
    pub(super) active: Vec<Active>,
    pub(super) rng: Mutex<fastrand::Rng>,
}

#[derive(Debug)]
pub(super) struct Active {
    pub(super) fault: Fault,
    pub(super) hits: AtomicU32,
}

impl Faults {
    pub(crate) fn new<'a>(faults: impl IntoIterator<Item = &'a Fault>, seed: u64) -> Self {
        let active = faults.into_iter().map(|fault| Active { fault: fault.clone(), hits: AtomicU32::new(0) });
        Self { active: active.collect(), rng: Mutex::new(fastrand::Rng::with_seed(seed)) }
    }

    /// The value of the first fault that `pick` accepts; later faults of its kind are ignored.
    pub(super) fn find<T>(&self, pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        self.active.iter().find_map(|active| pick(&active.fault))
    }

    pub(super) fn has(&self, fault: &Fault) -> bool {
        self.active.iter().any(|active| active.fault == *fault)
    }

    /// Whether a fault occurs now; `pick` returns its rate.
    pub(super) fn strikes(&self, pick: impl Fn(&Fault) -> Option<Rate>) -> bool {
        let mut rates = self.active.iter().filter_map(|active| Some((active, pick(&active.fault)?)));
        rates.any(|(active, rate)| match rate {
            Rate::First(count) => active.hits.fetch_add(1, Ordering::Relaxed) < count,
            Rate::Chance(chance) => self.chance(chance),
        })
    }

    pub(super) fn chance(&self, chance: f64) -> bool {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).f64() < chance
    }
}
