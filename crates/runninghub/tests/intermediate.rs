//! Files that only the socket names.

mod common;

use std::{fs, path::Path, time::Duration};

use common::{WORKFLOW, hub};
use futures_util::StreamExt as _;
use runninghub::{End, ErrorKind, Event, Intermediate, Phase, Service as _, Submit};
use runninghub_sim::{Scenario, ScriptNode, Sim};

/// Shows two images, one from the cached node, saves one, and then fails if `fails` is set.
fn scenario(fails: bool) -> Scenario {
    let last = ScriptNode::new("5", "VAEDecode").link("x", "4", 0).takes(Duration::from_millis(100));
    let last = if fails { last.fails("RuntimeError", "no") } else { last };
    Scenario::script("previews")
        .node(ScriptNode::new("1", "PreviewImage").shows("ComfyUI_temp_a_00001_.png").cached())
        .node(ScriptNode::new("2", "KSampler").link("x", "1", 0).takes(Duration::from_millis(100)))
        .node(ScriptNode::new("3", "PreviewImage").link("x", "2", 0).shows("ComfyUI_temp_b_00001_.png"))
        .node(ScriptNode::new("4", "SaveImage").link("x", "2", 0).saves("cat_00001_.png"))
        .node(last)
        .build()
}

async fn start(scenario: Scenario, faults: &[&str]) -> Sim {
    let sim = Sim::builder().scenario_named(WORKFLOW, scenario).wait_for_socket(Duration::from_secs(10));
    let sim = faults.iter().fold(sim, |sim, fault| sim.fault(fault.parse().expect("a fault")));
    sim.start().await.expect("the simulator starts")
}

/// Runs to the end and downloads all it can.
async fn keep(sim: &Sim, dir: &Path) -> (End, Vec<Intermediate>) {
    let hub = hub(sim);
    let mut run = hub.submit(Submit::workflow(WORKFLOW)).await.expect("accepted");
    let mut kept = hub.intermediates(run.task_id(), dir).expect("a platform keeps them");
    let mut end = None;
    while let Some(event) = run.next().await {
        let event = event.expect("watched");
        kept.see(&event);
        if let Event::Finished(ended) = event {
            end = Some(ended);
        }
    }
    let end = end.expect("an end");
    // The end of a failed task lists no files.
    let listed = hub.outputs(run.task_id()).await.expect("an answer").outputs;
    kept.end(&listed);
    let mut files = Vec::new();
    while let Some(file) = kept.next().await {
        files.push(file);
    }
    (end, files)
}

/// The name and the node of each file.
fn names(kept: &[Intermediate]) -> Vec<(&str, &str)> {
    kept.iter().map(|one| (one.node_id.as_str(), &*one.node_file.filename)).collect()
}

#[tokio::test]
async fn intermediate_files_are_saved_and_results_only_once() {
    let sim = start(scenario(false), &[]).await;
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("intermediate");
    let (end, kept) = keep(&sim, &folder).await;
    assert_eq!((end.phase, end.outputs.len()), (Phase::Success, 1));
    assert_eq!(names(&kept), [("1", "ComfyUI_temp_a_00001_.png"), ("3", "ComfyUI_temp_b_00001_.png")]);
    for one in &kept {
        let file = one.file.as_ref().expect("saved");
        assert_eq!(file.path.parent(), Some(&*folder));
        let content = fs::read(&file.path).expect("it is there");
        assert!(content.starts_with(b"\x89PNG") && content.len() as u64 == file.bytes);
    }
    assert_eq!(sim.stats().calls["/view"], 2);
}

#[tokio::test]
async fn files_saved_before_a_failure_are_downloaded() {
    let sim = start(scenario(true), &[]).await;
    let dir = tempfile::tempdir().expect("a folder");
    let (end, kept) = keep(&sim, dir.path()).await;
    assert_eq!((end.phase, end.outputs.len()), (Phase::Failed, 0));
    assert_eq!(names(&kept).last(), Some(&("4", "cat_00001_.png")));
    assert!(kept.iter().all(|one| one.file.is_ok()), "{kept:?}");

    // If the platform lists the file after all, it is a result.
    let sim = start(scenario(false), &["task-fails", "files-of-failed"]).await;
    let (end, kept) = keep(&sim, dir.path()).await;
    assert_eq!((end.phase, kept.len()), (Phase::Failed, 2), "{kept:?}");
}

#[tokio::test]
async fn a_login_page_is_not_saved_as_a_result() {
    let sim = start(scenario(true), &["no-node-files"]).await;
    let dir = tempfile::tempdir().expect("a folder");
    let (end, kept) = keep(&sim, dir.path()).await;
    assert_eq!((end.phase, kept.len()), (Phase::Failed, 3));
    for one in &kept {
        let error = one.file.as_ref().expect_err("a page");
        assert_eq!(error.kind(), ErrorKind::Results);
        assert!(!format!("{error:?}{one:?}").contains("Rh-Comfy-Auth"), "{error:?}");
    }
    assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 0);
}
