//! A schedule under random events, and the checks after each step.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use proptest::{prelude::*, sample::Index};
use runninghub_batch::{Amount, Decision, Event, ItemId, ItemState, Limits, Schedule, Work};

use super::{GROUPS, KEYS, Step};

/// The test's own bookkeeping, only from its own actions.
#[derive(Default)]
pub(super) struct World {
    pub(super) rows: Vec<ItemId>,
    pub(super) state: HashMap<ItemId, ItemState>,
    pub(super) key: HashMap<ItemId, usize>,
    /// Started rows, and the amount set aside for each.
    pub(super) open: HashMap<ItemId, Amount>,
    pub(super) bound: HashMap<ItemId, Option<usize>>,
    pub(super) price: HashMap<ItemId, Option<u64>>,
    /// Rows that were started and have no slot yet.
    pub(super) waiting: HashSet<ItemId>,
    pub(super) spent: Amount,
    pub(super) overshoot: Amount,
    pub(super) paused: bool,
    /// When submits were sent, for each key.
    pub(super) sent: [Vec<Duration>; 2],
}

impl World {
    pub(super) fn used(&self, key: usize) -> u32 {
        let used = self.open.keys().filter(|row| self.key.get(*row) == Some(&key)).count();
        u32::try_from(used).unwrap()
    }

    pub(super) fn reserved(&self) -> Amount {
        self.open.values().copied().sum()
    }

    pub(super) fn is(&self, row: &ItemId, states: &[ItemState]) -> bool {
        self.open.contains_key(row) && states.contains(&self.state[row])
    }

    pub(super) fn add(&mut self, bound: Option<usize>, price: Option<u64>) -> ItemId {
        let id = ItemId::from(self.rows.len().to_string());
        self.rows.push(id.clone());
        self.bound.insert(id.clone(), bound);
        self.price.insert(id.clone(), price);
        id
    }

    pub(super) fn start(&mut self, row: &ItemId, key: &str, reserve: Amount) {
        self.key.insert(row.clone(), KEYS.iter().position(|known| *known == key).unwrap());
        self.open.insert(row.clone(), reserve);
        self.state.insert(row.clone(), ItemState::Ready);
        self.waiting.insert(row.clone());
    }

    /// A started row is over, at this cost.
    pub(super) fn close(&mut self, row: &ItemId, real: u64) {
        self.waiting.remove(row);
        let Some(reserve) = self.open.remove(row) else { return };
        let real = Amount::whole(real);
        self.spent = self.spent.plus(real);
        self.overshoot = self.overshoot.plus(real.minus(reserve));
    }
}

/// A schedule, and the test's knowledge of it.
pub(super) struct Play {
    pub(super) schedule: Schedule,
    pub(super) world: World,
    pub(super) limits: Limits,
    pub(super) now: Duration,
}

/// Plays steps against a schedule, and checks the laws at each of them.
pub(super) fn play(limits: Limits, steps: &[Step]) -> Result<(Schedule, World), TestCaseError> {
    let (schedule, world) = (Schedule::new(KEYS, limits), World::default());
    let mut play = Play { schedule, world, limits, now: Duration::ZERO };
    for step in steps {
        play.step(step)?;
        play.check()?;
    }
    Ok((play.schedule, play.world))
}

impl Play {
    pub(super) fn on(&mut self, event: Event) {
        self.schedule.on(self.now, event);
    }

    pub(super) fn row(&self, index: Index) -> Option<ItemId> {
        let rows = &self.world.rows;
        (!rows.is_empty()).then(|| rows[index.index(rows.len())].clone())
    }

