//! The machine's state, and what goes in.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{booking::Bookings, estimate::Estimate, node::NodeTrack, route::Seen};
use crate::{Event, Failure, Phase, Plan, PromptId};

/// Who may say that a run is over.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Confirm {
    /// Only an HTTP answer ([`Machine::finish`]). A closing frame leads to [`Phase::Ended`].
    #[default]
    Http,
    /// The socket's own closing frames: for recordings without HTTP.
    Frames,
}

/// One run of a workflow, watched.
///
/// Deterministic, without a clock, and total: any sequence of frames, also lost, doubled, swapped or hostile ones,
/// leaves these true. The overall figure is within 0..=1 and never falls; it is 1 exactly on confirmed success.
/// Settled nodes never become fewer and never more than the total, which never changes. Final phases absorb. Frames of
/// other runs change nothing.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not states of one thing")]
pub struct Machine {
    pub(super) plan: Option<Arc<Plan>>,
    pub(super) confirm: Confirm,
    pub(super) prompt: Option<PromptId>,
    /// The socket carries this run alone, so the first prompt id seen on it is ours.
    pub(super) sole: bool,
    pub(super) phase: Phase,
    /// What the closing frame said, while HTTP has not confirmed it.
    pub(super) claim: Option<Phase>,
    /// By position in the plan; without a plan, nodes as they are seen.
    pub(super) nodes: Vec<NodeTrack>,
    pub(super) seen: Seen,
    pub(super) settled: usize,
    /// A `progress_state` has been seen: nothing is inferred from `executing` any more.
    pub(super) snapshots: bool,
    /// The number of the newest snapshot.
    pub(super) generation: u64,
    /// How many nodes have been seen to start.
    pub(super) started: u64,
    /// This connection has told what came before it: it saw the run begin, or a snapshot. If not, ancestors of what runs
    /// are taken as done.
    pub(super) saw_start: bool,
    /// The node of the last `executing`, as named there.
    pub(super) current: Option<crate::NodeId>,
    /// The node that the last `progress` named: event-1 previews belong to it.
    pub(super) last_progress: Option<usize>,
    pub(super) failure: Option<Failure>,
    /// Files that `executed` messages named as saved results, by position.
    pub(super) saved_files: Vec<(usize, usize)>,
    pub(super) now: Duration,
    pub(super) running_since: Option<Duration>,
    pub(super) booked: Bookings,
    pub(super) estimate: Estimate,
    /// Told that the run is not the planned one.
    pub(super) differs: bool,
    pub(super) events: VecDeque<Event>,
    pub(super) ignored: u64,
    pub(super) unreadable: u64,
    /// Something changed that may settle nodes or change their states.
    pub(super) touched: bool,
    pub(super) previews: bool,
    /// The server's queue as the last `status` told it, until somebody has looked.
    pub(super) queue_remaining: Option<u64>,
    scratch: String,
}

impl Machine {
    /// A machine for a run of a planned workflow. Without a plan the total and the overall figure are unknown until
    /// success.
    pub fn new(plan: Option<Arc<Plan>>, confirm: Confirm) -> Self {
        let mut nodes = Vec::new();
        nodes.resize_with(plan.as_ref().map_or(0, |plan| plan.nodes().len()), NodeTrack::default);
        Self {
            booked: Bookings::new(nodes.len()),
            estimate: Estimate::default(),
            differs: false,
            nodes,
            plan,
            confirm,
            prompt: None,
            sole: true,
            phase: Phase::Waiting,
            claim: None,
            seen: Seen::default(),
            settled: 0,
            snapshots: false,
            generation: 0,
            started: 0,
            saw_start: false,
            current: None,
            last_progress: None,
            failure: None,
            saved_files: Vec::new(),
            now: Duration::ZERO,
            running_since: None,
            events: VecDeque::new(),
            ignored: 0,
            unreadable: 0,
            touched: false,
            previews: false,
            queue_remaining: None,
            scratch: String::new(),
        }
    }

    /// Listens to this run only. `sole` says that the socket carries no other, so that messages without a prompt id
    /// are of this run too.
    #[must_use]
    pub fn only(mut self, prompt: PromptId, sole: bool) -> Self {
        self.prompt = Some(prompt);
        self.sole = sole;
        self
    }

