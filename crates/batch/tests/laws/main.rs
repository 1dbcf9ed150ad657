//! Laws of the scheduler, which hold for any sequence of events.

mod world;

use std::time::Duration;

use proptest::{collection::vec, prelude::*, sample::Index};
use runninghub_batch::{Amount, Decision, Event, Fault, ItemId, Limits, MaxFailures, Schedule};
use world::{World, play};

const KEYS: [&str; 2] = ["a", "b"];
const GROUPS: [&str; 2] = ["x", "y"];

/// Something that happens. Rows are chosen among all, so that many events don't fit the state of their row.
#[derive(Clone, Debug)]
enum Step {
    /// Execute the schedule's decision.
    Next,
    Sent(Index),
    Waits(Index),
    Withdrawn(Index),
    TooExpensive(Index),
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
    /// This many seconds pass.
    Wait(u64),
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![1 => Just(Fault::Key), 1 => Just(Fault::Platform), 4 => Just(Fault::Row)]
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
        8 => row().prop_map(Step::Sent),
        1 => row().prop_map(Step::Waits),
        1 => row().prop_map(Step::Withdrawn),
        1 => row().prop_map(Step::TooExpensive),
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
    (
        proptest::option::of(1..4_u32),
        max_cost,
        proptest::option::of(failures),
        proptest::option::weighted(0.2, 100..400_u64),
    )
        .prop_map(|(slots, max_cost, max_failures, until)| Limits {
            slots,
            max_cost,
            max_failures,
            until: until.map(Duration::from_secs),
            ..Limits::default()
        })
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
        schedule.on(now, Event::Resume);
        match schedule.next(now) {
            Decision::Done => return Ok(starts),
            Decision::Start { item, key, reserve, .. } => {
                world.start(&item, &key, reserve);
                schedule.on(now, Event::Started { item: item.clone(), key });
                schedule.on(now, Event::Sent { item });
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
        let ready = schedule.tally().ready - world.waiting.len();
        let starts = finish(&mut schedule, &mut world, Duration::from_secs(100_000))?;
        prop_assert_eq!((starts, schedule.tally().ready), (ready, 0));
    }

    #[test]
    fn an_unknown_row_keeps_its_slot_and_its_reserve(limits in limits(), steps in vec(step(), 0..160)) {
        // Nothing ends or resolves rows once they are unknown, because no event of the test does.
        let steps: Vec<Step> = steps.into_iter().map(|step| match step {
            Step::Accepted(row) | Step::Absent(row) => Step::Unknown(row),
            Step::Ended(..) | Step::Failed(..) | Step::Cancelled(..) | Step::Refused(..) | Step::Withdrawn(_)
            | Step::TooExpensive(_) => Step::Next,
            step => step,
        }).collect();
        let (schedule, world) = play(limits, &steps)?;
        prop_assert!(schedule.tally().reserved == world.reserved());
        for (index, key) in KEYS.into_iter().enumerate() {
            prop_assert_eq!(schedule.used(key), world.used(index));
        }
    }
}
