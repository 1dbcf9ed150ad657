//! Following existing tasks, recording them, and saving results.

mod common;

use std::time::Duration;

use common::{WORKFLOW, hub, key, sim, watch};
use futures_util::StreamExt as _;
use runninghub::{Event, Follow, Phase, Replay, RunningHub, Service as _, Submit};
use runninghub_sim::{Fault, Rule};

#[tokio::test]
async fn a_dropped_run_continues_and_can_be_followed_by_id() {
    let sim = sim().start().await.expect("the simulator starts");
    let hub = hub(&sim);
    let run = hub.submit(Submit::workflow(WORKFLOW)).await.expect("accepted");
    let task = run.task_id().clone();
    drop(run);
    // Another process, which knows only the id: the workflow is taken from the socket's URL.
    let mut again = common::hub(&sim).follow(Follow::task(task)).await.expect("found");
    let watched = watch(&mut again).await;
    assert_eq!(watched.end.phase, Phase::Success);
    let total = watched.events.iter().find_map(|event| match event {
        Event::Plan(plan) => Some(plan.total()),
        _ => None,
    });
    assert_eq!(total, Some(5));
    assert_eq!(sim.stats().creates, 1);
}

#[tokio::test]
async fn an_ended_task_is_reported_at_once() {
    let sim = sim().speed(50.0).start().await.expect("the simulator starts");
    let hub = hub(&sim);
    let mut run = hub.submit(Submit::workflow(WORKFLOW)).await.expect("accepted");
    run.finish().await.expect("watched");
    let mut again = hub.follow(Follow::task(run.task_id().clone()).workflow(WORKFLOW)).await.expect("found");
    let outputs = again.outputs().await.expect("it succeeded");
    assert_eq!(outputs.len(), 1);
}

/// Neither an intermediary's error page nor a temporary refusal of a good key proves anything about a task that was
/// known before.
#[tokio::test]
async fn malformed_responses_do_not_end_the_watch() {
    const OUTPUTS: &str = "/task/openapi/outputs";
    let refused = r#"{"code":-1,"msg":"ApiKey verification failed"}"#;
    for (status, body, times) in [(403, "<html><title>no</title>", 6), (404, "<html>", 6), (401, refused, 3)]
    {
        let sim = sim()
            .rule(Rule::answer(OUTPUTS, status, body).skip(1).times(times))
            .fault(Fault::UrlNever)
            .start()
            .await
            .expect("the simulator starts");
        let hub =
            RunningHub::builder(key()).base_url(sim.base_url()).time_scale(0.05).build().expect("a hub");
        let task = hub.submit(Submit::workflow(WORKFLOW)).await.expect("accepted").detach();
        let mut run = hub.follow(Follow::task(task)).await.expect("found");
        let end = run.finish().await.unwrap_or_else(|error| panic!("{status}: {error}"));
        assert_eq!(end.phase, Phase::Success, "{status}");
    }
}

#[tokio::test]
async fn an_unknown_task_is_an_error_and_not_an_endless_wait() {
    let sim = sim().start().await.expect("the simulator starts");
    let mut run = hub(&sim).follow(Follow::task("1999999999999999999")).await.expect("started");
    let error = run.finish().await.expect_err("there is no such task");
    assert_eq!(error.kind(), runninghub::ErrorKind::Refused);
}

#[tokio::test]
async fn an_absent_service_is_reported_soon() {
    let sim = sim().start().await.expect("the simulator starts");
    let url = sim.base_url().to_owned();
    sim.shutdown().await;
    let hub = RunningHub::builder(key()).base_url(url).time_scale(0.01).build().expect("a hub");
    let mut run = hub.follow(Follow::task("2000000000000000001")).await.expect("started");
    let error = run.finish().await.expect_err("nothing is there");
    assert_eq!(error.kind(), runninghub::ErrorKind::Network);
}

#[tokio::test]
async fn a_cancelled_task_ends() {
    let sim = sim().speed(0.2).start().await.expect("the simulator starts");
    let mut run = hub(&sim).submit(Submit::workflow(WORKFLOW)).await.expect("accepted");
    while let Some(event) = run.next().await {
        if matches!(event.expect("watched"), Event::Progress(progress) if progress.phase == Phase::Running) {
            break;
        }
    }
    run.cancel().await.expect("cancelled");
    let end = run.finish().await.expect("watched");
    assert!(matches!(end.phase, Phase::Interrupted | Phase::Failed), "{:?}", end.phase);
    assert!(run.outputs().await.is_err());
}

#[tokio::test]
async fn a_recording_plays_to_the_same_end() {
    for (fault, phase) in [
        (None, Phase::Success),
        (Some(Fault::TaskFails), Phase::Failed),
        // Here the end is only known over HTTP.
        (Some(Fault::HandshakeRefused(403)), Phase::Success),
        (Some(Fault::DropAt { frame: 20, times: 2 }), Phase::Success),
    ] {
        let mut builder = sim();
        if let Some(fault) = fault.clone() {
            builder = builder.fault(fault);
        }
        let sim = builder.start().await.expect("the simulator starts");
        let dir = tempfile::tempdir().expect("a folder");
        let hub =
            RunningHub::builder(key()).base_url(sim.base_url()).record(dir.path()).build().expect("a hub");
        let mut run = hub.submit(Submit::workflow(WORKFLOW)).await.expect("accepted");
        let live = watch(&mut run).await;
        assert_eq!(live.end.phase, phase);
        drop((run, hub));

        let runs = Replay::open(dir.path()).expect("a recording").runs().expect("it can be played");
        let [run] = runs.try_into().expect("one run");
        let events: Vec<Event> = run.map(|line| line.event).collect().await;
        let Some(Event::Finished(end)) = events.last() else { panic!("it ends") };
        assert_eq!((end.phase, end.outputs.len()), (phase, live.end.outputs.len()), "{fault:?}");
        let settled = |events: &[Event]| {
            events.iter().rev().find_map(|event| match event {
                Event::Progress(progress) => {
                    Some((progress.done, progress.total, progress.overall == Some(1.0)))
                }
                _ => None,
            })
        };
        assert_eq!(settled(&events), settled(&live.events), "{fault:?}");

        for entry in std::fs::read_dir(dir.path()).expect("the folder") {
            let path = entry.expect("a file").path();
            let text = std::fs::read_to_string(&path).expect("text");
            assert!(!text.contains(runninghub_sim::Sim::DEMO_KEY), "the key is in {}", path.display());
            assert!(!text.contains("Rh-Comfy-Auth=ey"), "a ticket is in {}", path.display());
        }
    }
}

#[tokio::test]
async fn dropping_a_run_stops_all_work() {
    let sim = sim().speed(0.1).start().await.expect("the simulator starts");
    let hub = hub(&sim);
    let mut run = hub.submit(Submit::workflow(WORKFLOW)).await.expect("accepted");
    while let Some(event) = run.next().await {
        if matches!(event.expect("watched"), Event::Connection(c) if c.state.as_str() == "live") {
            break;
        }
    }
    let calls = hub.api_calls();
    drop(run);
    // The socket is closed by the drop; the test waits for that event.
    tokio::time::timeout(Duration::from_secs(5), async {
        while sim.stats().sockets_open > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the socket is closed");
    assert_eq!(hub.api_calls(), calls);
}
