//! Runs in the background, and the records of a state folder.

mod common;

use std::sync::{Arc, Mutex};

use common::{WORKFLOW, key, sim};
use futures_util::StreamExt as _;
use runninghub::{
    Destination, Event, Finished, Follow, Found, Line, Phase, RunningHub, Service, Submit, SubmitStep,
    TaskStatus, Workspace,
    ledger::{Filter, State},
};
use runninghub_sim::{Fault, Rate, Sim};
use tokio::{sync::broadcast, time::Instant};

fn service(sim: &Sim, workspace: &Workspace) -> Arc<dyn Service> {
    let builder = RunningHub::builder(key()).base_url(sim.base_url());
    Arc::new(builder.workspace(workspace).expect("a ledger").build().expect("a hub"))
}

fn outcome(finished: &Finished) -> &runninghub::Outcome {
    match finished {
        Finished::Ended { outcome, .. } => outcome,
        other => panic!("{other:?}"),
    }
}

/// The remaining lines for a subscriber of a finished run.
fn rest(lines: &mut broadcast::Receiver<Arc<Line>>) -> Vec<Arc<Line>> {
    std::iter::from_fn(|| lines.try_recv().ok()).collect()
}

#[tokio::test]
async fn every_subscriber_sees_a_run_to_its_saved_results() {
    let sim = sim().speed(4.0).start().await.expect("the simulator starts");
    let dir = tempfile::tempdir().expect("a folder");
    let workspace = Workspace::open(dir.path().join("state"));
    let hub = service(&sim, &workspace);
    let mut all = workspace.lines();
    let results = Destination::folder(dir.path().join("results"));
    let run = workspace.start(&hub, Submit::workflow(WORKFLOW), Some(results)).await.expect("accepted");
    let (_, mut lines) = run.subscribe();
    assert_eq!(workspace.running().len(), 1);
    let finished = run.wait().await;
    let [output] = &outcome(&finished).outputs[..] else { panic!("one result: {finished:?}") };
    assert!(std::path::Path::new(output.path.as_ref().expect("a path")).is_file());
    let (all, lines) = (rest(&mut all), rest(&mut lines));
    assert!(matches!(all.first().expect("a line").event, Event::Submitted(_)));
    for lines in [&all, &lines] {
        assert!(lines.iter().all(|line| line.task_id == Some(run.id())));
        assert!(matches!(lines.last().expect("a line").event, Event::Result(_)));
        let overall: Vec<f64> = lines
            .iter()
            .filter_map(|line| match &line.event {
                Event::Progress(progress) => progress.overall,
                _ => None,
            })
            .collect();
        assert!(overall.is_sorted() && overall.last() == Some(&1.0), "{overall:?}");
    }
}

#[tokio::test]
async fn a_late_subscriber_is_complete_after_one_snapshot() {
    let sim = sim().start().await.expect("the simulator starts");
    let dir = tempfile::tempdir().expect("a folder");
    let workspace = Workspace::open(dir.path());
    let run = workspace.start(&service(&sim, &workspace), Submit::workflow(WORKFLOW), None).await;
    let run = run.expect("accepted");
    let mut state = run.watch();
    let half = |progress: &runninghub::Progress| progress.overall.is_some_and(|overall| overall > 0.3);
    state.wait_for(|snapshot| half(&snapshot.progress)).await.expect("it runs");
    let (late, mut lines) = run.subscribe();
    assert_eq!((late.task, late.workflow), (run.id(), Some(WORKFLOW.into())));
    assert_eq!(late.plan.expect("a plan").total(), 5);
    assert_eq!(late.status, Some(TaskStatus::Running));
    assert!(half(&late.progress) && late.finished.is_none() && late.attempt.is_some());
    run.wait().await;
    let over = run.snapshot();
    assert!(over.progress.overall == Some(1.0) && over.finished.is_some());
    let least = rest(&mut lines).iter().find_map(|line| match &line.event {
        Event::Progress(progress) => progress.overall,
        _ => None,
    });
    assert!(least >= late.progress.overall, "{least:?}");
    // After the end a subscriber still gets the complete snapshot.
    assert!(run.subscribe().0.finished.is_some());
}

#[tokio::test]
async fn a_task_is_followed_once_and_outlives_the_workspace() {
    let sim = sim().start().await.expect("the simulator starts");
    let dir = tempfile::tempdir().expect("a folder");
    let workspace = Workspace::open(dir.path());
    let hub = service(&sim, &workspace);
    let run = workspace.start(&hub, Submit::workflow(WORKFLOW), None).await.expect("accepted");
    let calls = hub.api_calls();
    let again = workspace.follow(&hub, Follow::task(run.id()), None).await.expect("the same");
    assert_eq!((again.id(), workspace.running().len()), (run.id(), 1));
    assert!(hub.api_calls() - calls < 2, "nothing was asked for it");
    drop(workspace);
    assert!(matches!(run.wait().await, Finished::Detached));
    let workspace = Workspace::open(dir.path());
    let found = workspace.follow(&hub, Follow::task(run.id()), None).await.expect("found");
    assert_eq!(outcome(&found.wait().await).status, Phase::Success.into());
    assert_eq!(sim.stats().creates, 1);
}

