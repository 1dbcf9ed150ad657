//! The end is noticed, whatever becomes of the socket: the situations in which other clients hang or give up.

mod common;

use std::time::Duration;

use common::{WORKFLOW, Watched, hub, sim, watch};
use runninghub::{Phase, RunningHub};
use runninghub_sim::{Fault, Sim, SimBuilder};

/// Runs a task and gives how late the end was noticed, and how many API calls it took.
async fn run(builder: SimBuilder, wanted: Phase) -> (Duration, u64) {
    let sim = builder.start().await.expect("the simulator starts");
    let (noticed, watched) = run_on(&sim, hub(&sim)).await;
    assert_eq!(watched.end.phase, wanted);
    assert_eq!(watched.end.outputs.len(), usize::from(wanted == Phase::Success));
    assert_eq!(watched.end.failure.is_some(), wanted == Phase::Failed);
    (noticed, sim.stats().api_calls())
}

async fn run_on(sim: &Sim, hub: RunningHub) -> (Duration, Watched) {
    let mut run = hub.workflow(WORKFLOW).submit().await.expect("it is accepted");
    let watched = watch(&mut run).await;
    let ready = sim.stats().ready.get(run.task_id().as_str()).copied().expect("the end is known");
    (watched.noticed.saturating_duration_since(ready), watched)
}

/// Bounds are several times what is published: they tell a missed end from a noticed one on a busy machine. The
/// figures are the benchmark's.
const LIVE: Duration = Duration::from_millis(400);

#[tokio::test]
async fn with_a_live_socket() {
    for speed in [10.0, 1.0] {
        let (late, calls) = run(sim().speed(speed), Phase::Success).await;
        assert!(late < LIVE, "{late:?}");
        assert!(calls <= 5, "{calls} calls: workflow, create, address, result");
    }
}

#[tokio::test]
async fn after_a_queue() {
    let (late, _) = run(sim().queue_delay(Duration::from_millis(1500)), Phase::Success).await;
    assert!(late < LIVE, "{late:?}");
}

#[tokio::test]
async fn with_the_address_in_the_answer_to_create() {
    let (late, calls) = run(sim().fault(Fault::UrlInCreate), Phase::Success).await;
    assert!(late < LIVE, "{late:?}");
    assert!(calls <= 3, "{calls} calls: workflow, create, result");
}

#[tokio::test]
async fn when_results_lag_behind_the_last_frame() {
    let (late, calls) = run(sim().settle(Duration::from_millis(400)), Phase::Success).await;
    assert!(late < Duration::from_millis(600), "{late:?}");
    assert!(calls <= 8, "{calls} calls");
}

#[tokio::test]
async fn when_the_address_comes_after_the_last_frame() {
    let late_address = Fault::LateJoin(Duration::from_secs(2));
    let (late, _) = run(sim().fault(late_address).settle(Duration::from_millis(2500)), Phase::Success).await;
    assert!(late < Duration::from_secs(2), "{late:?}");
}

#[tokio::test]
async fn when_the_socket_is_cut_in_the_middle() {
    let (late, _) = run(sim().fault(Fault::DropAt { frame: 20, times: 1 }), Phase::Success).await;
    assert!(late < LIVE, "{late:?}");
}

#[tokio::test]
async fn when_the_socket_is_cut_before_its_last_frames() {
    let (late, _) = run(sim().fault(Fault::CutBeforeEnd), Phase::Success).await;
    assert!(late < Duration::from_secs(2), "{late:?}");
}

#[tokio::test]
async fn when_the_last_frames_never_come() {
    let (late, _) = run(sim().fault(Fault::LastFramesNever), Phase::Success).await;
    assert!(late < Duration::from_secs(2), "{late:?}");
}

#[tokio::test]
async fn when_the_socket_falls_silent_in_the_middle() {
    let (late, _) = run(sim().fault(Fault::SilenceAt(20)), Phase::Success).await;
    assert!(late < Duration::from_secs(6), "{late:?}");
}

#[tokio::test]
async fn when_the_task_fails() {
    let (late, _) = run(sim().fault(Fault::TaskFails), Phase::Failed).await;
    assert!(late < LIVE, "{late:?}");
}

#[tokio::test]
async fn when_there_is_never_an_address() {
    let (late, _) = run(sim().fault(Fault::UrlNever), Phase::Success).await;
    assert!(late < Duration::from_secs(3), "{late:?}");
}

#[tokio::test]
async fn when_the_handshake_is_refused() {
    let (late, _) = run(sim().fault(Fault::HandshakeRefused(403)), Phase::Success).await;
    assert!(late < Duration::from_secs(2), "{late:?}");
}

#[tokio::test]
async fn when_results_are_listed_late() {
    let (late, _) = run(sim().fault(Fault::EmptyOutputsFirst(3)), Phase::Success).await;
    assert!(late < Duration::from_secs(2), "{late:?}");
}

#[tokio::test]
async fn when_the_api_stumbles() {
    use runninghub_sim::Rate;
    for fault in
        [Fault::Http5xx(Rate::First(2)), Fault::Html(Rate::First(2)), Fault::LostAnswers(Rate::First(2))]
    {
        let sim = sim().fault(fault.clone()).start().await.expect("the simulator starts");
        let hub = RunningHub::builder(common::key())
            .base_url(sim.base_url())
            .time_scale(0.1)
            .build()
            .expect("a hub");
        let (late, watched) = run_on(&sim, hub).await;
        assert_eq!(watched.end.phase, Phase::Success, "{fault:?}");
        assert!(late < LIVE, "{fault:?} {late:?}");
        assert_eq!(sim.stats().creates, 1);
    }
}
