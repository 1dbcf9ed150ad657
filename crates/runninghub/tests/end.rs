//! The end is noticed whatever happens to the socket: the situations in which other clients hang or give up.

mod common;

use std::time::Duration;

use common::{WORKFLOW, Watched, hub, sim, watch};
use runninghub::{Phase, RunningHub, Service as _, Submit};
use runninghub_sim::{Fault, SimBuilder};
use tokio::time::timeout;

/// Runs a task on the real clock: the end must come. How soon it is noticed, and with how many calls, is tested on a
/// paused clock (`crates/core/src/session/tests`) and measured by `cargo xtask bench`.
async fn run(builder: SimBuilder, wanted: Phase) {
    let sim = builder.start().await.expect("the simulator starts");
    let watched = run_on(hub(&sim)).await;
    assert_eq!(watched.end.phase, wanted);
    assert_eq!(watched.end.outputs.len(), usize::from(wanted == Phase::Success));
    assert_eq!(watched.end.failure.is_some(), wanted == Phase::Failed);
    assert_eq!(sim.stats().creates, 1);
}

async fn run_on(hub: RunningHub) -> Watched {
    let mut run = hub.submit(Submit::workflow(WORKFLOW)).await.expect("it is accepted");
    timeout(HANG, watch(&mut run)).await.expect("the end is noticed")
}

/// Longer than a run takes on any busy machine.
const HANG: Duration = Duration::from_mins(5);

#[tokio::test]
async fn with_a_live_socket() {
    for speed in [10.0, 1.0] {
        run(sim().speed(speed), Phase::Success).await;
    }
}

#[tokio::test]
async fn after_a_queue() {
    run(sim().queue_delay(Duration::from_millis(1500)), Phase::Success).await;
}

#[tokio::test]
async fn the_socket_url_is_in_the_create_response() {
    run(sim().fault(Fault::UrlInCreate), Phase::Success).await;
}

#[tokio::test]
async fn when_results_lag_behind_the_last_frame() {
    run(sim().settle(Duration::from_millis(400)), Phase::Success).await;
}

#[tokio::test]
async fn the_socket_url_comes_after_the_last_frame() {
    let late_address = Fault::LateJoin(Duration::from_secs(2));
    run(sim().fault(late_address).settle(Duration::from_millis(2500)), Phase::Success).await;
}

#[tokio::test]
async fn when_the_socket_is_cut_in_the_middle() {
    run(sim().fault(Fault::DropAt { frame: 20, times: 1 }), Phase::Success).await;
}

#[tokio::test]
async fn when_the_socket_is_cut_before_its_last_frames() {
    for early in [0, 50] {
        let cut = Fault::CutBeforeEnd(Duration::from_millis(early));
        run(sim().fault(cut), Phase::Success).await;
    }
}

#[tokio::test]
async fn when_the_last_frames_never_come() {
    run(sim().fault(Fault::LastFramesNever), Phase::Success).await;
}

#[tokio::test]
async fn when_the_socket_falls_silent_in_the_middle() {
    run(sim().fault(Fault::SilenceAt(20)), Phase::Success).await;
}

#[tokio::test]
async fn when_the_task_fails() {
    run(sim().fault(Fault::TaskFails), Phase::Failed).await;
}

#[tokio::test]
async fn there_is_never_a_socket_url() {
    run(sim().fault(Fault::UrlNever), Phase::Success).await;
}

#[tokio::test]
async fn when_the_handshake_is_refused() {
    run(sim().fault(Fault::HandshakeRefused(403)), Phase::Success).await;
}

#[tokio::test]
async fn when_results_are_listed_late() {
    run(sim().fault(Fault::EmptyOutputsFirst(3)), Phase::Success).await;
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
        let watched = run_on(hub).await;
        assert_eq!(watched.end.phase, Phase::Success, "{fault:?}");
        assert_eq!(sim.stats().creates, 1);
    }
}
