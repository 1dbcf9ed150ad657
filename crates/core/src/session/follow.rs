//! The session: machine, questions and socket in one.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{
    dial::{Dial, Due},
    pace::Pace,
    poll::{Poll, Reason},
};
use crate::{Connection, End, Event, Machine, Observation, Phase, Plan, SocketUrl, TaskStatus, Untrusted};

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
    /// Nothing but time.
    Tick,
}

/// Something to do.
#[derive(Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are events")]
pub enum Action {
    /// Ask how the task stands, once, and bring back [`Input::Answer`] or [`Input::NoAnswer`].
    Poll,
    /// Dial, and bring back [`Input::Connected`] or [`Input::Disconnected`].
    Connect(SocketUrl),
    /// Close the socket, wait until it is gone, and bring back [`Input::Disconnected`].
    Hangup,
    /// Tell whoever watches.
    Emit(Event),
    /// Neither answers nor frames for a long time: the platform cannot be reached. The task may still run.
    GiveUp,
}

/// A task being followed. Driven from outside: inputs and the time go in, actions come out.
///
/// HTTP decides, the socket informs: success is what an answer says, a closing frame only makes the session ask at
/// once. While frames come nothing is asked at all.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own; no two of them exclude each other"
)]
pub struct Session {
    machine: Machine,
    pace: Pace,
    poll: Poll,
    dial: Dial,
    polls: u32,
    now: Duration,
    queued: bool,
    connection: Connection,
    snapshot_due: Option<Duration>,
    last_snapshot: Option<Duration>,
    /// Since when success has been reported without all outputs.
    incomplete_since: Option<Duration>,
    last_sign: Duration,
    failing: bool,
    /// The address was told by an answer about a running task, or frames have come: an idle server means the end.
    has_begun: bool,
    /// The server has nothing to run any more, so the end may have been missed.
    idle_server: bool,
    over: bool,
    actions: VecDeque<Action>,
}

impl Session {
    /// Begins to follow a task at time zero. `seed` spreads the reconnects of many clients.
    pub fn new(machine: Machine, pace: Pace, seed: u64) -> Self {
        let mut session = Self {
            poll: Poll::new(),
            dial: Dial::new(seed),
            machine,
            pace,
            polls: 0,
            now: Duration::ZERO,
            queued: false,
            connection: Connection::default(),
            snapshot_due: None,
            last_snapshot: None,
            incomplete_since: None,
            last_sign: Duration::ZERO,
            failing: false,
            has_begun: false,
            idle_server: false,
            over: false,
            actions: VecDeque::new(),
        };
        if let Some(plan) = session.machine.plan().map(Arc::clone) {
            session.emit(Event::Plan(plan));
        }
        session
    }

    /// The machine inside.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Whether the run is over and everything has been told.
    pub fn is_over(&self) -> bool {
        self.over && self.actions.is_empty()
    }

    /// When to come back with [`Input::Tick`] if nothing else comes before.
    pub fn deadline(&self) -> Option<Duration> {
        if self.over {
            return None;
        }
        let dial = self.dial.deadline(&self.pace, self.is_running());
        let give_up = self.failing.then(|| self.last_sign + self.pace.unreachable);
        [self.poll.due(), dial, self.snapshot_due, give_up].into_iter().flatten().min()
    }

    /// The next thing to do.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Takes over a workflow that became known after the task was found. Without effect once frames have come.
    pub fn plan(&mut self, plan: Arc<Plan>) {
        if self.machine.adopt_plan(&plan) {
            self.emit(Event::Plan(plan));
        }
    }

    /// Stops following: the last snapshot and [`Event::Finished`] are told, with the phase as it stands.
    pub fn stop(&mut self, now: Duration) {
        self.now = self.now.max(now);
        if !self.over {
            self.conclude(self.machine.outcome());
        }
    }

