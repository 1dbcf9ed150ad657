//! The effects of whose fault a failure is.

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
    let mut schedule = Schedule::new([KEY, "second"], Limits { slots: Some(1), ..Limits::default() });
    schedule.history("app", [None]);
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
fn an_unknown_row_holds_its_slot_and_its_reserve_until_it_is_resolved() {
    let mut schedule = proven(4, Limits { slots: Some(2), ..Limits::default() });
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

#[test]
fn a_service_that_cannot_be_reached_rests_longer_each_time_and_no_row_fails() {
    let mut schedule = proven(1, Limits { max_failures: Some(MaxFailures::Count(1)), ..Limits::default() });
    let (mut now, mut rests) = (at(0), Vec::new());
    for _ in 0..6 {
        let item = start(&mut schedule, now).unwrap();
        schedule.on(now, Event::Unreachable { item });
        let (until, why) = waiting(&schedule, now);
        assert_eq!(why, Waiting::Service);
        rests.push(until.unwrap().saturating_sub(now).as_secs());
        now = until.unwrap();
    }
    assert_eq!(rests, [5, 10, 20, 40, 60, 60]);
    let item = start(&mut schedule, now).unwrap();
    schedule.on(now, Event::Accepted { item: item.clone() });
    fail(&mut schedule, now, "0", Fault::Platform, "1005");
    assert_eq!(start(&mut schedule, now), Some("0".into()), "it was reached");
    schedule.on(now, Event::Unreachable { item });
    assert_eq!(waiting(&schedule, now).0, Some(now + at(5)));
}
