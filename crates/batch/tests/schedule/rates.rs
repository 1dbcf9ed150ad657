//! How many submits a second.

use super::*;

#[test]
fn five_submits_a_second_are_sent_and_half_as_many_after_the_server_asked_for_fewer() {
    let mut schedule = proven(30, Limits { slots: Some(30), ..Limits::default() });
    assert_eq!(start_all(&mut schedule, at(0)).len(), 5);
    assert_eq!(waiting(&schedule, at(0)), (Some(at(1)), Waiting::Rate));
    start(&mut schedule, at(1)).unwrap();
    schedule.on(at(1), Event::Throttled { key: KEY.into() });
    assert_eq!(start_all(&mut schedule, at(2)).len(), 2);
    assert_eq!(schedule.tally().failed, 0);
    assert_eq!(start_all(&mut schedule, at(61)).len(), 5);
    schedule.on(at(62), Event::Throttled { key: KEY.into() });
    assert_eq!(start_all(&mut schedule, at(62)).len(), 2);
}
