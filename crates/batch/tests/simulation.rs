//! A batch against a simulated server, in simulated time: how long it takes, how well it uses its slots, and how often it is
//! refused.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet},
    time::Duration,
};

use fastrand::Rng;
use runninghub_batch::{Decision, Event, Fault, ItemId, Limits, Schedule, Work};

const KEY: &str = "main";

/// How long things take between the server and the batch.
#[derive(Clone, Copy)]
struct Delays {
    /// From a submit to its answer; the task exists halfway.
    submit: Duration,
    /// From a request for the counts to their answer.
    counts: Duration,
    /// From the end of a task to its notice.
    notice: Duration,
}

const NONE: Delays = Delays { submit: Duration::ZERO, counts: Duration::ZERO, notice: Duration::ZERO };
/// A good line and a socket that reports the end.
const USUAL: Delays = Delays {
    submit: Duration::from_millis(50),
    counts: Duration::from_millis(50),
    notice: Duration::from_millis(20),
};

/// What happens in the world, at a time.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum What {
    /// A user of the same key wants a slot for so long, and tries this many times.
    Foreigner(Duration, u32),
    ForeignerLeaves,
    /// The server decides on a submit.
    Decided(usize),
    TaskEnds(usize),
    /// The batch gets to know.
    Accepted(usize),
    Refused(usize),
    Ended(usize),
    Counts {
        limit: u32,
        foreign: u32,
    },
    /// The server has the counts, and sends them.
    Counted,
    /// The limit of the key changes.
    Limit(u32),
    /// Look again.
    Wake,
}

#[derive(Default)]
struct World {
    now: Duration,
    events: BinaryHeap<Reverse<(Duration, u64, What)>>,
    number: u64,
    limit: u32,
    foreign: u32,
    running: HashSet<usize>,
    has_counts: bool,
    is_counting: bool,
    /// Times of refusals.
    refusals: Vec<Duration>,
    /// Slot-seconds of the batch, and those that it could have had.
    used: f64,
    free: f64,
}

impl World {
    fn after(&mut self, delay: Duration, what: What) {
        self.number += 1;
        self.events.push(Reverse((self.now + delay, self.number, what)));
    }

    fn pass(&mut self, to: Duration, is_waiting: bool) {
        let seconds = to.saturating_sub(self.now).as_secs_f64();
        let mine = self.running.len() as f64;
        self.used += seconds * mine;
        self.free += seconds
            * if is_waiting { (f64::from(self.limit) - f64::from(self.foreign)).max(mine) } else { mine };
        self.now = to;
    }
}

/// What a batch did.
#[derive(Debug)]
struct Report {
    took: Duration,
    /// The share of slots that it used, of those that were free while rows waited.
    usage: f64,
    refusals: Vec<Duration>,
}

/// Runs rows of these durations.
fn run(mut world: World, took: &[Duration], slots: u32, delays: Delays) -> Report {
    let limits = Limits { slots, ..Limits::default() };
    let mut schedule = Schedule::new([KEY], limits);
    schedule.history("app", [None]);
    (0..took.len()).for_each(|row| schedule.add(Work::new(row.to_string(), "app")));
    let row = |id: &ItemId| id.as_str().parse::<usize>().unwrap();
    let id = |row: usize| ItemId::from(row.to_string());
    loop {
        // The driver: counts first, then starts, then it waits.
        if !world.is_counting && schedule.counts_due(world.now, KEY).is_some_and(|due| due <= world.now) {
            world.is_counting = true;
            world.after(delays.counts / 2, What::Counted);
        }
        match schedule.next(world.now) {
            Decision::Start { item, key, .. } => {
                world.after(delays.submit / 2, What::Decided(row(&item)));
                schedule.on(world.now, Event::Claimed { item, key });
                continue;
            }
            Decision::Done => {
                return Report { took: world.now, usage: world.used / world.free, refusals: world.refusals };
            }
            Decision::Wait { until, .. } => {
                let times = until.into_iter().chain(schedule.counts_due(world.now, KEY));
                if let Some(next) = times.filter(|time| *time > world.now).min() {
                    let delay = next.saturating_sub(world.now);
                    world.after(delay, What::Wake);
                }
            }
            Decision::Pause { why } => panic!("{why:?}"),
        }
        let Reverse((at, _, what)) = world.events.pop().expect("something happens");
        world.pass(at, schedule.tally().ready > 0);
        let (now, is_full) =
            (world.now, world.running.len() + world.foreign as usize >= world.limit as usize);
        match what {
            What::Wake => {}
            What::Limit(limit) => world.limit = limit,
            What::Foreigner(stays, tries) if is_full => {
                if tries > 0 {
                    world.after(Duration::from_millis(500), What::Foreigner(stays, tries - 1));
                }
            }
            What::Foreigner(stays, _) => {
                world.foreign += 1;
                world.after(stays, What::ForeignerLeaves);
            }
            What::ForeignerLeaves => world.foreign -= 1,
            What::Decided(row) if is_full => {
                world.refusals.push(now);
                world.after(delays.submit / 2, What::Refused(row));
            }
            What::Decided(row) => {
                world.running.insert(row);
                world.after(took[row], What::TaskEnds(row));
                world.after(delays.submit / 2, What::Accepted(row));
            }
            What::TaskEnds(row) => {
                world.running.remove(&row);
                world.after(delays.notice, What::Ended(row));
            }
            What::Accepted(row) => schedule.on(now, Event::Accepted { item: id(row) }),
            What::Refused(row) => {
                schedule
                    .on(now, Event::Refused { item: id(row), fault: Fault::Capacity, class: "421".into() });
            }
            What::Ended(row) => schedule.on(now, Event::Ended { item: id(row), cost: None }),
            What::Counted => {
                let (limit, foreign) = (world.limit, world.foreign);
                world.after(delays.counts / 2, What::Counts { limit, foreign });
            }
            What::Counts { limit, foreign } => {
                world.is_counting = false;
                let key = KEY.into();
                let event = if world.has_counts {
                    Event::Counts { key, limit, foreign }
                } else {
                    Event::NoCounts { key }
                };
                schedule.on(now, event);
            }
        }
    }
}

