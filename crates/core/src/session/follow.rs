//! The session: machine, questions and socket in one.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{
    dial::{Dial, Due},
    exchange::{Action, Input, Known},
    pace::Pace,
    poll::{Poll, Reason},
    spread::Spread,
};
use crate::{
    Connection, End, Event, Machine, Observation, Phase, Plan, Progress, SocketUrl, TaskStatus, Untrusted,
};

/// A task being followed. Driven from outside: inputs and the time go in, actions come out.
///
/// HTTP decides, the socket informs: success is what an answer says, a closing frame only makes the session ask at
/// once. While frames come nothing is asked at all.
#[derive(Debug)]
pub struct Session {
    machine: Machine,
    pace: Pace,
    poll: Poll,
    dial: Dial,
    polls: u32,
    now: Duration,
    connection: Connection,
    snapshot_due: Option<Duration>,
    /// When the machine was last looked at.
    looked: Duration,
    watched: bool,
    told: Option<(Duration, Progress)>,
    /// Since when success has been reported without all outputs.
    incomplete_since: Option<Duration>,
    last_sign: Duration,
    /// Since when no answer has come.
    failing: Option<Duration>,
    known: Known,
    /// For how long a no is not believed.
    grace: Duration,
    /// Since when nothing but a no has come.
    denied: Option<Duration>,
    /// Told that an address must not be dialled.
    warned: bool,
    spread: Spread,
    server: Server,
    over: bool,
    actions: VecDeque<Action>,
}

