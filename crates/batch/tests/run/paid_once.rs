//! Every row is paid for once, whatever happens to those who run the batch.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use runninghub::{
    ApiKey, RunningHub, Service as _, Submit, Workspace,
    ledger::{State, Step},
};
use runninghub_batch::{ItemState, Key, Limits, News};
use runninghub_sim::{Rule, Sim};

use crate::lab::{Diary, Lab, WORKFLOW};

const SHORT: Duration = Duration::from_millis(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_rows_on_three_slots_are_paid_once_each_and_none_is_refused() {
    let lab = Lab::new(SHORT, |sim| sim).await;
    let items = lab.items(60);
    let mut batch = lab.open(&items, Limits::default()).await;
    let diary = Diary::all(&mut batch).await;
    assert_eq!(diary.count(ItemState::Done), 60);
    assert_eq!(lab.creates(), (60, 60), "no create was refused");
    assert!(lab.entries().await.iter().all(|entry| entry.state == State::Done));
    for item in &items {
        assert!(lab.out().join(&item.out).read_dir().expect("a folder").count() >= 2, "{}", item.id);
    }
    let calls = lab.sim.stats().api_calls();
    assert!(calls <= 6 * 60, "{calls} calls: {:?}", lab.sim.stats().calls);
    // Once more: nothing is left to do.
    drop(batch);
    let mut again = lab.open(&items, Limits::default()).await;
    assert_eq!(Diary::all(&mut again).await.news.len(), 0);
    assert_eq!(lab.creates(), (60, 60));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_is_left_again_and_again_pays_nothing_twice() {
    let lab = Lab::new(SHORT, |sim| sim).await;
    let items = lab.items(30);
    let mut done = 0;
    for round in 0..6 {
        let mut batch = lab.open(&items, Limits::default()).await;
        let mut seen = 0;
        while let Some(news) = batch.next().await {
            if let News::Over(over) = news {
                assert_eq!(over.state, ItemState::Done);
                (done, seen) = (done + 1, seen + 1);
                if round < 5 && seen == 4 {
                    break;
                }
            }
        }
        // Rows that run go on without it.
        batch.detach().await;
    }
    let entries = lab.entries().await;
    assert_eq!(entries.len(), 30);
    assert!(entries.iter().all(|entry| matches!(entry.state, State::Done | State::Unknown)), "{entries:#?}");
    // A submit that was left while it was sent may never have arrived.
    let unknown = entries.iter().filter(|entry| entry.state == State::Unknown).count();
    let created = lab.creates().1;
    assert!((30 - unknown..=30).contains(&created), "{created} of 30, {unknown} unknown, {done} seen");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_runs_in_one_process_at_a_time() {
    let lab = Lab::new(SHORT, |sim| sim).await;
    let items = lab.items(2);
    let first = lab.open(&items, Limits::default()).await;
    let workspace = lab.workspace();
    let service = Arc::new(lab.hub(&workspace));
    let key = Key::new("main", service);
    let setup =
        runninghub_batch::Setup::new(&workspace, crate::lab::BATCH, vec![key], || Submit::workflow(WORKFLOW));
    let error = runninghub_batch::BatchRun::open(setup, Vec::new()).await.expect_err("it runs already");
    assert_eq!(error.kind(), runninghub::ErrorKind::Usage);
    drop(first);
    let mut again = lab.open(&items, Limits::default()).await;
    assert_eq!(Diary::all(&mut again).await.count(ItemState::Done), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submit_of_unknown_outcome_holds_its_row_and_its_slot_until_it_is_resolved() {
    let lost = Rule::lose("/task/openapi/create").after_work().skip(1).times(1);
    let lab = Lab::new(SHORT, |sim| sim.rule(lost)).await;
    let items = lab.items(6);
    let mut batch = lab.open(&items, Limits::default()).await;
    let diary = Diary::all(&mut batch).await;
    let unknown = diary.news.iter().find_map(|news| match news {
        News::Unknown { item, attempt: Some(attempt), .. } => Some((item.clone(), attempt.clone())),
        _ => None,
    });
    let (item, attempt) = unknown.expect("one is unknown");
    assert_eq!((diary.count(ItemState::Done), batch.tally().unknown, lab.creates()), (5, 1, (6, 6)));
    drop(batch);
    // The next run holds it, and continues once its task has been found.
    let known = lab.entries().await;
    let tasks: Vec<_> = known.iter().filter_map(|entry| entry.task.clone()).collect();
    let task =
        lab.sim.tasks().into_iter().map(|task| task.task_id).find(|id| !tasks.contains(&id.as_str().into()));
    let mut batch = lab.open(&items, Limits::default()).await;
    let ledger = lab.workspace().ledger().expect("a ledger");
    let step = Step::Accepted { task: task.expect("its task").as_str().into() };
    ledger.advance(&attempt, step).await.expect("resolved");
    let diary = Diary::all(&mut batch).await;
    assert_eq!(diary.over(), [(item, ItemState::Done)]);
    assert_eq!(lab.creates().1, 6, "nothing was paid twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_and_single_runs_share_the_slots_of_a_key() {
    let lab = Lab::new(SHORT, |sim| sim).await;
    let items = lab.items(12);
    let mut batch = lab.open(&items, Limits::default()).await;
    let singles = {
        let hub: RunningHub = lab.hub(&lab.workspace());
        tokio::spawn(async move {
            for _ in 0..4 {
                let mut run = hub.submit(Submit::workflow(WORKFLOW)).await.expect("accepted in the end");
                run.finish().await.expect("watched");
            }
        })
    };
    let diary = Diary::all(&mut batch).await;
    singles.await.expect("no panic");
    assert_eq!(diary.count(ItemState::Done), 12);
    assert_eq!(lab.creates(), (16, 16), "none was refused");
}

/// Each key has its own service, which doesn't know the other one's tasks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_of_an_earlier_run_are_followed_with_the_key_that_has_paid() {
    const OTHER: &str = "abcdefabcdefabcdefabcdefabcdefab";
    let lab = Lab::new(SHORT, |sim| sim).await;
    let studio = Sim::builder().key(OTHER).scenario_named(WORKFLOW, crate::lab::scenario(SHORT));
    // Ids of tasks are different everywhere.
    let studio = studio.first_task(1_000).start().await.expect("it starts");
    let mut items = lab.items(12);
    for item in items.iter_mut().step_by(2) {
        item.profile = Some("studio".into());
    }
    let keys = |workspace: &Workspace| {
        let salt = workspace.ledger().expect("a ledger").salt();
        let hub = RunningHub::builder(ApiKey::new(OTHER).expect("a key")).base_url(studio.base_url());
        let hub = hub.time_scale(0.05).workspace(workspace).expect("a ledger").build().expect("a hub");
        let main = Key::new("main", Arc::new(lab.hub(workspace)));
        let studio = Key::new("studio", Arc::new(hub));
        [main.fingerprint(salt.fingerprint(Sim::DEMO_KEY)), studio.fingerprint(salt.fingerprint(OTHER))]
    };
    let workspace = lab.workspace();
    let mut batch = lab.open_with(&workspace, keys(&workspace).into(), &items, Limits::default()).await;
    let mut running = BTreeSet::new();
    let of_studio = |running: &BTreeSet<_>| items.iter().step_by(2).any(|item| running.contains(&item.id));
    let of_main =
        |running: &BTreeSet<_>| items.iter().skip(1).step_by(2).any(|item| running.contains(&item.id));
    while !(of_studio(&running) && of_main(&running)) {
        match batch.next().await.expect("it ended too early") {
            News::Accepted { item, .. } => _ = running.insert(item),
            News::Over(over) => _ = running.remove(&over.item),
            _ => {}
        }
    }
    batch.detach().await;
    // The profiles are in another order now.
    let workspace = lab.workspace();
    let [main, studio] = keys(&workspace);
    let mut batch = lab.open_with(&workspace, vec![studio, main], &items, Limits::default()).await;
    let diary = Diary::all(&mut batch).await;
    assert_eq!(diary.over().len(), diary.count(ItemState::Done), "{:?}", diary.over());
    // On a busy machine a submit may have been left while it was sent.
    let entries = lab.entries().await;
    assert!(
        entries.iter().all(|entry| matches!(entry.state, State::Done | State::Submitting)),
        "{entries:#?}"
    );
    let followed = diary.over().iter().filter(|(id, _)| running.contains(id)).count();
    assert_eq!(followed, running.len());
}
