//! The wait of a submit for a slot: in the ledger's queue for all processes, or else in this process's own.

use std::{pin::pin, time::Duration};

use runninghub_core::say;
use runninghub_ledger::{Ask, Claim, Intent, Measure, SlotFor, Slots, Spending, State, Step};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    meter::{Meter, now_ms},
    patience::Patience,
    queue::Position,
    seat::Turn,
    step::{Busy, SubmitStep},
};
use crate::{
    Error, ErrorKind, Submit,
    attempts::{Attempt, AttemptLog, note},
    hub::Hub,
};

/// How often the queue is checked: by the first in it, which takes the next free slot, and by the others. Waits are up
/// to three times as long, so that processes don't check in step.
const LOOK_FIRST: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_millis(300);
/// The shortest time between two looks, however much waits are shortened.
const LEAST_LOOK: Duration = Duration::from_millis(5);
/// How often this submit confirms in the ledger that it still waits. Others compare that with the wall clock.
const BEAT: Duration = Duration::from_secs(10);

/// The wait of one submit.
pub(super) struct SlotWait<'a> {
    hub: &'a Hub,
    submit: &'a Submit,
    started: Instant,
    patience: Patience,
    /// The position in this process's queue, if that is used.
    position: Option<Position<'a>>,
    /// The meter for the ledger's queue, if that is used.
    meter: Option<Meter<'a>>,
    /// The slot that it has.
    slot: Option<u32>,
    /// The last report.
    reported: Option<Busy>,
}

impl<'a> SlotWait<'a> {
    pub(super) fn new(hub: &'a Hub, submit: &'a Submit) -> Self {
        let patience = Patience::of(submit);
        Self {
            hub,
            submit,
            started: Instant::now(),
            patience,
            position: None,
            meter: None,
            slot: None,
            reported: None,
        }
    }

    /// Waits for the turn of this submit, and records that it is about to be sent.
    pub(super) async fn enter(
        &mut self,
        intent: impl FnOnce(&AttemptLog) -> Intent,
    ) -> Result<Option<Attempt>, Error> {
        // The personal queue takes more tasks than there are slots.
        let has_own_queue = self.submit.options.use_personal_queue == Some(true);
        if let Some(attempts) = self.hub.attempts.as_ref().filter(|_| !has_own_queue)
            && attempts.slots(None).await?.is_some()
        {
            self.meter = Some(Meter::new(self.hub, attempts));
            let attempt = self.claim(SlotFor::New(intent(attempts).into()), None).await?;
            return attempt.ok_or_else(|| self.patience.ended()).map(Some);
        }
        let hub = self.hub;
        let entered = async {
            let position = hub.queue.enter().await;
            until_allowed(hub).await;
            position
        };
        self.position = Some(self.patience.with(entered).await.ok_or_else(|| self.patience.ended())?);
        self.step(SubmitStep::Sending);
        match &self.hub.attempts {
            Some(attempts) => attempts.begin(intent(attempts)).await.map(Some),
            None => Ok(None),
        }
    }

    /// The slot that the submit has, if the ledger keeps slots.
    pub(super) fn slot(&self) -> Option<u32> {
        self.slot
    }

    /// Why a submit that the platform has refused for lack of a slot is not sent again.
    pub(super) fn given_up(&self, refusal: Error) -> Error {
        self.patience.ended_after(refusal)
    }

    /// All slots are in use, as a refusal shows that isn't recorded yet.
    pub(super) async fn full(&self, wait: Duration) {
        if let Some(meter) = &self.meter {
            meter.full(wait).await;
        }
    }

