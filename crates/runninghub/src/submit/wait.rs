//! The wait of a submit for a slot: in the queue that a ledger keeps for all processes, else in that of this process.

use std::{pin::pin, time::Duration};

use runninghub_core::say;
use runninghub_ledger::{Ask, Claim, Class, Intent, Measure, SlotFor, Slots, State, Step, Ticket};
use tokio::{
    runtime::Handle,
    time::{Instant, sleep, sleep_until, timeout_at},
};

use super::{
    meter::{Meter, allowed, now_ms},
    queue::Position,
    step::{Busy, SubmitStep},
};
use crate::{
    Error, ErrorKind, Submit,
    attempts::{Attempt, AttemptLog, note},
    hub::Hub,
};

/// How often the queue is looked at: by the first in it, whom a free slot waits for, and by the others. Up to three times
/// as long, so that many processes don't look in step.
const LOOK_FIRST: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_millis(300);
/// The shortest time between two looks, however much waits are shortened.
const LEAST_LOOK: Duration = Duration::from_millis(5);
/// How often the ledger learns that this submit still waits. Others compare it with the wall clock.
const BEAT: Duration = Duration::from_secs(10);

/// The wait of one submit.
pub(super) struct SlotWait<'a> {
    hub: &'a Hub,
    submit: &'a Submit,
    started: Instant,
    limit: Option<Instant>,
    /// Where this process keeps the queue: the position in it.
    position: Option<Position<'a>>,
    /// Where the ledger keeps it.
    meter: Option<Meter<'a>>,
    seat: Option<Seat>,
    /// What was reported last.
    told: Option<Busy>,
}

/// A position in the ledger's queue. Dropping it leaves the queue.
struct Seat {
    attempts: AttemptLog,
    ticket: Ticket,
    beat: Instant,
    /// The ledger has removed it from the queue.
    is_over: bool,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        // Without a runtime, the ledger drops it after a while.
        let Ok(runtime) = Handle::try_current() else { return };
        let (attempts, ticket) = (self.attempts.clone(), self.ticket);
        drop(runtime.spawn(async move { attempts.ledger().leave(&attempts.pool(), ticket).await }));
    }
}

impl<'a> SlotWait<'a> {
    pub(super) fn new(hub: &'a Hub, submit: &'a Submit) -> Self {
        let started = Instant::now();
        let limit = submit.queue_timeout.and_then(|timeout| started.checked_add(timeout));
        Self { hub, submit, started, limit, position: None, meter: None, seat: None, told: None }
    }

    /// Waits for the turn of this submit, and records that it is about to be sent.
    pub(super) async fn enter(
        &mut self,
        intent: impl FnOnce(&AttemptLog) -> Intent,
    ) -> Result<Option<Attempt>, Error> {
        // In its own queue the platform takes tasks beyond the slots.
        let has_own_queue = self.submit.options.use_personal_queue == Some(true);
        if let Some(attempts) = self.hub.attempts.as_ref().filter(|_| !has_own_queue)
            && attempts.slots(None).await?.is_some()
        {
            self.meter = Some(Meter::new(self.hub, attempts));
            let attempt = self.claim(SlotFor::New(intent(attempts)), None).await?;
            return attempt.ok_or_else(given_up).map(Some);
        }
        let hub = self.hub;
        let entered = async {
            let position = hub.queue.enter().await;
            until_allowed(hub).await;
            position
        };
        self.position = Some(within(self.limit, entered).await.ok_or_else(given_up)?);
        self.tell(SubmitStep::Sending);
        match &self.hub.attempts {
            Some(attempts) => attempts.begin(intent(attempts)).await.map(Some),
            None => Ok(None),
        }
    }

    /// All slots are in use, as a refusal shows that isn't recorded yet.
    pub(super) async fn full(&self, wait: Duration) {
        if let Some(meter) = &self.meter {
            meter.full(wait).await;
        }
    }

