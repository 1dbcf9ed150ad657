//! Models: checked before payment, followed with the v2 endpoints, and recorded like every other run.

mod common;

use std::{fs, sync::Arc, time::Duration};

use common::{hub, key, watch};
use runninghub::{
    Code, Cost, ErrorKind, Event, Follow, Phase, RunningHub, Service as _, Submit, TaskStatus,
    catalog::Catalog,
    ledger::{Filter, Ledger, MemoryLedger, State},
};
use runninghub_sim::{Fault, Model, Rate, Sim};
use serde_json::json;

const KLING: &str = "kling-v3.0-pro/text-to-video";
const TEXT: &str = "rhart-text-g-25-pro/text-to-text";

async fn sim() -> Sim {
    Sim::builder().speed(20.0).start().await.expect("the simulator starts")
}

fn with_ledger(sim: &Sim) -> (RunningHub, Arc<MemoryLedger>) {
    let ledger = Arc::new(MemoryLedger::new().expect("a ledger"));
    let builder = RunningHub::builder(key()).base_url(sim.base_url()).time_scale(0.01);
    (builder.ledger(Arc::clone(&ledger) as _).build().expect("a hub"), ledger)
}

#[tokio::test]
async fn a_model_runs_to_its_end_without_a_graph() {
    let sim = sim().await;
    let (hub, ledger) = with_ledger(&sim);
    let mut run = hub
        .submit(Submit::model("Kling v3.0 pro text to video").set("prompt", "a cat"))
        .await
        .expect("accepted");
    assert!(run.plan().is_none() && run.workflow_id().is_none());
    let seen = watch(&mut run).await;
    for event in &seen.events {
        if let Event::Progress(progress) = event {
            let is_known = progress.phase == Phase::Success;
            assert_eq!((progress.overall.is_some(), progress.current.len()), (is_known, 0));
        }
    }
    assert_eq!((seen.end.phase, seen.end.outputs.len()), (Phase::Success, 1));
    let cost = seen.end.cost.expect("a cost");
    assert_eq!(cost.third_party_money.as_deref(), Some("5.20"));
    let entries = ledger.entries(Filter::all()).await.expect("entries");
    assert_eq!((entries[0].state, entries[0].intent.kind.as_str()), (State::Done, "model"));
    assert_eq!(
        entries[0].cost.as_ref().and_then(|cost: &Cost| cost.third_party_money.as_deref()),
        Some("5.20")
    );
    assert!(!sim.stats().calls.contains_key("/task/openapi/outputs"), "{:?}", sim.stats().calls);
}

#[tokio::test]
async fn text_and_files_come_home() {
    let sim = sim().await;
    let hub = hub(&sim);
    let dir = tempfile::tempdir().expect("a folder");
    let picture = dir.path().join("cat.png");
    fs::write(&picture, "picture").expect("written");
    let mut run = hub.submit(Submit::model(TEXT).set("prompt", "a story")).await.expect("accepted");
    run.outputs().await.expect("text");
    let saved = hub.save(run.task_id(), dir.path()).await.expect("saved").complete().expect("all");
    assert!(fs::read_to_string(&saved[0].path).expect("text").contains("lighthouse"));

    let edit = Submit::model("nano-banana-pro/edit-channel-low-price")
        .set_file("imageUrls", &picture)
        .set_file("imageUrls", &picture)
        .set("prompt", "a hat");
    let mut run = hub.submit(edit).await.expect("accepted");
    run.outputs().await.expect("an image");
    let saved = hub.save(run.task_id(), dir.path()).await.expect("saved").complete().expect("all");
    assert!(saved[0].bytes > 0);
    assert_eq!(sim.stats().calls["/openapi/v2/media/upload/binary"], 1, "one file, one upload");
}

