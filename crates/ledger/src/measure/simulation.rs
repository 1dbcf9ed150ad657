//! Submits against a simulated server, in simulated time: how well they use the slots of a key, how long they take, and how
//! often they are refused.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet, VecDeque},
    time::Duration,
};

use fastrand::Rng;

use super::{Counts, Measure};
use crate::{Held, Slots, State};

/// Delays between the server and the submits, in milliseconds.
#[derive(Clone, Copy)]
struct Delays {
    /// From a submit to its response; the task exists halfway.
    submit: u64,
    /// From a request for the counts to their response.
    counts: u64,
    /// From the end of a task to its notice.
    notice: u64,
}

const NONE: Delays = Delays { submit: 0, counts: 0, notice: 0 };
/// A good line and a socket that reports the end.
const USUAL: Delays = Delays { submit: 50, counts: 50, notice: 20 };
/// The least wait after a refusal.
const RETRY: u64 = 7_500;

/// An event in the simulated world.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Happening {
    /// Another user of the key wants a slot for this long, and tries this many times.
    Foreigner(u64, u32),
    ForeignerLeaves,
    /// The server decides on a submit.
    Decided(usize),
    TaskEnds(usize),
    /// The submits learn of it.
    Accepted(usize),
    Refused(usize),
    Ended(usize),
    /// The server has the counts and sends them; they were requested after this refusal, or for the next submit.
    Counted(Option<usize>),
    Counts(Option<usize>, u32, u32),
    /// The limit of the key changes.
    Limit(u32),
    /// Look again.
    Wake,
}

#[derive(Default)]
struct World {
    now: u64,
    events: BinaryHeap<Reverse<(u64, u64, Happening)>>,
    number: u64,
    limit: u32,
    foreign: u32,
    running: HashSet<usize>,
    has_counts: bool,
    /// Times of refusals.
    refusals: Vec<u64>,
    /// Slot-seconds of the submits, and those that they could have had.
    used: f64,
    free: f64,
    /// The ledger's state: the held slots, and the measure.
    held: Vec<(usize, State)>,
    measure: Measure,
    is_measured: bool,
    is_counting: bool,
}

impl World {
    fn after(&mut self, delay: u64, what: Happening) {
        self.number += 1;
        self.events.push(Reverse((self.now + delay, self.number, what)));
    }

    fn pass(&mut self, to: u64, is_waiting: bool) {
        let seconds = Duration::from_millis(to.saturating_sub(self.now)).as_secs_f64();
        let mine = self.running.len() as f64;
        self.used += seconds * mine;
        self.free += seconds
            * if is_waiting { (f64::from(self.limit) - f64::from(self.foreign)).max(mine) } else { mine };
        self.now = to;
    }

    fn is_full(&self) -> bool {
        self.running.len() + self.foreign as usize >= self.limit as usize
    }

    fn slots(&self) -> Slots {
        let held = self.held.iter().zip(0..);
        let held = held
            .map(|((row, state), slot)| Held::new(slot, row.to_string().as_str().into(), *state, None, 0));
        Slots { held: held.collect(), is_next: true, ..Slots::default() }
    }

    fn release(&mut self, row: usize, from: State) {
        self.held.retain(|(holder, _)| *holder != row);
        self.measure.released(from);
    }

    /// Starts the next row if the measure allows it.
    fn start(&mut self, ready: &mut VecDeque<usize>, delays: Delays) {
        while !self.is_counting && !ready.is_empty() {
            if !self.is_measured || self.measure.is_due(self.now) {
                self.is_counting = true;
                self.after(delays.counts / 2, Happening::Counted(None));
                return;
            }
            let slots = self.slots();
            let allowed = self.measure.allowed(&slots, self.now);
            if slots.count() >= allowed.slots {
                let next = self.measure.next_ms();
                if next > self.now {
                    self.after(next - self.now, Happening::Wake);
                }
                return;
            }
            if allowed.is_probe {
                self.measure = self.measure.probed(allowed, later(self.now));
            }
            let Some(row) = ready.pop_front() else { return };
            self.held.push((row, State::Submitting));
            self.after(delays.submit / 2, Happening::Decided(row));
        }
    }

    /// The counts have arrived.
    fn counted(&mut self, refused: Option<usize>, counts: Counts, ready: &mut VecDeque<usize>) {
        let counts = self.has_counts.then_some(counts);
        let (slots, later) = (self.slots(), later(self.now));
        (self.is_counting, self.is_measured) = (false, true);
        match refused {
            Some(row) => {
                self.measure = self.measure.refused(counts, &slots, self.now + RETRY, later);
                self.release(row, State::Submitting);
                ready.push_front(row);
            }
            None => self.measure = self.measure.queried(counts, &slots, slots.count(), later),
        }
    }
}

fn later(now: u64) -> impl Fn(Duration) -> u64 {
    move |wait| now + u64::try_from(wait.as_millis()).expect("a wait")
}

/// The outcome of the submits.
#[derive(Debug)]
struct Report {
    took: u64,
    /// The share of slots that they used, of those that were free while some waited.
    usage: f64,
    refusals: Vec<u64>,
}