    /// Waits for the next attempt of a create that was refused, and records that it is about to be sent. Returns `false`
    /// if there is none in time. `is_full` says whether the platform had no slot; otherwise it wants time.
    pub(super) async fn again(
        &mut self,
        attempt: Option<&Attempt>,
        wait: Duration,
        is_full: bool,
        error: &Error,
    ) -> Result<bool, Error> {
        let again = Instant::now() + wait;
        // A wait beyond the limit is not started.
        if self.limit.is_some_and(|limit| limit < again) {
            return Ok(false);
        }
        self.waiting(wait, Some(error), None);
        if let (Some(_), Some(attempt)) = (&self.meter, attempt) {
            if !is_full {
                sleep_until(again).await;
            }
            return Ok(self.claim(SlotFor::Again(attempt.id().clone()), Some(error)).await?.is_some());
        }
        let (hub, position) = (self.hub, self.position.take());
        let queued = async {
            let position = match position {
                Some(position) => hub.queue.queue_up(position).await,
                None => hub.queue.enter().await,
            };
            hub.queue.until_freed(again).await;
            until_allowed(hub).await;
            position
        };
        self.position = within(self.limit, queued).await;
        if self.position.is_none() {
            return Ok(false);
        }
        self.tell(SubmitStep::Sending);
        note(attempt, Step::Sending).await?;
        Ok(true)
    }

    /// The same create is sent again at once, if its slot is still free.
    pub(super) async fn repeat(&mut self, attempt: Option<&Attempt>, error: &Error) -> Result<bool, Error> {
        match (&self.meter, attempt) {
            (Some(_), Some(attempt)) => {
                Ok(self.claim(SlotFor::Again(attempt.id().clone()), Some(error)).await?.is_some())
            }
            _ => note(attempt, Step::Sending).await.map(|()| true),
        }
    }

    /// Waits in the ledger's queue for a slot; `None` if none was free in time.
    async fn claim(&mut self, slot_for: SlotFor, refusal: Option<&Error>) -> Result<Option<Attempt>, Error> {
        let hub = self.hub;
        let mut is_first_look = refusal.is_none();
        self.told = None;
        loop {
            // From before the look, so that no end is missed.
            let mut ended = pin!(hub.queue.next_end());
            ended.as_mut().enable();
            if within(self.limit, until_allowed(hub)).await.is_none() {
                return Ok(None);
            }
            let Some(meter) = &mut self.meter else { return Ok(None) };
            let attempts = meter.attempts;
            let slots = attempts.slots(self.seat.as_ref().map(|seat| seat.ticket)).await?.unwrap_or_default();
            let (allowed, measure) = free(meter, &slots, is_first_look).await;
            is_first_look = false;
            if allowed > 0 {
                self.tell(SubmitStep::Sending);
            }
            if (allowed > 0 || self.seat.as_ref().is_none_or(|seat| seat.beat.elapsed() >= BEAT))
                && let Some(attempt) = self.ask(attempts, allowed, &slot_for).await?
            {
                return Ok(Some(attempt));
            }
            let now = Instant::now();
            if self.limit.is_some_and(|limit| limit <= now) {
                self.seat = None;
                return Ok(None);
            }
            // Before anything is known there is nothing to report, unless it was reported as being sent.
            if allowed > 0 || measure.is_some() || refusal.is_some() {
                self.report(&slots, measure, refusal, allowed > 0);
            }
            let least = if slots.is_next { LOOK_FIRST } else { LOOK };
            let pause = least.mul_f64((1.0 + 2.0 * fastrand::f64()) * hub.time_scale).max(LEAST_LOOK);
            let again = self.limit.map_or(now + pause, |limit| limit.min(now + pause));
            tokio::select! {
                () = ended => {}
                () = sleep_until(again) => {}
            }
        }
    }

