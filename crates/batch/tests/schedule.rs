//! The rules by which rows start, one at a time.

use std::{sync::Arc, time::Duration};

use runninghub_batch::{
    Amount, Class, Decision, Event, Fault, ItemId, Limits, MaxFailures, Paused, Schedule, Standing, Turns,
    Waiting, Work,
};

const KEY: &str = "main";

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn coins(coins: u64) -> Amount {
    Amount::whole(coins)
}

/// The next second: the rate of submits doesn't matter in most tests.
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

/// The same with a history, so that no row runs alone, and with three slots counted.
fn proven(rows: usize, limits: Limits) -> Schedule {
    let mut schedule = schedule(rows, limits);
    schedule.history("app", [Some(coins(2)); 10]);
    counts(&mut schedule, at(0), 3, 0);
    schedule
}

fn counts(schedule: &mut Schedule, now: Duration, limit: u32, foreign: u32) {
    schedule.on(now, Event::Counts { key: KEY.into(), limit, foreign });
}

/// The row that starts now, claimed.
fn start(schedule: &mut Schedule, now: Duration) -> Option<ItemId> {
    let Decision::Start { item, key, .. } = schedule.next(now) else { return None };
    schedule.on(now, Event::Claimed { item: item.clone(), key });
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

mod order {
    use super::*;

    #[test]
    fn higher_priorities_start_first_and_equal_ones_in_their_order() {
        let mut schedule = Schedule::new([KEY], Limits { slots: 9, ..Limits::default() });
        schedule.history("app", [None]);
        counts(&mut schedule, at(0), 9, 0);
        for (id, priority) in [("a", 0), ("b", 5), ("c", -1), ("d", 5), ("e", 0)] {
            schedule.add(Work { priority, ..Work::new(id, "app") });
        }
        assert_eq!(start_all(&mut schedule, at(0)), ["b", "d", "a", "e", "c"]);
    }

    #[test]
    fn a_schedule_is_done_when_every_row_is_over() {
        let mut schedule = proven(2, Limits::default());
        assert_eq!(start_all(&mut schedule, at(0)), ["0", "1"]);
        assert_eq!(waiting(&schedule, at(1)), (None, Waiting::Running));
        end(&mut schedule, at(2), "0", Some(coins(2)));
        fail(&mut schedule, at(2), "1", Fault::Row, "node 9");
        assert_eq!(schedule.next(at(2)), Decision::Done);
        let tally = schedule.tally();
        assert_eq!((tally.done, tally.failed, tally.ready, tally.spent), (1, 1, 0, coins(2)));
        schedule.on(at(3), Event::Added(Work::new("2", "app")));
        assert_eq!(start(&mut schedule, at(3)), Some("2".into()));
    }

    #[test]
    fn the_first_row_of_a_group_without_a_history_runs_alone() {
        let mut schedule = schedule(3, Limits::default());
        schedule.add(Work::new("other", "another app"));
        counts(&mut schedule, at(0), 9, 0);
        assert_eq!(start_all(&mut schedule, at(0)), ["0", "other"]);
        assert_eq!(waiting(&schedule, at(1)), (None, Waiting::Canary));
        // A failure proves nothing: the next row runs alone too.
        fail(&mut schedule, at(1), "0", Fault::Row, "node 9");
        assert_eq!(start_all(&mut schedule, at(1)), ["1"]);
        end(&mut schedule, at(2), "1", None);
        assert_eq!(start_all(&mut schedule, at(2)), ["2"]);
    }

    #[test]
    fn a_first_row_of_which_it_is_unknown_whether_it_runs_holds_up_no_other() {
        let mut schedule = schedule(2, Limits::default());
        counts(&mut schedule, at(0), 3, 0);
        let first = start(&mut schedule, at(0)).unwrap();
        schedule.on(at(1), Event::Unknown { item: first });
        assert_eq!(start(&mut schedule, at(1)), Some("1".into()));
    }
}

mod faults {
    use super::*;

    #[test]
    fn a_fault_of_the_platform_without_cost_is_retried_once() {
        let mut schedule = proven(1, Limits::default());
        start_all(&mut schedule, at(0));
        fail(&mut schedule, at(1), "0", Fault::Platform, "1005");
        assert_eq!(start_all(&mut schedule, at(1)), ["0"]);
        fail(&mut schedule, at(2), "0", Fault::Platform, "1005");
        assert_eq!((schedule.next(at(2)), schedule.tally().failed), (Decision::Done, 1));
    }

    #[test]
    fn a_fault_of_the_platform_that_cost_something_is_a_failure() {
        let mut schedule = proven(1, Limits::default());
        start_all(&mut schedule, at(0));
        let cost = Some(coins(1));
        let (item, class) = ("0".into(), "1005".into());
        schedule.on(at(1), Event::Failed { item, fault: Fault::Platform, class, cost });
        assert_eq!((schedule.next(at(1)), schedule.tally().spent), (Decision::Done, coins(1)));
    }

    #[test]
    fn a_fault_of_the_row_is_never_repeated() {
        let mut schedule = proven(2, Limits::default());
        start_all(&mut schedule, at(0));
        fail(&mut schedule, at(1), "0", Fault::Row, "node 9");
        let (item, class) = ("1".into(), "content".into());
        schedule.on(at(1), Event::Refused { item, fault: Fault::Row, class });
        let tally = schedule.tally();
        assert_eq!((schedule.next(at(1)), tally.failed, tally.refused), (Decision::Done, 1, 1));
    }

    #[test]
    fn a_fault_of_the_key_pauses_it_and_other_keys_go_on() {
        let mut schedule = Schedule::new([KEY, "second"], Limits { slots: 1, ..Limits::default() });
        schedule.history("app", [None]);
        for key in [KEY, "second"] {
            schedule.on(at(0), Event::Counts { key: key.into(), limit: 1, foreign: 0 });
        }
        schedule.add(Work::new("free", "app"));
        schedule.add(Work { key: Some(KEY.into()), ..Work::new("bound", "app") });
        schedule.add(Work { key: Some("third".into()), ..Work::new("of no key", "app") });
        let refuse = |schedule: &mut Schedule, item: &str| {
            let class = "no funds".into();
            schedule.on(at(1), Event::Refused { item: item.into(), fault: Fault::Key, class });
        };
        assert_eq!(start(&mut schedule, at(0)), Some("free".into()));
        refuse(&mut schedule, "free");
        assert_eq!(start_all(&mut schedule, at(1)), ["free"], "the second key pays");
        assert_eq!(paused(&schedule, at(1)), "paused: the key `main` can't pay");
        end(&mut schedule, at(2), "free", None);
        assert_eq!(paused(&schedule, at(2)), "paused: the key `main` can't pay");
        assert_eq!((schedule.tally().ready, schedule.tally().failed), (1, 0), "rows stay ready");
        schedule.on(at(3), Event::Resume);
        assert_eq!(start(&mut schedule, at(3)), Some("bound".into()));
    }

    #[test]
    fn a_lack_of_slots_is_not_counted_as_a_failure() {
        let mut schedule =
            proven(1, Limits { max_failures: Some(MaxFailures::Count(1)), ..Limits::default() });
        let item = start(&mut schedule, at(0)).unwrap();
        schedule.on(at(0), Event::Refused { item, fault: Fault::Capacity, class: "421".into() });
        assert_eq!(waiting(&schedule, at(0)).1, Waiting::Slots);
        counts(&mut schedule, at(1), 3, 0);
        assert_eq!(start(&mut schedule, at(1)), Some("0".into()));
    }

    #[test]
    fn an_unknown_row_holds_its_slot_and_its_reserve_until_it_is_resolved() {
        let mut schedule = proven(4, Limits { slots: 2, ..Limits::default() });
        for _ in 0..2 {
            let item = start(&mut schedule, at(0)).unwrap();
            schedule.on(at(0), Event::Unknown { item });
        }
        assert_eq!(waiting(&schedule, at(9)).1, Waiting::Unknown);
        assert_eq!((schedule.tally().unknown, schedule.tally().reserved), (2, coins(4)));
        schedule.on(at(9), Event::Absent { item: "0".into() });
        assert_eq!(schedule.tally().reserved, coins(2));
        assert_eq!(start_all(&mut schedule, at(9)), ["0"]);
        schedule.on(at(9), Event::Accepted { item: "1".into() });
        end(&mut schedule, at(9), "1", Some(coins(2)));
        assert_eq!(start_all(&mut schedule, at(9)), ["2"]);
    }

    #[test]
    fn a_task_that_turns_up_late_is_not_paid_again() {
        let mut schedule = proven(2, Limits::default());
        for _ in 0..2 {
            let item = start(&mut schedule, at(0)).unwrap();
            schedule.on(at(0), Event::Unknown { item: item.clone() });
            schedule.on(at(0), Event::Absent { item });
        }
        schedule.on(at(1), Event::Accepted { item: "0".into() });
        end(&mut schedule, at(1), "1", Some(coins(2)));
        assert_eq!(waiting(&schedule, at(1)), (None, Waiting::Running));
        end(&mut schedule, at(2), "0", Some(coins(2)));
        end(&mut schedule, at(2), "0", Some(coins(2)));
        assert_eq!((schedule.next(at(2)), schedule.tally().spent), (Decision::Done, coins(4)));
    }

    #[test]
    fn rows_from_an_earlier_run_hold_their_slots_from_the_beginning() {
        let mut schedule = proven(3, Limits::default());
        schedule.add(Work { standing: Standing::Running, ..Work::new("a", "app") });
        schedule.add(Work { standing: Standing::Unknown, ..Work::new("b", "app") });
        assert_eq!(start_all(&mut schedule, at(0)), ["0"]);
        assert_eq!(schedule.tally().reserved, coins(6));
        end(&mut schedule, at(1), "a", Some(coins(2)));
        assert_eq!(start_all(&mut schedule, at(1)), ["1"]);
    }
}

mod brakes {
    use super::*;

    #[test]
    fn five_equal_failures_in_a_row_pause_the_batch() {
        let mut schedule = proven(20, Limits { slots: 20, ..Limits::default() });
        counts(&mut schedule, at(0), 20, 0);
        let (mut next, mut now) = (0, at(0));
        let mut one = |schedule: &mut Schedule, class: &str| {
            let (item, now) = (next.to_string(), later(&mut now));
            next += 1;
            start_all(schedule, now);
            match class {
                "" => end(schedule, now, &item, None),
                class => fail(schedule, now, &item, Fault::Row, class),
            }
        };
        schedule.add(Work::new("last", "app"));
        for class in ["a", "a", "a", "a", "", "a", "a", "b", "a", "a", "a", "a"] {
            one(&mut schedule, class);
        }
        schedule.on(at(100), Event::Added(Work::new("added", "app")));
        assert_eq!(start(&mut schedule, at(100)), Some("added".into()));
        one(&mut schedule, "a");
        schedule.on(at(200), Event::Added(Work::new("more", "app")));
        assert_eq!(paused(&schedule, at(200)), "paused: 5 rows in a row failed in the same way: a");
        schedule.on(at(200), Event::Resume);
        assert_eq!(start(&mut schedule, at(200)), Some("more".into()));
    }

    #[test]
    fn failures_pause_the_batch_by_their_number_or_their_share() {
        for (limit, most) in
            [(MaxFailures::Count(3), 3), (MaxFailures::Percent(20), 4), (MaxFailures::Percent(1), 1)]
        {
            let limits = Limits { slots: 1, max_failures: Some(limit), max_alike: None, ..Limits::default() };
            let mut schedule = proven(20, limits);
            for row in 0..most {
                assert_eq!(start_all(&mut schedule, at(0)), [row.to_string()], "{limit:?}");
                fail(&mut schedule, at(0), &row.to_string(), Fault::Row, "a");
            }
            let rows = if most == 1 { "1 row".into() } else { format!("{most} rows") };
            assert_eq!(paused(&schedule, at(0)), format!("paused: {rows} failed"));
            schedule.on(at(0), Event::Resume);
            assert!(start(&mut schedule, at(0)).is_some(), "failures are counted anew");
        }
    }

    #[test]
    fn nothing_starts_after_the_time_is_over_and_running_rows_end() {
        let mut schedule = proven(4, Limits { until: Some(at(60)), ..Limits::default() });
        assert_eq!(start_all(&mut schedule, at(59)).len(), 3);
        assert_eq!(waiting(&schedule, at(59)), (Some(at(60)), Waiting::Slots));
        end(&mut schedule, at(60), "0", None);
        assert_eq!(paused(&schedule, at(60)), "paused: the time for starting rows is over");
        end(&mut schedule, at(61), "1", None);
        assert_eq!(schedule.tally().done, 2);
    }

    #[test]
    fn a_paused_batch_starts_nothing_until_it_is_resumed() {
        let mut schedule = proven(2, Limits { slots: 1, ..Limits::default() });
        start_all(&mut schedule, at(0));
        schedule.on(at(1), Event::Pause);
        end(&mut schedule, at(2), "0", None);
        assert_eq!(paused(&schedule, at(3)), "paused");
        schedule.on(at(4), Event::Resume);
        assert_eq!(start_all(&mut schedule, at(4)), ["1"]);
        schedule.on(at(5), Event::Pause);
        assert_eq!(waiting(&schedule, at(5)), (None, Waiting::Running), "nothing is left to pause");
    }
}

mod money {
    use super::*;

    fn limits(max: u64) -> Limits {
        Limits { slots: 9, max_cost: Some(coins(max)), ..Limits::default() }
    }

    #[test]
    fn nothing_starts_that_could_cost_more_than_is_left() {
        let mut schedule = proven(9, Limits { spent: coins(1), ..limits(8) });
        counts(&mut schedule, at(0), 9, 0);
        assert_eq!(start_all(&mut schedule, at(0)), ["0", "1", "2"], "1 + 3 × 2 of 8");
        assert_eq!(waiting(&schedule, at(0)), (None, Waiting::Money));
        end(&mut schedule, at(1), "0", Some(coins(1)));
        assert_eq!(start_all(&mut schedule, at(1)), ["3"]);
        for row in ["1", "2", "3"] {
            end(&mut schedule, at(2), row, Some(coins(2)));
        }
        assert_eq!(paused(&schedule, at(2)), "paused: 8 of 8 are spent, and the next row may cost 2");
    }

    #[test]
    fn a_known_price_is_set_aside_to_the_letter() {
        let mut schedule = Schedule::new([KEY], limits(10));
        counts(&mut schedule, at(0), 9, 0);
        schedule.history("model", [None]);
        for (id, price) in [("a", 6), ("b", 5), ("c", 4)] {
            schedule.add(Work { price: Some(coins(price)), ..Work::new(id, "model") });
        }
        assert_eq!(start_all(&mut schedule, at(0)), ["a"]);
        assert_eq!(schedule.tally().reserved, coins(6));
        end(&mut schedule, at(1), "a", None);
        assert_eq!(schedule.tally().spent, coins(6), "a cost that isn't said is what was set aside");
    }

    #[test]
    fn all_that_is_left_is_set_aside_for_the_first_row_and_then_one_and_a_half_of_its_cost() {
        let mut schedule = schedule(9, limits(20));
        counts(&mut schedule, at(0), 9, 0);
        assert_eq!(start_all(&mut schedule, at(0)), ["0"]);
        assert_eq!(schedule.tally().reserved, coins(20));
        end(&mut schedule, at(1), "0", Some(coins(4)));
        assert_eq!(start_all(&mut schedule, at(1)), ["1", "2"], "4 + 2 × 6 of 20");
        assert_eq!(schedule.tally().reserved, coins(12));
    }

    #[test]
    fn a_limit_that_cannot_be_kept_pauses_the_batch() {
        let mut schedule = schedule(3, limits(20));
        counts(&mut schedule, at(0), 9, 0);
        start_all(&mut schedule, at(0));
        end(&mut schedule, at(1), "0", None);
        assert_eq!(
            paused(&schedule, at(1)),
            "paused: the platform doesn't say what a row costs, so the limit of the cost can't be kept"
        );
        schedule.on(at(2), Event::Resume);
        assert!(start(&mut schedule, at(2)).is_some());
    }

    #[test]
    fn money_that_unknown_rows_hold_is_named() {
        let mut schedule = proven(2, limits(3));
        let item = start(&mut schedule, at(0)).unwrap();
        schedule.on(at(0), Event::Unknown { item });
        assert_eq!(
            paused(&schedule, at(0)),
            "paused: 0 of 3 are spent and 2 set aside, and the next row may cost 2"
        );
    }
}

mod slots {
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
    fn the_slots_are_counted_again_when_a_task_has_ended() {
        let mut schedule = proven(9, Limits::default());
        start_all(&mut schedule, at(0));
        end(&mut schedule, at(7), "0", None);
        assert_eq!(schedule.counts_due(at(7), KEY), Some(at(7)));
        assert_eq!(start_all(&mut schedule, at(7)).len(), 1, "without others the slot is still there");
    }

    #[test]
    fn where_others_were_seen_a_start_waits_for_the_counts_but_not_for_long() {
        let mut schedule = proven(9, Limits::default());
        counts(&mut schedule, at(0), 3, 1);
        start_all(&mut schedule, at(0));
        end(&mut schedule, at(7), "0", None);
        assert_eq!(waiting(&schedule, at(7)), (Some(at(9)), Waiting::Counts));
        assert_eq!(start(&mut schedule, at(9)), Some("2".into()));
    }

    #[test]
    fn counts_that_contradict_refusals_are_read_less_and_less_often() {
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
}

mod rates {
    use super::*;

    #[test]
    fn five_submits_a_second_are_sent_and_half_as_many_after_the_server_asked_for_fewer() {
        let mut schedule = proven(30, Limits { slots: 30, ..Limits::default() });
        counts(&mut schedule, at(0), 30, 0);
        assert_eq!(start_all(&mut schedule, at(0)).len(), 5);
        assert_eq!(waiting(&schedule, at(0)), (Some(at(1)), Waiting::Rate));
        let item = start(&mut schedule, at(1)).unwrap();
        schedule.on(at(1), Event::Refused { item, fault: Fault::Rate, class: "1003".into() });
        assert_eq!(start_all(&mut schedule, at(2)).len(), 2);
        assert_eq!(schedule.tally().failed, 0);
        assert_eq!(start_all(&mut schedule, at(61)).len(), 5);
        schedule.on(at(62), Event::Throttled { key: KEY.into() });
        assert_eq!(start_all(&mut schedule, at(62)).len(), 2);
    }
}

mod turns {
    use super::*;

    /// Takes turns, each waiter wanting the next slot at once, and returns who had them.
    fn take(turns: &mut Turns, count: usize) -> Vec<u64> {
        let mut taken = Vec::new();
        for _ in 0..count {
            let ticket = turns.next().unwrap();
            assert!(turns.claim(ticket));
            taken.push(ticket);
        }
        taken
    }

    #[test]
    fn batches_share_by_weight() {
        let mut turns = Turns::default();
        turns.want(1, Class::Batch, 1);
        turns.want(2, Class::Batch, 3);
        let taken = take(&mut turns, 40);
        assert_eq!(taken.iter().filter(|ticket| **ticket == 2).count(), 30);
    }

    #[test]
    fn single_runs_go_first_and_batches_keep_one_turn_in_four() {
        let mut turns = Turns::default();
        turns.want(1, Class::Batch, 1);
        turns.want(2, Class::Single, 1);
        assert_eq!(take(&mut turns, 8), [2, 2, 2, 1, 2, 2, 2, 1]);
        turns.rest(2);
        assert_eq!(take(&mut turns, 2), [1, 1]);
    }

    #[test]
    fn one_that_wants_nothing_holds_up_no_other_and_saves_up_one_turn_at_most() {
        let mut turns = Turns::default();
        turns.want(1, Class::Batch, 1);
        turns.want(2, Class::Batch, 1);
        turns.rest(1);
        assert_eq!(take(&mut turns, 5), [2; 5]);
        assert!(!turns.claim(1), "it isn't its turn");
        turns.want(1, Class::Batch, 1);
        let taken = take(&mut turns, 20).into_iter().filter(|ticket| *ticket == 1).count();
        assert!((10..=11).contains(&taken), "{taken}");
        turns.leave(1);
        turns.rest(2);
        assert_eq!(turns.next(), None);
    }

    #[test]
    fn turns_are_plain_data_for_a_ledger() {
        let mut turns = Turns::default();
        turns.want(1, Class::Single, 2);
        turns.claim(1);
        let text = serde_json::to_string(&turns).unwrap();
        assert_eq!(serde_json::from_str::<Turns>(&text).unwrap(), turns);
    }
}

#[test]
fn every_reason_has_its_words() {
    let keys = Paused::Keys(vec![Arc::from("a"), Arc::from("b")]);
    assert_eq!(keys.sentence().to_string(), "paused: the key `a`, `b` can't pay");
    assert_eq!(Paused::Failures(1).sentence().to_string(), "paused: 1 row failed");
    assert_eq!(Waiting::Canary.sentence().to_string(), "waiting for the first row, which runs alone");
}
