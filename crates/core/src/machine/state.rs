//! The machine's state and inputs.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use super::{booking::Bookings, estimate::Estimate, node::NodeTrack, route::Seen};
use crate::{Event, Failure, NodeId, OutputFile, Phase, Plan, PromptId, Untrusted};

/// The source that decides whether a run is over.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Confirm {
    /// Only an HTTP response ([`Machine::finish`]). A closing frame leads to [`Phase::Ended`].
    #[default]
    Http,
    /// The socket's own closing frames: for recordings without HTTP.
    Frames,
}

/// Follows one run of a workflow.
///
/// Deterministic, without a clock, and total. These hold for any sequence of frames, including lost, duplicated,
/// reordered or hostile ones: the overall figure is within 0..=1 and never falls; it is 1 exactly on confirmed
/// success. The number of settled nodes never falls and never exceeds the total, which never changes. Final phases
/// absorb. Frames of other runs change nothing.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not states of one thing")]
pub struct Machine {
    pub(super) plan: Option<Arc<Plan>>,
    pub(super) confirm: Confirm,
    pub(super) prompt: Option<PromptId>,
    /// The socket carries only this run, so the first prompt id seen on it is adopted.
    pub(super) sole: bool,
    pub(super) phase: Phase,
    /// The end reported by the closing frame, until HTTP confirms it.
    pub(super) claim: Option<Phase>,
    /// By position in the plan; without a plan, in the order in which nodes were seen.
    pub(super) nodes: Vec<NodeTrack>,
    pub(super) seen: Seen,
    /// Titles of nodes, for a run without a plan.
    pub(super) names: HashMap<NodeId, Untrusted>,
    pub(super) settled: usize,
    /// A `progress_state` has been seen, so nothing is inferred from `executing` anymore.
    pub(super) snapshots: bool,
    /// The number of the newest snapshot.
    pub(super) generation: u64,
    /// How many nodes were seen starting.
    pub(super) started: u64,
    /// This connection covers the run from its start, or has brought a snapshot. Otherwise the ancestors of running
    /// nodes count as done.
    pub(super) saw_start: bool,
    /// This connection covers the run from its start, so a node without a frame did not run. Snapshots omit cached
    /// nodes.
    pub(super) unbroken: bool,
    /// The node of the last `executing`, as the message named it.
    pub(super) current: Option<NodeId>,
    /// The node of the last `progress`: event-1 previews belong to it.
    pub(super) last_progress: Option<usize>,
    pub(super) failure: Option<Failure>,
    /// Results that arrived over the socket and exist nowhere else.
    pub(super) pictures: Vec<OutputFile>,
    /// Files that `executed` messages reported as saved results, by position.
    pub(super) saved_files: Vec<(usize, usize)>,
    pub(super) now: Duration,
    pub(super) running_since: Option<Duration>,
    pub(super) booked: Bookings,
    pub(super) estimate: Estimate,
    /// Whether a warning that the run differs from the plan was emitted.
    pub(super) differs: bool,
    pub(super) events: VecDeque<Event>,
    pub(super) ignored: u64,
    pub(super) unreadable: u64,
    /// Something changed that may settle nodes or change their states.
    pub(super) touched: bool,
    pub(super) previews: bool,
    /// The server's queue length from the last `status`, until it is read.
    pub(super) queue_remaining: Option<u64>,
    scratch: String,
}