/// Runs rows of these durations, in milliseconds.
fn run(mut world: World, took: &[u64], delays: Delays) -> Report {
    let mut ready: VecDeque<usize> = (0..took.len()).collect();
    let mut open = took.len();
    while open > 0 {
        world.start(&mut ready, delays);
        let Reverse((at, _, what)) = world.events.pop().expect("something happens");
        world.pass(at, !ready.is_empty());
        match what {
            Happening::Wake => {}
            Happening::Limit(limit) => world.limit = limit,
            Happening::Foreigner(stays, tries) if world.is_full() => {
                if tries > 0 {
                    world.after(500, Happening::Foreigner(stays, tries - 1));
                }
            }
            Happening::Foreigner(stays, _) => {
                world.foreign += 1;
                world.after(stays, Happening::ForeignerLeaves);
            }
            Happening::ForeignerLeaves => world.foreign -= 1,
            Happening::Decided(row) if world.is_full() => {
                world.refusals.push(world.now);
                world.after(delays.submit / 2, Happening::Refused(row));
            }
            Happening::Decided(row) => {
                world.running.insert(row);
                world.after(took[row], Happening::TaskEnds(row));
                world.after(delays.submit / 2, Happening::Accepted(row));
            }
            Happening::TaskEnds(row) => {
                world.running.remove(&row);
                world.after(delays.notice, Happening::Ended(row));
            }
            Happening::Accepted(row) => {
                let submit = world.held.iter_mut().find(|(holder, _)| *holder == row);
                if let Some((_, state)) = submit {
                    *state = State::Accepted;
                }
            }
            Happening::Refused(row) => world.after(delays.counts / 2, Happening::Counted(Some(row))),
            Happening::Ended(row) => {
                world.release(row, State::Accepted);
                open -= 1;
            }
            Happening::Counted(refused) => {
                let total = world.foreign + u32::try_from(world.running.len()).expect("few");
                world.after(delays.counts / 2, Happening::Counts(refused, world.limit, total));
            }
            Happening::Counts(refused, limit, total) => {
                world.counted(refused, Counts { limit, total }, &mut ready);
            }
        }
    }
    Report { took: world.now, usage: world.used / world.free, refusals: world.refusals }
}

fn seconds(rng: &mut Rng, count: usize, range: std::ops::Range<u64>) -> Vec<u64> {
    (0..count).map(|_| rng.u64(range.start * 1_000..range.end * 1_000)).collect()
}

fn world(limit: u32, has_counts: bool) -> World {
    World { limit, has_counts, ..World::default() }
}

/// The end of the last row if each starts the moment a slot comes free.
fn ideal(took: &[u64], slots: usize) -> u64 {
    let mut free: BinaryHeap<Reverse<u64>> = (0..slots).map(|_| Reverse(0)).collect();
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
        let ideal = ideal(&took, 3) as f64;
        let Report { took: exact, refusals, .. } = run(world(3, true), &took, NONE);
        assert!(exact as f64 / ideal < 1.000_1 && refusals.is_empty(), "{exact} of {ideal}");
        let Report { took: real, refusals, .. } = run(world(3, true), &took, USUAL);
        assert!(real as f64 / ideal <= 1.02 && refusals.is_empty(), "{real} of {ideal}");
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
        // Another user sometimes runs a task, for a while.
        for minute in 0..60 {
            let (at, stays) = (60_000 * minute + rng.u64(..60_000), rng.u64(20_000..180_000));
            if rng.u8(..3) == 0 {
                world.after(at, Happening::Foreigner(stays, 120));
            }
        }
        let report = run(world, &took, USUAL);
        usage += report.usage / SEEDS as f64;
        refusals += report.refusals.len();
        rows += took.len();
    }
    (usage, 100.0 * refusals as f64 / rows as f64)
}

/// Another user takes each slot as soon as it becomes free, sometimes between the count and the submit.
#[test]
fn a_shared_key_is_used_fully_and_with_counts_rarely_refuses() {
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
    let took = seconds(&mut Rng::with_seed(7), 200, 5..60);
    for limit in [1, 3, 50] {
        let report = run(world(limit, true), &took, USUAL);
        assert!(report.refusals.is_empty(), "{limit} slots: {report:?}");
    }
}

#[test]
fn a_change_of_the_limit_costs_one_refusal_at_most() {
    let took = seconds(&mut Rng::with_seed(7), 200, 5..60);
    let mut world = world(5, true);
    for (minute, limit) in [(3, 2), (6, 4), (9, 1), (12, 5), (15, 3)] {
        world.after(60_000 * minute, Happening::Limit(limit));
    }
    let report = run(world, &took, USUAL);
    assert!(report.refusals.len() <= 3, "three times it went down: {:?}", report.refusals);
}

#[test]
fn without_counts_a_full_key_is_found_out_by_one_refusal_and_tried_once_a_minute() {
    let took = seconds(&mut Rng::with_seed(7), 100, 20..60);
    let report = run(world(3, false), &took, USUAL);
    let minutes = usize::try_from(report.took / 60_000).expect("a number");
    assert!(report.refusals.len() <= minutes + 1, "{} in {minutes} min", report.refusals.len());
    assert!(report.usage > 0.97, "{report:?}");
}