    pub(super) fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Next => self.next()?,
            Step::Wait(seconds) => self.now += Duration::from_secs(*seconds),
            Step::Pause | Step::Resume => {
                self.world.paused = matches!(step, Step::Pause);
                self.on(if self.world.paused { Event::Pause } else { Event::Resume });
            }
            Step::Added { key, group, priority, price } => {
                let bound = key.map(|key| key.index(2));
                let id = self.world.add(bound, *price);
                let work = Work {
                    key: bound.map(|key| KEYS[key].into()),
                    priority: *priority,
                    price: price.map(Amount::whole),
                    ..Work::new(id.as_str(), GROUPS[group.index(2)])
                };
                self.on(Event::Added(work));
            }
            Step::Sent(row)
            | Step::Waits(row)
            | Step::Withdrawn(row)
            | Step::TooExpensive(row)
            | Step::Accepted(row)
            | Step::Unknown(row)
            | Step::Absent(row)
            | Step::Refused(row, _)
            | Step::Ended(row, _)
            | Step::Failed(row, ..)
            | Step::Cancelled(row, _) => {
                if let Some(item) = self.row(*row) {
                    self.about(step, item);
                }
            }
        }
        Ok(())
    }

    /// An event for a row, whether it fits the row's state or not. Only tasks of unstarted rows are left out, since
    /// their costs would exceed any limit.
    pub(super) fn about(&mut self, step: &Step, item: ItemId) {
        let world = &mut self.world;
        let real = |cost: Option<u64>| cost.or(world.price[&item]).unwrap_or_default();
        let event = match step {
            Step::Sent(_) => {
                if world.waiting.remove(&item) {
                    world.sent[world.key[&item]].push(self.now);
                }
                Event::Sent { item }
            }
            Step::Waits(_) => {
                if world.is(&item, &[ItemState::Ready]) {
                    world.waiting.insert(item.clone());
                }
                Event::Waits { item }
            }
            Step::Withdrawn(_) | Step::TooExpensive(_) => {
                if world.is(&item, &[ItemState::Ready]) {
                    world.close(&item, 0);
                }
                let is_withdrawn = matches!(step, Step::Withdrawn(_));
                if is_withdrawn { Event::Withdrawn { item } } else { Event::TooExpensive { item } }
            }
            Step::Accepted(_) if world.is(&item, &[ItemState::Ready, ItemState::Unknown]) => {
                if world.waiting.remove(&item) {
                    world.sent[world.key[&item]].push(self.now);
                }
                world.state.insert(item.clone(), ItemState::Running);
                Event::Accepted { item }
            }
            Step::Unknown(_) => {
                if world.is(&item, &[ItemState::Ready]) {
                    if world.waiting.remove(&item) {
                        world.sent[world.key[&item]].push(self.now);
                    }
                    world.state.insert(item.clone(), ItemState::Unknown);
                }
                Event::Unknown { item }
            }
            Step::Absent(_) => {
                if world.is(&item, &[ItemState::Unknown]) {
                    world.close(&item, 0);
                }
                Event::Absent { item }
            }
            Step::Refused(_, fault) => {
                world.close(&item, 0);
                Event::Refused { item, fault: *fault, class: "c".into() }
            }
            Step::Ended(_, cost) if world.open.contains_key(&item) => {
                let real = real(*cost);
                world.close(&item, real);
                Event::Ended { item, cost: Some(Amount::whole(real)) }
            }
            Step::Failed(_, fault, cost) => {
                let real = real(*cost);
                world.close(&item, real);
                Event::Failed { item, fault: *fault, class: "c".into(), cost: Some(Amount::whole(real)) }
            }
            Step::Cancelled(_, cost) => {
                let real = real(*cost);
                world.close(&item, real);
                Event::Cancelled { item, cost: Some(Amount::whole(real)) }
            }
            _ => return,
        };
        self.on(event);
    }

    pub(super) fn next(&mut self) -> Result<(), TestCaseError> {
        let decision = self.schedule.next(self.now);
        prop_assert_eq!(&decision, &self.schedule.next(self.now), "a decision changes nothing");
        let Decision::Start { item, key, reserve, .. } = decision else { return Ok(()) };
        check_start(&self.world, &self.limits, self.now, (&item, &key, reserve))?;
        self.world.start(&item, &key, reserve);
        self.on(Event::Started { item, key });
        Ok(())
    }

    pub(super) fn check(&self) -> Result<(), TestCaseError> {
        let (tally, world) = (self.schedule.tally(), &self.world);
        let known = (tally.running + tally.unknown, tally.spent, tally.reserved);
        prop_assert_eq!(known, (world.open.len() - world.waiting.len(), world.spent, world.reserved()));
        let over = tally.done + tally.failed + tally.refused + tally.cancelled;
        let all = tally.ready + tally.running + tally.unknown + over;
        prop_assert_eq!(all, world.rows.len(), "every row is somewhere, once: {:?}", tally);
        if let Some(max) = self.limits.max_cost {
            prop_assert!(tally.spent.plus(tally.reserved) <= max.plus(world.overshoot), "{tally:?} of {max}");
        }
        Ok(())
    }
}

pub(super) fn check_start(
    world: &World,
    limits: &Limits,
    now: Duration,
    (item, key, reserve): (&ItemId, &str, Amount),
) -> Result<(), TestCaseError> {
    prop_assert!(!world.paused, "a paused batch starts nothing");
    prop_assert!(limits.until.is_none_or(|until| now < until), "nothing starts after the time is over");
    prop_assert!(!world.open.contains_key(item), "a row has one task at a time");
    let key = KEYS.iter().position(|known| *known == key).unwrap();
    prop_assert!(world.bound[item].is_none_or(|bound| bound == key), "a row is paid by its key");
    let used = world.used(key);
    prop_assert!(limits.slots.is_none_or(|slots| used < slots), "slots are never exceeded");
    let waits = world.waiting.iter().any(|row| world.key[row] == key);
    prop_assert!(!waits, "one row of a key waits at a time");
    let lately = world.sent[key].iter().filter(|start| now.saturating_sub(**start) < Duration::from_secs(1));
    prop_assert!(lately.count() < 5, "at most five submits a second");
    if let Some(max) = limits.max_cost {
        let whole = world.spent.plus(world.reserved()).plus(reserve);
        prop_assert!(whole <= max, "what could be spent never exceeds the limit: {whole} of {max}");
    }
    if let Some(price) = world.price[item] {
        prop_assert_eq!(reserve, Amount::whole(price), "a known price is set aside to the letter");
    }
    Ok(())
}
