//! Conditions that pause a batch.

use super::*;

#[test]
fn five_equal_failures_in_a_row_pause_the_batch() {
    let mut schedule = proven(20, Limits { slots: Some(20), ..Limits::default() });
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
    assert_eq!(paused(&schedule, at(200)), "paused: 5 consecutive rows failed in the same way: a");
    schedule.on(at(200), Event::Resume);
    assert_eq!(start(&mut schedule, at(200)), Some("more".into()));
}

#[test]
fn failures_pause_the_batch_by_their_number_or_their_share() {
    for (limit, most) in
        [(MaxFailures::Count(3), 3), (MaxFailures::Percent(20), 4), (MaxFailures::Percent(1), 1)]
    {
        let limits =
            Limits { slots: Some(1), max_failures: Some(limit), max_alike: None, ..Limits::default() };
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
    assert_eq!(paused(&schedule, at(60)), "paused: the time for starting rows has passed");
    end(&mut schedule, at(61), "1", None);
    assert_eq!(schedule.tally().done, 2);
}

#[test]
fn a_paused_batch_starts_nothing_until_it_is_resumed() {
    let mut schedule = proven(2, Limits { slots: Some(1), ..Limits::default() });
    start_all(&mut schedule, at(0));
    schedule.on(at(1), Event::Pause);
    end(&mut schedule, at(2), "0", None);
    assert_eq!(paused(&schedule, at(3)), "paused");
    schedule.on(at(4), Event::Resume);
    assert_eq!(start_all(&mut schedule, at(4)), ["1"]);
    schedule.on(at(5), Event::Pause);
    assert_eq!(waiting(&schedule, at(5)), (None, Waiting::Running), "nothing is left to pause");
}
