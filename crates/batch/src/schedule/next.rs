//! The decision.

use std::time::Duration;

use super::{
    decision::{Decision, Paused, Waiting},
    key::Free,
    money::Reserve,
    queue::{Lane, QueueKey},
    state::Schedule,
};

/// Why the first row of a lane can't start.
enum Blocked {
    Slots,
    Rate(Duration),
    Rest(Duration),
    Canary,
    Money(Paused),
    Key(usize),
}

impl Schedule {
    /// The current decision. It stays the same until the next event, or the time in it.
    pub fn next(&self, now: Duration) -> Decision {
        let wait = |until, why| Decision::Wait { until, why };
        // Rows that wait for a slot can still be withdrawn.
        let is_pausable = self.queue.len() > 0 || self.waiting() > 0;
        if let Some(why) = self.paused(now).filter(|_| is_pausable) {
            return Decision::Pause { why };
        }
        if self.queue.len() == 0 {
            return match self.tally {
                tally if tally.running > 0 => wait(None, Waiting::Running),
                _ if self.gets_slots() => wait(None, Waiting::Slots),
                tally if tally.unknown > 0 || self.waiting() > 0 => wait(None, Waiting::Unknown),
                _ => Decision::Done,
            };
        }
        let mut blocked = Vec::new();
        let mut best: Option<(QueueKey, usize)> = None;
        for (lane, place) in self.queue.heads() {
            match self.key_for(now, lane, place) {
                Ok(key) if best.is_none_or(|(first, _)| place < first) => best = Some((place, key)),
                Ok(_) => {}
                Err(why) => blocked.push(why),
            }
        }
        match best.and_then(|((_, at), key)| Some((self.rows.get(at)?, self.keys.get(key)?))) {
            Some((row, key)) => {
                let Reserve { amount: reserve, is_blind } = self.reserve(row);
                Decision::Start { item: row.work.id.clone(), key: key.name.clone(), reserve, is_blind }
            }
            None => self.blocked(blocked),
        }
    }

    fn paused(&self, now: Duration) -> Option<Paused> {
        if self.is_paused {
            return Some(Paused::Asked);
        }
        if self.limits.until.is_some_and(|until| now >= until) {
            return Some(Paused::Until);
        }
        if self.purse.is_blind {
            return Some(Paused::CostUnknown);
        }
        self.brakes.pulled(&self.limits, self.rows.len())
    }

    /// The key that can start the first row of a lane.
    fn key_for(&self, now: Duration, lane: &Lane, (_, at): QueueKey) -> Result<usize, Blocked> {
        let group = self.groups.get(lane.group);
        if group.is_some_and(|group| !group.is_proven && group.running > 0) {
            return Err(Blocked::Canary);
        }
        // The key with the fewest rows.
        let mut best: Option<(u32, usize)> = None;
        let mut why: Option<Blocked> = None;
        for (index, key) in self.keys.iter().enumerate() {
            if lane.key.is_some_and(|bound| bound != index) {
                continue;
            }
            let blocked = match key.free(now, self.limits.slots) {
                _ if key.is_paused => Blocked::Key(index),
                Free::Now => {
                    if best.is_none_or(|(fewest, _)| key.used < fewest) {
                        best = Some((key.used, index));
                    }
                    continue;
                }
                Free::Slots => Blocked::Slots,
                Free::Rate(until) => Blocked::Rate(until),
                Free::Rest(until) => Blocked::Rest(until),
            };
            // A key that waits is a better reason than one that can't pay.
            if !matches!(blocked, Blocked::Key(_)) || why.is_none() {
                why = Some(blocked);
            }
        }
        let Some((_, key)) = best else { return Err(why.unwrap_or(Blocked::Slots)) };
        let Some(row) = self.rows.get(at) else { return Err(Blocked::Slots) };
        let reserve = self.reserve(row);
        if self.purse.affords(reserve) {
            return Ok(key);
        }
        Err(Blocked::Money(Paused::Cost {
            spent: self.purse.spent,
            reserved: self.purse.reserved,
            next: reserve.amount,
            max: self.purse.max(),
        }))
    }

    /// Whether a row waits for a slot that may become free.
    fn gets_slots(&self) -> bool {
        self.keys.iter().any(|key| key.waiting > 0 && !key.is_stuck)
    }

    /// Nothing can start: waits if that may change by itself, or else pauses.
    fn blocked(&self, all: Vec<Blocked>) -> Decision {
        let is_running = self.tally.running > 0 || self.gets_slots();
        let is_unknown = self.tally.unknown > 0 || self.keys.iter().any(|key| key.is_stuck);
        let mut until = self.limits.until;
        let (mut waiting, mut money, mut keys) = (None, None, Vec::new());
        for blocked in all {
            let why = match blocked {
                // Unknown submits aren't resolved by themselves.
                Blocked::Slots | Blocked::Canary if !is_running && is_unknown => Waiting::Unknown,
                Blocked::Slots => Waiting::Slots,
                Blocked::Rate(time) => {
                    until = until.into_iter().chain([time]).min();
                    Waiting::Rate
                }
                Blocked::Rest(time) => {
                    until = until.into_iter().chain([time]).min();
                    Waiting::Service
                }
                Blocked::Canary => Waiting::Canary,
                Blocked::Money(_) if is_running => Waiting::Money,
                Blocked::Money(paused) => {
                    money = Some(paused);
                    continue;
                }
                Blocked::Key(key) => {
                    keys.extend(self.keys.get(key).map(|key| key.name.clone()));
                    continue;
                }
            };
            waiting = waiting.or(Some(why));
        }
        match (waiting, money) {
            (Some(why), _) => Decision::Wait { until, why },
            (None, Some(why)) => Decision::Pause { why },
            (None, None) => {
                keys.extend(self.keys.iter().filter(|key| key.is_paused).map(|key| key.name.clone()));
                keys.sort_unstable();
                keys.dedup();
                Decision::Pause { why: Paused::Keys(keys) }
            }
        }
    }
}
