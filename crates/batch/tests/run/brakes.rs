//! Conditions that stop a batch, and ones that don't.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use runninghub::{ApiKey, RunningHub, ledger::State};
use runninghub_batch::{ItemState, Key, Limits, MaxFailures, News, Paused};
use runninghub_sim::{Rule, Scenario, ScriptNode, Sim};

use crate::lab::{Diary, Lab, WORKFLOW};

const SHORT: Duration = Duration::from_millis(120);
const CREATE: &str = "/task/openapi/create";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_takes_back_what_waits_and_follows_what_runs() {
    let lab = Lab::new(Duration::from_millis(600), |sim| sim).await;
    let items = lab.items(20);
    let mut batch = lab.open(&items, Limits::default()).await;
    let mut diary = Diary::default();
    while let Some(news) = batch.next().await {
        let is_over = matches!(news, News::Over(_));
        diary.news.push(news);
        if is_over && batch.paused().is_none() {
            batch.pause();
        }
    }
    let ran = diary.count(ItemState::Done);
    assert!((1..=4).contains(&ran), "{ran} ran");
    assert_eq!(batch.paused(), Some(&Paused::Asked));
    assert!(lab.entries().await.iter().all(|entry| entry.state == State::Done), "nothing was left half-way");
    assert_eq!((lab.creates().1, batch.tally().ready), (ran, 20 - ran));
    batch.resume();
    assert_eq!(Diary::all(&mut batch).await.count(ItemState::Done), 20 - ran);
    assert_eq!(lab.creates().1, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_left_within_a_second() {
    let lab = Lab::new(Duration::from_hours(1), |sim| sim).await;
    let items = lab.items(9);
    let mut batch = lab.open(&items, Limits { max_alike: None, ..Limits::default() }).await;
    while let Some(news) = batch.next().await {
        // The first row runs alone.
        if matches!(news, News::Accepted { .. }) {
            break;
        }
    }
    let start = Instant::now();
    batch.detach().await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?} on a busy machine", start.elapsed());
    let entries = lab.entries().await;
    assert_eq!(entries.iter().map(|entry| entry.state).collect::<Vec<_>>(), [State::Accepted]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_cannot_pay_pauses_and_no_row_fails() {
    let broke = r#"{"code":812,"msg":"APIKEY_ENTERPRISE_BALANCE_INSUFFICIENT","data":null}"#;
    let lab = Lab::new(SHORT, |sim| sim.rule(Rule::answer(CREATE, 200, broke).skip(4).times(1_000))).await;
    let items = lab.items(10);
    let mut batch = lab.open(&items, Limits::default()).await;
    let diary = Diary::all(&mut batch).await;
    assert_eq!((diary.over().len(), diary.count(ItemState::Done)), (4, 4));
    assert_eq!(batch.paused(), Some(&Paused::Keys(vec!["main".into()])));
    assert!(diary.news.iter().any(|news| matches!(news, News::Key { .. })));
    assert_eq!((batch.tally().ready, batch.tally().failed + batch.tally().refused), (6, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_keys_go_on_when_one_cannot_pay() {
    let broke = r#"{"code":812,"msg":"APIKEY_ENTERPRISE_BALANCE_INSUFFICIENT","data":null}"#;
    let lab = Lab::new(SHORT, |sim| sim).await;
    let second = Sim::builder().scenario_named(WORKFLOW, crate::lab::scenario(SHORT));
    let second = second.rule(Rule::answer(CREATE, 200, broke).times(1_000)).start().await.expect("it starts");
    let workspace = lab.workspace();
    let broke = RunningHub::builder(ApiKey::new(Sim::DEMO_KEY).expect("a key")).base_url(second.base_url());
    let broke = broke.time_scale(0.05).workspace(&workspace).expect("a ledger").build().expect("a hub");
    let keys = vec![Key::new("broke", Arc::new(broke)), Key::new("main", Arc::new(lab.hub(&workspace)))];
    let items = lab.items(8);
    let mut batch = lab.open_with(&workspace, keys, &items, Limits::default()).await;
    assert_eq!(Diary::all(&mut batch).await.count(ItemState::Done), 8);
    assert_eq!(lab.creates().1, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_failures_pause_the_batch_and_failures_are_not_repeated() {
    let node = ScriptNode::new("6", "CLIPTextEncode").input("text", "a cat").takes(SHORT);
    let node = node.fails("OutOfMemoryError", "no memory is left");
    let failing = Scenario::script("failing").node(node).build();
    let lab = Lab::new(SHORT, |sim| sim.scenario_named(WORKFLOW, failing)).await;
    let items = lab.items(20);
    let limits = Limits { max_failures: Some(MaxFailures::Count(9)), ..Limits::default() };
    let mut batch = lab.open(&items, limits).await;
    let diary = Diary::all(&mut batch).await;
    let Some(Paused::Alike { count: 5, class }) = batch.paused() else { panic!("{:?}", batch.paused()) };
    assert_eq!(&**class, "node 6");
    // Without a success the rows run one by one.
    assert_eq!((diary.count(ItemState::Failed), lab.creates().1), (5, 5));
    let over = diary.news.iter().find_map(|news| match news {
        News::Over(over) => Some(over),
        _ => None,
    });
    assert!(over.and_then(|over| over.why.as_ref()).is_some_and(|why| why.to_string().contains("node")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_refused_is_over_and_others_go_on() {
    let content = r#"{"code":1501,"msg":"CONTENT_REFUSED","data":null}"#;
    let lab = Lab::new(SHORT, |sim| sim.rule(Rule::answer(CREATE, 200, content).skip(2).times(1))).await;
    let items = lab.items(6);
    let mut batch = lab.open(&items, Limits::default()).await;
    let diary = Diary::all(&mut batch).await;
    assert_eq!((diary.count(ItemState::Done), diary.count(ItemState::Refused)), (5, 1));
    assert_eq!(lab.creates(), (6, 5));
}
