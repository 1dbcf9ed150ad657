//! Tests that every ledger with slots and batches must pass.

use std::collections::{BTreeMap, BTreeSet};

use runninghub_core::{Amount, Cost};

use super::{intent, step};

use crate::{
    Ask, AttemptId, Claim, Class, ErrorKind, Escrow, Filter, Intent, ItemRef, Ledger, Measure, Pool, SlotFor,
    Slots, Spending, State, Step, Ticket,
};

/// Generates a module of tests for a ledger that keeps slots and batches, as
/// [`ledger_conformance!`](crate::ledger_conformance) does.
#[macro_export]
macro_rules! slots_conformance {
    ($name:ident, $make:expr) => {
        $crate::ledger_conformance!(@ $name, $make,
            no_more_slots_are_held_than_allowed,
            a_slot_is_free_when_its_submit_is_over_and_not_before,
            a_refused_submit_gets_a_slot_again,
            who_asks_first_goes_first_and_who_leaves_holds_up_no_other,
            single_runs_go_first_and_batches_keep_one_slot_in_four,
            keys_and_places_have_their_own_slots,
            what_is_known_of_the_number_of_slots_is_shared,
            money_is_set_aside_with_the_slot_and_never_more_than_a_batch_may_cost,
            random_claims_break_no_rule
        );
    };
}

/// Generates a module of tests for a ledger that keeps slots and that several processes share, as
/// [`shared_ledger_conformance!`](crate::shared_ledger_conformance) does.
#[macro_export]
macro_rules! shared_slots_conformance {
    ($name:ident, $make:expr) => {
        mod $name {
            use super::*;

            #[tokio::test]
            async fn a_dead_process_keeps_its_slots_and_leaves_the_line() {
                let (_guard, open) = $make;
                $crate::conformance::a_dead_process_keeps_its_slots_and_leaves_the_line(open).await;
            }
        }
    };
}

fn pool() -> Pool {
    Pool::of(&intent("w", "k"))
}

/// Without a secret, which only one submit may have.
fn plain() -> Intent {
    Intent { secret: None, ..intent("w", "k") }
}

fn new() -> SlotFor {
    SlotFor::New(plain().into())
}

async fn ask(ledger: &dyn Ledger, ticket: Option<Ticket>, class: Class, allowed: u32) -> Claim {
    ledger.claim(&pool(), Ask::new(ticket, class, allowed), new()).await.expect("claimed")
}

async fn taken(ledger: &dyn Ledger, ticket: Option<Ticket>, allowed: u32) -> AttemptId {
    match ask(ledger, ticket, Class::Single, allowed).await {
        Claim::Taken { attempt, .. } => attempt,
        other => panic!("no slot: {other:?}"),
    }
}

async fn waits(ledger: &dyn Ledger, ticket: Option<Ticket>, allowed: u32) -> Ticket {
    match ask(ledger, ticket, Class::Single, allowed).await {
        Claim::Wait(ticket) => ticket,
        other => panic!("it should wait: {other:?}"),
    }
}

async fn slots(ledger: &dyn Ledger, ticket: Option<Ticket>) -> Slots {
    ledger.slots(&pool(), ticket).await.expect("read").expect("slots are kept")
}

async fn held(ledger: &dyn Ledger) -> Vec<(u32, AttemptId)> {
    slots(ledger, None).await.held.into_iter().map(|held| (held.slot, held.attempt)).collect()
}

