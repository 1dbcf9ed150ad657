//! Laws of the scheduler, which hold for any sequence of events.

use std::{collections::HashMap, time::Duration};

use proptest::{collection::vec, prelude::*, sample::Index};
use runninghub_batch::{
    Action, Amount, Class, Decision, Digest, Event, Fault, Item, ItemId, ItemState, Limits, MaxFailures,
    Policies, Recorded, Rows, Schedule, Target, Turns, Work, compare,
};
use runninghub_core::{Kind, Place};

const KEYS: [&str; 2] = ["a", "b"];
const GROUPS: [&str; 2] = ["x", "y"];

/// Something that happens. Rows are chosen among all, so that many events don't fit the state of their row.
#[derive(Clone, Debug)]
enum Step {
    /// Do what the schedule says.
    Next,
    Counts {
        key: Index,
        limit: u32,
        foreign: u32,
    },
    NoCounts {
        key: Index,
    },
    Accepted(Index),
    Refused(Index, Fault),
    Unknown(Index),
    Absent(Index),
    Ended(Index, Option<u64>),
    Failed(Index, Fault, Option<u64>),
    Cancelled(Index, Option<u64>),
    Added {
        key: Option<Index>,
        group: Index,
        priority: i32,
        price: Option<u64>,
    },
    Pause,
    Resume,
    /// So many seconds pass.
    Wait(u64),
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![1 => Just(Fault::Key), 1 => Just(Fault::Platform), 4 => Just(Fault::Row), 1 => Just(Fault::Capacity), 1 => Just(Fault::Rate)]
}

fn cost() -> impl Strategy<Value = Option<u64>> {
    proptest::option::weighted(0.9, 0..12_u64)
}

fn added() -> impl Strategy<Value = Step> {
    (proptest::option::of(any::<Index>()), any::<Index>(), -1..2_i32, proptest::option::of(0..8_u64))
        .prop_map(|(key, group, priority, price)| Step::Added { key, group, priority, price })
}