#[tokio::test]
async fn a_run_can_be_cancelled_and_an_unknown_task_is_lost() {
    let sim = sim().start().await.expect("the simulator starts");
    let dir = tempfile::tempdir().expect("a folder");
    let workspace = Workspace::open(dir.path());
    let hub = service(&sim, &workspace);
    let run = workspace.start(&hub, Submit::workflow(WORKFLOW), None).await.expect("accepted");
    run.cancel().await.expect("cancelled");
    assert_eq!(outcome(&run.wait().await).status, Phase::Interrupted.into());
    let lost = workspace.follow(&hub, Follow::task("1999999999999999999"), None).await.expect("started");
    let Finished::Lost(error) = lost.wait().await else { panic!("nobody knows it") };
    assert!(error.is_unknown_task(), "{error}");
}

#[tokio::test]
async fn user_input_resolves_to_a_task_or_a_reason() {
    let sim = sim().fault(Fault::LostCreateAnswer(Rate::First(1))).speed(20.0).start().await;
    let sim = sim.expect("the simulator starts");
    let dir = tempfile::tempdir().expect("a folder");
    let workspace = Workspace::open(dir.path());
    let hub = service(&sim, &workspace);
    assert!(matches!(workspace.find("last").await.expect("read"), Found::Nothing));
    assert!(matches!(workspace.find("nonsense").await.expect("read"), Found::NotFound));
    let lost = hub.submit(Submit::workflow(WORKFLOW)).await.expect_err("the response is lost");
    let attempt = lost.attempt().expect("it is written down").to_string();
    assert!(matches!(workspace.find("last").await.expect("read"), Found::Nothing), "no task yet");
    assert!(matches!(workspace.find(&attempt).await.expect("read"), Found::Unknown(_)));
    let run = hub.submit(Submit::workflow(WORKFLOW)).await.expect("accepted");
    let attempt = run.attempt().expect("written down").to_string();
    for text in ["last", &attempt, run.task_id().as_str()] {
        let Found::Task { task, entry, newer } = workspace.find(text).await.expect("read") else {
            panic!("{text} is a task")
        };
        assert_eq!((&task, newer.is_none()), (run.task_id(), true), "{text}");
        assert_eq!(entry.expect("ours").intent.place, *hub.place(), "{text}");
    }
    let elsewhere = workspace.find("1999999999999999999").await.expect("read");
    assert!(matches!(elsewhere, Found::Task { entry: None, .. }));
}

#[tokio::test]
async fn refreshing_writes_down_what_ended_unseen() {
    let sim = sim().speed(20.0).start().await.expect("the simulator starts");
    let dir = tempfile::tempdir().expect("a folder");
    let workspace = Workspace::open(dir.path());
    let hub = service(&sim, &workspace);
    let task = hub.submit(Submit::workflow(WORKFLOW)).await.expect("accepted").detach();
    while !hub.status(&task).await.expect("known").status.is_over() {}
    let skipped = workspace.refresh::<runninghub::ledger::Error>(|_| Ok(None)).await.expect("nothing to do");
    assert!(skipped.is_empty());
    let connect = |_: &_| Ok::<_, runninghub::ledger::Error>(Some(Arc::clone(&hub)));
    let seen = workspace.refresh(connect).await.expect("refreshed");
    let [(entry, Ok(()))] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((&entry.task, entry.state), (&Some(task), State::Done));
    let written = workspace.ledger().expect("a ledger").entries(Filter::all()).await.expect("read");
    assert_eq!(written.iter().map(|entry| entry.state).collect::<Vec<_>>(), [State::Done]);
}

/// Otherwise the second submit would wait for 5 to 10 s.
#[tokio::test]
async fn the_end_of_a_run_frees_its_slot_at_once() {
    let sim = sim().concurrency(1).speed(4.0).start().await.expect("the simulator starts");
    let dir = tempfile::tempdir().expect("a folder");
    let workspace = Workspace::open(dir.path());
    let hub = service(&sim, &workspace);
    let first = workspace.start(&hub, Submit::workflow(WORKFLOW), None).await.expect("accepted");
    let waited = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&waited);
    let second = Submit::workflow(WORKFLOW).on_step(move |step| {
        if let SubmitStep::Waiting { wait, .. } = step {
            seen.lock().expect("not poisoned").push((Instant::now(), wait));
        }
    });
    let mut second = hub.submit(second).await.expect("accepted");
    let accepted = Instant::now();
    let waited = waited.lock().expect("not poisoned").clone();
    let [(since, wait)] = waited[..] else { panic!("refused once: {waited:?}") };
    assert!(accepted - since < wait, "{:?} of {wait:?}", accepted - since);
    assert_eq!(outcome(&first.wait().await).status, Phase::Success.into());
    while second.next().await.is_some() {}
}
