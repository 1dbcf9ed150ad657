//! Rows that wait for a slot.

use super::*;

/// The row that starts now and waits.
fn wait(schedule: &mut Schedule, now: Duration) -> Option<(String, String)> {
    let Decision::Start { item, key, .. } = schedule.next(now) else { return None };
    schedule.on(now, Event::Started { item: item.clone(), key: key.clone() });
    Some((item.to_string(), key.to_string()))
}

#[test]
fn one_row_of_a_key_waits_for_a_slot_at_a_time() {
    let mut schedule = Schedule::new([KEY, "second"], Limits::default());
    schedule.history("app", [None]);
    (0..9).for_each(|row| schedule.add(Work::new(row.to_string(), "app")));
    let first = wait(&mut schedule, at(0)).unwrap();
    assert_eq!(
        (wait(&mut schedule, at(0)).unwrap().1 == first.1, waiting(&schedule, at(0)).1),
        (false, Waiting::Slots)
    );
    let tally = schedule.tally();
    assert_eq!((tally.ready, tally.running), (9, 0), "none is submitted");
    schedule.on(at(1), Event::Sent { item: first.0.as_str().into() });
    assert_eq!(wait(&mut schedule, at(1)).unwrap(), ("2".into(), first.1));
    assert_eq!((schedule.tally().ready, schedule.tally().running), (8, 1));
}

#[test]
fn a_batch_uses_no_more_slots_than_it_may() {
    let mut schedule = proven(9, Limits { slots: Some(2), ..Limits::default() });
    assert_eq!(start_all(&mut schedule, at(0)), ["0", "1"]);
    assert_eq!((waiting(&schedule, at(0)).1, schedule.used(KEY)), (Waiting::Slots, 2));
    end(&mut schedule, at(1), "0", None);
    assert_eq!(start_all(&mut schedule, at(1)), ["2"]);
}

#[test]
fn a_refused_row_waits_again_and_no_other_goes_before_it() {
    let mut schedule = proven(9, Limits::default());
    let item = start(&mut schedule, at(0)).unwrap();
    schedule.on(at(0), Event::Waits { item: item.clone() });
    assert_eq!(waiting(&schedule, at(0)).1, Waiting::Slots);
    schedule.on(at(9), Event::Sent { item: item.clone() });
    schedule.on(at(9), Event::Accepted { item });
    assert_eq!(start_all(&mut schedule, at(9)), ["1", "2"]);
}

#[test]
fn a_row_that_is_withdrawn_is_ready_again_and_costs_nothing() {
    let mut schedule = proven(2, Limits { max_cost: Some(coins(9)), ..Limits::default() });
    assert_eq!(wait(&mut schedule, at(0)).unwrap().0, "0");
    assert_eq!(schedule.tally().reserved, coins(2));
    schedule.on(at(1), Event::Withdrawn { item: "0".into() });
    assert_eq!((schedule.tally().reserved, schedule.used(KEY)), (coins(0), 0));
    assert_eq!(start_all(&mut schedule, at(1)), ["0", "1"]);
}

#[test]
fn what_the_ledger_does_not_allow_waits_for_the_end_of_a_row_and_pauses_without_one() {
    let mut schedule = proven(3, Limits { max_cost: Some(coins(9)), ..Limits::default() });
    start(&mut schedule, at(0)).unwrap();
    assert_eq!(wait(&mut schedule, at(1)).unwrap().0, "1");
    schedule.on(at(1), Event::TooExpensive { item: "1".into() });
    assert_eq!(waiting(&schedule, at(1)).1, Waiting::Money);
    end(&mut schedule, at(2), "0", Some(coins(2)));
    assert_eq!(wait(&mut schedule, at(2)).unwrap().0, "1");
    schedule.on(at(3), Event::TooExpensive { item: "1".into() });
    assert_eq!(paused(&schedule, at(3)), "paused: 2 of 9 spent, and the next row may cost 2");
}

#[test]
fn a_row_does_not_wait_for_slots_that_submits_of_unknown_outcome_hold() {
    let mut schedule = proven(3, Limits::default());
    start(&mut schedule, at(0)).unwrap();
    schedule.on(at(1), Event::Unknown { item: "0".into() });
    assert_eq!(wait(&mut schedule, at(1)).unwrap().0, "1");
    assert_eq!(waiting(&schedule, at(1)).1, Waiting::Slots);
    schedule.on(at(2), Event::Stuck { key: "main".into() });
    assert_eq!(waiting(&schedule, at(2)).1, Waiting::Unknown);
    schedule.on(at(3), Event::Withdrawn { item: "1".into() });
    assert_eq!(waiting(&schedule, at(3)).1, Waiting::Unknown, "it does not start again");
    schedule.on(at(4), Event::Absent { item: "0".into() });
    assert_eq!(wait(&mut schedule, at(4)).unwrap().0, "0", "it is resolved");
}