    async fn ask(
        &mut self,
        attempts: &AttemptLog,
        allowed: u32,
        slot_for: &SlotFor,
    ) -> Result<Option<Attempt>, Error> {
        let ask = Ask::new(self.seat.as_ref().map(|seat| seat.ticket), Class::Single, allowed);
        match attempts.claim(ask, slot_for.clone()).await? {
            Claim::Taken { attempt, .. } => {
                if let Some(mut seat) = self.seat.take() {
                    seat.is_over = true;
                }
                Ok(Some(attempts.attempt(&attempt)))
            }
            Claim::Wait(ticket) => {
                let beat = Instant::now();
                if let Some(seat) = &mut self.seat {
                    seat.beat = beat;
                } else {
                    self.seat = Some(Seat { attempts: attempts.clone(), ticket, beat, is_over: false });
                }
                Ok(None)
            }
            // It kept slots a moment ago.
            Claim::NotKept => Err(Error::usage(say!("the ledger does not support slots"))),
        }
    }

    /// Reports what is seen, if it is news or wanted again.
    fn report(&mut self, slots: &Slots, measure: Option<Measure>, refusal: Option<&Error>, again: bool) {
        let held = u32::try_from(slots.held.len()).unwrap_or(u32::MAX);
        let unknown = slots.held.iter().filter(|held| held.state == State::Unknown).count();
        let limit = measure.and_then(|measure| measure.limit);
        let foreign = limit.zip(measure.and_then(|measure| measure.most));
        let foreign = foreign.map_or(0, |(limit, most)| limit.saturating_sub(most));
        let busy = limit.map_or(held, |limit| held.saturating_add(foreign).min(limit.max(held)));
        let unknown = u32::try_from(unknown).unwrap_or(u32::MAX);
        let seen = Busy { busy, limit, unknown, others: slots.others };
        if again || self.told != Some(seen) {
            self.told = Some(seen);
            let due = measure.map_or(0, |measure| match (measure.limit, measure.most) {
                (None, Some(_)) => measure.probe_ms.max(measure.due_ms),
                _ => measure.due_ms,
            });
            self.waiting(Duration::from_millis(due.saturating_sub(now_ms())), refusal, Some(seen));
        }
    }

    fn waiting(&self, wait: Duration, error: Option<&Error>, slots: Option<Busy>) {
        self.tell(SubmitStep::Waiting { wait, waited: self.started.elapsed(), error, slots });
    }

    /// Reports a step. `Sending` is reported before it is recorded: from then on, a dropped submit leaves a ledger
    /// entry.
    fn tell(&self, step: SubmitStep<'_>) {
        if let Some(on_step) = &self.submit.on_step {
            on_step(step);
        }
    }
}

/// How many slots the submits of this ledger may hold, if one of them is free for this position in the queue; else 0.
async fn free(meter: &mut Meter<'_>, slots: &Slots, is_first_look: bool) -> (u32, Option<Measure>) {
    if !slots.is_next {
        return (0, slots.measure);
    }
    let held = u32::try_from(slots.held.len()).unwrap_or(u32::MAX);
    let is_known = slots.measure.is_some_and(|measure| !measure.is_due(now_ms()));
    if is_first_look && !is_known && held == 0 {
        // It shares the key with no other submit of this ledger, so the platform needn't be asked.
        return (1, slots.measure);
    }
    let measure = meter.measure(slots).await;
    let allowed = allowed(&measure, slots, now_ms());
    if held >= allowed.slots {
        return (0, Some(measure));
    }
    if allowed.is_probe {
        meter.keep(meter.probe_later(measure)).await;
    }
    (allowed.slots, Some(measure))
}

/// Waits for a pause that the server may have imposed, before the intent is recorded: a process that dies here has sent
/// nothing.
async fn until_allowed(hub: &Hub) {
    while let Some(wait) = hub.client.held() {
        sleep(wait).await;
    }
}

async fn within<T>(limit: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match limit {
        Some(limit) => timeout_at(limit, future).await.ok(),
        None => Some(future.await),
    }
}

fn given_up() -> Error {
    Error::new(
        ErrorKind::Refused,
        say!("the task was not created: no slot became free, and others are waiting too"),
    )
    .with_hint(say!("allow more time for a slot, or get more slots"))
}
