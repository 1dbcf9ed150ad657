//! Tests that every ledger with batches must pass.

use runninghub_core::{Kind, NativeProxy, Place, Site, TaskId};

use super::{intent, step, way};
use crate::{
    AttemptId, Batch, Digest, Error, ErrorKind, Filter, Intent, Item, ItemEntry, ItemRef, Ledger, State,
};

/// Generates a module of tests for a ledger that keeps batches, as
/// [`ledger_conformance!`](crate::ledger_conformance) does.
#[macro_export]
macro_rules! batches_conformance {
    ($name:ident, $make:expr) => {
        $crate::ledger_conformance!(@ $name, $make,
            a_batch_is_opened_again_from_the_same_origin_only,
            a_batch_is_halted_until_it_is_opened_again,
            items_come_back_as_they_were_frozen,
            another_fingerprint_is_another_version,
            an_item_has_one_submit_at_a_time,
            one_of_several_submits_says_where_an_item_stands,
            what_was_done_before_is_found_by_its_fingerprint,
            what_ran_before_is_found_by_what_it_runs,
            batches_are_the_same_as_in_the_model
        );
    };
}

/// A batch with its own file.
pub fn batch(name: &str) -> Batch {
    let place = Place::RunningHub { site: Site::Cn, base_url: Site::Cn.base_url().to_owned() };
    Batch::new(name, format!("{name}.csv"), Digest::of(name), (place, Kind::App, "1877"))
}

/// An item that runs this.
pub fn item(id: &str, runs: &str) -> Item {
    Item::new(id, Digest::of(runs), format!("{{\"runs\":\"{runs}\"}}"))
}

/// A create for an item. The secret is different for each number.
fn of_item(batch: &str, id: &str, number: usize) -> Intent {
    intent(&format!("w{number}"), "k").item(ItemRef::new(batch, id))
}

async fn opened(ledger: &dyn Ledger, name: &str, items: &[Item]) {
    ledger.open_batch(batch(name)).await.expect("opened");
    ledger.freeze(name, items.to_vec()).await.expect("frozen");
}

async fn begin(ledger: &dyn Ledger, batch: &str, id: &str, number: usize) -> Result<AttemptId, Error> {
    ledger.begin(of_item(batch, id, number)).await
}

/// Begins a submit of an item and brings it to a state.
async fn bring(ledger: &dyn Ledger, id: &str, number: usize, to: State) -> AttemptId {
    let attempt = begin(ledger, "cats", id, number).await.expect("written");
    advance(ledger, &attempt, number, to).await;
    attempt
}

async fn advance(ledger: &dyn Ledger, attempt: &AttemptId, number: usize, to: State) {
    for state in way(to).into_iter().skip(1) {
        let task = TaskId::from(format!("3{number:018}"));
        ledger.advance(attempt, step(state, &task)).await.expect("a way of the table");
    }
}

async fn items(ledger: &dyn Ledger, batch: &str) -> Vec<ItemEntry> {
    ledger.items(batch).await.expect("read")
}

/// The ids of the items with the states of their submits.
async fn states(ledger: &dyn Ledger, batch: &str) -> Vec<(String, Option<State>)> {
    let items = items(ledger, batch).await.into_iter();
    items.map(|one| (one.item.id, one.entry.map(|entry| entry.state))).collect()
}

/// Its fields come back; opening it again updates them, and another origin is refused.
pub async fn a_batch_is_opened_again_from_the_same_origin_only(ledger: &dyn Ledger) {
    let at = |site| Place::RunningHub { site, base_url: "https://h".into() };
    let proxy = Place::NativeProxy { proxy: NativeProxy::Plus, base_url: "https://h".into() };
    let targets = [
        (at(Site::Ai), Kind::Workflow),
        (proxy, Kind::Prompt),
        (Place::new("of next year", "https://h"), "of next year".parse().unwrap_or(Kind::App)),
    ];
    let batches: Vec<Batch> = (0..)
        .zip(targets)
        .map(|(n, (place, kind))| Batch {
            place,
            kind,
            target: format!("target {n}"),
            folder: (n > 0).then(|| format!("results {n}")),
            limits: (n > 1).then(|| format!("{{\"slots\":{n}}}")),
            ..batch(&format!("b{n}"))
        })
        .collect();
    for batch in &batches {
        ledger.open_batch(batch.clone()).await.expect("opened");
    }
    let read = ledger.batches().await.expect("read");
    assert!(read.iter().map(|one| &one.batch).eq(batches.iter().rev()), "{read:?}");
    assert!(read.iter().all(|one| one.created_ms > 1_700_000_000_000 && one.counts.is_empty()));
    let again = Batch { spec: Digest::of("more"), folder: Some("elsewhere".into()), ..batches[0].clone() };
    ledger.open_batch(again.clone()).await.expect("the same origin");
    let other = Batch { origin: "another.csv".into(), ..batches[0].clone() };
    let error = ledger.open_batch(other).await.expect_err("another origin");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let read = ledger.batches().await.expect("read");
    assert_eq!((read.len(), &read[2].batch), (3, &again), "its place in the list stays");
    assert!(read[2].opened_ms >= read[2].created_ms);
}

