//! The package `runninghub-sdk` from `PyPI` works against the simulator with nothing but its base URL changed.

mod python;

use std::time::Duration;

use runninghub_sim::{App, Scenario, ScriptNode, Sim};
use tokio::{process::Command, time::timeout};

#[tokio::test]
async fn the_sdk_does_its_whole_job() {
    let Some(python) = python::with_packages("sdk", &["runninghub-sdk==1.1.9"]) else { return };
    let sampler =
        ScriptNode::new("3", "KSampler").input("seed", 42).takes(Duration::from_millis(300)).steps(6);
    let good = Scenario::script("good")
        .node(sampler.clone())
        .node(ScriptNode::new("9", "SaveImage").link("images", "3", 0).saves("a_00001_.png"))
        .build();
    let bad = Scenario::script("bad").node(sampler.fails("RuntimeError", "boom")).build();
    let (good_id, bad_id) = (good.workflow_id(), bad.workflow_id());
    let app = App::demo();
    let app_id = app.id();
    let sim = Sim::builder().scenario(good).scenario(bad).app(app).speed(10.0).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();

    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sdk_check.py"));
    command.args([sim.base_url(), Sim::DEMO_KEY, &good_id, &bad_id, &app_id]).arg(folder.path());
    command.env("NO_PROXY", "*").env("PYTHONDONTWRITEBYTECODE", "1").kill_on_drop(true);
    let output = timeout(Duration::from_mins(1), command.output()).await.expect("the script ends").unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.ends_with("all is well\n"), "{text}");
    assert_eq!(sim.stats().creates, 5, "three runs of workflows, an app and a model");
}