fn step() -> impl Strategy<Value = Step> {
    let row = any::<Index>;
    prop_oneof![
        12 => Just(Step::Next),
        2 => (row(), 0..5_u32, 0..3_u32).prop_map(|(key, limit, foreign)| Step::Counts { key, limit, foreign }),
        1 => row().prop_map(|key| Step::NoCounts { key }),
        6 => row().prop_map(Step::Accepted),
        2 => (row(), fault()).prop_map(|(row, fault)| Step::Refused(row, fault)),
        1 => row().prop_map(Step::Unknown),
        1 => row().prop_map(Step::Absent),
        5 => (row(), cost()).prop_map(|(row, cost)| Step::Ended(row, cost)),
        2 => (row(), fault(), cost()).prop_map(|(row, fault, cost)| Step::Failed(row, fault, cost)),
        1 => (row(), cost()).prop_map(|(row, cost)| Step::Cancelled(row, cost)),
        4 => added(),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
        4 => (0..40_u64).prop_map(Step::Wait),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    let failures =
        prop_oneof![(1..5_u32).prop_map(MaxFailures::Count), (1..100_u8).prop_map(MaxFailures::Percent)];
    let max_cost = proptest::option::weighted(0.7, (0..60_u64).prop_map(Amount::whole));
    (1..4_u32, max_cost, proptest::option::of(failures), proptest::option::weighted(0.2, 100..400_u64))
        .prop_map(|(slots, max_cost, max_failures, until)| Limits {
            slots,
            max_cost,
            max_failures,
            until: until.map(Duration::from_secs),
            ..Limits::default()
        })
}

/// What the test knows by itself: only from what it did.
#[derive(Default)]
struct World {
    rows: Vec<ItemId>,
    state: HashMap<ItemId, ItemState>,
    key: HashMap<ItemId, usize>,
    /// Rows that were started, and what was set aside for each.
    open: HashMap<ItemId, Amount>,
    bound: HashMap<ItemId, Option<usize>>,
    price: HashMap<ItemId, Option<u64>>,
    /// The last counts of each key; `None` where there are none.
    counts: [Option<(u32, u32)>; 2],
    spent: Amount,
    overshoot: Amount,
    paused: bool,
    /// When rows were started, for each key.
    starts: [Vec<Duration>; 2],
}

impl World {
    fn used(&self, key: usize) -> u32 {
        let used = self.open.keys().filter(|row| self.key.get(*row) == Some(&key)).count();
        u32::try_from(used).unwrap()
    }

    fn reserved(&self) -> Amount {
        self.open.values().copied().sum()
    }

    fn is(&self, row: &ItemId, states: &[ItemState]) -> bool {
        self.open.contains_key(row) && states.contains(&self.state[row])
    }

    fn add(&mut self, bound: Option<usize>, price: Option<u64>) -> ItemId {
        let id = ItemId::from(self.rows.len().to_string());
        self.rows.push(id.clone());
        self.bound.insert(id.clone(), bound);
        self.price.insert(id.clone(), price);
        id
    }

    fn start(&mut self, row: &ItemId, key: &str, reserve: Amount) {
        self.key.insert(row.clone(), KEYS.iter().position(|known| *known == key).unwrap());
        self.open.insert(row.clone(), reserve);
        self.state.insert(row.clone(), ItemState::Ready);
    }

    /// A row that was started is over, and cost so much.
    fn close(&mut self, row: &ItemId, real: u64) {
        let Some(reserve) = self.open.remove(row) else { return };
        let real = Amount::whole(real);
        self.spent = self.spent.plus(real);
        self.overshoot = self.overshoot.plus(real.minus(reserve));
    }
}

/// A schedule, and what the test knows about it.
struct Play {
    schedule: Schedule,
    world: World,
    limits: Limits,
    now: Duration,
}

/// Plays steps against a schedule, and checks the laws at each of them.
fn play(limits: Limits, steps: &[Step]) -> Result<(Schedule, World), TestCaseError> {
    let (schedule, world) = (Schedule::new(KEYS, limits), World::default());
    let mut play = Play { schedule, world, limits, now: Duration::ZERO };
    for step in steps {
        play.step(step)?;
        play.check()?;
    }
    Ok((play.schedule, play.world))
}

impl Play {
    fn on(&mut self, event: Event) {
        self.schedule.on(self.now, event);
    }

    fn row(&self, index: Index) -> Option<ItemId> {
        let rows = &self.world.rows;
        (!rows.is_empty()).then(|| rows[index.index(rows.len())].clone())
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Next => self.next()?,
            Step::Wait(seconds) => self.now += Duration::from_secs(*seconds),
            Step::Pause | Step::Resume => {
                self.world.paused = matches!(step, Step::Pause);
                self.on(if self.world.paused { Event::Pause } else { Event::Resume });
            }
            Step::Counts { key, limit, foreign } => {
                let key = key.index(2);
                self.world.counts[key] = Some((*limit, *foreign));
                self.on(Event::Counts { key: KEYS[key].into(), limit: *limit, foreign: *foreign });
            }
            Step::NoCounts { key } => {
                let key = key.index(2);
                self.world.counts[key] = None;
                self.on(Event::NoCounts { key: KEYS[key].into() });
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
            Step::Accepted(row)
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

    /// Something happens to a row, whether it fits the row's state or not. Only tasks of rows that were not started are
    /// left out: what they cost is beyond any limit.
    fn about(&mut self, step: &Step, item: ItemId) {
        let world = &mut self.world;
        let real = |cost: Option<u64>| cost.or(world.price[&item]).unwrap_or_default();
        let event = match step {
            Step::Accepted(_) if world.is(&item, &[ItemState::Ready, ItemState::Unknown]) => {
                world.state.insert(item.clone(), ItemState::Running);
                Event::Accepted { item }
            }
            Step::Unknown(_) => {
                if world.is(&item, &[ItemState::Ready]) {
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

    fn next(&mut self) -> Result<(), TestCaseError> {
        let decision = self.schedule.next(self.now);
        prop_assert_eq!(&decision, &self.schedule.next(self.now), "a decision changes nothing");
        let Decision::Start { item, key, reserve } = decision else { return Ok(()) };
        check_start(&self.world, &self.limits, self.now, (&item, &key, reserve))?;
        self.world.start(&item, &key, reserve);
        self.world.starts[self.world.key[&item]].push(self.now);
        self.on(Event::Claimed { item, key });
        Ok(())
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let (tally, world) = (self.schedule.tally(), &self.world);
        let known = (tally.running + tally.unknown, tally.spent, tally.reserved);
        prop_assert_eq!(known, (world.open.len(), world.spent, world.reserved()));
        let over = tally.done + tally.failed + tally.refused + tally.cancelled;
        let all = tally.ready + tally.running + tally.unknown + over;
        prop_assert_eq!(all, world.rows.len(), "every row is somewhere, once: {:?}", tally);
        if let Some(max) = self.limits.max_cost {
            prop_assert!(tally.spent.plus(tally.reserved) <= max.plus(world.overshoot), "{tally:?} of {max}");
        }
        Ok(())
    }
}

fn check_start(
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
    prop_assert!(used < limits.slots, "slots are never exceeded");
    if let Some((limit, foreign)) = world.counts[key] {
        prop_assert!(used + foreign < limit, "slots of others are never used");
    }
    let lately =
        world.starts[key].iter().filter(|start| now.saturating_sub(**start) < Duration::from_secs(1));
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

/// Ends everything well and resolves everything, as a patient user would, and returns the number of starts.
fn finish(schedule: &mut Schedule, world: &mut World, mut now: Duration) -> Result<usize, TestCaseError> {
    let mut starts = 0;
    for _ in 0..10_000 {
        let open: Vec<ItemId> = world.open.keys().cloned().collect();
        for item in open {
            world.close(&item, 0);
            schedule.on(now, Event::Ended { item, cost: Some(Amount::ZERO) });
        }
        for key in KEYS {
            schedule.on(now, Event::Counts { key: key.into(), limit: 3, foreign: 0 });
        }
        schedule.on(now, Event::Resume);
        match schedule.next(now) {
            Decision::Done => return Ok(starts),
            Decision::Start { item, key, reserve } => {
                world.start(&item, &key, reserve);
                schedule.on(now, Event::Claimed { item, key });
                starts += 1;
            }
            Decision::Wait { .. } => now += Duration::from_secs(1),
            Decision::Pause { why } => return Err(TestCaseError::fail(format!("{why:?}"))),
        }
    }
    Err(TestCaseError::fail("it never ends"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn slots_and_money_are_never_exceeded_whatever_happens(limits in limits(), steps in vec(step(), 0..160)) {
        play(limits, &steps)?;
    }

    #[test]
    fn with_known_prices_the_limit_of_the_cost_is_never_exceeded(limits in limits(), steps in vec(step(), 0..160)) {
        // Every row has a price, and costs it.
        let steps: Vec<Step> = steps.into_iter().map(|step| match step {
            Step::Added { key, group, priority, price } => Step::Added { key, group, priority, price: price.or(Some(3)) },
            Step::Ended(row, _) => Step::Ended(row, None),
            Step::Failed(row, fault, _) => Step::Failed(row, fault, None),
            Step::Cancelled(row, _) => Step::Cancelled(row, None),
            step => step,
        }).collect();
        let (schedule, world) = play(limits, &steps)?;
        prop_assert_eq!(world.overshoot, Amount::ZERO);
        prop_assert!(limits.max_cost.is_none_or(|max| schedule.tally().spent <= max));
    }

    #[test]
    fn every_row_starts_in_the_end(limits in limits(), steps in vec(step(), 0..120)) {
        let limits = Limits { max_cost: None, until: None, ..limits };
        let (mut schedule, mut world) = play(limits, &steps)?;
        let ready = schedule.tally().ready;
        let starts = finish(&mut schedule, &mut world, Duration::from_secs(100_000))?;
        prop_assert_eq!((starts, schedule.tally().ready), (ready, 0));
    }

    #[test]
    fn an_unknown_row_keeps_its_slot_and_its_reserve(limits in limits(), steps in vec(step(), 0..160)) {
        // Nothing ends or resolves rows once they are unknown, because no event of the test does.
        let steps: Vec<Step> = steps.into_iter().map(|step| match step {
            Step::Accepted(row) | Step::Absent(row) => Step::Unknown(row),
            Step::Ended(..) | Step::Failed(..) | Step::Cancelled(..) | Step::Refused(..) => Step::Next,
            step => step,
        }).collect();
        let (schedule, world) = play(limits, &steps)?;
        prop_assert!(schedule.tally().reserved == world.reserved());
        for (index, key) in KEYS.into_iter().enumerate() {
            prop_assert_eq!(schedule.slots(key).map(|slots| slots.used), Some(world.used(index)));
        }
    }

    #[test]
    fn no_waiter_starves(
        waiters in vec((any::<bool>(), 1..5_u32), 1..8),
        rests in vec(any::<Index>(), 0..200),
    ) {
        let mut turns = Turns::default();
        let class = |single: bool| if single { Class::Single } else { Class::Batch };
        let want = |turns: &mut Turns, ticket: usize| {
            let (single, weight) = waiters[ticket];
            turns.want(ticket as u64, class(single), weight);
        };
        (0..waiters.len()).for_each(|ticket| want(&mut turns, ticket));
        // The weights of all, four times for batches behind single runs, and once more for newcomers.
        let weights: u32 = waiters.iter().map(|(_, weight)| *weight).sum();
        let patience = 5 * (weights as usize + waiters.len());
        let mut waited = vec![0; waiters.len()];
        for rest in rests {
            let ticket = turns.next().expect("all want a slot");
            prop_assert!(turns.claim(ticket));
            for turns in &mut waited {
 *turns += 1;
}
            waited[usize::try_from(ticket).unwrap()] = 0;
            // One of them wants nothing for a moment.
            let one = rest.index(waiters.len());
            turns.rest(one as u64);
            want(&mut turns, one);
            let any_batch = waiters.iter().any(|(single, _)| !single);
            for ((single, _), waited) in waiters.iter().zip(&waited) {
                prop_assert!(*waited <= patience, "{waited} turns of others; single: {single}, batches: {any_batch}");
            }
        }
    }
}

/// What a ledger keeps of a batch.
#[derive(Clone, Debug, Default)]
struct Ledger(HashMap<ItemId, Recorded>);

fn items(texts: &[String]) -> Vec<Item> {
    let table = texts.iter().fold(String::from("6.text\n"), |table, text| table + text + "\n");
    let target = Target { place: Place::new("cn", "https://h"), kind: Kind::App, id: "1877".into() };
    let rows = Rows::from_table(table.as_bytes()).unwrap();
    rows.freeze(&target, false, &mut |_| Ok(Digest::of(""))).unwrap().items
}

/// Plans and runs a batch to its end, and returns the ids that were started. Some of them fail, by their id.
fn plan_and_run(items: &[Item], ledger: &mut Ledger) -> Vec<ItemId> {
    let recorded: Vec<Recorded> = ledger.0.values().cloned().collect();
    let comparison = compare(items, recorded, Policies::default(), &mut |_| None);
    let mut schedule = Schedule::new(["main"], Limits { max_alike: None, ..Limits::default() });
    let mut now = Duration::ZERO;
    for (item, action) in items.iter().zip(&comparison.actions) {
        if matches!(action, Action::Run(_)) {
            schedule.add(Work::new(item.id.as_str(), "app"));
        }
    }
    let mut started = Vec::new();
    schedule.on(now, Event::Counts { key: "main".into(), limit: 3, foreign: 0 });
    loop {
        let (item, key) = match schedule.next(now) {
            Decision::Start { item, key, .. } => (item, key),
            Decision::Wait { until: Some(until), .. } => {
                now = until;
                continue;
            }
            Decision::Done => return started,
            other => panic!("{other:?}"),
        };
        schedule.on(now, Event::Claimed { item: item.clone(), key });
        started.push(item.clone());
        let is_bad = item.as_str().starts_with(['0', '1', '2']);
        let fingerprint = items.iter().find(|known| known.id == item).unwrap().fingerprint;
        let state = if is_bad { ItemState::Failed } else { ItemState::Done };
        ledger.0.insert(
            item.clone(),
            Recorded { id: item.clone(), fingerprint, state, has_files: true, class: None },
        );
        schedule.on(
            now,
            if is_bad {
                Event::Failed { item, fault: Fault::Row, class: "bad".into(), cost: None }
            } else {
                Event::Ended { item, cost: None }
            },
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn planned_and_run_twice_is_planned_and_run_once(
        first in vec("[a-d]{1,2}", 1..20),
        more in vec("[a-d]{1,2}", 0..20),
    ) {
        let mut ledger = Ledger::default();
        let mut once = items(&first);
        prop_assert_eq!(plan_and_run(&once, &mut ledger).len(), once.len());
        prop_assert_eq!(plan_and_run(&once, &mut ledger), []);
        // In another order, and with more rows, only the new ones run.
        let all: Vec<String> = more.iter().chain(first.iter().rev()).cloned().collect();
        let twice = items(&all);
        let mut started = plan_and_run(&twice, &mut ledger);
        prop_assert_eq!(started.len(), more.len());
        started.extend(once.drain(..).map(|item| item.id));
        started.sort_unstable();
        let mut ids: Vec<ItemId> = twice.into_iter().map(|item| item.id).collect();
        ids.sort_unstable();
        prop_assert_eq!(started, ids);
    }
}