/// A claim records a submit, with the smallest free slot, and gives no slot beyond the number that is allowed.
pub async fn no_more_slots_are_held_than_allowed(ledger: &dyn Ledger) {
    let empty = slots(ledger, None).await;
    assert_eq!((empty.held.len(), empty.others, empty.is_next, empty.measure), (0, 0, true, None));
    let (first, second) = (taken(ledger, None, 2).await, taken(ledger, None, 2).await);
    let entry = ledger.entry(Filter::all().attempt(first.as_str())).await.expect("found");
    assert_eq!((entry.state, entry.intent), (State::Submitting, plain()));
    let ticket = waits(ledger, None, 2).await;
    assert_eq!(waits(ledger, Some(ticket), 2).await, ticket, "it keeps its place");
    assert_eq!(held(ledger).await, [(0, first.clone()), (1, second.clone())]);
    let seen = slots(ledger, Some(ticket)).await;
    assert!(seen.is_next && seen.others == 0 && !slots(ledger, None).await.is_next);
    ledger.advance(&first, Step::Refused { note: "no".into() }).await.expect("refused");
    let third = taken(ledger, Some(ticket), 2).await;
    assert_eq!(held(ledger).await, [(0, third), (1, second)]);
    assert_eq!(ledger.entries(Filter::all()).await.expect("read").len(), 3, "who waits has no entry");
}

/// A slot is held as long as the task of its submit may be running.
pub async fn a_slot_is_free_when_its_submit_is_over_and_not_before(ledger: &dyn Ledger) {
    for (number, to) in State::ALL.into_iter().enumerate() {
        let attempt = taken(ledger, None, 1).await;
        let task = format!("3{number:018}").as_str().into();
        for state in super::way(to).into_iter().skip(1) {
            // A submit that waits gets its slot by another claim.
            if state == State::Submitting {
                continue;
            }
            ledger.advance(&attempt, step(state, &task)).await.expect("a way of the table");
            let is_held = held(ledger).await == [(0, attempt.clone())];
            let was_freed = super::way(to).iter().take_while(|one| **one != state).any(|one| !one.has_slot());
            assert_eq!(is_held, state.has_slot() && !was_freed, "{to}: {state}");
        }
        let now = slots(ledger, None).await.held;
        if let Some(held) = now.first() {
            assert_eq!(held.state, to);
            assert!(held.since_ms > 1_700_000_000_000);
            assert_eq!(held.task.is_some(), to == State::Accepted);
            let end = if to == State::Accepted { State::Done } else { State::Refused };
            if to == State::Unknown {
                ledger.advance(&attempt, step(State::Absent, &task)).await.expect("resolved");
            } else {
                ledger.advance(&attempt, step(end, &task)).await.expect("over");
            }
        }
        assert_eq!(held(ledger).await, [], "{to}");
    }
}

/// A submit that was refused for lack of a slot gives its slot back and gets one again, but not two.
pub async fn a_refused_submit_gets_a_slot_again(ledger: &dyn Ledger) {
    let attempt = taken(ledger, None, 1).await;
    ledger.advance(&attempt, Step::Waiting { note: "full".into() }).await.expect("waits");
    assert_eq!(held(ledger).await, []);
    let again = async |ticket, allowed| {
        ledger.claim(&pool(), Ask::new(ticket, Class::Single, allowed), SlotFor::Again(attempt.clone())).await
    };
    let Ok(Claim::Wait(ticket)) = again(None, 0).await else { panic!("nothing is allowed") };
    assert_eq!(super::state(ledger, &attempt).await, State::Waiting);
    let claim = again(Some(ticket), 1).await.expect("claimed");
    assert_eq!(claim, Claim::Taken { attempt: attempt.clone(), slot: 0, ticket });
    assert_eq!(super::state(ledger, &attempt).await, State::Submitting);
    let error = again(None, 9).await.expect_err("it is being sent");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(held(ledger).await, [(0, attempt.clone())]);
    ledger.advance(&attempt, step(State::Accepted, &"7".into())).await.expect("accepted");
    let error = again(None, 9).await.expect_err("it has a task");
    assert_eq!(error.kind(), ErrorKind::Edge { from: State::Accepted, to: State::Submitting });
    assert_eq!(slots(ledger, None).await.others, 0, "who is refused isn't in the queue");
}

