//! The order of starts.

use super::*;

#[test]
fn higher_priorities_start_first_and_equal_ones_in_their_order() {
    let mut schedule = Schedule::new([KEY], Limits { slots: Some(9), ..Limits::default() });
    schedule.history("app", [None]);
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
    assert_eq!(start_all(&mut schedule, at(0)), ["0", "other"]);
    assert_eq!(waiting(&schedule, at(1)), (None, Waiting::Canary));
    // A failure proves nothing: the next row runs alone too.
    fail(&mut schedule, at(1), "0", Fault::Row, "node 9");
    assert_eq!(start_all(&mut schedule, at(1)), ["1"]);
    end(&mut schedule, at(2), "1", None);
    assert_eq!(start_all(&mut schedule, at(2)), ["2"]);
}

#[test]
fn a_first_row_of_unknown_outcome_does_not_block_the_others() {
    let mut schedule = schedule(2, Limits::default());
    let first = start(&mut schedule, at(0)).unwrap();
    schedule.on(at(1), Event::Unknown { item: first });
    assert_eq!(start(&mut schedule, at(1)), Some("1".into()));
}
