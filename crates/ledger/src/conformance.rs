//! Tests that every ledger must pass, for the crate that implements one.
//!
//! [`ledger_conformance!`](crate::ledger_conformance) generates a module of tests from an expression that yields an
//! empty ledger, and a guard to keep alive with it. [`shared_ledger_conformance!`](crate::shared_ledger_conformance)
//! does the same for a ledger that several processes share. The tests run on tokio, which the crate needs with
//! `macros` and `rt`.
#![expect(clippy::missing_panics_doc, reason = "these are tests")]

mod batches;
mod slots;

use std::collections::VecDeque;

use runninghub_core::{Cost, Kind, Place, Site, TaskId};

use crate::{
    AttemptId, Delivery, Digest, EDGES, ErrorKind, Filter, Intent, Ledger, MOST_DELIVERIES, Once, State, Step,
};

pub use batches::*;
pub use slots::*;

/// Generates a module of tests for a ledger. The expression is evaluated for each test: `(guard, ledger)`.
///
/// ```
/// # use runninghub_ledger as ledger;
/// use ledger::MemoryLedger;
///
/// ledger::ledger_conformance!(memory, ((), MemoryLedger::new().expect("a ledger")));
/// ```
#[macro_export]
macro_rules! ledger_conformance {
    ($name:ident, $make:expr) => {
        $crate::ledger_conformance!(@ $name, $make,
            what_was_written_is_found,
            every_place_and_kind_comes_back,
            states_change_only_along_the_edge_table,
            a_task_belongs_to_one_submit,
            a_task_that_is_found_is_never_written_off,
            news_may_come_twice_and_late,
            the_newest_comes_first,
            where_results_are_is_kept,
            a_graph_is_kept_once,
            a_key_has_one_submit_that_may_have_created_a_task,
            a_request_to_cancel_is_kept,
            a_delivery_is_kept_until_it_is_forgotten,
            sqlite_behaves_like_the_model
        );
    };
    (@ $name:ident, $make:expr, $($test:ident),*) => {
        mod $name {
            use super::*;
            $(
                #[tokio::test]
                async fn $test() {
                    let (_guard, ledger) = $make;
                    $crate::conformance::$test(&ledger).await;
                }
            )*
        }
    };
}

/// Generates a module of tests for a ledger that several processes share. The expression is evaluated for each test:
/// `(guard, open)`, where `open()` returns another handle to the same store. Dropping a handle simulates the end of
/// its process.
#[macro_export]
macro_rules! shared_ledger_conformance {
    ($name:ident, $make:expr) => {
        mod $name {
            use super::*;

            #[tokio::test]
            async fn attempts_of_a_dead_process_are_recovered() {
                let (_guard, open) = $make;
                $crate::conformance::attempts_of_a_dead_process_are_recovered(open).await;
            }
        }
    };
}