    /// Gives out preview pictures as events. They are dropped unread otherwise.
    #[must_use]
    pub fn with_previews(mut self, wanted: bool) -> Self {
        self.previews = wanted;
        self
    }

    /// A text frame, at a time counted from any fixed moment. Gives whether it was one of this run.
    pub fn text(&mut self, at: Duration, text: &str) -> bool {
        self.advance(at);
        let mut scratch = std::mem::take(&mut self.scratch);
        let ours = self.apply(crate::decode_text(text, &mut scratch));
        scratch.clear();
        self.scratch = scratch;
        ours
    }

    /// A binary frame. Gives whether it was one of this run.
    pub fn binary(&mut self, at: Duration, bytes: &[u8]) -> bool {
        self.advance(at);
        // Some relays send JSON in binary frames; no event number begins like that.
        match bytes.first().filter(|first| **first == b'{').and_then(|_| std::str::from_utf8(bytes).ok()) {
            Some(text) => self.text(at, text),
            None => self.apply_binary(crate::decode_binary(bytes)),
        }
    }

    /// A connection was opened: what was missed is unknown.
    pub fn connected(&mut self) {
        if !self.phase.is_final() {
            self.saw_start = false;
            self.booked.lose();
            self.lose_pace();
            // Whatever ran may have ended unseen: nobody can say any more how long it took.
            self.nodes.iter_mut().for_each(|track| track.started_at = None);
        }
    }

    /// The platform says that the task waits, or runs.
    pub fn observe(&mut self, at: Duration, phase: Phase) {
        self.advance(at);
        match (self.phase, phase) {
            (Phase::Waiting, Phase::Queued) => self.phase = Phase::Queued,
            (Phase::Waiting | Phase::Queued, Phase::Running) => self.running(),
            _ => {}
        }
    }

    /// The platform says that the task is over. `Success`, `Failed` or `Interrupted`; anything else is ignored.
    pub fn finish(&mut self, at: Duration, phase: Phase, failure: Option<Failure>) {
        self.advance(at);
        if !phase.is_final() || self.phase.is_final() {
            return;
        }
        if let Some(failure) = failure {
            self.note_failure(failure, phase == Phase::Failed);
        }
        self.running();
        self.end(phase);
    }

    /// Time goes on until the run is over, and never back.
    pub(super) fn advance(&mut self, at: Duration) {
        if !self.phase.is_final() {
            self.now = self.now.max(at);
        }
    }

    /// Where the run stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// What the socket's closing frame said, before HTTP has confirmed anything.
    pub fn claim(&self) -> Option<Phase> {
        self.claim
    }

    /// The id of the run, once known.
    pub fn prompt(&self) -> Option<&PromptId> {
        self.prompt.as_ref()
    }

    /// How many prompts the server's queue holds, running ones included, if a `status` has told it since the last look.
    pub fn take_queue_remaining(&mut self) -> Option<u64> {
        self.queue_remaining.take()
    }

    /// How many result files the socket has named as saved.
    pub fn saved_files(&self) -> usize {
        self.saved_files.iter().map(|(_, count)| count).sum()
    }

    /// Text frames that were no message at all, and frames that said nothing about this run.
    pub fn dropped(&self) -> (u64, u64) {
        (self.unreadable, self.ignored)
    }

    /// Takes a plan that became known late. Without effect, and `false`, when there is one already or a node has been
    /// seen.
    pub(crate) fn adopt_plan(&mut self, plan: &Arc<Plan>) -> bool {
        let free = self.plan.is_none() && self.nodes.is_empty();
        if free {
            self.nodes.resize_with(plan.nodes().len(), NodeTrack::default);
            self.booked = Bookings::new(self.nodes.len());
            self.plan = Some(Arc::clone(plan));
        }
        free
    }

    /// The next thing that happened to a node.
    pub fn next_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if self.events.is_empty() {
            // Events are few and their room is large: a kilobyte in each of thousands of machines that wait.
            self.events.shrink_to_fit();
        }
        event
    }

    /// The workflow's plan.
    pub fn plan(&self) -> Option<&Arc<Plan>> {
        self.plan.as_ref()
    }
}
