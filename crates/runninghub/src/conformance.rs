//! Conformance tests for every service whose tasks are followed, for a crate that implements a
//! [`Backend`](crate::Backend).
//!
//! [`backend_conformance!`](crate::backend_conformance) generates a module of tests from a type that
//! implements [`Harness`]. The tests run on tokio, which the crate needs with `macros` and `rt-multi-thread`.
#![expect(clippy::missing_panics_doc, reason = "these are tests")]

use futures_util::StreamExt as _;

use crate::{End, Error, ErrorKind, Event, Phase, Run, TaskId};

/// Generates a module of tests for one [`Harness`].
#[macro_export]
macro_rules! backend_conformance {
    ($name:ident, $service:ty) => {
        $crate::backend_conformance!(@ $name, $service,
            a_run_is_told_from_plan_to_results,
            a_failure_names_its_node,
            a_run_can_be_cancelled,
            a_dropped_run_is_taken_up_by_its_id,
            an_unknown_task_is_an_error_and_not_an_endless_wait,
            an_absent_service_is_reported_soon
        );
    };
    (@ $name:ident, $service:ty, $($test:ident),*) => {
        mod $name {
            use super::*;
            $(
                #[tokio::test]
                async fn $test() {
                    $crate::conformance::$test::<$service>().await;
                }
            )*
        }
    };
}

/// A job that the suite runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Job {
    /// Five nodes, the last of which makes one result. Takes about a second, mostly between the second and the fifth
    /// node.
    Succeeds,
    /// Node `2` raises `ValueError: no cheese`.
    Fails,
}

/// A service that runs the [jobs](Job) of the suite.
#[expect(async_fn_in_trait, reason = "the suite runs on the test's own thread")]
pub trait Harness: Sized {
    /// Starts the service, for one test.
    async fn start() -> Self;

    /// Submits a job and begins to follow it, with the plan of its graph.
    async fn run(&self, job: Job) -> Run;

    /// Follows an existing task by its id.
    ///
    /// # Errors
    /// When the service detects at once that the task cannot be followed.
    async fn follow(&self, task: TaskId) -> Result<Run, Error>;

    /// Number of tasks created so far.
    fn made(&self) -> u64;

    /// Stops the service, and returns a function that follows a task at its old URL, with short waits.
    async fn gone(self) -> impl AsyncFn(TaskId) -> Result<Run, Error>;
}

/// The plan comes first, progress stays within the run, and the end has the result.
pub async fn a_run_is_told_from_plan_to_results<S: Harness>() {
    let service = S::start().await;
    let (events, end) = watch(&mut service.run(Job::Succeeds).await).await;
    assert_eq!(end.phase, Phase::Success);
    assert_eq!(end.outputs.len(), 1);
    let Some(Event::Plan(plan)) = events.first() else { panic!("the plan comes first") };
    assert_eq!(plan.total(), 5);
    let counted = events.iter().any(|event| match event {
        Event::Progress(progress) => progress.overall.is_some_and(|overall| overall > 0.3 && overall < 0.9),
        _ => false,
    });
    assert!(counted, "progress within the run was told");
    assert_eq!(service.made(), 1);
}

/// The failure names the node, the exception and its message.
pub async fn a_failure_names_its_node<S: Harness>() {
    let service = S::start().await;
    let end = service.run(Job::Fails).await.finish().await.expect("watched");
    let failure = end.failure.expect("a reason");
    assert_eq!(end.phase, Phase::Failed);
    assert_eq!(failure.node_id.expect("a node").as_str(), "2");
    assert_eq!(failure.exception_type.expect("a type").raw(), "ValueError");
    assert!(failure.message.expect("a message").raw().contains("no cheese"));
}

/// Cancels in the middle of the run.
pub async fn a_run_can_be_cancelled<S: Harness>() {
    let service = S::start().await;
    let mut run = service.run(Job::Succeeds).await;
    while let Some(event) = run.next().await {
        if let Event::Progress(progress) = event.expect("watched")
            && progress.done >= 2
        {
            break;
        }
    }
    run.cancel().await.expect("cancelled");
    assert_eq!(run.finish().await.expect("watched").phase, Phase::Interrupted);
}

/// Drops the run and follows it again: while it runs, and once it is over.
pub async fn a_dropped_run_is_taken_up_by_its_id<S: Harness>() {
    let service = S::start().await;
    let task = service.run(Job::Succeeds).await.detach();
    let mut again = service.follow(task.clone()).await.expect("found");
    assert_eq!(watch(&mut again).await.1.phase, Phase::Success);
    let mut over = service.follow(task).await.expect("found");
    assert_eq!(over.outputs().await.expect("it succeeded").len(), 1);
    assert_eq!(service.made(), 1);
}

/// A wrong id is reported as an unknown task.
pub async fn an_unknown_task_is_an_error_and_not_an_endless_wait<S: Harness>() {
    let service = S::start().await;
    let error = service.follow(unknown()).await.expect("started").finish().await.expect_err("unknown");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.is_unknown_task(), "{error:?}");
}

/// Follows a task of a service that was stopped.
pub async fn an_absent_service_is_reported_soon<S: Harness>() {
    let follow = S::start().await.gone().await;
    let error = match follow(unknown()).await {
        Ok(mut run) => run.finish().await.expect_err("nobody there"),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::Network);
}

/// The id of a task that does not exist.
pub fn unknown() -> TaskId {
    "1999999999999999999".into()
}

/// Follows a run to its end, checking what must hold of every snapshot. Returns all events, and how it ended.
pub async fn watch(run: &mut Run) -> (Vec<Event>, End) {
    let (mut events, mut last, mut done) = (Vec::new(), 0.0, 0);
    while let Some(event) = run.next().await {
        let event = event.expect("the run can be watched");
        if let Event::Progress(progress) = &event {
            let overall = progress.overall.unwrap_or(last);
            assert!((0.0..=1.0).contains(&overall) && overall >= last, "{last} then {overall}");
            assert!(progress.done >= done, "settled nodes became fewer");
            assert_eq!(overall >= 1.0, progress.phase == Phase::Success);
            (last, done) = (overall, progress.done);
        }
        events.push(event);
    }
    let Some(Event::Finished(end)) = events.last().cloned() else { panic!("the last event tells the end") };
    (events, end)
}
