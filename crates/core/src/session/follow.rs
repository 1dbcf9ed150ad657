//! The session: it combines machine, polling and socket.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{
    dial::{Dial, Due},
    exchange::{Action, Input, Known},
    jitter::Jitter,
    pace::Pace,
    poll::{Poll, Reason},
};
use crate::{
    Connection, End, Event, Failure, Machine, Observation, Phase, Plan, Progress, Sentence, SocketUrl,
    TaskStatus, say,
};

/// Follows a task. Driven from outside: inputs and the time go in, actions come out.
///
/// HTTP decides, the socket informs: only a response confirms success, and a closing frame makes the session poll at
/// once. While frames arrive, the session doesn't poll at all.
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
    /// The last time the machine was updated.
    looked: Duration,
    watched: bool,
    emitted: Option<(Duration, Progress)>,
    /// A response that confirms the success, and until when it waits for the socket's last frames.
    confirmed: Option<(Duration, Observation)>,
    /// When the task was first reported as successful with outputs missing.
    incomplete_since: Option<Duration>,
    last_sign: Duration,
    /// When polls started to fail.
    failing: Option<Duration>,
    /// When polls started to fail because nothing is listening.
    gone: Option<Duration>,
    /// After how long without a response the next warning is due.
    unanswered: Duration,
    /// How many polls follow quickly after a disconnect near the end.
    hurried: u8,
    known: Known,
    /// How long a denial is not believed.
    grace: Duration,
    /// When the first denial since the last usable response arrived.
    denied: Option<Duration>,
    /// The connection on which the last response found the task in the queue.
    queued_on: Option<u32>,
    /// Whether the warning about a URL that must not be dialed was emitted.
    warned: bool,
    jitter: Jitter,
    server: Server,
    over: bool,
    actions: VecDeque<Action>,
}

/// Number of quick polls after the immediate one, if the socket breaks near the end.
const HURRIED: u8 = 2;

/// The known state of the server that runs the task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Server {
    /// Unknown, or not known to have the task.
    Unknown,
    /// It has the task: a response contained its URL, or frames have arrived.
    Busy,
    /// It had the task and has nothing left to run: the end may have been missed.
    Idle,
}