#[tokio::test]
async fn nothing_is_sent_for_a_mistake() {
    let sim = sim().await;
    let hub = hub(&sim);
    let dir = tempfile::tempdir().expect("a folder");
    let large = dir.path().join("large.png");
    fs::File::create(&large).and_then(|file| file.set_len(40 << 20)).expect("a large file");
    let text = dir.path().join("cat.txt");
    fs::write(&text, "cat").expect("written");
    let edit = || Submit::model("rhart-image-n-pro/edit").set("prompt", "x");
    let mistakes = [
        Submit::model("klin").set("prompt", "x"),
        Submit::model(KLING),
        Submit::model(KLING).set("promt", "x"),
        Submit::model(KLING).set("prompt", "x").set("duration", 99),
        Submit::model(KLING).set("prompt", "x").set("cfgScale", 7),
        Submit::model(KLING).set_file("prompt", &text),
        edit().set("imageUrls", "openapi/0123.png"),
        edit().set_file("imageUrls", &large),
        edit().set_file("imageUrls", &text),
        edit().set_file("imageUrls", dir.path().join("none.png")),
        edit().body(serde_json::Map::new()),
    ];
    for mistake in mistakes {
        let error = hub.submit(mistake).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    }
    let meant = hub.submit(Submit::model(KLING).set_file("prompt", "me, a cat")).await.expect_err("no file");
    assert!(meant.hint().is_some_and(|hint| hint.text() == "use the text itself instead of a file"));
    assert_eq!(sim.stats().api_calls(), 0);
}

#[tokio::test]
async fn no_more_is_spent_than_is_wanted() {
    let lab = Model::new("lab/free").costs("soon");
    let sim = Sim::builder().speed(20.0).model(lab).start().await.expect("the simulator starts");
    let hub = hub(&sim);
    let kling = || Submit::model(KLING).set("prompt", "x");
    let price = hub.price(&kling()).await.expect("a price");
    assert_eq!(price.amount(), Some(5.2));
    for limit in [5.19, 0.0, f64::NAN] {
        let error = hub.submit(kling().max_cost(limit)).await.expect_err("too much");
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(error.to_string().contains("it would cost 5.2 CNY"), "{error}");
    }
    let unknown = hub.submit(Submit::model("lab/free").body(serde_json::Map::new()).max_cost(1e9)).await;
    assert!(unknown.expect_err("nobody knows").to_string().contains("does not give a price"));
    assert_eq!(sim.stats().creates, 0);
    hub.submit(kling().max_cost(5.2)).await.expect("not more than that");
    assert_eq!(sim.stats().creates, 1);
}

#[tokio::test]
async fn an_unknown_model_runs_with_a_raw_body() {
    let lab = Model::new("lab/new-model").choice("size", &["5"]);
    let sim = Sim::builder().speed(20.0).model(lab).start().await.expect("the simulator starts");
    let hub = hub(&sim);
    let body = json!({"size": "5"}).as_object().cloned().expect("an object");
    let mut run = hub.submit(Submit::model("lab/new-model").body(body)).await.expect("accepted");
    run.outputs().await.expect("an image");
    let bad = json!({"size": 5}).as_object().cloned().expect("an object");
    let error = hub.submit(Submit::model("lab/new-model").body(bad)).await.expect_err("sent as it is");
    assert_eq!((error.kind(), error.code().map(Code::as_str)), (ErrorKind::Refused, Some("1007")));
    let line = r#"{"endpoint":"lab/new-model","params":[{"name":"size","type":"list","choices":["5"],"required":true,"default":"5"}]}"#;
    let catalog = Catalog::parse(&format!("{{\"catalog\":1}}\n{line}")).expect("a catalog");
    hub.submit(Submit::model("lab/new-model").catalog(Arc::new(catalog)).set("size", 5))
        .await
        .expect("accepted");
}

