//! Results are saved complete, once, and from one version, whatever the file host does.

mod common;

use std::{fs, path::Path};

use common::{WORKFLOW, key, sim};
use runninghub::{ErrorKind, FileUrl, OutputFile, RunningHub, SavedTask, Service as _, Submit, TaskId};
use runninghub_sim::{Fault, Scenario, ScriptNode, Sim, SimBuilder};

/// A finished task, and its results.
struct Made {
    sim: Sim,
    hub: RunningHub,
    task: TaskId,
    outputs: Vec<OutputFile>,
    dir: tempfile::TempDir,
}

impl Made {
    async fn with(builder: SimBuilder) -> Self {
        let sim = builder.speed(50.0).start().await.expect("the simulator starts");
        let hub =
            RunningHub::builder(key()).base_url(sim.base_url()).time_scale(0.01).build().expect("a hub");
        let mut run = hub.submit(Submit::workflow(WORKFLOW)).await.expect("accepted");
        let outputs = run.outputs().await.expect("it succeeded");
        let task = run.task_id().clone();
        Self { sim, hub, task, outputs, dir: tempfile::tempdir().expect("a folder") }
    }

    async fn save(&self) -> SavedTask {
        self.hub.save(&self.task, self.dir.path()).files(&self.outputs).await.expect("the folder is usable")
    }

    fn fetches(&self) -> u64 {
        self.sim.stats().calls.get("/files").copied().unwrap_or_default()
    }

    fn names(&self) -> Vec<String> {
        names(self.dir.path())
    }

    fn manifest(&self) -> serde_json::Value {
        let path = self.dir.path().join(format!("{}.manifest.json", self.task));
        serde_json::from_str(&fs::read_to_string(path).expect("a manifest")).expect("JSON")
    }
}

/// All names but the manifest's.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().expect("UTF-8")).collect();
    names.retain(|name| !name.ends_with(".manifest.json"));
    names.sort();
    names
}

fn three_files() -> SimBuilder {
    let node = ScriptNode::new("9", "SaveImage").saves("a.png").saves("b.png").saves("c.png");
    Sim::builder().scenario_named(WORKFLOW, Scenario::script("three").node(node).build())
}

#[tokio::test]
async fn results_come_home_whole_and_under_safe_names() {
    let made = Made::with(sim()).await;
    let folder = made.dir.path().join("new/folder");
    let save = || made.hub.save(&made.task, &folder).template("cat-{n}.{ext}").workflow(WORKFLOW);
    let [file] = save().await.expect("saved").complete().expect("all").try_into().expect("one result");
    assert_eq!(file.path, folder.join("cat-1.png"));
    let bytes = fs::read(&file.path).expect("it is there");
    assert_eq!(bytes.len() as u64, file.bytes);
    assert!(bytes.starts_with(&[0x89, 0x50, 0x4e, 0x47]));

    // Save again: existing files are neither downloaded nor duplicated, and changed files stay untouched.
    let again = save().await.expect("saved").complete().expect("all");
    assert_eq!((again, made.fetches()), (vec![file.clone()], 1));
    fs::write(&file.path, "changed by hand").expect("written");
    let [second] = save().await.expect("saved").complete().expect("all").try_into().expect("one result");
    assert_eq!((second.path, second.sha256), (folder.join("cat-1-2.png"), file.sha256));
    assert_eq!(fs::read_to_string(&file.path).expect("text"), "changed by hand");
    assert_eq!(names(&folder), ["cat-1-2.png", "cat-1.png"]);
    save().await.expect("saved").complete().expect("all");
    assert_eq!((made.fetches(), names(&folder).len()), (2, 2));
}

/// A process that dies between writing the file and the manifest.
#[tokio::test]
async fn without_a_manifest_nothing_is_doubled_either() {
    let made = Made::with(three_files()).await;
    let saved = made.save().await;
    let manifest = saved.manifest.as_ref().and_then(|path| path.as_ref().ok()).expect("written").clone();
    let files = saved.complete().expect("all");
    fs::remove_file(manifest).expect("removed");
    assert_eq!(made.save().await.complete().expect("all"), files);
    assert_eq!((made.names().len(), made.fetches()), (3, 6));
}