    /// Takes an input at a time counted from the beginning of the session.
    pub fn handle(&mut self, now: Duration, input: Input<'_>) {
        self.now = self.now.max(now);
        if self.over {
            return;
        }
        match input {
            Input::Text(text) => self.frame(|machine, now| machine.text(now, text)),
            Input::Binary(bytes) => self.frame(|machine, now| machine.binary(now, bytes)),
            Input::Connected => {
                self.machine.connected();
                self.dial.opened(self.now);
                if self.awaits_end() {
                    // Asked quickly already.
                } else if self.dial.connection().attempt > 1 {
                    // The run may have ended while nobody listened.
                    self.poll.now(self.now, self.silence());
                } else {
                    self.poll.restart(self.now, self.silence(), &self.pace);
                }
            }
            Input::Disconnected => {
                let was_open = self.dial.lost(self.now, &self.pace);
                if was_open && !self.awaits_end() {
                    // What the socket would have told next is unknown.
                    self.poll.now(self.now, Reason::Blind);
                }
            }
            Input::Address(address) => {
                self.learn(address);
                if !self.awaits_end() {
                    // Nothing needs to be asked while the socket is being dialled.
                    self.poll.restart(self.now, Reason::Blind, &self.pace);
                }
            }
            Input::Answer(answer) => self.answer(answer),
            Input::NoAnswer { after, reason } => self.no_answer(after, reason),
            Input::Tick => {}
        }
        self.pump();
    }

    fn frame(&mut self, apply: impl FnOnce(&mut Machine, Duration) -> bool) {
        let waited = self.awaits_end();
        let ours = apply(&mut self.machine, self.now);
        self.dial.frame(self.now, ours);
        if let Some(remaining) = self.machine.take_queue_remaining() {
            self.idle_server = remaining == 0 && self.has_begun;
            if self.idle_server && !waited {
                self.poll.now(self.now, Reason::End);
            }
        }
        if !ours {
            return;
        }
        self.has_begun = true;
        self.idle_server = false;
        self.last_sign = self.now;
        self.mark_snapshot();
        if waited {
            // The quick questions go on in their own rhythm.
        } else if self.awaits_end() {
            self.poll.now(self.now, Reason::End);
        } else {
            self.poll.restart(self.now, self.silence(), &self.pace);
        }
    }

    fn answer(&mut self, answer: Observation) {
        self.poll.in_flight = false;
        self.polls += 1;
        self.failing = false;
        self.last_sign = self.now;
        self.queued = answer.status == TaskStatus::Queued;
        self.emit(Event::Status { status: answer.status.clone(), waited: self.now, poll: self.polls });
        if let Some(address) = answer.socket.clone() {
            self.has_begun = true;
            self.learn(address);
        }
        match answer.status {
            TaskStatus::Success if self.is_complete(&answer) => self.finish(Phase::Success, answer),
            TaskStatus::Failed => self.finish(Phase::Failed, answer),
            TaskStatus::Cancelled => self.finish(Phase::Interrupted, answer),
            status => {
                let phase = if status == TaskStatus::Queued { Phase::Queued } else { Phase::Running };
                self.machine.observe(self.now, phase);
                self.mark_snapshot();
                let reason = if self.awaits_end() {
                    Reason::End
                } else if status == TaskStatus::Queued || self.dial.address.is_none() {
                    Reason::Queue
                } else {
                    self.silence()
                };
                self.poll.step(self.now, reason, &self.pace);
            }
        }
    }

    fn no_answer(&mut self, after: Option<Duration>, reason: Untrusted) {
        self.poll.in_flight = false;
        if !std::mem::replace(&mut self.failing, true) {
            self.emit(Event::Warning { code: "poll_failed", message: reason });
        }
        self.poll.step(self.now, Reason::Failed, &self.pace);
        if let Some(after) = after {
            self.poll.not_before(self.now + after.min(self.pace.unreachable));
        }
    }

    fn learn(&mut self, address: SocketUrl) {
        if self.dial.learn(self.now, address.clone()) {
            self.emit(Event::Socket(address));
        }
    }