#[tokio::test]
async fn a_lost_response_is_recorded_as_unknown() {
    let sim = Sim::builder().fault(Fault::LostCreateAnswer(Rate::First(1))).start().await.expect("started");
    let (hub, ledger) = with_ledger(&sim);
    let error = hub.submit(Submit::model(KLING).set("prompt", "x")).await.expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::SubmitUnknown);
    assert_eq!(sim.stats().creates, 1);
    let entries = ledger.entries(Filter::all()).await.expect("entries");
    assert_eq!(entries[0].state, State::Unknown);
    let task = sim.tasks()[0].task_id.as_str().into();
    let settled = hub.resolve(entries[0].attempt.as_str(), &task).await.expect("found by the v2 endpoint");
    assert_eq!(settled.task, Some(task));
}

#[tokio::test]
async fn a_full_queue_is_waited_for() {
    let sim = Sim::builder().speed(20.0).fault(Fault::QueueFull(2)).start().await.expect("started");
    let (hub, _) = with_ledger(&sim);
    hub.submit(Submit::model(KLING).set("prompt", "x")).await.expect("accepted in the end");
    assert_eq!(sim.stats().creates, 1);
    let url = "http://127.0.0.1:1/{secret}";
    hub.submit(Submit::model(KLING).set("prompt", "x").webhook(url)).await.expect("accepted");
    let webhook = sim.tasks()[1].webhook_url.clone().expect("an address");
    assert!(
        webhook.starts_with("http://127.0.0.1:1/") && !webhook.contains("secret") && webhook.len() > 40,
        "{webhook}"
    );
}

#[tokio::test]
async fn a_task_of_a_model_is_taken_up_again_by_its_id_alone() {
    let sim = Sim::builder().speed(0.01).start().await.expect("started");
    let task = hub(&sim).submit(Submit::model(KLING).set("prompt", "x")).await.expect("accepted").detach();
    let other = hub(&sim);
    assert_eq!(other.status(&task).await.expect("a status").status, TaskStatus::Running);
    assert_eq!(other.outputs(&task).await.expect("an answer").status, TaskStatus::Running);
    let mut run = other.follow(Follow::task(task.clone())).await.expect("followed");
    run.cancel().await.expect("cancelled");
    let end =
        tokio::time::timeout(Duration::from_secs(20), run.finish()).await.expect("in time").expect("an end");
    assert_eq!(end.phase, Phase::Interrupted);
    let nobody = other.outputs(&"1".into()).await.expect_err("no such task");
    assert!(nobody.is_unknown_task());
}

#[tokio::test]
async fn a_recorded_run_of_a_model_is_played_without_its_secrets() {
    let sim = sim().await;
    let dir = tempfile::tempdir().expect("a folder");
    let picture = dir.path().join("cat.png");
    fs::write(&picture, "picture").expect("written");
    let recording = dir.path().join("recording");
    let builder = RunningHub::builder(key()).base_url(sim.base_url()).time_scale(0.01);
    let hub = builder.record(&recording).build().expect("a hub");
    let mut run = hub
        .submit(
            Submit::model("rhart-image-n-pro/edit")
                .set_file("imageUrls", &picture)
                .set("prompt", "a hat")
                .webhook("http://127.0.0.1:1/hook-of-mine"),
        )
        .await
        .expect("accepted");
    let end = run.finish().await.expect("an end");
    drop(run);
    drop(hub);
    let mut texts = String::new();
    for file in fs::read_dir(&recording).expect("a folder") {
        texts += &fs::read_to_string(file.expect("a file").path()).expect("text");
    }
    for secret in [Sim::DEMO_KEY, "hook-of-mine"] {
        assert!(!texts.contains(secret), "{secret} is in the recording");
    }
    let mut replays = runninghub::Replay::open(&recording).expect("a recording").runs().expect("runs");
    let mut replay = replays.pop().expect("one run");
    let mut last = None;
    while let Some(line) = futures_util::StreamExt::next(&mut replay).await {
        last = Some(line.event);
    }
    let Some(Event::Finished(played)) = last else { panic!("no end") };
    assert_eq!((played.phase, played.outputs.len()), (end.phase, end.outputs.len()));
}
