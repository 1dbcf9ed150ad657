//! The reserves, and when they stop further rows.

use super::*;

fn limits(max: u64) -> Limits {
    Limits { slots: Some(9), max_cost: Some(coins(max)), ..Limits::default() }
}

#[test]
fn nothing_starts_that_could_cost_more_than_is_left() {
    let mut schedule = proven(9, Limits { spent: coins(1), ..limits(8) });
    assert_eq!(start_all(&mut schedule, at(0)), ["0", "1", "2"], "1 + 3 × 2 of 8");
    assert_eq!(waiting(&schedule, at(0)), (None, Waiting::Money));
    end(&mut schedule, at(1), "0", Some(coins(1)));
    assert_eq!(start_all(&mut schedule, at(1)), ["3"]);
    for row in ["1", "2", "3"] {
        end(&mut schedule, at(2), row, Some(coins(2)));
    }
    assert_eq!(paused(&schedule, at(2)), "paused: 8 of 8 spent, and the next row may cost 2");
}

#[test]
fn a_known_price_is_set_aside_to_the_letter() {
    let mut schedule = Schedule::new([KEY], limits(10));
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
    assert_eq!(start_all(&mut schedule, at(0)), ["0"]);
    assert_eq!(schedule.tally().reserved, coins(20));
    end(&mut schedule, at(1), "0", Some(coins(4)));
    assert_eq!(start_all(&mut schedule, at(1)), ["1", "2"], "4 + 2 × 6 of 20");
    assert_eq!(schedule.tally().reserved, coins(12));
}

#[test]
fn a_limit_that_cannot_be_kept_pauses_the_batch() {
    let mut schedule = schedule(3, limits(20));
    start_all(&mut schedule, at(0));
    end(&mut schedule, at(1), "0", None);
    assert_eq!(
        paused(&schedule, at(1)),
        "paused: the platform doesn't report what a row costs, so the cost limit can't be enforced"
    );
    schedule.on(at(2), Event::Resume);
    assert!(start(&mut schedule, at(2)).is_some());
}

#[test]
fn money_that_unknown_rows_hold_is_named() {
    let mut schedule = proven(2, limits(3));
    let item = start(&mut schedule, at(0)).unwrap();
    schedule.on(at(0), Event::Unknown { item });
    assert_eq!(paused(&schedule, at(0)), "paused: 0 of 3 spent, 2 reserved, and the next row may cost 2");
}