/// The order of the queue, and leaving it.
pub async fn who_asks_first_goes_first_and_who_leaves_holds_up_no_other(ledger: &dyn Ledger) {
    let first = waits(ledger, None, 0).await;
    let second = waits(ledger, None, 0).await;
    let third = waits(ledger, None, 0).await;
    assert_eq!(slots(ledger, Some(third)).await.others, 2);
    assert_eq!(waits(ledger, Some(second), 9).await, second, "it is the turn of the first");
    let last = waits(ledger, None, 9).await;
    ledger.leave(&pool(), first).await.expect("left");
    ledger.leave(&pool(), first).await.expect("it had left");
    assert!(slots(ledger, Some(second)).await.is_next);
    for ticket in [second, third, last] {
        taken(ledger, Some(ticket), 9).await;
    }
    assert_eq!(slots(ledger, None).await.others, 0);
    // A waiter that had left may come back.
    taken(ledger, Some(first), 9).await;
}

/// Single runs are in a class above batches, which don't starve.
pub async fn single_runs_go_first_and_batches_keep_one_slot_in_four(ledger: &dyn Ledger) {
    let Claim::Wait(batch) = ask(ledger, None, Class::Batch, 0).await else { panic!("nothing is allowed") };
    let mut order = Vec::new();
    for _ in 0..2 {
        let mut singles = Vec::new();
        for _ in 0..4 {
            singles.push(waits(ledger, None, 0).await);
        }
        while slots(ledger, Some(batch)).await.others > 0 {
            // The batch wants the next slot at once.
            ask(ledger, Some(batch), Class::Batch, 0).await;
            if slots(ledger, Some(batch)).await.is_next {
                let claim = ask(ledger, Some(batch), Class::Batch, 99).await;
                assert!(matches!(claim, Claim::Taken { ticket, .. } if ticket == batch), "{claim:?}");
                order.push(Class::Batch);
            } else {
                taken(ledger, Some(singles.remove(0)), 99).await;
                order.push(Class::Single);
            }
        }
    }
    let turns: String = order.iter().map(|class| if *class == Class::Batch { 'b' } else { 's' }).collect();
    assert_eq!(turns, "sssbsssbss");
    // A resting batch sees whether another wants the next slot, like one that isn't in the queue.
    assert!(slots(ledger, Some(batch)).await.is_next);
    let single = waits(ledger, None, 0).await;
    assert!(!slots(ledger, Some(batch)).await.is_next);
    ledger.leave(&pool(), single).await.expect("left");
}

/// Neither another key nor another place takes a slot.
pub async fn keys_and_places_have_their_own_slots(ledger: &dyn Ledger) {
    taken(ledger, None, 1).await;
    for other in [Pool::new(pool().url, "another key"), Pool::new("https://elsewhere", "k")] {
        let claim = ledger.claim(&other, Ask::new(None, Class::Single, 1), new()).await.expect("claimed");
        assert!(matches!(claim, Claim::Taken { slot: 0, .. }), "{claim:?}");
        assert_eq!(ledger.slots(&other, None).await.expect("read").expect("kept").held.len(), 1);
    }
    assert_eq!(held(ledger).await.len(), 1);
}

/// A measure is stored, and a shared one is due again as soon as a task has ended. A refusal makes none due.
pub async fn what_is_known_of_the_number_of_slots_is_shared(ledger: &dyn Ledger) {
    let later = u64::MAX / 4;
    let measure = Measure { limit: Some(3), most: Some(2), shared: false, due_ms: later, probe_ms: later };
    ledger.measured(&pool(), measure).await.expect("kept");
    assert_eq!(slots(ledger, None).await.measure, Some(measure));
    for (shared, to) in
        [(false, State::Done), (true, State::Done), (true, State::Refused), (true, State::Waiting)]
    {
        let attempt = taken(ledger, None, 1).await;
        ledger.measured(&pool(), Measure { shared, ..measure }).await.expect("kept");
        let task = format!("7{shared}").as_str().into();
        for state in super::way(to).into_iter().skip(1) {
            ledger.advance(&attempt, step(state, &task)).await.expect("a way of the table");
        }
        let due_ms = if shared && to == State::Done { 0 } else { later };
        assert_eq!(slots(ledger, None).await.measure, Some(Measure { shared, due_ms, ..measure }), "{to}");
    }
}