    /// Waits for the next attempt of a create that was refused, and records that it is about to be sent. Returns
    /// `false` if there is none in time. `is_full` says whether the platform had no slot; otherwise it needs time.
    pub(super) async fn again(
        &mut self,
        attempt: Option<&Attempt>,
        wait: Duration,
        is_full: bool,
        error: &Error,
    ) -> Result<bool, Error> {
        // A wait beyond the limit is not started.
        if !self.patience.covers(wait) {
            return Ok(false);
        }
        let again = Instant::now() + wait;
        self.waiting(wait, Some(error), None);
        if let (Some(_), Some(attempt)) = (&self.meter, attempt) {
            if !is_full && self.patience.with(sleep_until(again)).await.is_none() {
                return Ok(false);
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
        self.position = self.patience.with(queued).await;
        if self.position.is_none() {
            return Ok(false);
        }
        self.step(SubmitStep::Sending);
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
        let (hub, item) = (self.hub, self.submit.item.as_ref());
        let Some(mut turn) = self.patience.with(Turn::in_queue(item)).await else { return Ok(None) };
        let mut is_first_look = refusal.is_none();
        self.reported = None;
        loop {
            // From before the look, so that no end is missed.
            let mut ended = pin!(hub.queue.next_end());
            ended.as_mut().enable();
            if self.patience.with(until_allowed(hub)).await.is_none() {
                return Ok(None);
            }
            let Some(meter) = &mut self.meter else { return Ok(None) };
            let attempts = meter.attempts;
            let slots = attempts.slots(turn.ticket()).await?.unwrap_or_default();
            let (allowed, measure) = free(meter, &slots, is_first_look).await;
            is_first_look = false;
            if allowed > 0 {
                self.step(SubmitStep::Sending);
            }
            if allowed > 0 || turn.since_beat().is_none_or(|since| since >= BEAT) {
                let ask = Ask::new(turn.ticket(), turn.class, allowed);
                let ask = ask.escrow(item.and_then(|item| item.escrow));
                match attempts.claim(ask, slot_for.clone()).await? {
                    Claim::Taken { attempt, slot, ticket } => {
                        self.slot = Some(slot);
                        turn.takes(attempts, ticket);
                        return Ok(Some(attempts.attempt(&attempt)));
                    }
                    Claim::Wait(ticket) => turn.waits(attempts, ticket),
                    Claim::TooExpensive(spending) => return Err(too_expensive(spending)),
                    // It had slots a moment ago.
                    Claim::NotKept => return Err(Error::usage(say!("the ledger does not support slots"))),
                }
            }
            // With nothing known there is nothing to report, unless it was reported as being sent.
            if allowed > 0 || measure.is_some() || refusal.is_some() {
                self.report(&slots, measure, refusal, allowed > 0);
            }
            let least = if slots.is_next { LOOK_FIRST } else { LOOK };
            let pause = least.mul_f64((1.0 + 2.0 * fastrand::f64()) * hub.time_scale).max(LEAST_LOOK);
            if self.patience.ends_before(Instant::now() + pause, ended).await {
                return Ok(None);
            }
        }
    }

    /// Reports the slots, if they have changed or `again` is set.
    fn report(&mut self, slots: &Slots, measure: Option<Measure>, refusal: Option<&Error>, again: bool) {
        let held = slots.count();
        let unknown = slots.held.iter().filter(|held| held.state == State::Unknown).count();
        let limit = measure.and_then(|measure| measure.limit);
        let foreign = limit.zip(measure.and_then(|measure| measure.most));
        let foreign = foreign.map_or(0, |(limit, most)| limit.saturating_sub(most));
        let busy = limit.map_or(held, |limit| held.saturating_add(foreign).min(limit.max(held)));
        let unknown = u32::try_from(unknown).unwrap_or(u32::MAX);
        let seen = Busy { busy, limit, elsewhere: foreign, unknown, others: slots.others };
        if again || self.reported != Some(seen) {
            self.reported = Some(seen);
            let due = measure.map_or(0, |measure| measure.next_ms());
            self.waiting(Duration::from_millis(due.saturating_sub(now_ms())), refusal, Some(seen));
        }
    }

    fn waiting(&self, wait: Duration, error: Option<&Error>, slots: Option<Busy>) {
        self.step(SubmitStep::Waiting { wait, waited: self.started.elapsed(), error, slots });
    }

    /// Reports a step. `Sending` is reported before it is recorded: from then on, a dropped submit leaves a ledger
    /// entry.
    fn step(&self, step: SubmitStep<'_>) {
        if let Some(on_step) = &self.submit.on_step {
            on_step(step);
        }
    }
}

/// The number of slots that this ledger's submits may hold, if one is free for this position in the queue, or else 0.
async fn free(meter: &mut Meter<'_>, slots: &Slots, is_first_look: bool) -> (u32, Option<Measure>) {
    if !slots.is_next {
        return (0, slots.measure);
    }
    let is_known = slots.measure.is_some_and(|measure| !measure.is_due(now_ms()));
    if is_first_look && !is_known && slots.held.is_empty() {
        // No other submit of this ledger uses the key, so the platform needn't be queried.
        return (1, slots.measure);
    }
    let measure = meter.measure(slots).await;
    let allowed = measure.allowed(slots, now_ms());
    if slots.count() >= allowed.slots {
        return (0, Some(measure));
    }
    if allowed.is_probe {
        meter.probe(measure, allowed).await;
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

fn too_expensive(Spending { spent, reserved, .. }: Spending) -> Error {
    let what = say!(
        "the task was not created: {spent} is spent and {reserved} is set aside, so too little is left",
        spent,
        reserved
    );
    Error::new(ErrorKind::TooExpensive, what)
}