impl Session {
    /// Starts following a task at time zero. `seed` spreads the reconnects of many clients.
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
            emitted: None,
            confirmed: None,
            incomplete_since: None,
            last_sign: Duration::ZERO,
            failing: None,
            gone: None,
            unanswered: pace.unanswered,
            hurried: 0,
            known: Known::Nothing,
            grace: Duration::ZERO,
            denied: None,
            queued_on: None,
            warned: false,
            jitter: Jitter::new(!seed),
            server: Server::Unknown,
            over: false,
            actions: VecDeque::new(),
        };
        if let Some(plan) = session.machine.plan().map(Arc::clone) {
            session.emit(Event::Plan(plan));
        }
        session
    }

    /// The task was accepted this long ago: until [`Pace::grace`] is over, a denial is not believed. Without this call
    /// a denial is believed at once, until a first response has confirmed the task.
    #[must_use]
    pub fn accepted(mut self, ago: Duration) -> Self {
        self.grace = self.pace.grace.saturating_sub(ago);
        self.known = if self.grace.is_zero() { Known::Seen } else { Known::Accepted };
        self
    }

    /// The session's machine.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Whether the run is over and all actions have been taken.
    pub fn is_over(&self) -> bool {
        self.over && self.actions.is_empty()
    }

    /// How long to wait for the response to [`Action::Poll`].
    pub fn patience(&self) -> Duration {
        self.poll.patience(&self.pace)
    }

    /// When to send [`Input::Tick`] if no other input comes first.
    pub fn deadline(&self) -> Option<Duration> {
        if self.over {
            return None;
        }
        if let Some((until, _)) = &self.confirmed {
            return Some(*until);
        }
        let dial = self.dial.deadline(&self.pace, self.is_running());
        [self.poll.due(), dial, self.snapshot_due, self.tick_due(), self.gives_up()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The next action to take.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Adopts a workflow that became known after the task was found. Without effect once frames have arrived.
    pub fn plan(&mut self, plan: Arc<Plan>) {
        if self.machine.adopt_plan(&plan) {
            self.emit(Event::Plan(plan));
        }
    }

    /// Whether the caller displays the snapshots; the default is yes. If not, time alone creates none; frames with
    /// changes still do.
    pub fn watch(&mut self, watched: bool) {
        self.watched = watched;
    }

    /// Stops following: emits the last snapshot and [`Event::Finished`] with the current phase.
    pub fn stop(&mut self, now: Duration) {
        self.now = self.now.max(now);
        match self.confirmed.take() {
            _ if self.over => {}
            Some((_, answer)) => self.finish(Phase::Success, answer),
            None => self.conclude(self.machine.outcome()),
        }
    }

    /// Handles an input at a time counted from the start of the session.
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
                    // Already polling quickly.
                } else if self.dial.connection().attempt > 1 {
                    // The run may have ended while disconnected.
                    self.poll.now(self.now, self.silence());
                } else {
                    self.poll.restart(self.now, self.silence(), &self.pace);
                }
            }
            Input::Disconnected => {
                let was_open = self.dial.lost(self.now, &self.pace);
                if was_open && !self.awaits_end() {
                    // Frames may be missing from here on. Near the end the last ones probably are, and the platform may
                    // report the end a moment later.
                    let near_end = self.machine.is_near_end();
                    self.hurried = if near_end { HURRIED } else { 0 };
                    self.poll.now(self.now, if near_end { Reason::End } else { Reason::Blind });
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
                    // The response may contain another URL.
                    self.poll.now(self.now, Reason::Blind);
                }
            }
            Input::Woke { slept } => {
                if self.dial.on_resume(self.now) {
                    self.actions.push_back(Action::Hangup);
                }
                // The failures before the suspension say nothing about the time since.
                self.failing = self.failing.map(|_| self.now);
                self.poll.on_resume(slept);
                self.poll.now(self.now, if self.awaits_end() { Reason::End } else { Reason::Blind });
            }
            Input::Address(address) => {
                self.learn(address);
                if !self.awaits_end() {
                    // No poll is needed while the socket is being dialed.
                    self.poll.restart(self.now, Reason::Blind, &self.pace);
                }
            }
            Input::Answer(answer) => self.answer(answer),
            Input::NoAnswer { after, reason, is_gone } => {
                self.gone = is_gone.then(|| self.gone.unwrap_or(self.now));
                self.no_answer(after, reason);
            }
            // A server that restarts loses its queue too, but also its sockets.
            Input::Denied { is_unlisted: true, .. }
                if self.queued_on.is_some() && self.queued_on == self.dial.open_attempt() =>
            {
                self.finish(Phase::Interrupted, Observation::of(TaskStatus::Cancelled));
            }
            Input::Denied { after, reason, .. } => {
                self.gone = None;
                let since = *self.denied.get_or_insert(self.now);
                if self.now.saturating_sub(since) >= self.grace {
                    self.over = true;
                    return self.actions.push_back(Action::Deny(self.known));
                }
                self.no_answer(after, reason);
            }
            Input::Tick => {}
        }
        if let Some((_, answer)) = self.confirmed.take_if(|(until, _)| {
            self.now >= *until || !self.dial.is_open() || self.machine.claim().is_some()
        }) {
            self.confirm(answer);
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
            // The fast polls continue at their own pace.
            (true, true) => {}
        }
    }

    fn answer(&mut self, answer: Observation) {
        self.poll.in_flight = false;
        self.polls += 1;
        (self.failing, self.gone, self.unanswered) = (None, None, self.pace.unanswered);
        // A task once confirmed isn't given up for a single odd response.
        (self.known, self.grace, self.denied) = (Known::Seen, self.pace.grace, None);
        self.last_sign = self.now;
        self.queued_on = (answer.status == TaskStatus::Queued).then(|| self.dial.open_attempt()).flatten();
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
            // Frames that were sent before may be read after it: they have the last steps.
            TaskStatus::Success if self.has_open_end() => {
                self.confirmed = Some((self.now + self.pace.last_frames, answer));
            }
            TaskStatus::Success => self.confirm(answer),
            TaskStatus::Failed => self.finish(Phase::Failed, answer),
            TaskStatus::Cancelled => self.finish(Phase::Interrupted, answer),
            status => self.goes_on(&status),
        }
    }

    /// Whether frames of the run may still be on their way. They are waited for once.
    fn has_open_end(&self) -> bool {
        self.dial.is_open() && self.machine.claim().is_none() && self.incomplete_since.is_none()
    }

    /// Ends the run once all outputs are listed.
    fn confirm(&mut self, answer: Observation) {
        if self.is_complete(&answer) {
            self.finish(Phase::Success, answer);
        } else {
            self.goes_on(&answer.status);
        }
    }

    /// Polls again after a response that doesn't end the run.
    fn goes_on(&mut self, status: &TaskStatus) {
        let phase = if *status == TaskStatus::Queued { Phase::Queued } else { Phase::Running };
        self.machine.observe(self.now, phase);
        self.mark_snapshot();
        let hurries = self.hurried > 0;
        self.hurried = self.hurried.saturating_sub(1);
        let reason = if self.awaits_end() || hurries {
            Reason::End
        } else if *status == TaskStatus::Queued || !self.dial.has_address() {
            Reason::Queue
        } else {
            self.silence()
        };
        self.poll.step(self.now, reason, &self.pace);
    }

    fn no_answer(&mut self, after: Option<Duration>, reason: Sentence) {
        self.poll.in_flight = false;
        if self.failing.is_none() {
            self.failing = Some(self.now);
            self.emit(Event::warning("poll_failed", reason));
        }
        let silent = self.now.saturating_sub(self.silent_since());
        if silent >= self.unanswered {
            self.unanswered = silent.saturating_mul(2);
            self.emit(Event::warning(
                "no_answer",
                say!("no response for {seconds} s", seconds = silent.as_secs()),
            ));
        }
        self.poll.fail(self.now, &self.pace, &mut self.jitter);
        if let Some(after) = after {
            // A server that specifies when to retry is reachable.
            self.failing = Some(self.now + after.min(self.pace.unreachable));
            self.poll.not_before(self.now + after.min(self.pace.unreachable));
        }
    }

    fn learn(&mut self, address: SocketUrl) {
        if self.dial.learn(self.now, &self.pace, address.clone()) {
            self.emit(Event::Socket { url: address });
        }
    }

    /// Whether all outputs are listed. They can lag behind success: every file the socket reported as saved must be
    /// listed, and an empty list is worth a few more polls.
    fn is_complete(&mut self, answer: &Observation) -> bool {
        let missing = answer.outputs.len() < self.machine.saved_files();
        let is_empty = answer.outputs.is_empty() && !self.machine.has_pictures();
        let patience = match (missing, is_empty) {
            (true, _) => self.pace.incomplete,
            (false, true) => self.pace.empty,
            (false, false) => return true,
        };
        let since = *self.incomplete_since.get_or_insert(self.now);
        let patient = self.now.saturating_sub(since) < patience;
        if !patient && !patience.is_zero() {
            let message = if missing {
                say!(
                    "the platform lists {listed} of the {saved} files that the run saved",
                    listed = answer.outputs.len(),
                    saved = self.machine.saved_files()
                )
            } else {
                say!("the platform lists no results yet; they may appear later")
            };
            self.emit(Event::warning("outputs_incomplete", message));
        }
        !patient
    }

    fn finish(&mut self, phase: Phase, answer: Observation) {
        // The platform reports interrupted runs as failed too; the socket's claim is more precise.
        let phase = match (phase, self.machine.claim()) {
            (Phase::Failed, Some(Phase::Interrupted))
                if !answer.failure.as_ref().is_some_and(Failure::has_reason) =>
            {
                Phase::Interrupted
            }
            _ => phase,
        };
        self.machine.finish(self.now, phase, answer.failure);
        if phase == Phase::Success
            && let Some(count) = self.machine.all_cached()
        {
            let message = say!(
                "nothing ran: all {count} nodes came from the cache; change a seed for a new result",
                count
            );
            self.emit(Event::warning("all_cached", message));
        }
        let mut end = self.machine.outcome();
        end.outputs.splice(..0, answer.outputs);
        end.cost = answer.cost;
        if phase == Phase::Interrupted {
            // The node at which a run was cancelled didn't fail.
            end.failure.take_if(|failure| !failure.has_reason());
        }
        self.conclude(end);
    }

    fn conclude(&mut self, end: End) {
        self.emit_events();
        self.snapshot();
        self.emit(Event::Finished(end));
        self.over = true;
    }

    /// Emits all due actions and the machine's events.
    fn pump(&mut self) {
        if self.over {
            return;
        }
        self.emit_events();
        if self.confirmed.is_some() {
            return;
        }
        if self.machine.phase().is_final() {
            // A recording without HTTP ends with its own closing frame.
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

    fn emit_events(&mut self) {
        while let Some(event) = self.machine.next_event() {
            self.emit(event);
        }
    }

    fn mark_snapshot(&mut self) {
        let next = match &self.emitted {
            // The first snapshot with a node is not delayed.
            Some((_, emitted))
                if emitted.done == 0 && emitted.current.is_empty() && self.machine.has_begun() =>
            {
                self.now
            }
            Some((last, _)) => (*last + self.pace.snapshots).max(self.now),
            None => self.now,
        };
        self.snapshot_due = Some(self.snapshot_due.map_or(next, |due| due.min(next)));
    }

    /// The figure advances with time, even while no frame arrives.
    fn tick_due(&self) -> Option<Duration> {
        let moves = self.watched && self.is_running() && self.machine.plan().is_some();
        moves.then(|| self.looked + self.pace.ticks)
    }

    /// Emits a snapshot, if more than the time has changed.
    fn snapshot(&mut self) {
        self.snapshot_due = None;
        self.looked = self.now;
        self.machine.tick(self.now);
        let mut progress = self.machine.progress(self.connection);
        if self.failing.is_some() && !self.dial.is_open() {
            // It is unknown whether the run continues.
            progress.eta = None;
        }
        let is_news = self.emitted.as_ref().is_none_or(|(_, emitted)| {
            let Progress { elapsed, eta, .. } = progress;
            Progress { elapsed, eta, ..emitted.clone() } != progress
        });
        if is_news {
            self.emitted = Some((self.now, progress.clone()));
            self.emit(Event::Progress(progress));
        }
    }

    fn emit(&mut self, event: Event) {
        self.actions.push_back(Action::Emit(event));
    }

    /// When to give up. Counted from the first failed poll, not from the last response: the session may not have
    /// polled in between, or the machine may have been suspended.
    fn gives_up(&self) -> Option<Duration> {
        let unreachable = self.failing.map(|_| self.silent_since() + self.pace.unreachable);
        let gone = self.gone.map(|since| since.max(self.last_sign) + self.pace.gone);
        unreachable.into_iter().chain(gone).min()
    }

    /// The start of the silence: the first failed poll, or a later response or frame; now if no poll has failed.
    fn silent_since(&self) -> Duration {
        self.failing.unwrap_or(self.now).max(self.last_sign)
    }

    /// Whether the task is reported as running.
    fn is_running(&self) -> bool {
        self.machine.phase() == Phase::Running
    }

    /// Whether the run is reported as over, and only a response or its results are missing.
    fn awaits_end(&self) -> bool {
        self.machine.phase() == Phase::Ended || self.incomplete_since.is_some() || self.server == Server::Idle
    }

    fn silence(&self) -> Reason {
        if !self.dial.is_open() {
            Reason::Blind
        } else if self.machine.is_near_end() || !self.dial.has_heard() {
            // No frame so far may also mean that none will come.
            Reason::SilentNearEnd
        } else {
            Reason::Silent
        }
    }
}
