//! Batches whose processes are killed, and batches that share a key.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::Child,
    thread,
    time::Duration,
};

use runninghub::ledger::State;
use runninghub_sim::{Scenario, ScriptNode, Sim};

use crate::lab::{Lab, kill, read_until};

const CREATE: &str = "/task/openapi/create";
const DONE: &str = "\"state\":\"done\"";

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

/// Says of each submit of unknown outcome what the platform's page would show.
fn resolve(lab: &Lab) {
    let entries = lab.entries();
    let known: BTreeSet<String> =
        entries.iter().filter_map(|entry| entry.task.as_ref()).map(|task| task.as_str().to_owned()).collect();
    let mut strays = lab.sim.tasks().into_iter().map(|task| task.task_id).filter(|id| !known.contains(id));
    for entry in entries.iter().filter(|entry| entry.state == State::Unknown) {
        let found = strays.next();
        let answer = match &found {
            Some(task) => vec!["resolve", entry.attempt.as_str(), "--task-id", task],
            None => vec!["resolve", entry.attempt.as_str(), "--not-created"],
        };
        assert_eq!(lab.run(&answer), Some(0), "{answer:?}");
    }
}

#[test]
fn sixty_rows_are_paid_once_each_though_the_batch_is_killed_five_times() {
    let (lab, workflow, dir) = lab();
    let table = table(&dir, "cats", 60);
    for killed in 0..5 {
        let mut batch = start(&lab, &table, &workflow);
        let lines = BufReader::new(batch.stdout.take().expect("a pipe")).lines();
        // At another moment each time.
        let done = lines.map_while(Result::ok).filter(|line| line.contains(DONE));
        assert_eq!(done.take(2 * killed + 1).count(), 2 * killed + 1, "it ended too early");
        kill(batch);
    }
    // What was killed while it was being sent is held, and nothing else is.
    let code = finish(start(&lab, &table, &workflow));
    assert!(matches!(code, Some(0 | 5)), "{code:?}");
    resolve(&lab);
    assert_eq!(finish(start(&lab, &table, &workflow)), Some(0));
    assert_eq!(creates(&lab).1, 60, "each row was paid once");
    let done = lab.entries().into_iter().filter(|entry| entry.state == State::Done);
    let items: BTreeSet<_> = done.filter_map(|entry| entry.intent.item).map(|item| item.id.clone()).collect();
    assert_eq!(items.len(), 60);
    let results = table.with_extension("results");
    for row in 1..=60 {
        let files = fs::read_dir(results.join(format!("cats-{row}"))).expect("a folder");
        let images =
            files.filter(|file| file.as_ref().expect("readable").path().extension() == Some("png".as_ref()));
        assert_eq!(images.count(), 1, "cats-{row}");
    }
    assert!(results.join("batch.json").exists() && results.join("items.jsonl").exists());
    // Once more: nothing is sent.
    let before = creates(&lab);
    assert_eq!(finish(start(&lab, &table, &workflow)), Some(0));
    assert_eq!(creates(&lab), before);
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
