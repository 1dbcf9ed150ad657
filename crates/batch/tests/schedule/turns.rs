//! Whose turn it is on a shared key.

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