/// What is known of the server that runs the task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Server {
    /// Nothing, or not yet that it has the task.
    Unknown,
    /// It has the task: an answer told its address, or frames have come.
    Busy,
    /// It had the task and has nothing to run any more: the end may have been missed.
    Idle,
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
            connection: Connection::default(),
            snapshot_due: None,
            looked: Duration::ZERO,
            watched: true,
            told: None,
            incomplete_since: None,
            last_sign: Duration::ZERO,
            failing: None,
            known: Known::Nothing,
            grace: Duration::ZERO,
            denied: None,
            warned: false,
            spread: Spread::new(!seed),
            server: Server::Unknown,
            over: false,
            actions: VecDeque::new(),
        };
        if let Some(plan) = session.machine.plan().map(Arc::clone) {
            session.emit(Event::Plan(plan));
        }
        session
    }

    /// The task was accepted that long ago: until [`Pace::grace`] is over, a no of the server is not believed. Of a task
    /// of which nothing is known it is, until there was an answer.
    #[must_use]
    pub fn accepted(mut self, ago: Duration) -> Self {
        self.grace = self.pace.grace.saturating_sub(ago);
        self.known = if self.grace.is_zero() { Known::Seen } else { Known::Accepted };
        self
    }

    /// The machine inside.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Whether the run is over and everything has been told.
    pub fn is_over(&self) -> bool {
        self.over && self.actions.is_empty()
    }

    /// How long an answer to [`Action::Poll`] is waited for.
    pub fn patience(&self) -> Duration {
        self.poll.patience(&self.pace)
    }

    /// When to come back with [`Input::Tick`] if nothing else comes before.
    pub fn deadline(&self) -> Option<Duration> {
        if self.over {
            return None;
        }
        let dial = self.dial.deadline(&self.pace, self.is_running());
        [self.poll.due(), dial, self.snapshot_due, self.tick_due(), self.gives_up()]
            .into_iter()
            .flatten()
            .min()
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

    /// Whether the snapshots are looked at. If not, none is made for the sake of time alone; there is one for each frame
    /// that says something, as before. They are looked at unless this says otherwise.
    pub fn watch(&mut self, watched: bool) {
        self.watched = watched;
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
            Input::Refused { warning } => {
                self.dial.refused(self.now, &self.pace, warning.is_some());
                if let Some(message) = warning
                    && !std::mem::replace(&mut self.warned, true)
                {
                    self.emit(Event::warning("socket_refused", message));
                }
                if !self.awaits_end() {
                    // The answer may bring another address.
                    self.poll.now(self.now, Reason::Blind);
                }
            }
            Input::Woke { slept } => {
                if self.dial.woke(self.now) {
                    self.actions.push_back(Action::Hangup);
                }
                // What was not reached before was not reached because nobody was awake.
                self.failing = self.failing.map(|_| self.now);
                self.poll.woke(slept);
                self.poll.now(self.now, if self.awaits_end() { Reason::End } else { Reason::Blind });
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
            Input::Denied { after, reason } => {
                let since = *self.denied.get_or_insert(self.now);
                if self.now.saturating_sub(since) >= self.grace {
                    self.over = true;
                    return self.actions.push_back(Action::Deny(self.known));
                }
                self.no_answer(after, reason);
            }
            Input::Tick => {}
        }
        self.pump();
    }

    fn frame(&mut self, apply: impl FnOnce(&mut Machine, Duration) -> bool) {
        let waited = self.awaits_end();
        let ours = apply(&mut self.machine, self.now);
        self.dial.frame(self.now, ours);
        if let Some(remaining) = self.machine.take_queue_remaining()
            && self.server != Server::Unknown
        {
            self.server = if remaining == 0 { Server::Idle } else { Server::Busy };
            if self.awaits_end() && !waited {
                self.poll.now(self.now, Reason::End);
            }
        }
        if !ours {
            return;
        }
        self.server = Server::Busy;
        self.known = Known::Seen;
        self.last_sign = self.now;
        self.mark_snapshot();
        match (waited, self.awaits_end()) {
            (_, false) => self.poll.restart(self.now, self.silence(), &self.pace),
            (false, true) => self.poll.now(self.now, Reason::End),
            // The quick questions go on in their own rhythm.
            (true, true) => {}
        }
    }

    fn answer(&mut self, answer: Observation) {
        self.poll.in_flight = false;
        self.polls += 1;
        self.failing = None;
        // What was known once is not given up for one odd answer.
        (self.known, self.grace, self.denied) = (Known::Seen, self.pace.grace, None);
        self.last_sign = self.now;
        self.emit(Event::Status {
            status: answer.status.clone(),
            waited: self.now,
            poll: self.polls,
            ahead: answer.ahead,
        });
        if let Some(address) = answer.socket.clone() {
            if self.server == Server::Unknown {
                self.server = Server::Busy;
            }
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
                } else if status == TaskStatus::Queued || !self.dial.has_address() {
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
        if self.failing.is_none() {
            self.failing = Some(self.now);
            self.emit(Event::warning("poll_failed", reason));
        }
        self.poll.fail(self.now, &self.pace, &mut self.spread);
        if let Some(after) = after {
            // Who says when to ask again is there.
            self.failing = Some(self.now + after.min(self.pace.unreachable));
            self.poll.not_before(self.now + after.min(self.pace.unreachable));
        }
    }

    fn learn(&mut self, address: SocketUrl) {
        if self.dial.learn(self.now, &self.pace, address.clone()) {
            self.emit(Event::Socket { url: address });
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
        if !patient && !patience.is_zero() {
            let message = if missing {
                format!(
                    "the platform lists {} of the {} files that the run has saved",
                    answer.outputs.len(),
                    self.machine.saved_files()
                )
            } else {
                "the platform lists no results; they may come later".to_owned()
            };
            self.emit(Event::warning("outputs_incomplete", message));
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
        if self.snapshot_due.into_iter().chain(self.tick_due()).any(|due| self.now >= due) {
            self.snapshot();
        }
        if self.gives_up().is_some_and(|at| self.now >= at) {
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
        let next = match &self.told {
            // The first sight of a node is not made to wait.
            Some((_, told)) if told.done == 0 && told.current.is_empty() && self.machine.has_begun() => {
                self.now
            }
            Some((last, _)) => (*last + self.pace.snapshots).max(self.now),
            None => self.now,
        };
        self.snapshot_due = Some(self.snapshot_due.map_or(next, |due| due.min(next)));
    }

    /// The figure moves with time, also while nothing comes.
    fn tick_due(&self) -> Option<Duration> {
        let moves = self.watched && self.is_running() && self.machine.plan().is_some();
        moves.then(|| self.looked + self.pace.ticks)
    }

    /// Tells a snapshot, if it has more to say than that time has passed.
    fn snapshot(&mut self) {
        self.snapshot_due = None;
        self.looked = self.now;
        self.machine.tick(self.now);
        let progress = self.machine.progress(self.connection);
        let is_news = self.told.as_ref().is_none_or(|(_, told)| {
            let Progress { elapsed, eta, .. } = progress;
            Progress { elapsed, eta, ..told.clone() } != progress
        });
        if is_news {
            self.told = Some((self.now, progress.clone()));
            self.emit(Event::Progress(progress));
        }
    }

    fn emit(&mut self, event: Event) {
        self.actions.push_back(Action::Emit(event));
    }

    /// When it is enough. Counted from the first answer that did not come, and not from the last that did: in between
    /// nobody may have asked, or been awake.
    fn gives_up(&self) -> Option<Duration> {
        Some(self.failing?.max(self.last_sign) + self.pace.unreachable)
    }

    /// Running as far as anybody has said.
    fn is_running(&self) -> bool {
        self.machine.phase() == Phase::Running
    }

    /// Somebody has said that the run is over: all that is missing are an answer or its results.
    fn awaits_end(&self) -> bool {
        self.machine.phase() == Phase::Ended || self.incomplete_since.is_some() || self.server == Server::Idle
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