#[tokio::test]
async fn the_manifest_lists_saved_and_missing_files() {
    let made = Made::with(three_files()).await;
    let text = OutputFile { text: Some("a poem".to_owned()), ..OutputFile::default() };
    let gone = OutputFile {
        url: Some(FileUrl::new(format!("{}/files/0/x.png?sign=4711", made.sim.base_url()))),
        ..text.clone()
    };
    let outputs = [&made.outputs[..1], &[text, gone, OutputFile::default()]].concat();
    let save = made.hub.save(&made.task, made.dir.path()).files(&outputs).workflow(WORKFLOW);
    let saved = save.await.expect("asked");
    assert_eq!(
        saved.results.iter().map(|one| one.file.is_ok()).collect::<Vec<_>>(),
        [true, true, false, false]
    );
    saved.complete().expect_err("not all");

    let manifest = made.manifest();
    assert_eq!((&manifest["schema"], &manifest["version"]), (&"runninghub.manifest".into(), &1.into()));
    assert_eq!(
        (&manifest["task_id"], &manifest["workflow_id"]),
        (&made.task.as_str().into(), &WORKFLOW.into())
    );
    let results = manifest["results"].as_array().expect("a list");
    let names: Vec<_> = results.iter().map(|one| one["name"].as_str()).collect();
    let task = made.task.as_str();
    let expected = [Some(format!("{task}-9-1.png")), Some(format!("{task}-2.txt")), None, None];
    assert_eq!(names, expected.each_ref().map(Option::as_deref));
    assert!(results[2]["error"].as_str().expect("a reason").contains("expired"), "{manifest}");
    assert!(!manifest.to_string().contains("4711"), "{manifest}");

    // The files that failed before exist now; the rest is unchanged.
    let save = made.hub.save(&made.task, made.dir.path()).files(&made.outputs);
    save.await.expect("asked").complete().expect("all");
    let manifest = made.manifest();
    let names = manifest["results"].as_array().expect("a list").iter().filter_map(|one| one["name"].as_str());
    assert_eq!(names.count(), 4, "{manifest}");
    assert_eq!(manifest["workflow_id"], WORKFLOW);
}

#[tokio::test]
async fn expired_links_are_requested_again() {
    let made = Made::with(three_files().fault(Fault::ExpiredLinks)).await;
    made.save().await.complete().expect("all");
    assert_eq!(made.names().len(), 3);
}

/// Dead links cost one request to each endpoint that might know the task, and saved files stay saved.
#[tokio::test]
async fn no_fresh_links_lose_nothing() {
    let made = Made::with(three_files()).await;
    let dead = OutputFile {
        url: Some(FileUrl::new(format!("{}/files/0/gone.png", made.sim.base_url()))),
        ..made.outputs[0].clone()
    };
    let calls = made.hub.api_calls();
    let unknown: TaskId = "1".into();
    let save = made.hub.save(&unknown, made.dir.path()).files(&[made.outputs[0].clone(), dead]);
    let saved = save.await.expect("some of it");
    assert_eq!(saved.results.iter().map(|one| one.file.is_ok()).collect::<Vec<_>>(), [true, false]);
    assert_eq!((made.hub.api_calls() - calls, made.names().len()), (2, 1));
}

#[tokio::test]
async fn results_beyond_the_limit_are_reported() {
    let made = Made::with(three_files()).await;
    let save = made.hub.save(&made.task, made.dir.path()).files(&made.outputs).at_most(2);
    let saved = save.await.expect("asked");
    assert_eq!((saved.results.len(), made.names().len()), (3, 2));
    let error = saved.results[2].file.as_ref().expect_err("one too many");
    assert_eq!(error.to_string(), "the task has 3 results, and at most 2 are saved");
    assert_eq!(error.kind(), ErrorKind::Results);
}

/// Each row: the host's behavior, whether the file is saved, and the number of requests.
#[tokio::test]
async fn a_file_is_whole_and_of_one_version_or_absent() {
    let plain = Made::with(sim()).await;
    let whole = plain.save().await.complete().expect("all").remove(0);
    let inverted: Vec<u8> = fs::read(&whole.path).expect("bytes").iter().map(|byte| !byte).collect();
    let kept: [(&[&str], bool, bool, u64); 9] = [
        (&["cut-files=100,2"], true, false, 3),
        (&["cut-files=100", "range-refused"], true, false, 3),
        (&["cut-files=100", "range-refused=412"], true, false, 3),
        (&["cut-files=100", "wrong-range"], true, false, 3),
        (&["cut-files=100", "no-ranges"], true, false, 2),
        (&["cut-files=100", "files-change"], true, true, 2),
        (&["slow-files=100"], true, false, 2),
        (&["cut-files=100,9"], false, false, 3),
        (&["short-files", "no-ranges"], false, false, 3),
    ];
    for (faults, is_saved, is_changed, fetches) in kept {
        let parse = |name: &&str| name.parse::<Fault>().expect("a fault");
        let made = Made::with(faults.iter().map(parse).fold(sim(), SimBuilder::fault)).await;
        let saved = made.save().await.results.remove(0).file;
        assert_eq!((saved.is_ok(), made.fetches()), (is_saved, fetches), "{faults:?} {saved:?}");
        assert_eq!(made.names().len(), usize::from(is_saved), "{faults:?}: nothing is left over");
        if let Ok(file) = saved {
            let bytes = fs::read(&file.path).expect("bytes");
            assert!(if is_changed { bytes == inverted } else { file.sha256 == whole.sha256 }, "{faults:?}");
        }
    }
}

#[tokio::test]
async fn packed_files_are_not_unpacked() {
    let made = Made::with(sim().fault(Fault::PackedFiles)).await;
    let file = made.save().await.complete().expect("all").remove(0);
    assert!(fs::read(&file.path).expect("bytes").starts_with(&[0x1f, 0x8b, 8]));
    assert_eq!(made.names(), [format!("{}-9-1.png.gz", made.task)]);
    made.save().await.complete().expect("all");
    assert_eq!(made.fetches(), 1, "it is known under its own name");
}