/// Only that batch, and only if it exists.
pub async fn a_batch_is_halted_until_it_is_opened_again(ledger: &dyn Ledger) {
    let error = ledger.halt_batch("cats").await.expect_err("there is no batch");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(ledger.is_halted("cats").await.expect_err("there is no batch").kind(), ErrorKind::NotFound);
    for name in ["cats", "dogs"] {
        ledger.open_batch(batch(name)).await.expect("opened");
        assert!(!ledger.is_halted(name).await.expect("read"));
    }
    ledger.halt_batch("cats").await.expect("halted");
    assert!(ledger.is_halted("cats").await.expect("read") && !ledger.is_halted("dogs").await.expect("read"));
    ledger.open_batch(batch("cats")).await.expect("opened again");
    assert!(!ledger.is_halted("cats").await.expect("read"));
}

/// In their order, and only in a batch that exists.
pub async fn items_come_back_as_they_were_frozen(ledger: &dyn Ledger) {
    let error = ledger.freeze("cats", vec![item("cat-1", "a")]).await.expect_err("there is no batch");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(ledger.items("cats").await.expect_err("there is none").kind(), ErrorKind::NotFound);
    let all = [item("cat-2", "b"), item("cat-1", "a"), item("猫-3", "a")];
    opened(ledger, "cats", &all).await;
    opened(ledger, "dogs", &[item("cat-1", "z")]).await;
    let read = items(ledger, "cats").await;
    assert!(read.iter().map(|one| &one.item).eq(&all), "{read:?}");
    assert!(read.iter().all(|one| one.entry.is_none() && one.batch == "cats"));
    // The rest of an item may change, and items may be added.
    let moved = Item { body: "{\"out\":\"elsewhere\"}".into(), ..all[1].clone() };
    ledger.freeze("cats", vec![moved.clone(), item("cat-4", "d")]).await.expect("frozen");
    let read: Vec<Item> = items(ledger, "cats").await.into_iter().map(|one| one.item).collect();
    assert_eq!(read, [all[0].clone(), moved, all[2].clone(), item("cat-4", "d")]);
    let counts = ledger.batches().await.expect("read").swap_remove(1).counts;
    assert_eq!(counts, [(None, 4)]);
}

/// Its submits no longer count, except for an unfinished one.
pub async fn another_fingerprint_is_another_version(ledger: &dyn Ledger) {
    opened(ledger, "cats", &[item("cat-1", "a"), item("cat-2", "b")]).await;
    bring(ledger, "cat-1", 1, State::Done).await;
    let running = bring(ledger, "cat-2", 2, State::Accepted).await;
    ledger.freeze("cats", vec![item("cat-1", "a")]).await.expect("the same");
    let known = |state| Some(state);
    let expected = [("cat-1".into(), known(State::Done)), ("cat-2".into(), known(State::Accepted))];
    assert_eq!(states(ledger, "cats").await, expected);
    ledger.freeze("cats", vec![item("cat-1", "A"), item("cat-2", "B")]).await.expect("changed");
    let expected = [("cat-1".into(), None), ("cat-2".into(), known(State::Accepted))];
    assert_eq!(states(ledger, "cats").await, expected);
    advance_to_failed(ledger, &running).await;
    assert_eq!(states(ledger, "cats").await, [("cat-1".into(), None), ("cat-2".into(), None)]);
    // Back to the first version: its submits are found by its fingerprint.
    ledger.freeze("cats", vec![item("cat-1", "a")]).await.expect("changed");
    assert_eq!(states(ledger, "cats").await[1], ("cat-1".into(), None), "a version of its own");
    assert_eq!(ledger.done(vec![Digest::of("a")]).await.expect("read").len(), 1);
}

