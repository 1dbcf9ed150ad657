//! What holds for whatever runs the graph: RunningHub, and ComfyUI servers of three versions.

mod common;

use std::time::Duration;

use common::{WORKFLOW, hub, key, scenario, sim, watch};
use futures_util::StreamExt as _;
use runninghub::{Comfy, ErrorKind, Event, Phase, Run, RunningHub, Save, TaskId};
use runninghub_sim::{Native, Scenario, ScriptNode, Sim};

/// A service that runs [`scenario`] and [`failing`].
trait Service: Sized {
    async fn start() -> Self;
    async fn run(&self, scenario: &Scenario) -> Run;
    async fn follow(&self, task: TaskId) -> Result<Run, runninghub::Error>;
    fn save(&self, task: &TaskId, dir: &std::path::Path) -> Save;
    /// How many tasks were made.
    fn made(&self) -> u64;
    /// Stops the service and gives a handle to where it was.
    async fn gone(self) -> impl AsyncFn(TaskId) -> Result<Run, runninghub::Error>;
}

struct Platform {
    sim: Sim,
    hub: RunningHub,
}

impl Service for Platform {
    async fn start() -> Self {
        let sim = sim().scenario(failing()).start().await.expect("the simulator starts");
        Self { hub: hub(&sim), sim }
    }

    async fn run(&self, scenario: &Scenario) -> Run {
        let id = if scenario.name() == "failing" { scenario.workflow_id() } else { WORKFLOW.to_owned() };
        self.hub.workflow(id).submit().await.expect("accepted")
    }

    async fn follow(&self, task: TaskId) -> Result<Run, runninghub::Error> {
        self.hub.follow(task).start().await
    }

    fn save(&self, task: &TaskId, dir: &std::path::Path) -> Save {
        self.hub.save(task, dir)
    }

    fn made(&self) -> u64 {
        self.sim.stats().creates
    }

    async fn gone(self) -> impl AsyncFn(TaskId) -> Result<Run, runninghub::Error> {
        let url = self.sim.base_url().to_owned();
        self.sim.shutdown().await;
        let hub = RunningHub::builder(key()).base_url(url).time_scale(0.01).build().expect("a hub");
        async move |task| hub.follow(task).start().await
    }
}

struct Server<const AT: usize> {
    server: Native,
    comfy: Comfy,
}

const VERSIONS: [&str; 3] = ["0.3.44", "0.3.64", "0.29.0"];

impl<const AT: usize> Service for Server<AT> {
    async fn start() -> Self {
        let version = VERSIONS[AT];
        let server = Native::builder().scenario(scenario()).scenario(failing()).version(version);
        let server = server.expect("a version").start().await.expect("the server starts");
        let comfy = Comfy::builder(server.base_url()).build().expect("a handle");
        Self { server, comfy }
    }

    async fn run(&self, scenario: &Scenario) -> Run {
        self.comfy.workflow_json(scenario.workflow_json()).submit().await.expect("accepted")
    }

    async fn follow(&self, task: TaskId) -> Result<Run, runninghub::Error> {
        self.comfy.follow(task).start().await
    }

    fn save(&self, task: &TaskId, dir: &std::path::Path) -> Save {
        self.comfy.save(task, dir)
    }

    fn made(&self) -> u64 {
        self.server.prompts()
    }

    async fn gone(self) -> impl AsyncFn(TaskId) -> Result<Run, runninghub::Error> {
        let url = self.server.base_url().to_owned();
        self.server.shutdown().await;
        let comfy = Comfy::builder(url).time_scale(0.01).build().expect("a handle");
        async move |task| comfy.follow(task).start().await
    }
}

fn failing() -> Scenario {
    Scenario::script("failing")
        .node(ScriptNode::new("1", "EmptyImage").takes(Duration::from_millis(20)))
        .node(
            ScriptNode::new("2", "Picky")
                .link("image", "1", 0)
                .takes(Duration::from_millis(50))
                .fails("ValueError", "no cheese"),
        )
        .node(ScriptNode::new("3", "SaveImage").link("images", "2", 0).saves("never.png"))
        .build()
}