/// The money of a batch: the amount spent, and the amount set aside for unfinished submits.
pub async fn money_is_set_aside_with_the_slot_and_never_more_than_a_batch_may_cost(ledger: &dyn Ledger) {
    let ids = ["a", "b", "c", "d"];
    ledger.open_batch(super::batch("cats")).await.expect("opened");
    ledger.freeze("cats", ids.map(|id| super::item(id, id)).to_vec()).await.expect("frozen");
    let claim = async |id: &str, reserve: Option<u64>, max: u64| {
        let intent = Intent { item: Some(Box::new(ItemRef::new("cats", id))), ..plain() };
        let escrow = Escrow::new(reserve.map(Amount::whole), Amount::whole(max));
        let ask = Ask::new(None, Class::Single, 9).escrow(Some(escrow));
        ledger.claim(&pool(), ask, SlotFor::New(intent.into())).await.expect("claimed")
    };
    let spending = async |spent, reserved| {
        let found = ledger.spending("cats").await.expect("read");
        assert_eq!(found, Spending::new(Amount::whole(spent), Amount::whole(reserved)));
        found
    };
    let taken = |claim| match claim {
        Claim::Taken { attempt, .. } => attempt,
        other => panic!("no slot: {other:?}"),
    };
    assert_eq!(ledger.spending("dogs").await.expect_err("there is none").kind(), ErrorKind::NotFound);
    let first = taken(claim("a", Some(4), 10).await);
    let second = taken(claim("b", None, 10).await);
    let all = spending(0, 10).await;
    assert_eq!(claim("c", Some(1), 10).await, Claim::TooExpensive(all));
    assert_eq!(claim("c", None, 10).await, Claim::TooExpensive(all));
    assert_eq!(slots(ledger, None).await.others, 0, "what is too expensive doesn't wait");
    taken(claim("c", Some(0), 10).await);
    let cost = |coins: &str| Some(Cost { coins: Some(coins.to_owned()), ..Cost::default() });
    ledger.advance(&first, step(State::Accepted, &"1".into())).await.expect("accepted");
    spending(0, 10).await;
    ledger.advance(&first, Step::Done { cost: cost("3") }).await.expect("over");
    spending(3, 6).await;
    ledger.advance(&second, Step::Refused { note: "no".into() }).await.expect("refused");
    spending(3, 0).await;
    // An unreported cost counts as the amount set aside, if that was known.
    let fourth = taken(claim("d", Some(5), 10).await);
    ledger.advance(&fourth, step(State::Accepted, &"4".into())).await.expect("accepted");
    ledger.advance(&fourth, Step::Failed { cost: None, note: None }).await.expect("over");
    spending(8, 0).await;
    let blind = taken(claim("b", None, 10).await);
    spending(8, 2).await;
    ledger.advance(&blind, Step::Unknown { note: "lost".into() }).await.expect("unknown");
    spending(8, 2).await;
    ledger.advance(&blind, step(State::Accepted, &"2".into())).await.expect("found");
    ledger.advance(&blind, Step::Gone).await.expect("gone");
    spending(8, 0).await;
    // Another version of an item refunds nothing.
    ledger.freeze("cats", vec![super::item("a", "changed")]).await.expect("frozen");
    spending(8, 0).await;
    assert!(matches!(claim("a", Some(3), 10).await, Claim::TooExpensive(_)));
}

