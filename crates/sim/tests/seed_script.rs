//! The platform's own example runs a task against the simulator, unchanged.

mod python;

use std::{fs, time::Duration};

use runninghub_sim::{Scenario, ScriptNode, Sim};
use tokio::{process::Command, time::timeout};

const EXAMPLE: &str = include_str!("data/platform_progress_example.py");

/// Long enough for the example's first poll, which happens after 5 seconds.
fn scenario() -> Scenario {
    Scenario::script("progress")
        .node(ScriptNode::new("4", "CheckpointLoaderSimple").cached())
        .node(ScriptNode::new("3", "KSampler").link("model", "4", 0).takes(Duration::from_secs(7)).steps(20))
        .node(ScriptNode::new("9", "SaveImage").link("images", "3", 0).saves("a_00001_.png"))
        .build()
}

#[tokio::test]
async fn the_platforms_example_shows_progress_and_results() {
    let Some(python) = python::with_packages("seed-script", &["requests", "websocket-client"]) else {
        return;
    };
    let id = "1979026379880697857";
    let sim = Sim::builder().scenario_named(id, scenario()).start().await.unwrap();
    let host = sim.base_url().trim_start_matches("http://");
    let script = EXAMPLE
        .replace("\"****************************\"", &format!("\"{}\"", Sim::DEMO_KEY))
        .replace("\"*****************\"", &format!("\"{id}\""))
        .replace("\"Host\": \"www.runninghub.cn\"", &format!("\"Host\": \"{host}\""))
        .replace("https://www.runninghub.cn", sim.base_url());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("example.py");
    fs::write(&path, script).unwrap();

    let mut command = Command::new(python);
    command.arg("-u").arg(&path).env("PYTHONIOENCODING", "utf-8").env("NO_PROXY", "*").kill_on_drop(true);
    let output = timeout(Duration::from_mins(1), command.output()).await.expect("the example ends").unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    for line in [
        "✅ Task initiated successfully, taskId: 2000000000000000001",
        "✅ WSS obtained successfully: ws://127.0.0.1:",
        "✅ Node mapping obtained successfully (3 nodes in total), which are {'4': 'CheckpointLoaderSimple', '3': 'KSampler', '9': 'SaveImage'}",
        "📊 Progress monitoring started...",
        "📈 Overall progress: ",
        "🎉 Task execution completed, getting generation results...",
        "📄 Generation results:",
        "  Result 1: Type=png, URL=http://127.0.0.1:",
        "✅ All results obtained!",
        "🔌 Monitoring closed: ",
    ] {
        assert!(text.contains(line), "{line:?} is missing in:\n{text}");
    }
    assert!(!text.contains('❌'), "{text}");
    assert_eq!(sim.stats().api_calls(), 4, "create, outputs, nodes, outputs");
}
