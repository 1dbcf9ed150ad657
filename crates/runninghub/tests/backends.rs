//! Tests for every service that runs graphs: RunningHub, and ComfyUI servers of three versions.

mod common;

use std::{path::Path, time::Duration};

use common::{WORKFLOW, hub, key, scenario, sim};
use runninghub::{
    Comfy, Follow, Phase, Run, RunningHub, Save, Service as _, Submit, TaskId, backend_conformance,
    conformance::{Harness, Job, unknown},
};
use runninghub_sim::{Native, Scenario, ScriptNode, Sim};

/// Checks of saved files, which are possible because the simulator's file contents are known.
trait Saves: Harness {
    fn save(&self, task: &TaskId, dir: &Path) -> Save;
}

/// The simulator's scenario for a job of the suite.
fn job(job: Job) -> Scenario {
    match job {
        Job::Succeeds => scenario(),
        _ => failing(),
    }
}

struct Platform {
    sim: Sim,
    hub: RunningHub,
}

impl Harness for Platform {
    async fn start() -> Self {
        let sim = sim().scenario(failing()).start().await.expect("the simulator starts");
        Self { hub: hub(&sim), sim }
    }

    async fn run(&self, wanted: Job) -> Run {
        let id = if wanted == Job::Succeeds { WORKFLOW.to_owned() } else { failing().workflow_id() };
        self.hub.submit(Submit::workflow(id)).await.expect("accepted")
    }

    async fn follow(&self, task: TaskId) -> Result<Run, runninghub::Error> {
        self.hub.follow(Follow::task(task)).await
    }

    fn made(&self) -> u64 {
        self.sim.stats().creates
    }

    async fn gone(self) -> impl AsyncFn(TaskId) -> Result<Run, runninghub::Error> {
        let url = self.sim.base_url().to_owned();
        self.sim.shutdown().await;
        let hub = RunningHub::builder(key()).base_url(url).time_scale(0.01).build().expect("a hub");
        async move |task| hub.follow(Follow::task(task)).await
    }
}

impl Saves for Platform {
    fn save(&self, task: &TaskId, dir: &Path) -> Save {
        self.hub.save(task, dir)
    }
}

struct Server<const AT: usize> {
    server: Native,
    comfy: Comfy,
}

const VERSIONS: [&str; 3] = ["0.3.44", "0.3.64", "0.29.0"];

impl<const AT: usize> Harness for Server<AT> {
    async fn start() -> Self {
        let version = VERSIONS[AT];
        let server = Native::builder().scenario(scenario()).scenario(failing()).version(version);
        let server = server.expect("a version").start().await.expect("the server starts");
        let comfy = Comfy::builder(server.base_url()).build().expect("a handle");
        Self { server, comfy }
    }

    async fn run(&self, wanted: Job) -> Run {
        self.comfy.submit(Submit::graph(job(wanted).workflow_json())).await.expect("accepted")
    }

    async fn follow(&self, task: TaskId) -> Result<Run, runninghub::Error> {
        self.comfy.follow(Follow::task(task)).await
    }

    fn made(&self) -> u64 {
        self.server.prompts()
    }

    async fn gone(self) -> impl AsyncFn(TaskId) -> Result<Run, runninghub::Error> {
        let url = self.server.base_url().to_owned();
        self.server.shutdown().await;
        let comfy = Comfy::builder(url).time_scale(0.01).build().expect("a handle");
        async move |task| comfy.follow(Follow::task(task)).await
    }
}

impl<const AT: usize> Saves for Server<AT> {
    fn save(&self, task: &TaskId, dir: &Path) -> Save {
        self.comfy.save(task, dir)
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

async fn results_are_saved_to_the_letter<S: Saves>() {
    let service = S::start().await;
    let mut run = service.run(Job::Succeeds).await;
    assert_eq!(run.finish().await.expect("watched").phase, Phase::Success);
    let dir = tempfile::tempdir().expect("a folder");
    let files = service.save(run.task_id(), dir.path()).await.expect("saved").complete().expect("all of it");
    let bytes = std::fs::read(&files[0].path).expect("a file");
    assert_eq!(scenario().results().next().expect("a result").2, bytes);
}

async fn of_an_unknown_task_nothing_is_saved<S: Saves>() {
    let service = S::start().await;
    let error = service.save(&unknown(), Path::new(".")).await.expect_err("unknown");
    assert!(error.is_unknown_task(), "{error:?}");
}

macro_rules! services {
    ($($name:ident: $service:ty),* $(,)?) => {
        $(
            backend_conformance!($name, $service);
        )*

        mod saving {
            use super::*;
            $(
                #[tokio::test]
                async fn $name() {
                    results_are_saved_to_the_letter::<$service>().await;
                    of_an_unknown_task_nothing_is_saved::<$service>().await;
                }
            )*
        }
    };
}

services! {
    platform: Platform,
    comfyui_0_3_44: Server<0>,
    comfyui_0_3_64: Server<1>,
    comfyui_0_29: Server<2>,
}