/// After the end of a process its submits keep their slots, and its waiters don't block others.
pub async fn a_dead_process_keeps_its_slots_and_leaves_the_line<L: Ledger>(open: impl Fn() -> L) {
    let (living, dying) = (open(), open());
    let sent = taken(&dying, None, 3).await;
    let accepted = taken(&dying, None, 3).await;
    let task = "7".into();
    dying.advance(&accepted, step(State::Accepted, &task)).await.expect("accepted");
    let waiter = waits(&dying, None, 2).await;
    let mine = waits(&living, None, 2).await;
    assert!(!slots(&living, Some(mine)).await.is_next && slots(&dying, Some(waiter)).await.is_next);
    drop(dying);
    let seen = slots(&living, Some(mine)).await;
    assert!(seen.is_next && seen.others == 0);
    assert!(seen.held.iter().all(|held| held.is_left));
    let states: Vec<_> = seen.held.iter().map(|held| (held.attempt.clone(), held.state)).collect();
    assert_eq!(states, [(sent.clone(), State::Unknown), (accepted.clone(), State::Accepted)]);
    assert_eq!(waits(&living, Some(mine), 2).await, mine, "both may have a task");
    living.advance(&accepted, step(State::Done, &task)).await.expect("over");
    let next = taken(&living, Some(mine), 2).await;
    let last = waits(&living, None, 2).await;
    living.advance(&sent, Step::Absent { note: "I looked".into() }).await.expect("resolved");
    assert_eq!(held(&living).await, [(1, next)]);
    taken(&living, Some(last), 2).await;
}

/// For any order of claims, ends and departures: never too many slots, never two submits in one, and no waiter is
/// passed over.
pub async fn random_claims_break_no_rule(ledger: &dyn Ledger) {
    use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

    let steps = proptest::collection::vec((0..5_u8, 0..100_usize, 0..5_u32), 250);
    let steps = steps.new_tree(&mut TestRunner::deterministic()).expect("steps").current();
    let (mut waiting, mut running) = (BTreeSet::<Ticket>::new(), BTreeMap::<String, u32>::new());
    let claimed =
        |waiting: &mut BTreeSet<Ticket>, ticket, allowed: u32, running: &mut BTreeMap<String, u32>, claim| {
            match claim {
                Claim::Taken { attempt, slot, .. } => {
                    assert!(running.len() < allowed as usize, "{} of {allowed}", running.len());
                    assert!(ticket == waiting.first().copied() || waiting.is_empty(), "passed over");
                    waiting.pop_first();
                    assert!(running.values().all(|taken| *taken != slot), "two in slot {slot}");
                    running.insert(attempt.to_string(), slot);
                }
                Claim::Wait(ticket) => {
                    let is_first = waiting.first().is_none_or(|first| *first == ticket);
                    assert!(running.len() >= allowed as usize || !is_first, "a free slot isn't given");
                    waiting.insert(ticket);
                }
                Claim::NotKept | Claim::TooExpensive(_) => {
                    panic!("slots are kept, and no money is set aside")
                }
            }
        };
    for (what, which, allowed) in steps {
        match what {
            0 => {
                let claim = ask(ledger, None, Class::Single, allowed).await;
                claimed(&mut waiting, None, allowed, &mut running, claim);
            }
            1 | 2 if !waiting.is_empty() => {
                // The first in the queue makes more requests.
                let which = if what == 1 { 0 } else { which % waiting.len() };
                let ticket = waiting.iter().nth(which).copied();
                let claim = ask(ledger, ticket, Class::Single, allowed).await;
                claimed(&mut waiting, ticket, allowed, &mut running, claim);
            }
            3 if !running.is_empty() => {
                let attempt = running.keys().nth(which % running.len()).expect("one of them").clone();
                running.remove(&attempt);
                let refused = Step::Refused { note: "over".into() };
                ledger.advance(&attempt.as_str().into(), refused).await.expect("over");
            }
            4 if which % 4 == 0 && !waiting.is_empty() => {
                let ticket = waiting.iter().nth(which % waiting.len()).copied().expect("one of them");
                waiting.remove(&ticket);
                ledger.leave(&pool(), ticket).await.expect("left");
            }
            _ => {}
        }
        let seen = slots(ledger, waiting.first().copied()).await;
        assert!(seen.is_next, "the first in the queue has the next slot");
        assert_eq!(seen.others as usize, waiting.len().saturating_sub(1), "no ticket is lost");
        let now: BTreeMap<_, _> =
            seen.held.into_iter().map(|held| (held.attempt.to_string(), held.slot)).collect();
        assert_eq!(now, running);
    }
}
