//! The faults themselves.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::Toxic;

/// Something that goes wrong on purpose. Names and values for the command line: [`Fault::all`].
///
/// Frames are counted from 0, as the run sends them. Counts ("the first N") are kept per task for what concerns a task,
/// per workflow for creates, else for the whole server.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// Tasks wait this long in the queue, whatever the builder says.
    QueueDelay(Duration),
    /// Running tasks never tell their socket's address.
    UrlNever,
    /// The address is told only this long after the start: 804 without it before.
    UrlLate(Duration),
    /// The answer to create tells the address already.
    UrlInCreate,
    /// The socket's handshake is answered with this HTTP status.
    HandshakeRefused(u16),
    /// The connection is cut when this frame is due, and so are later ones at their next frame, `times` in all.
    DropAt {
        /// The first frame that is not sent.
        frame: usize,
        /// How many connections of the task are cut.
        times: u32,
    },
    /// Connections are cut when the run's last frames are due.
    CutBeforeEnd,
    /// From this frame on nothing is sent; connections stay open and the task goes on.
    SilenceAt(usize),
    /// The run's last frames are never sent; connections stay open.
    LastFramesNever,
    /// The task seems queued until this long after its start; only then is the address told.
    LateJoin(Duration),
    /// Each frame is sent twice with this probability.
    DuplicateFrames(f64),
    /// Each frame changes places with the next one with this probability.
    ReorderFrames(f64),
    /// Every answer takes this much longer.
    SlowAnswers(Duration),
    /// Keys that stand in the body or the query of a legacy call are not accepted; the header's are.
    HeaderKeys,
    /// Tasks are made, but the connection is closed without an answer.
    LostCreateAnswer(Rate),
    /// Calls other than create are done, but the connection is closed without an answer.
    LostAnswers(Rate),
    /// Calls other than create are answered with HTTP 502.
    Http5xx(Rate),
    /// Calls other than create are answered with HTTP 200 and a web page.
    Html(Rate),
    /// Links to results answer 403 until outputs are asked for again.
    ExpiredLinks,
    /// The first answers with a file break off.
    CutFiles {
        /// After so many bytes of the answer's body.
        at: usize,
        /// How many answers of a task break off.
        times: u32,
    },
    /// Every answer with a file ends a byte early.
    ShortFiles,
    /// After the first answer with a file of a task, files have another content and another `ETag`.
    FilesChange,
    /// Whole files come where a part was asked for.
    NoRanges,
    /// Parts say that they begin a byte later than they do.
    WrongRange,
    /// Questions for a part of a file are answered with this HTTP status.
    RangeRefused(u16),
    /// The first answers with a file of a task trickle.
    SlowFiles {
        /// Bytes a second.
        speed: usize,
        /// How many answers of a task trickle.
        times: u32,
    },
    /// Files come packed, although plain ones were asked for.
    PackedFiles,
    /// Files have no length and no end.
    EndlessFiles,
    /// Files that only the socket names are answered with a login page and HTTP 200.
    NoNodeFiles,
    /// Results are ready this long after the run's last frames, whatever the builder says.
    Settle(Duration),
    /// The first answers that say success list fewer files, the very first none.
    EmptyOutputsFirst(u32),
    /// Runs end with an error instead of success.
    TaskFails,
    /// Tasks that fail list their files in the v2 answer all the same.
    FilesOfFailed,
    /// The first creates are answered with 421.
    QueueFull(u32),
    /// Cancel is answered with an error, and the task goes on.
    CancelRefused,
    /// At most this many sockets are open at once; more are answered with HTTP 503.
    ConnectionLimit(usize),
    /// Odd binary messages come between the frames.
    BinaryGarbage,
    /// Messages of custom nodes come between the frames.
    UnknownFrames,
    /// One text message of this many bytes comes after the start.
    BigFrame(usize),
    /// Every connection suffers from this, whatever it is for.
    Network(Toxic),
}

/// How often a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// The first so many times.
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
    /// What stands for the value; empty if there is none, in brackets if it can be left out.
    pub value: &'static str,
    /// One line of explanation.
    pub about: &'static str,
}

/// The faults in force somewhere, with what they have done so far.
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

    /// What the first fault that `pick` knows has to say; later faults of a kind do not count.
    pub(super) fn find<T>(&self, pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        self.active.iter().find_map(|active| pick(&active.fault))
    }

    pub(super) fn has(&self, fault: &Fault) -> bool {
        self.active.iter().any(|active| active.fault == *fault)
    }

    /// Whether a fault that `pick` knows the rate of strikes now.
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
