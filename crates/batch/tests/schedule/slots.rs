//! How many tasks a key may run.

use super::*;

fn refuse(schedule: &mut Schedule, now: Duration, item: ItemId) {
    schedule.on(now, Event::Refused { item, fault: Fault::Capacity, class: "421".into() });
}

#[test]
fn nothing_starts_before_the_slots_are_counted() {
    let mut schedule = schedule(2, Limits::default());
    assert_eq!(waiting(&schedule, at(0)).1, Waiting::Counts);
    assert_eq!(schedule.counts_due(at(5), KEY), Some(at(0)));
    counts(&mut schedule, at(5), 3, 3);
    assert_eq!(waiting(&schedule, at(5)).1, Waiting::Slots);
    assert_eq!(schedule.counts_due(at(5), KEY), Some(at(20)), "every 15 s while a row waits");
}

#[test]
fn slots_of_others_are_left_to_them() {
    let mut schedule = proven(9, Limits { slots: 5, ..Limits::default() });
    counts(&mut schedule, at(0), 6, 2);
    assert_eq!(start_all(&mut schedule, at(0)).len(), 4, "6 less 2");
    counts(&mut schedule, at(1), 20, 2);
    assert_eq!(start_all(&mut schedule, at(1)).len(), 1, "no more than 5");
    counts(&mut schedule, at(2), 3, 0);
    let slots = schedule.slots(KEY).unwrap();
    assert_eq!((slots.used, slots.most, slots.foreign), (5, Some(3), Some(0)));
}

#[test]
fn a_refusal_does_not_make_slots_of_others_free() {
    let mut schedule = proven(9, Limits::default());
    for _ in 0..3 {
        start(&mut schedule, at(0)).unwrap();
    }
    counts(&mut schedule, at(1), 3, 2);
    refuse(&mut schedule, at(1), "0".into());
    end(&mut schedule, at(2), "1", None);
    assert_eq!(waiting(&schedule, at(60)).1, Waiting::Slots, "one of ours and two of others");
}

#[test]
fn the_slots_are_counted_again_when_a_task_has_ended() {
    let mut schedule = proven(9, Limits::default());
    start_all(&mut schedule, at(0));
    end(&mut schedule, at(7), "0", None);
    assert_eq!(schedule.counts_due(at(7), KEY), Some(at(7)));
    assert_eq!(start_all(&mut schedule, at(7)).len(), 1, "without others the slot is still there");
}

#[test]
fn starts_on_a_shared_key_wait_briefly_for_fresh_counts() {
    let mut schedule = proven(9, Limits::default());
    counts(&mut schedule, at(0), 3, 1);
    start_all(&mut schedule, at(0));
    end(&mut schedule, at(7), "0", None);
    assert_eq!(waiting(&schedule, at(7)), (Some(at(9)), Waiting::Counts));
    assert_eq!(start(&mut schedule, at(9)), Some("2".into()));
}

#[test]
fn counts_that_contradict_refusals_are_requested_less_often() {
    let mut schedule = proven(1, Limits::default());
    let mut now = at(0);
    let mut pauses = Vec::new();
    for _ in 0..6 {
        let item = start(&mut schedule, now).unwrap();
        refuse(&mut schedule, now, item);
        let due = schedule.counts_due(now, KEY).unwrap();
        pauses.push(due.saturating_sub(now).as_secs());
        now = due;
        counts(&mut schedule, now, 3, 0);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 15, 15]);
}

#[test]
fn without_counts_one_slot_more_is_tried_at_a_time() {
    let mut schedule = proven(9, Limits { slots: 5, ..Limits::default() });
    schedule.on(at(0), Event::NoCounts { key: KEY.into() });
    let first = start(&mut schedule, at(0)).unwrap();
    assert_eq!(waiting(&schedule, at(0)).1, Waiting::Slots, "its answer comes first");
    schedule.on(at(0), Event::Accepted { item: first });
    let second = start(&mut schedule, at(0)).unwrap();
    schedule.on(at(0), Event::Accepted { item: second });
    let third = start(&mut schedule, at(0)).unwrap();
    refuse(&mut schedule, at(0), third);
    assert_eq!(waiting(&schedule, at(1)), (Some(at(60)), Waiting::Slots));
    end(&mut schedule, at(30), "0", None);
    assert_eq!(start_all(&mut schedule, at(30)).len(), 1, "two are known to be free");
    assert_eq!(start_all(&mut schedule, at(60)).len(), 1, "one more is tried");
    assert_eq!(waiting(&schedule, at(60)), (Some(at(120)), Waiting::Slots));
}

#[test]
fn without_counts_a_full_key_is_tried_each_minute() {
    let mut schedule = proven(1, Limits::default());
    schedule.on(at(0), Event::NoCounts { key: KEY.into() });
    for minute in 0..3 {
        let item = start(&mut schedule, at(60 * minute)).unwrap();
        refuse(&mut schedule, at(60 * minute), item);
        assert_eq!(waiting(&schedule, at(60 * minute)), (Some(at(60 * (minute + 1))), Waiting::Slots));
    }
}