async fn advance_to_failed(ledger: &dyn Ledger, attempt: &AttemptId) {
    let task = TaskId::from("unused");
    ledger.advance(attempt, step(State::Failed, &task)).await.expect("a way of the table");
}

/// A second one would pay twice.
pub async fn an_item_has_one_submit_at_a_time(ledger: &dyn Ledger) {
    opened(ledger, "cats", &[item("cat-1", "a"), item("cat-2", "b")]).await;
    opened(ledger, "dogs", &[item("cat-1", "a")]).await;
    for (number, state) in
        [State::Submitting, State::Waiting, State::Unknown, State::Accepted].into_iter().enumerate()
    {
        let id = format!("of {state}");
        ledger.freeze("cats", vec![item(&id, "x")]).await.expect("frozen");
        let first = bring(ledger, &id, number, state).await;
        let error = begin(ledger, "cats", &id, 10 + number).await.expect_err("it is not over");
        assert_eq!(error.kind(), ErrorKind::Conflict, "{state}");
        assert!(error.to_string().contains(first.as_str()), "{error}");
        ledger.freeze("cats", vec![item(&id, "y")]).await.expect("another version");
        let error = begin(ledger, "cats", &id, 10 + number).await.expect_err("it is not over");
        assert_eq!(error.kind(), ErrorKind::Conflict, "{state}, of another version");
    }
    for (number, state) in
        [State::Refused, State::Absent, State::Done, State::Failed, State::Cancelled, State::Gone]
            .into_iter()
            .enumerate()
    {
        bring(ledger, "cat-1", 20 + number, state).await;
    }
    let submits = ledger.entries(Filter::all()).await.expect("read");
    assert_eq!(submits[0].intent.item.as_deref(), Some(&ItemRef::new("cats", "cat-1")));
    assert_eq!(submits.len(), 10, "those that were refused left nothing behind");
    begin(ledger, "dogs", "cat-1", 30).await.expect("an item of another batch");
    for (batch, id) in [("cats", "cat-9"), ("birds", "cat-1")] {
        let error = begin(ledger, batch, id, 31).await.expect_err("there is no such item");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
}

/// An unfinished one, or else a success, or else the newest.
pub async fn one_of_several_submits_says_where_an_item_stands(ledger: &dyn Ledger) {
    let ids = ["cat-1", "cat-2", "cat-3", "cat-4"];
    opened(ledger, "cats", &ids.map(|id| item(id, id))).await;
    bring(ledger, "cat-1", 1, State::Failed).await;
    bring(ledger, "cat-1", 2, State::Refused).await;
    bring(ledger, "cat-2", 3, State::Done).await;
    bring(ledger, "cat-2", 4, State::Failed).await;
    // It is found after all, when the item has run again.
    let absent = bring(ledger, "cat-3", 5, State::Absent).await;
    bring(ledger, "cat-3", 6, State::Done).await;
    ledger.advance(&absent, step(State::Accepted, &"late".into())).await.expect("found");
    let expected = [State::Refused, State::Done, State::Accepted].map(Some).into_iter().chain([None]);
    let expected: Vec<_> = ids.iter().map(ToString::to_string).zip(expected).collect();
    assert_eq!(states(ledger, "cats").await, expected);
    let counts = ledger.batches().await.expect("read").swap_remove(0).counts;
    let one = |state| (state, 1);
    assert_eq!(counts, [None, Some(State::Refused), Some(State::Accepted), Some(State::Done)].map(one));
}

/// In any batch, the newest first.
pub async fn what_was_done_before_is_found_by_its_fingerprint(ledger: &dyn Ledger) {
    opened(ledger, "cats", &[item("cat-1", "a"), item("cat-2", "b"), item("cat-3", "c")]).await;
    opened(ledger, "dogs", &[item("dog-1", "a")]).await;
    bring(ledger, "cat-1", 1, State::Done).await;
    bring(ledger, "cat-2", 2, State::Failed).await;
    bring(ledger, "cat-3", 3, State::Done).await;
    let newest = begin(ledger, "dogs", "dog-1", 4).await.expect("written");
    advance(ledger, &newest, 4, State::Done).await;
    let found = ledger.done(["c", "b", "none", "a"].map(Digest::of).to_vec()).await.expect("read");
    let found: Vec<_> = found.iter().map(|one| (&*one.batch, &*one.item.id)).collect();
    assert_eq!(found, [("cats", "cat-3"), ("dogs", "dog-1")]);
}

/// By kind and id.
pub async fn what_ran_before_is_found_by_what_it_runs(ledger: &dyn Ledger) {
    let place = || Place::RunningHub { site: Site::Cn, base_url: Site::Cn.base_url().to_owned() };
    let of = |kind, id: &str| Intent::new(place(), kind, "k", Digest::of(id)).target(id);
    let app = ledger.begin(of(Kind::App, "7")).await.expect("written");
    ledger.begin(of(Kind::Model, "7")).await.expect("written");
    let workflow = Intent { target: None, ..of(Kind::Workflow, "7") }.workflow("7");
    let workflow = ledger.begin(workflow).await.expect("written");
    let found = async |kind| -> Vec<AttemptId> {
        let entries = ledger.entries(Filter::all().runs(&kind, "7")).await.expect("read");
        entries.into_iter().map(|entry| entry.attempt).collect()
    };
    assert_eq!((found(Kind::App).await, found(Kind::Workflow).await), (vec![app], vec![workflow]));
    assert!(found(Kind::Quick).await.is_empty());
}

/// Long random sequences of changes give the same result as the simplest ledger.
pub async fn batches_are_the_same_as_in_the_model(ledger: &dyn Ledger) {
    use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

    let model = crate::MemoryLedger::new().expect("a model");
    let changes = proptest::collection::vec((0..5_usize, 0..2_usize, 0..8_usize, 0..State::ALL.len()), 600);
    let changes = changes.new_tree(&mut TestRunner::deterministic()).expect("changes").current();
    let ledgers: [&dyn Ledger; 2] = [ledger, &model];
    let mut attempts: Vec<[AttemptId; 2]> = Vec::new();
    for (number, (what, batch, id, to)) in changes.into_iter().enumerate() {
        let (batch, id) = (["cats", "dogs"][batch], id.to_string());
        let mut results = Vec::new();
        let mut begun = Vec::new();
        for (at, ledger) in ledgers.iter().enumerate() {
            let result = match (what, attempts.last()) {
                (0, _) => ledger.open_batch(self::batch(batch)).await,
                (1, _) => ledger.freeze(batch, vec![item(&id, ["a", "b"][to % 2]), item("9", "c")]).await,
                (2, _) | (_, None) => begin(*ledger, batch, &id, number).await.map(|new| begun.push(new)),
                // The newest have most ways ahead.
                (_, Some(_)) => {
                    let known = &attempts[attempts.len() - 1 - number % attempts.len().min(6)];
                    let task = TaskId::from(to.to_string());
                    ledger.advance(&known[at], step(State::ALL[to], &task)).await.map(drop)
                }
            };
            results.push(result.map_err(|error| error.kind()));
        }
        assert_eq!(results[0], results[1], "change {number}: {what} {batch} {id} {to}");
        attempts.extend(<[AttemptId; 2]>::try_from(begun));
        for batch in ["cats", "dogs"] {
            let mut read = Vec::new();
            for ledger in ledgers {
                let items = ledger.items(batch).await.map_err(|error| error.kind());
                let shown = |one: ItemEntry| {
                    (one.item, one.entry.map(|entry| (entry.state, entry.task, entry.intent.workflow)))
                };
                read.push(items.map(|items| items.into_iter().map(shown).collect::<Vec<_>>()));
            }
            assert_eq!(read[0], read[1], "after change {number}");
        }
        let mut counts = Vec::new();
        for ledger in ledgers {
            let batches = ledger.batches().await.expect("read");
            counts.push(batches.into_iter().map(|one| (one.batch, one.counts)).collect::<Vec<_>>());
        }
        assert_eq!(counts[0], counts[1], "after change {number}");
    }
    assert!(attempts.len() > 24, "too few submits: {}", attempts.len());
}