    /// Outputs can lag behind success. What the socket has named as saved must be listed; and where nothing is listed
    /// at all it is worth asking a little longer.
    fn is_complete(&mut self, answer: &Observation) -> bool {
        let missing = answer.outputs.len() < self.machine.saved_files();
        let patience = match (missing, answer.outputs.is_empty()) {
            (true, _) => self.pace.incomplete,
            (false, true) => self.pace.empty,
            (false, false) => return true,
        };
        let since = *self.incomplete_since.get_or_insert(self.now);
        let patient = self.now.saturating_sub(since) < patience;
        if !patient && missing {
            let message = format!(
                "the platform lists {} of the {} files that the run has saved",
                answer.outputs.len(),
                self.machine.saved_files()
            );
            self.emit(Event::Warning { code: "outputs_incomplete", message: message.into() });
        }
        !patient
    }

    fn finish(&mut self, phase: Phase, answer: Observation) {
        // A run that was stopped is reported as failed too; the socket knows better.
        let phase = match (phase, self.machine.claim()) {
            (Phase::Failed, Some(Phase::Interrupted)) if answer.failure.is_none() => Phase::Interrupted,
            _ => phase,
        };
        self.machine.finish(self.now, phase, answer.failure);
        self.conclude(End { outputs: answer.outputs, cost: answer.cost, ..self.machine.outcome() });
    }

    fn conclude(&mut self, end: End) {
        self.tell();
        self.snapshot();
        self.emit(Event::Finished(end));
        self.over = true;
    }

    /// What is due by now, and what the machine has to tell.
    fn pump(&mut self) {
        if self.over {
            return;
        }
        self.tell();
        if self.machine.phase().is_final() {
            // A recording without HTTP ends by its own closing frame.
            return self.conclude(self.machine.outcome());
        }
        match self.dial.due(self.now, &self.pace, self.is_running()) {
            Some(Due::Connect(address)) => self.actions.push_back(Action::Connect(address)),
            Some(Due::Hangup) => self.actions.push_back(Action::Hangup),
            Some(Due::Stale) | None => {}
        }
        let connection = self.dial.connection();
        if connection != self.connection {
            self.connection = connection;
            self.emit(Event::Connection(connection));
            self.mark_snapshot();
        }
        if self.snapshot_due.is_some_and(|due| self.now >= due) {
            self.snapshot();
        }
        if self.failing && self.now.saturating_sub(self.last_sign) >= self.pace.unreachable {
            self.over = true;
            self.actions.push_back(Action::GiveUp);
        } else if self.poll.due().is_some_and(|due| self.now >= due) {
            self.poll.in_flight = true;
            self.actions.push_back(Action::Poll);
        }
    }

    fn tell(&mut self) {
        while let Some(event) = self.machine.next_event() {
            self.emit(event);
        }
    }

    fn mark_snapshot(&mut self) {
        if self.snapshot_due.is_none() {
            let next = self.last_snapshot.map_or(self.now, |last| last + self.pace.snapshots);
            self.snapshot_due = Some(next.max(self.now));
        }
    }

    fn snapshot(&mut self) {
        self.snapshot_due = None;
        self.last_snapshot = Some(self.now);
        let progress = self.machine.progress(self.connection);
        self.emit(Event::Progress(progress));
    }

    fn emit(&mut self, event: Event) {
        self.actions.push_back(Action::Emit(event));
    }

    /// Running as far as anybody has said.
    fn is_running(&self) -> bool {
        !self.queued && self.machine.phase() == Phase::Running
    }

    /// Somebody has said that the run is over: all that is missing are an answer or its results.
    fn awaits_end(&self) -> bool {
        self.machine.phase() == Phase::Ended || self.incomplete_since.is_some() || self.idle_server
    }

    fn silence(&self) -> Reason {
        if !self.dial.is_open() {
            Reason::Blind
        } else if self.machine.is_near_end() || !self.dial.has_heard() {
            // Nothing heard yet may also mean that there is nothing left to hear.
            Reason::SilentNearEnd
        } else {
            Reason::Silent
        }
    }
}
