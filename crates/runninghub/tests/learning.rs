//! The durations of a run are used by the next run of the same workflow.

mod common;

use std::time::Duration;

use common::{WORKFLOW, key, sim, watch};
use runninghub::{Basis, Event, Follow, History, Priors, RunningHub, Service as _, Submit};
use runninghub_sim::{Scenario, ScriptNode, Sim};

fn hub(sim: &Sim, history: &History) -> RunningHub {
    RunningHub::builder(key()).base_url(sim.base_url()).history(history.clone()).build().expect("a hub")
}

#[tokio::test]
async fn a_run_that_ends_has_learned() {
    let dir = tempfile::tempdir().expect("a folder");
    let history = History::new(dir.path());
    // A socket that is opened late sees no node from beginning to end.
    let sim = sim().wait_for_socket(Duration::from_mins(1)).start().await.expect("the simulator starts");
    let hub = hub(&sim, &history);
    let mut first = hub.submit(Submit::workflow(WORKFLOW)).await.expect("accepted");
    assert_eq!(first.plan().expect("a plan").basis(), Basis::ClassKnown);
    watch(&mut first).await;
    let learned = history.learned(&WORKFLOW.into(), "default");
    let sampler = learned.iter().find(|one| one.id.as_str() == "3").expect("it ran");
    assert!(sampler.seconds > 0.3 && sampler.work > 1.0 && !sampler.cold, "{sampler:?}");

    let mut second = hub.submit(Submit::workflow(WORKFLOW)).await.expect("accepted");
    let plan = second.plan().expect("a plan");
    assert_eq!((plan.is_learned(), plan.basis()), (true, Basis::Learned));
    second.finish().await.expect("watched");
    assert_eq!(history.learned(&WORKFLOW.into(), "default").len(), 2 * learned.len(), "also without looking");
}

#[tokio::test]
async fn a_changed_number_of_steps_changes_what_is_expected() {
    let sampler =
        ScriptNode::new("3", "KSampler").input("steps", 20).takes(Duration::from_millis(50)).steps(20);
    let scenario = Scenario::script("steps").node(sampler).build();
    let sim = sim().scenario_named("7", scenario).start().await.expect("the simulator starts");
    let mut seconds = Vec::new();
    for steps in [20, 40] {
        let mut run =
            common::hub(&sim).submit(Submit::workflow("7").set("3.steps", steps)).await.expect("accepted");
        seconds.push(run.plan().expect("a plan").nodes()[0].seconds());
        run.finish().await.expect("watched");
    }
    assert!(seconds[1] > 1.5 * seconds[0], "{seconds:?}");
}

#[tokio::test]
async fn unsaved_durations_are_a_warning() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("a file and no folder");
    std::fs::write(&file, "").expect("written");
    let sim = sim().speed(50.0).start().await.expect("the simulator starts");
    let mut run = hub(&sim, &History::new(&file)).submit(Submit::workflow(WORKFLOW)).await.expect("accepted");
    let watched = watch(&mut run).await;
    let warned =
        watched.events.iter().any(|event| matches!(event, Event::Warning { code, .. } if code == "history"));
    assert!(warned && watched.end.phase.is_final());
}

#[tokio::test]
async fn own_priors_count_before_the_built_in_ones() {
    let sim = sim().start().await.expect("the simulator starts");
    let priors =
        Priors::parse(r#"{"classes": [{"matches": ["VAEDecode"], "seconds": 40}]}"#).expect("priors");
    let hub = RunningHub::builder(key()).base_url(sim.base_url()).priors(priors).build().expect("a hub");
    let run = hub.submit(Submit::workflow(WORKFLOW)).await.expect("accepted");
    let seconds = run.plan().expect("a plan").nodes().iter().find(|node| node.id.as_str() == "8");
    assert!((seconds.expect("a decode").seconds() - 40.0).abs() < 1e-9);
    let again = hub.follow(Follow::task(run.detach()).workflow(WORKFLOW)).await.expect("found");
    let decode = again.plan().expect("a plan").nodes().iter().find(|node| node.id.as_str() == "8");
    assert!((decode.expect("a decode").seconds() - 40.0).abs() < 1e-9);
}
