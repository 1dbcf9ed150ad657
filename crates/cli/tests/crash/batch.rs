//! Batches that share a key.

use std::{fs, path::PathBuf, process::Child, thread, time::Duration};

use runninghub_sim::{Scenario, ScriptNode, Sim};

use crate::lab::{Lab, read_until};

const CREATE: &str = "/task/openapi/create";

/// A lab with a workflow that takes a moment, and a folder for tables and results.
fn lab() -> (Lab, String, tempfile::TempDir) {
    let node = ScriptNode::new("6", "CLIPTextEncode").input("text", "a cat").takes(Duration::from_millis(80));
    let save = ScriptNode::new("9", "SaveImage").link("images", "6", 0).saves("cat.png");
    let scenario = Scenario::script("cats").node(node).node(save).build();
    let id = scenario.workflow_id();
    let lab = Lab::new(Sim::builder().concurrency(3).scenario(scenario));
    (lab, id, tempfile::tempdir().expect("a folder"))
}

fn table(dir: &tempfile::TempDir, name: &str, rows: usize) -> PathBuf {
    let rows: Vec<String> = (1..=rows).map(|row| format!("{name}-{row},{name} number {row}")).collect();
    let path = dir.path().join(format!("{name}.csv"));
    fs::write(&path, format!("_id,6.text\n{}\n", rows.join("\n"))).expect("written");
    path
}

/// Starts a batch of a table.
fn start(lab: &Lab, table: &std::path::Path, workflow: &str) -> Child {
    let (table, out) = (table.to_str().expect("a path"), table.with_extension("results"));
    let out = out.to_str().expect("a path");
    let args = ["batch", "run", table, "--workflow", workflow, "-o", out, "--json"];
    lab.rhub(&args).spawn().expect("the binary")
}

/// The exit code of a batch that runs to its end, and how many creates were sent and made.
fn finish(mut child: Child) -> Option<i32> {
    let mut out = child.stdout.take().expect("a pipe");
    let reader = thread::spawn(move || read_until(&mut out, "no such text"));
    let code = child.wait().expect("it ends").code();
    reader.join().expect("read");
    code
}

fn creates(lab: &Lab) -> (u64, u64) {
    let stats = lab.sim.stats();
    (stats.calls.get(CREATE).copied().unwrap_or_default(), stats.creates)
}

#[test]
fn two_batches_and_a_single_run_share_the_slots_of_a_key() {
    let (lab, workflow, dir) = lab();
    let (cats, dogs) = (table(&dir, "cats", 12), table(&dir, "dogs", 12));
    thread::scope(|scope| {
        let batches = [cats, dogs].map(|table| {
            let (lab, workflow) = (&lab, &workflow);
            scope.spawn(move || finish(start(lab, &table, workflow)))
        });
        for _ in 0..3 {
            assert_eq!(lab.run(&["run", &workflow]), Some(0));
        }
        for batch in batches {
            assert_eq!(batch.join().expect("no panic"), Some(0));
        }
    });
    assert_eq!(creates(&lab), (27, 27), "no create was refused");
}