fn unknown() -> TaskId {
    "1999999999999999999".into()
}

async fn a_run_is_told_from_plan_to_results<S: Service>() {
    let service = S::start().await;
    let mut run = service.run(&scenario()).await;
    let watched = watch(&mut run).await;
    assert_eq!(watched.end.phase, Phase::Success);
    assert_eq!(watched.end.outputs.len(), 1);
    let Some(Event::Plan(plan)) = watched.events.first() else { panic!("the plan comes first") };
    assert_eq!(plan.total(), 5);
    let counted = watched.events.iter().any(|event| match event {
        Event::Progress(progress) => progress.overall.is_some_and(|overall| overall > 0.3 && overall < 0.9),
        _ => false,
    });
    assert!(counted, "progress within the run was told");
    let dir = tempfile::tempdir().expect("a folder");
    let files = service.save(run.task_id(), dir.path()).await.expect("saved").complete().expect("all of it");
    let bytes = std::fs::read(&files[0].path).expect("a file");
    assert_eq!(scenario().results().next().expect("a result").2, bytes);
    assert_eq!(service.made(), 1);
}

async fn a_failure_names_its_node<S: Service>() {
    let service = S::start().await;
    let end = service.run(&failing()).await.finish().await.expect("watched");
    let failure = end.failure.expect("a reason");
    assert_eq!(end.phase, Phase::Failed);
    assert_eq!(failure.node_id.expect("a node").as_str(), "2");
    assert_eq!(failure.exception_type.expect("a type").raw(), "ValueError");
    assert!(failure.message.expect("a message").raw().contains("no cheese"));
}

async fn a_run_can_be_cancelled<S: Service>() {
    let service = S::start().await;
    let mut run = service.run(&scenario()).await;
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

async fn a_dropped_run_is_taken_up_by_its_id<S: Service>() {
    let service = S::start().await;
    let run = service.run(&scenario()).await;
    let task = run.detach();
    let mut again = service.follow(task.clone()).await.expect("found");
    assert_eq!(watch(&mut again).await.end.phase, Phase::Success);
    let mut over = service.follow(task).await.expect("found");
    assert_eq!(over.outputs().await.expect("it succeeded").len(), 1);
    assert_eq!(service.made(), 1);
}

async fn an_unknown_task_is_an_error_and_no_endless_wait<S: Service>() {
    let service = S::start().await;
    let error = service.follow(unknown()).await.expect("started").finish().await.expect_err("unknown");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.is_unknown_task(), "{error:?}");
    let error = service.save(&unknown(), std::path::Path::new(".")).await.expect_err("unknown");
    assert!(error.is_unknown_task(), "{error:?}");
}

async fn a_service_that_is_not_there_is_told_soon<S: Service>() {
    let follow = S::start().await.gone().await;
    let error = match follow(unknown()).await {
        Ok(mut run) => run.finish().await.expect_err("nobody there"),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::Network);
}

macro_rules! suite {
    ($($law:ident)*) => {
        suite!(@ platform, crate::Platform; $($law)*);
        suite!(@ comfyui_0_3_44, crate::Server<0>; $($law)*);
        suite!(@ comfyui_0_3_64, crate::Server<1>; $($law)*);
        suite!(@ comfyui_0_29, crate::Server<2>; $($law)*);
    };
    (@ $name:ident, $service:ty; $($law:ident)*) => {
        mod $name {
            $(#[tokio::test]
            async fn $law() {
                crate::$law::<$service>().await;
            })*
        }
    };
}

suite! {
    a_run_is_told_from_plan_to_results
    a_failure_names_its_node
    a_run_can_be_cancelled
    a_dropped_run_is_taken_up_by_its_id
    an_unknown_task_is_an_error_and_no_endless_wait
    a_service_that_is_not_there_is_told_soon
}