impl Machine {
    /// Creates a machine for a run of a planned workflow. Without a plan, the total and the overall figure are unknown
    /// until success.
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
            unbroken: false,
            current: None,
            last_progress: None,
            failure: None,
            pictures: Vec::new(),
            saved_files: Vec::new(),
            now: Duration::ZERO,
            running_since: None,
            events: VecDeque::new(),
            ignored: 0,
            unreadable: 0,
            touched: false,
            names: HashMap::new(),
            previews: false,
            queue_remaining: None,
            scratch: String::new(),
        }
    }

    /// Restricts the machine to this run. `sole` means the socket carries no other run, so messages without a prompt
    /// id belong to this run too.
    #[must_use]
    pub fn only(mut self, prompt: PromptId, sole: bool) -> Self {
        self.prompt = Some(prompt);
        self.sole = sole;
        self
    }

    /// Sets the titles of nodes. They count only without a plan, which has its own.
    #[must_use]
    pub fn with_names(mut self, names: HashMap<NodeId, Untrusted>) -> Self {
        self.names = names;
        self
    }

    /// Emits preview images as events. By default they are dropped unread.
    #[must_use]
    pub fn with_previews(mut self, wanted: bool) -> Self {
        self.previews = wanted;
        self
    }

    /// Handles a text frame, at a time counted from any fixed moment. Returns whether it belongs to this run.
    pub fn text(&mut self, at: Duration, text: &str) -> bool {
        self.advance(at);
        let mut scratch = std::mem::take(&mut self.scratch);
        let ours = self.apply(crate::decode_text(text, &mut scratch));
        scratch.clear();
        self.scratch = scratch;
        ours
    }

    /// Handles a binary frame. Returns whether it belongs to this run.
    pub fn binary(&mut self, at: Duration, bytes: &[u8]) -> bool {
        self.advance(at);
        // Some relays send JSON in binary frames; no event number starts with `{`.
        match bytes.first().filter(|first| **first == b'{').and_then(|_| std::str::from_utf8(bytes).ok()) {
            Some(text) => self.text(at, text),
            None => self.apply_binary(crate::decode_binary(bytes)),
        }
    }

    /// A connection was opened: messages in between may have been missed.
    pub fn connected(&mut self) {
        if !self.phase.is_final() {
            (self.saw_start, self.unbroken) = (false, false);
            self.booked.lose();
            self.lose_pace();
            // A running node may have ended unseen, so its duration is unknown from here on.
            self.nodes.iter_mut().for_each(|track| track.started_at = None);
        }
    }

    /// The platform reports the task as waiting or running.
    pub fn observe(&mut self, at: Duration, phase: Phase) {
        self.advance(at);
        match (self.phase, phase) {
            (Phase::Waiting, Phase::Queued) => self.phase = Phase::Queued,
            (Phase::Waiting | Phase::Queued, Phase::Running) => self.running(),
            _ => {}
        }
    }

    /// The platform reports the end of the task: `Success`, `Failed` or `Interrupted`; other phases are ignored.
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

    /// Time advances until the run is over, and never goes back.
    pub(super) fn advance(&mut self, at: Duration) {
        if !self.phase.is_final() {
            self.now = self.now.max(at);
        }
    }

    /// The current phase of the run.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The end reported by the socket's closing frame, before HTTP has confirmed it.
    pub fn claim(&self) -> Option<Phase> {
        self.claim
    }

    /// The prompt id of the run, once known.
    pub fn prompt(&self) -> Option<&PromptId> {
        self.prompt.as_ref()
    }

    /// The number of prompts in the server's queue, including running ones, if a `status` has arrived since the last
    /// call.
    pub fn take_queue_remaining(&mut self) -> Option<u64> {
        self.queue_remaining.take()
    }

    /// The number of result files the socket has reported as saved.
    pub fn saved_files(&self) -> usize {
        self.saved_files.iter().map(|(_, count)| count).sum()
    }

    /// The numbers of text frames that were not messages, and of frames without information about this run.
    pub fn dropped(&self) -> (u64, u64) {
        (self.unreadable, self.ignored)
    }

    /// Adopts a plan that became known late. Returns `false`, without effect, if there already is a plan or a node has
    /// been seen.
    pub(crate) fn adopt_plan(&mut self, plan: &Arc<Plan>) -> bool {
        let free = self.plan.is_none() && self.nodes.is_empty();
        if free {
            self.nodes.resize_with(plan.nodes().len(), NodeTrack::default);
            self.booked = Bookings::new(self.nodes.len());
            self.plan = Some(Arc::clone(plan));
        }
        free
    }

    /// The next event of a node.
    pub fn next_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if self.events.is_empty() {
            // Events are few, but their buffer is large: one kilobyte in each of thousands of waiting machines.
            self.events.shrink_to_fit();
        }
        event
    }

    /// The workflow's plan.
    pub fn plan(&self) -> Option<&Arc<Plan>> {
        self.plan.as_ref()
    }
}
