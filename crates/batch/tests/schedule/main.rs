//! The rules by which rows start, one at a time.

mod brakes;
mod faults;
mod money;
mod order;
mod rates;
mod slots;

use std::{sync::Arc, time::Duration};

use runninghub_batch::{
    Amount, Decision, Event, Fault, ItemId, Limits, MaxFailures, Paused, Schedule, Standing, Waiting, Work,
};

const KEY: &str = "main";

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn coins(coins: u64) -> Amount {
    Amount::whole(coins)
}

/// The next second, since the rate of submits is irrelevant in most tests.
fn later(now: &mut Duration) -> Duration {
    *now += at(1);
    *now
}

/// Rows named `0`, `1`, … of one group without a history.
fn schedule(rows: usize, limits: Limits) -> Schedule {
    let mut schedule = Schedule::new([KEY], limits);
    (0..rows).for_each(|row| schedule.add(Work::new(row.to_string(), "app")));
    schedule
}

/// The same with a history, so that no row runs alone, and with three slots if the limits don't say.
fn proven(rows: usize, limits: Limits) -> Schedule {
    let mut schedule = schedule(rows, Limits { slots: limits.slots.or(Some(3)), ..limits });
    schedule.history("app", [Some(coins(2)); 10]);
    schedule
}

/// The row that starts now, and has its slot at once.
fn start(schedule: &mut Schedule, now: Duration) -> Option<ItemId> {
    let Decision::Start { item, key, .. } = schedule.next(now) else { return None };
    schedule.on(now, Event::Started { item: item.clone(), key });
    schedule.on(now, Event::Sent { item: item.clone() });
    Some(item)
}

/// Starts rows until nothing more can start, each accepted at once.
fn start_all(schedule: &mut Schedule, now: Duration) -> Vec<String> {
    let mut started = Vec::new();
    while let Some(item) = start(schedule, now) {
        schedule.on(now, Event::Accepted { item: item.clone() });
        started.push(item.to_string());
    }
    started
}

fn end(schedule: &mut Schedule, now: Duration, item: &str, cost: Option<Amount>) {
    schedule.on(now, Event::Ended { item: item.into(), cost });
}

fn fail(schedule: &mut Schedule, now: Duration, item: &str, fault: Fault, class: &str) {
    let cost = Some(Amount::ZERO);
    schedule.on(now, Event::Failed { item: item.into(), fault, class: class.into(), cost });
}

fn paused(schedule: &Schedule, now: Duration) -> String {
    match schedule.next(now) {
        Decision::Pause { why } => why.sentence().to_string(),
        other => panic!("{other:?}"),
    }
}

fn waiting(schedule: &Schedule, now: Duration) -> (Option<Duration>, Waiting) {
    match schedule.next(now) {
        Decision::Wait { until, why } => (until, why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_reason_has_its_words() {
    let keys = Paused::Keys(vec![Arc::from("a"), Arc::from("b")]);
    assert_eq!(keys.sentence().to_string(), "paused: the key `a`, `b` can't pay");
    assert_eq!(Paused::Failures(1).sentence().to_string(), "paused: 1 row failed");
    assert_eq!(Waiting::Canary.sentence().to_string(), "waiting for the first row, which runs alone");
}