fn seconds(rng: &mut Rng, count: usize, range: std::ops::Range<u64>) -> Vec<Duration> {
    (0..count).map(|_| Duration::from_millis(rng.u64(range.start * 1_000..range.end * 1_000))).collect()
}

fn world(limit: u32, has_counts: bool) -> World {
    World { limit, has_counts, ..World::default() }
}

/// The end of the last row if each starts the moment a slot comes free.
fn ideal(took: &[Duration], slots: usize) -> Duration {
    let mut free: BinaryHeap<Reverse<Duration>> = (0..slots).map(|_| Reverse(Duration::ZERO)).collect();
    let ends = took.iter().map(|took| {
        let Reverse(start) = free.pop().expect("a slot");
        free.push(Reverse(start + *took));
        start + *took
    });
    ends.max().expect("a row")
}

#[test]
fn thirty_short_rows_on_three_slots_take_no_longer_than_they_must() {
    for seed in 0..12 {
        let took = seconds(&mut Rng::with_seed(seed), 30, 2..10);
        let ideal = ideal(&took, 3).as_secs_f64();
        let Report { took: exact, refusals, .. } = run(world(3, true), &took, 3, NONE);
        assert!(exact.as_secs_f64() / ideal < 1.000_1 && refusals.is_empty(), "{exact:?} of {ideal}");
        let Report { took: real, refusals, .. } = run(world(3, true), &took, 3, USUAL);
        assert!(real.as_secs_f64() / ideal <= 1.02 && refusals.is_empty(), "{real:?} of {ideal}");
    }
}

/// Means over seeds: the share of free slots that was used, and refusals for each hundred rows.
fn shared_key(limit: u32, has_counts: bool) -> (f64, f64) {
    const SEEDS: u64 = 6;
    let (mut usage, mut refusals, mut rows) = (0.0, 0, 0);
    for seed in 0..SEEDS {
        let mut rng = Rng::with_seed(seed);
        let took = seconds(&mut rng, 40 * limit as usize, 20..60);
        let mut world = world(limit, has_counts);
        // Somebody else runs a task now and then, for a while.
        for minute in 0..60 {
            let (at, stays) =
                (Duration::from_secs(60 * minute + rng.u64(..60)), Duration::from_secs(rng.u64(20..180)));
            if rng.u8(..3) == 0 {
                world.after(at, What::Foreigner(stays, 120));
            }
        }
        let report = run(world, &took, limit, USUAL);
        usage += report.usage / SEEDS as f64;
        refusals += report.refusals.len();
        rows += took.len();
    }
    (usage, 100.0 * refusals as f64 / rows as f64)
}

/// Somebody else takes a slot the moment one comes free, sometimes between its count and the submit.
#[test]
fn a_shared_key_is_fully_used_with_few_refusals() {
    for limit in [3, 20] {
        let (counted, refused) = (shared_key(limit, true), shared_key(limit, false));
        assert!(counted.0 > 0.98 && refused.0 > 0.96, "slots used: {counted:?} {refused:?}");
        assert!(
            counted.1 < 3.5 && counted.1 < refused.1 / 2.0,
            "refusals in a hundred: {counted:?} {refused:?}"
        );
    }
}

#[test]
fn with_counts_nothing_is_refused_on_a_key_of_our_own() {
    let mut rng = Rng::with_seed(7);
    let took = seconds(&mut rng, 200, 5..60);
    for slots in [1, 3, 50] {
        let report = run(world(3, true), &took, slots, USUAL);
        assert_eq!(report.refusals, [], "{slots} slots wanted");
    }
}

#[test]
fn a_change_of_the_limit_costs_one_refusal_at_most() {
    let mut rng = Rng::with_seed(7);
    let took = seconds(&mut rng, 200, 5..60);
    let mut world = world(5, true);
    for (minute, limit) in [(3, 2), (6, 4), (9, 1), (12, 5), (15, 3)] {
        world.after(Duration::from_secs(60 * minute), What::Limit(limit));
    }
    let report = run(world, &took, 50, USUAL);
    assert!(report.refusals.len() <= 3, "three times it went down: {:?}", report.refusals);
}

#[test]
fn without_counts_one_refusal_detects_a_full_key() {
    let mut rng = Rng::with_seed(7);
    let took = seconds(&mut rng, 100, 20..60);
    let report = run(world(3, false), &took, 5, USUAL);
    let minutes = usize::try_from(report.took.as_secs() / 60).unwrap();
    assert!(report.refusals.len() <= minutes + 1, "{} in {minutes} min", report.refusals.len());
    assert!(report.usage > 0.97, "{report:?}");
}