/// A create of a workflow by a key.
pub fn intent(workflow: &str, key: &str) -> Intent {
    let place = Place::RunningHub { site: Site::Cn, base_url: Site::Cn.base_url().to_owned() };
    Intent::new(place, Kind::Workflow, key, Digest::of(workflow))
        .workflow(workflow)
        .target(format!("{workflow} by name"))
        .secret(Digest::of(format!("{workflow} {key}")))
        .label(format!("{workflow} at night"))
        .recipe(format!(r#"{{"set": {{"6.text": {{"text": "{workflow}"}}}}}}"#))
}

/// A step to a state.
pub fn step(to: State, task: &TaskId) -> Step {
    let note = format!("now {to}");
    let cost = Some(Cost { coins: Some("7".into()), seconds: Some("32".into()), ..Cost::default() });
    match to {
        State::Submitting => Step::Sending,
        State::Waiting => Step::Waiting { note },
        State::Refused => Step::Refused { note },
        State::Unknown => Step::Unknown { note },
        State::Absent => Step::Absent { note },
        State::Accepted => Step::Accepted { task: task.clone() },
        State::Done => Step::Done { cost },
        State::Failed => Step::Failed { cost, note: Some(note) },
        State::Cancelled => Step::Cancelled { cost },
        State::Gone => Step::Gone,
    }
}

/// The shortest path from the initial state to another.
fn way(to: State) -> Vec<State> {
    let mut ways = VecDeque::from([vec![State::Submitting]]);
    while let Some(way) = ways.pop_front() {
        let here = way.last().copied().unwrap_or(State::Submitting);
        if here == to {
            return way;
        }
        for (_, next) in EDGES.iter().filter(|(from, next)| *from == here && !way.contains(next)) {
            ways.push_back(way.iter().copied().chain([*next]).collect());
        }
    }
    panic!("no way leads to {to}");
}

async fn bring(ledger: &dyn Ledger, number: usize, to: State) -> (AttemptId, TaskId) {
    let task = TaskId::from(format!("2{number:018}"));
    let attempt = ledger.begin(intent(&format!("w{number}"), "k")).await.expect("written");
    for state in way(to).into_iter().skip(1) {
        ledger.advance(&attempt, step(state, &task)).await.expect("a way of the table");
    }
    (attempt, task)
}

async fn state(ledger: &dyn Ledger, attempt: &AttemptId) -> State {
    ledger.entry(Filter::all().attempt(attempt.as_str())).await.expect("found").state
}

/// Every written field is read back.
pub async fn what_was_written_is_found(ledger: &dyn Ledger) {
    let wanted = intent("1979026379880697857", "abcd");
    let attempt = ledger.begin(wanted.clone()).await.expect("written");
    let entry = ledger.entry(Filter::all()).await.expect("found");
    assert_eq!((&entry.attempt, &entry.intent, entry.state), (&attempt, &wanted, State::Submitting));
    assert!(entry.created_ms > 1_700_000_000_000 && entry.changed_ms == entry.created_ms);
    assert_eq!((entry.note, entry.task, entry.cost, entry.saved), (None, None, None, None));
    let task = TaskId::from("1904154698679771137");
    ledger.advance(&attempt, step(State::Accepted, &task)).await.expect("accepted");
    ledger.advance(&attempt, step(State::Failed, &task)).await.expect("failed");
    let entry = ledger.entry(Filter::all().task(&task)).await.expect("found");
    assert_eq!((entry.state, entry.task), (State::Failed, Some(task)));
    assert_eq!(entry.note.as_deref(), Some("now failed"));
    assert_eq!(entry.cost.and_then(|cost| cost.seconds).as_deref(), Some("32"));
    assert!(entry.changed_ms >= entry.created_ms);
}

/// A graph is found by its digest, even if it was stored twice.
pub async fn a_graph_is_kept_once(ledger: &dyn Ledger) {
    let (json, other) = (r#"{"3": {"class_type": "猫"}}"#, "{}");
    assert_eq!(ledger.graph(Digest::of(json)).await.expect("read"), None);
    for _ in 0..2 {
        assert_eq!(ledger.keep_graph(json).await.expect("written"), Digest::of(json));
        assert_eq!(ledger.graph(Digest::of(json)).await.expect("read").as_deref(), Some(json));
    }
    assert_eq!(ledger.graph(Digest::of(other)).await.expect("read"), None);
}

/// A submit that created nothing frees its key, every other one keeps it; and submits without a key don't matter.
pub async fn a_key_has_one_submit_that_may_have_created_a_task(ledger: &dyn Ledger) {
    // Without the webhook's secret, which no two submits share.
    let unkeyed = || Intent { secret: None, ..intent("1", "k") };
    let keyed = |key: &str, body: &str| unkeyed().once(Once::new(key, Digest::of(body)));
    for _ in 0..2 {
        ledger.begin(unkeyed()).await.expect("written");
    }
    for (at, to) in State::ALL.into_iter().enumerate() {
        let key = format!("night {at}");
        let first = ledger.begin(keyed(&key, "a")).await.expect("written");
        let task = TaskId::from(format!("70{at}"));
        for next in way(to).into_iter().skip(1) {
            ledger.advance(&first, step(next, &task)).await.expect("written");
        }
        let second = ledger.begin(keyed(&key, "b")).await;
        let found = ledger.entries(Filter::all().once(&key)).await.expect("read");
        let bodies = found.iter().map(|entry| entry.intent.once.as_deref().map(|once| once.sha256));
        let bodies: Vec<_> = bodies.flatten().collect();
        if to.holds_key() {
            assert_eq!(second.expect_err("taken").kind(), ErrorKind::Conflict, "{to}");
            assert_eq!(bodies, [Digest::of("a")], "{to}");
        } else {
            assert!(second.is_ok(), "{to}: {second:?}");
            assert_eq!(bodies, [Digest::of("b"), Digest::of("a")], "{to}");
            // A user has found its task after all.
            let late = ledger.advance(&first, step(State::Accepted, &task)).await;
            assert_eq!(late.expect("written"), to);
        }
    }
    assert!(ledger.entries(Filter::all().once("night")).await.expect("read").is_empty());
}

/// Every place and kind is read back, including those stored by a newer version.
pub async fn every_place_and_kind_comes_back(ledger: &dyn Ledger) {
    for (place, kind) in [
        ("ai", "workflow"),
        ("cn", "app"),
        ("comfyui", "prompt"),
        ("runninghub", "quick"),
        ("runninghub-plus", "model"),
        ("a place of next year", "a kind of next year"),
    ] {
        let Ok(kind) = kind.parse();
        let wanted = Intent::new(Place::new(place, "https://h"), kind, "k", Digest::of("{}"));
        let attempt = ledger.begin(wanted.clone()).await.expect("written");
        let entry = ledger.entry(Filter::all().attempt(attempt.as_str())).await.expect("found");
        assert_eq!(entry.intent, wanted);
    }
}

/// After a process ends, its submit is [`State::left_behind`] for all others, and continues from there.
pub async fn attempts_of_a_dead_process_are_recovered<L: Ledger>(open: impl Fn() -> L) {
    let (living, dying, watcher) = (open(), open(), open());
    let mine = living.begin(intent("w1", "k")).await.expect("written");
    let sent = dying.begin(intent("w2", "k")).await.expect("written");
    let waiting = dying.begin(intent("w3", "k")).await.expect("written");
    let (accepted, task) = bring(&dying, 4, State::Accepted).await;
    dying.advance(&waiting, Step::Waiting { note: "full".into() }).await.expect("waits");
    let attempts = [&mine, &sent, &waiting, &accepted];
    let states = async || {
        let mut states = Vec::new();
        for attempt in attempts {
            states.push(state(&watcher, attempt).await);
        }
        states
    };
    let as_written = [State::Submitting, State::Submitting, State::Waiting, State::Accepted];
    assert_eq!(states().await, as_written, "both processes live");
    drop(dying);
    assert_eq!(states().await, [State::Submitting, State::Unknown, State::Refused, State::Accepted]);
    for (attempt, was) in [(&sent, State::Submitting), (&waiting, State::Waiting)] {
        let entry = watcher.entry(Filter::all().attempt(attempt.as_str())).await.expect("found");
        assert_eq!(entry.note.as_deref(), was.left_behind(false).map(|(_, note)| note));
        assert!(watcher.advance(attempt, Step::Sending).await.is_err(), "{attempt} is not sent again");
    }
    let open_ones = watcher.entries(Filter::all().open()).await.expect("read");
    assert!(open_ones.iter().all(|entry| entry.attempt != waiting), "a refused one is not open");
    // A late id still counts, and a task outlives the process that paid for it.
    let late = Step::Accepted { task: "late".into() };
    assert_eq!(watcher.advance(&sent, late).await.expect("it was there"), State::Unknown);
    watcher.advance(&accepted, step(State::Done, &task)).await.expect("over");
    living.advance(&mine, step(State::Accepted, &"9".into())).await.expect("accepted");
    assert_eq!(states().await, [State::Accepted, State::Accepted, State::Refused, State::Done]);
}

/// From every state to every other: exactly the steps in the table are allowed, and a rejected step changes nothing.
pub async fn states_change_only_along_the_edge_table(ledger: &dyn Ledger) {
    let mut number = 0;
    for from in State::ALL {
        for to in State::ALL {
            number += 1;
            let (attempt, task) = bring(ledger, number, from).await;
            // A known id changes nothing, whatever state the task is in.
            let is_news = to != State::Accepted || !way(from).contains(&State::Accepted);
            match ledger.advance(&attempt, step(to, &task)).await {
                Ok(before) => {
                    assert_eq!(before, from);
                    assert!(from.leads_to(to) || from == to || !is_news, "{from} → {to} is not in the table");
                    let now = if from.leads_to(to) { to } else { from };
                    let entry = ledger.entry(Filter::all().attempt(attempt.as_str())).await.expect("found");
                    assert_eq!(entry.state, now);
                    assert_eq!(entry.note.as_deref(), step(now, &task).note(), "{now}");
                }
                Err(error) => {
                    assert!(!from.leads_to(to) && from != to, "{from} → {to}: {error}");
                    assert_eq!(error.kind(), ErrorKind::Edge { from, to });
                    assert_eq!(state(ledger, &attempt).await, from);
                }
            }
        }
    }
    let nobody = AttemptId::from("nobody");
    let error = ledger.advance(&nobody, Step::Gone).await.expect_err("there is none");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// A second submit that claims the same task id is a conflict, and changes neither submit.
pub async fn a_task_belongs_to_one_submit(ledger: &dyn Ledger) {
    let (first, task) = bring(ledger, 1, State::Accepted).await;
    let (second, _) = bring(ledger, 2, State::Unknown).await;
    let error = ledger.advance(&second, step(State::Accepted, &task)).await.expect_err("taken");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(state(ledger, &second).await, State::Unknown);
    assert_eq!(ledger.entry(Filter::all().task(&task)).await.expect("found").attempt, first);
}

/// A task found for a submit that was written off can be recorded, and so can its end.
pub async fn a_task_that_is_found_is_never_written_off(ledger: &dyn Ledger) {
    for (number, from) in [State::Refused, State::Absent, State::Gone].into_iter().enumerate() {
        let (attempt, task) = bring(ledger, number, from).await;
        assert_eq!(ledger.advance(&attempt, step(State::Accepted, &task)).await.expect("found"), from);
        ledger.advance(&attempt, step(State::Done, &task)).await.expect("over");
        let entry = ledger.entry(Filter::all().task(&task)).await.expect("found by its task");
        assert_eq!((entry.attempt, entry.state), (attempt, State::Done));
    }
}

/// A webhook, a user and the process itself may all report the same step.
pub async fn news_may_come_twice_and_late(ledger: &dyn Ledger) {
    let (attempt, task) = bring(ledger, 1, State::Absent).await;
    ledger.advance(&attempt, step(State::Accepted, &task)).await.expect("it was there after all");
    ledger.advance(&attempt, step(State::Done, &task)).await.expect("done");
    ledger.advance(&attempt, step(State::Accepted, &task)).await.expect("known");
    ledger.advance(&attempt, Step::Done { cost: None }).await.expect("known");
    let entry = ledger.entry(Filter::all().task(&task)).await.expect("found");
    assert_eq!(entry.state, State::Done);
    assert!(entry.cost.is_some(), "what was known stays known");
    let error = ledger.advance(&attempt, Step::Accepted { task: "8".into() }).await.expect_err("another");
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

/// Order, filters and limit.
pub async fn the_newest_comes_first(ledger: &dyn Ledger) {
    let mut attempts = Vec::new();
    for (number, to) in [State::Done, State::Unknown, State::Accepted, State::Refused].into_iter().enumerate()
    {
        attempts.push(bring(ledger, number, to).await.0);
    }
    let other = ledger.begin(intent("w9", "another key")).await.expect("written");
    attempts.push(other.clone());
    attempts.reverse();
    let found = async |filter: Filter| -> Vec<AttemptId> {
        ledger.entries(filter).await.expect("read").into_iter().map(|entry| entry.attempt).collect()
    };
    let at = |places: &[usize]| places.iter().map(|at| attempts[*at].clone()).collect::<Vec<_>>();
    assert_eq!(found(Filter::all()).await, attempts);
    assert_eq!(found(Filter::all().limit(2)).await, at(&[0, 1]));
    assert_eq!(found(Filter::all().open()).await, at(&[0, 2, 3]));
    assert_eq!(found(Filter::all().with_task().limit(1)).await, at(&[2]));
    assert_eq!(found(Filter::all().key("another key")).await, [other]);
    assert_eq!(found(Filter::all().secret(Digest::of("w1 k"))).await, at(&[3]));
    let prefix = attempts[3].as_str().get(..5).expect("ASCII");
    assert!(found(Filter::all().attempt(prefix)).await.contains(&attempts[3]));
    let error = ledger.entry(Filter::all()).await.expect_err("more than one");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// A results folder requires a task.
pub async fn where_results_are_is_kept(ledger: &dyn Ledger) {
    let (attempt, task) = bring(ledger, 1, State::Done).await;
    ledger.saved(&attempt, "results").await.expect("kept");
    let entry = ledger.entry(Filter::all().task(&task)).await.expect("found");
    assert_eq!((entry.saved.as_deref(), entry.state), (Some("results"), State::Done));
    let (without, _) = bring(ledger, 2, State::Refused).await;
    assert!(ledger.saved(&without, "results").await.is_err());
}

/// A request to cancel needs a task, survives its end, and can be taken back.
pub async fn a_request_to_cancel_is_kept(ledger: &dyn Ledger) {
    let (attempt, task) = bring(ledger, 1, State::Accepted).await;
    let cancelling = async || ledger.entry(Filter::all().task(&task)).await.expect("found").cancelling;
    assert!(!cancelling().await);
    ledger.cancelling(&attempt, true).await.expect("kept");
    assert!(cancelling().await);
    ledger.cancelling(&attempt, false).await.expect("taken back");
    assert!(!cancelling().await);
    ledger.cancelling(&attempt, true).await.expect("kept");
    ledger.advance(&attempt, step(State::Cancelled, &task)).await.expect("a way of the table");
    assert!(cancelling().await);
    let (without, _) = bring(ledger, 2, State::Refused).await;
    assert!(ledger.cancelling(&without, true).await.is_err());
}

/// Each delivery is kept once, for existing submits only, and up to a limit.
pub async fn a_delivery_is_kept_until_it_is_forgotten(ledger: &dyn Ledger) {
    let (first, task) = bring(ledger, 1, State::Unknown).await;
    let (second, _) = bring(ledger, 2, State::Accepted).await;
    let [one, two] = [first.clone(), second].map(|attempt| Delivery { attempt, task: task.clone() });
    for delivery in [&two, &one, &one] {
        ledger.keep_delivery(delivery).await.expect("kept");
    }
    let kept = ledger.deliveries().await.expect("read");
    assert!(kept.len() == 2 && kept.contains(&one) && kept.contains(&two), "{kept:?}");
    assert_eq!(state(ledger, &first).await, State::Unknown, "nobody has looked into it");
    ledger.forget_delivery(&one).await.expect("forgotten");
    ledger.forget_delivery(&one).await.expect("it was forgotten before");
    assert_eq!(ledger.deliveries().await.expect("read"), std::slice::from_ref(&two));
    for number in 1..MOST_DELIVERIES {
        let other = Delivery { task: number.to_string().into(), ..two.clone() };
        ledger.keep_delivery(&other).await.expect("there is room");
    }
    let full = ledger.keep_delivery(&Delivery { task: "0".into(), ..two.clone() }).await.expect_err("full");
    assert_eq!(full.kind(), ErrorKind::Conflict);
    ledger.keep_delivery(&two).await.expect("it is there already");
    ledger.keep_delivery(&one).await.expect("others have room");
    let nobody = Delivery { attempt: "nobody".into(), task };
    let error = ledger.keep_delivery(&nobody).await.expect_err("there is none");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// Long random sequences of steps give the same result as the simplest ledger.
pub async fn sqlite_behaves_like_the_model(ledger: &dyn Ledger) {
    use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

    let model = crate::MemoryLedger::new().expect("a model");
    let steps = proptest::collection::vec((0..8_usize, 0..State::ALL.len(), 0..10_usize), 400);
    let mut runner = TestRunner::deterministic();
    let steps = steps.new_tree(&mut runner).expect("steps").current();
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for number in 0..8 {
        theirs.push(ledger.begin(intent(&format!("w{number}"), "k")).await.expect("written"));
        ours.push(model.begin(intent(&format!("w{number}"), "k")).await.expect("written"));
    }
    for (number, to, task) in steps {
        let step = step(State::ALL[to], &TaskId::from(task.to_string()));
        let expected = model.advance(&ours[number], step.clone()).await.map_err(|error| error.kind());
        let found = ledger.advance(&theirs[number], step.clone()).await.map_err(|error| error.kind());
        assert_eq!(found, expected, "{step:?}");
    }
    let shown = |entries: Vec<crate::Entry>| -> Vec<_> {
        entries.into_iter().map(|one| (one.state, one.intent, one.note, one.task, one.cost)).collect()
    };
    let (theirs, ours) = (ledger.entries(Filter::all()).await, model.entries(Filter::all()).await);
    assert_eq!(shown(theirs.expect("read")), shown(ours.expect("read")));
}
