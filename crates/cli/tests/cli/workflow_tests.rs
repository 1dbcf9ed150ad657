//! `rhub test`.

use std::{fs, path::Path, time::Duration};

use runninghub_sim::{Scenario, ScriptNode, Sim};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    common::{Rhub, Simulator, fixture, folder, rhub, scenario, snap},
    document::run_commands,
    schema,
};

pub(crate) const WORKFLOW: &str = "1904136902449209346";

/// A workflow with three nodes, parts of which can be changed.
pub(crate) struct Portrait {
    pub(crate) title: &'static str,
    pub(crate) steps: u32,
    pub(crate) file: &'static str,
}

pub(crate) const PORTRAIT: Portrait = Portrait { title: "Prompt", steps: 8, file: "portrait_00001_.png" };

impl Portrait {
    /// Serves it like `rhub simulate`.
    pub(crate) fn serve(&self) -> Simulator {
        let script = Scenario::script("portrait")
            .node(ScriptNode::new("6", "CLIPTextEncode").title(self.title).input("text", "a lighthouse"))
            .node(ScriptNode::new("3", "KSampler").link("positive", "6", 0).steps(self.steps))
            .node(ScriptNode::new("9", "SaveImage").title("Save").link("images", "3", 0).saves(self.file));
        let sim = Sim::builder().scenario_named(WORKFLOW, script.build()).speed(f64::INFINITY);
        // A run starts when a client watches it, however busy the machine is.
        Simulator::start(sim.wait_for_socket(Duration::from_secs(30)))
    }

    /// Records a run with its results.
    fn record_with_results(&self, into: &Path) {
        let (sim, out) = (self.serve(), folder());
        let done = rhub(["run", WORKFLOW, "--record"]).arg(into).arg("-o").arg(out.path()).at(&sim).run();
        assert_eq!(done.code, Some(0), "{done}");
    }

    /// Records a run.
    fn record(&self, into: &Path) {
        let sim = self.serve();
        let done = rhub(["run", WORKFLOW, "--record"]).arg(into).at(&sim).run();
        assert_eq!(done.code, Some(0), "{done}");
    }

    /// A recording in its own folder.
    fn alone(&self) -> TempDir {
        let dir = folder();
        self.record(dir.path());
        dir
    }

    /// Records it again in the same folder, where the snapshot stays.
    fn record_again(&self, into: &Path) {
        for entry in fs::read_dir(into).expect("a folder") {
            let path = entry.expect("a file").path();
            if path.file_name().is_some_and(|name| name != "timeline.snap") {
                fs::remove_file(path).expect("it goes");
            }
        }
        self.record(into);
    }
}

/// A folder with a recording in `flows/portrait`, and its snapshot.
fn accepted() -> TempDir {
    let dir = folder();
    PORTRAIT.record(&dir.path().join("flows/portrait"));
    let done = rhub(["test", "--accept"]).within(&dir).run();
    assert_eq!(done.code, Some(0), "{done}");
    assert!(done.stdout.contains("flows/portrait: snapshot written"), "{done}");
    dir
}

#[test]
fn a_changed_title_a_step_count_and_an_output_are_named_and_nothing_else() {
    let dir = accepted();
    let flow = dir.path().join("flows/portrait");
    insta::assert_snapshot!(fs::read_to_string(flow.join("timeline.snap")).expect("a snapshot"), @r"
    rhub.timeline/1

    nodes
      [6] Prompt (CLIPTextEncode): done
      [3] KSampler: done, 8 steps
      [9] Save (SaveImage): done
    outputs
      [9] 1 × png
    end: success, 3 of 3 nodes
    ");
    PORTRAIT.record_again(&flow);
    snap!(rhub(["test"]).within(&dir), @r"
        exit 0
        --- out
        ✅ flows/portrait
        1 passed
    ");
    // The folder itself, and one recording named twice.
    assert_eq!(rhub(["test"]).arg(&flow).run().code, Some(0));
    let twice = rhub(["test", "./flows", "flows/portrait"]).within(&dir).run();
    assert_eq!((twice.code, twice.stdout.contains("1 passed")), (Some(0), true), "{twice}");
    let portrait = PORTRAIT.alone();
    assert_eq!(rhub(["test", "--accept"]).within(&portrait).run().code, Some(0));
    assert_eq!(rhub(["test"]).within(&portrait).run().code, Some(0));
    Portrait { title: "Positive prompt", steps: 12, file: "portrait_00001_.webp" }.record_again(&flow);
    snap!(rhub(["test"]).within(&dir), @r"
        exit 1
        --- out
        ❌ flows/portrait: the run differs from its snapshot in 3 lines

             nodes
           -   [6] Prompt (CLIPTextEncode): done
           -   [3] KSampler: done, 8 steps
           +   [6] Positive prompt (CLIPTextEncode): done
           +   [3] KSampler: done, 12 steps
               [9] Save (SaveImage): done
             outputs
           -   [9] 1 × png
           +   [9] 1 × webp
             end: success, 3 of 3 nodes
           hint: if the change is intended, write it with `--accept`
        0 passed, 1 failed
    ");
    let done = rhub(["test", "--json"]).within(&dir).run();
    assert_eq!(done.code, Some(1), "{done}");
    let test: Value = serde_json::from_str(done.stdout.lines().next().expect("a line")).expect("JSON");
    let names = |which: &str| {
        let all = test["differences"].as_array().expect("a list").iter();
        all.map(|one| one[which].as_str().expect("a line").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        names("expected"),
        ["[6] Prompt (CLIPTextEncode): done", "[3] KSampler: done, 8 steps", "[9] 1 × png"]
    );
    assert_eq!(
        names("found"),
        ["[6] Positive prompt (CLIPTextEncode): done", "[3] KSampler: done, 12 steps", "[9] 1 × webp"]
    );
    let chinese = rhub(["test", "--lang", "zh"]).within(&dir).run();
    insta::assert_snapshot!(chinese, @r"
        exit 1
        --- out
        ❌ flows/portrait：运行与快照有 3 行不同

             nodes
           -   [6] Prompt (CLIPTextEncode): done
           -   [3] KSampler: done, 8 steps
           +   [6] Positive prompt (CLIPTextEncode): done
           +   [3] KSampler: done, 12 steps
               [9] Save (SaveImage): done
             outputs
           -   [9] 1 × png
           +   [9] 1 × webp
             end: success, 3 of 3 nodes
           提示：如果这是想要的改动，请用 `--accept` 写入
        通过 0，失败 1
    ");
}

#[test]
fn the_same_recording_is_the_same_twenty_times() {
    let dir = accepted();
    for _ in 0..20 {
        let done = rhub(["test"]).within(&dir).run();
        assert_eq!((done.code, done.stdout.contains("1 passed")), (Some(0), true), "{done}");
    }
}

#[test]
fn the_same_run_recorded_twenty_times_has_one_timeline() {
    let dir = accepted();
    for _ in 0..20 {
        PORTRAIT.record_again(&dir.path().join("flows/portrait"));
        let done = rhub(["test"]).within(&dir).run();
        assert_eq!(done.code, Some(0), "{done}");
    }
}

#[test]
fn switches_leave_out_what_may_vary() {
    let dir = accepted();
    let flow = dir.path().join("flows/portrait");
    Portrait { steps: 12, ..PORTRAIT }.record_again(&flow);
    assert_eq!(rhub(["test"]).within(&dir).run().code, Some(1));
    let settings = dir.path().join("rhub-test.toml");
    fs::write(&settings, "steps = false\n").expect("a file");
    snap!(rhub(["test"]).within(&dir), @r"
        exit 1
        --- out
        ❌ flows/portrait: the run differs from its snapshot in one line
             nodes
               [6] Prompt (CLIPTextEncode): done
           -   [3] KSampler: done, 8 steps
           +   [3] KSampler: done
               [9] Save (SaveImage): done
             outputs
           hint: if the change is intended, write it with `--accept`
        0 passed, 1 failed
    ");
    assert_eq!(rhub(["test", "--accept"]).within(&dir).run().code, Some(0));
    Portrait { steps: 3, ..PORTRAIT }.record_again(&flow);
    assert_eq!(rhub(["test"]).within(&dir).run().code, Some(0));
    fs::write(&settings, "steps = 3\n").expect("a file");
    let at = dir.path().canonicalize().expect("a path");
    snap!(rhub(["test"]).within(&dir).hide(&at, "[dir]"), @r"
        exit 2
        --- err
        error: `steps` in [dir]/rhub-test.toml is neither true nor false
    ");
    fs::write(&settings, "stpes = false\n").expect("a file");
    snap!(rhub(["test"]).within(&dir).hide(&at, "[dir]"), @r"
        exit 2
        --- err
        error: [dir]/rhub-test.toml has an unknown setting `stpes`

        hint: available: order, steps, cache, texts, dimensions, digests
    ");
}

#[test]
fn a_recording_knows_how_large_its_results_are_and_what_is_in_them() {
    let dir = folder();
    let flow = dir.path().join("flow");
    PORTRAIT.record_with_results(&flow);
    fs::write(dir.path().join("rhub-test.toml"), "dimensions = true\ndigests = true\n").expect("a file");
    assert_eq!(rhub(["test", "--accept"]).within(&dir).run().code, Some(0));
    insta::assert_snapshot!(fs::read_to_string(flow.join("timeline.snap")).expect("a snapshot"), @r"
        rhub.timeline/1

        nodes
          [6] Prompt (CLIPTextEncode): done
          [3] KSampler: done, 8 steps
          [9] Save (SaveImage): done
        outputs
          [9] 1 × png
            256×320, 246163 bytes, sha256 96422a9bf172f1d019c4ea95929586793b3bb560c4a6550fef22b5e3d8ad0705
        end: success, 3 of 3 nodes
    ");
    // The same pixels in a file of another name are the same result, and others aren't.
    let again = |portrait: &Portrait| {
        for entry in fs::read_dir(&flow).expect("a folder") {
            let path = entry.expect("a file").path();
            if path.file_name().is_some_and(|name| name != "timeline.snap") {
                fs::remove_file(path).expect("it goes");
            }
        }
        portrait.record_with_results(&flow);
        rhub(["test"]).within(&dir).run()
    };
    let done = again(&PORTRAIT);
    assert_eq!(done.code, Some(0), "{done}");
    let done = again(&Portrait { file: "other.png", ..PORTRAIT });
    assert_eq!((done.code, done.stdout.matches("sha256").count()), (Some(1), 2), "{done}");
    assert!(done.stdout.contains("differs from its snapshot in one line"), "{done}");
    fs::write(dir.path().join("rhub-test.toml"), "dimensions = true\n").expect("a file");
    assert_eq!(rhub(["test", "--accept"]).within(&dir).run().code, Some(0));
    let done = again(&PORTRAIT);
    assert_eq!(done.code, Some(0), "{done}");
    // One without them is readable, but can't be compared by them.
    Portrait { ..PORTRAIT }.record_again(&flow);
    snap!(rhub(["test"]).within(&dir), @r"
        exit 1
        --- out
        ❌ flow: the recording has no dimensions and digests of results
           hint: record it again with `rhub run … --record DIR --out DIR`
        0 passed, 1 failed
    ");
    fs::remove_file(dir.path().join("rhub-test.toml")).expect("it goes");
    assert_eq!(rhub(["test", "--accept"]).within(&dir).run().code, Some(0));
}

#[test]
fn previews_are_recorded_only_on_request() {
    let (sim, id) = (Simulator::of("02-ksampler"), scenario("02-ksampler").workflow_id());
    let dir = folder();
    let record = |name: &str, args: &[&str]| {
        let done = rhub(["run", &id, "--record", name]).args(args).at(&sim).within(&dir).run();
        assert_eq!(done.code, Some(0), "{done}");
        let tape = fs::read_to_string(dir.path().join(name).join("ws-a1.jsonl")).expect("a tape");
        tape.matches("\"kind\":\"binary\"").count()
    };
    assert_eq!(record("without", &[]), 0);
    assert_ne!(record("with", &["--record-previews"]), 0);
    let done = rhub(["run", &id, "--record-previews"]).at(&sim).run();
    assert_eq!(done.code, Some(2), "{done}");
}

#[test]
fn nothing_is_written_without_accept() {
    let dir = folder();
    PORTRAIT.record(&dir.path().join("flow"));
    snap!(rhub(["test"]).within(&dir), @r"
        exit 1
        --- out
        ❌ flow: there is no snapshot yet
           hint: check the output of `rhub replay`, then write it with `--accept`
        0 passed, 1 failed
    ");
    assert!(!dir.path().join("flow/timeline.snap").exists());
}

#[test]
fn a_folder_without_recordings_is_a_usage_error() {
    let dir = folder();
    snap!(rhub(["test"]).within(&dir), @r"
        exit 2
        --- err
        error: there is no recording in .

        hint: `rhub run … --record DIR` records a run
    ");
    snap!(rhub(["test", "nowhere"]).within(&dir), @r"
        exit 2
        --- err
        error: cannot read nowhere: No such file or directory (os error 2)

        hint: `rhub test` takes folders
    ");
}

#[test]
fn what_cannot_be_tested_fails_and_says_what_to_do() {
    let dir = accepted();
    let flow = dir.path().join("flows/portrait");
    let copy = |name: &str| {
        let to = dir.path().join("flows").join(name);
        fs::create_dir_all(&to).expect("a folder");
        for entry in fs::read_dir(&flow).expect("a folder") {
            let path = entry.expect("a file").path();
            fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("a copy");
        }
        to
    };
    // From a newer version.
    let newer = copy("b-newer").join("meta.json");
    let meta = fs::read_to_string(&newer).expect("a file").replace("\"format\": 1", "\"format\": 99");
    fs::write(&newer, meta).expect("a file");
    fs::write(copy("c-newer-snapshot").join("timeline.snap"), "rhub.timeline/2\n").expect("a file");
    fs::write(copy("d-no-snapshot").join("timeline.snap"), "hello\n").expect("a file");
    // Half a recording: a file that ends in a line, and a run without an end.
    let half = copy("e-cut-off").join("http.jsonl");
    fs::write(&half, "{\"at_ms\":1.0,\"took_ms\"").expect("a file");
    let killed = dir.path().join("flows/f-no-end");
    fs::create_dir_all(&killed).expect("a folder");
    for file in ["meta.json", "ws-a.jsonl", "workflow.json"] {
        fs::copy(fixture("35-server-killed").join(file), killed.join(file)).expect("a copy");
    }
    // Another workflow, and one that was never started.
    let other = copy("g-other").join("timeline.snap");
    fs::write(
        other,
        "rhub.timeline/1\n\nnodes\n  [1] LoadImage: done\noutputs\nend: success, 1 of 1 nodes\n",
    )
    .expect("a file");
    let never = dir.path().join("flows/h-never");
    fs::create_dir_all(&never).expect("a folder");
    fs::write(never.join("meta.json"), r#"{"format":1,"kind":"runninghub-recording","prompts":[]}"#)
        .expect("a file");
    fs::write(never.join("http.jsonl"), "").expect("a file");
    snap!(rhub(["test"]).within(&dir), @r"
        exit 1
        --- out
        ❌ flows/b-newer: b-newer: made by a newer version: it has format 99, and this version reads up to 1
           hint: update rhub
        ❌ flows/c-newer-snapshot: the snapshot was written by a newer version of rhub
           hint: update rhub, or rewrite the snapshot with `--accept`
        ❌ flows/d-no-snapshot: timeline.snap is not a snapshot
           hint: rewrite it with `--accept`
        ❌ flows/e-cut-off: the recording cannot be used: http.jsonl: line 1 is cut off: EOF while parsing an object at line 1 column 22
           hint: record it again with `rhub run … --record DIR`
        ❌ flows/f-no-end: the recording stops before the end of the run
           hint: record it again with `rhub run … --record DIR`
        ❌ flows/g-other: the snapshot is of another workflow

             nodes
           -   [1] LoadImage: done
           +   [6] Prompt (CLIPTextEncode): done
           +   [3] KSampler: done, 8 steps
           +   [9] Save (SaveImage): done
             outputs
           - end: success, 1 of 1 nodes
           +   [9] 1 × png
           + end: success, 3 of 3 nodes
           hint: if the change is intended, write it with `--accept`
        ❌ flows/h-never: the recording has no run: the workflow was never started
           hint: record it again with `rhub run … --record DIR`
        ✅ flows/portrait
        1 passed, 7 failed
    ");
    // None of them is accepted, except where only the snapshot is wrong.
    snap!(rhub(["test", "--accept"]).within(&dir), @r"
        exit 1
        --- out
        ❌ flows/b-newer: b-newer: made by a newer version: it has format 99, and this version reads up to 1
           hint: update rhub
        💾 flows/c-newer-snapshot: snapshot written
        💾 flows/d-no-snapshot: snapshot written
        ❌ flows/e-cut-off: the recording cannot be used: http.jsonl: line 1 is cut off: EOF while parsing an object at line 1 column 22
           hint: record it again with `rhub run … --record DIR`
        ❌ flows/f-no-end: the recording stops before the end of the run
           hint: record it again with `rhub run … --record DIR`
        💾 flows/g-other: snapshot written
        ❌ flows/h-never: the recording has no run: the workflow was never started
           hint: record it again with `rhub run … --record DIR`
        ✅ flows/portrait
        1 passed, 3 written, 4 failed
    ");
    assert!(!killed.join("timeline.snap").exists());
}

#[test]
fn junit_has_a_case_for_each_recording() {
    let dir = accepted();
    PORTRAIT.record(&dir.path().join("flows/new"));
    let flow = dir.path().join("flows/portrait");
    Portrait { steps: 12, ..PORTRAIT }.record_again(&flow);
    let done = rhub(["test", "-q", "--junit", "report.xml"]).within(&dir).run();
    assert_eq!(done.code, Some(1), "{done}");
    insta::assert_snapshot!(fs::read_to_string(dir.path().join("report.xml")).expect("a report"), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="rhub test" tests="2" skipped="0" failures="2" errors="0">
            <testsuite name="rhub test" tests="2" skipped="0" errors="0" failures="2">
                <testcase name="flows/new">
                    <failure message="there is no snapshot yet"></failure>
                </testcase>
                <testcase name="flows/portrait">
                    <failure message="the run differs from its snapshot in one line">  nodes
            [6] Prompt (CLIPTextEncode): done
        -   [3] KSampler: done, 8 steps
        +   [3] KSampler: done, 12 steps
            [9] Save (SaveImage): done
          outputs</failure>
                </testcase>
            </testsuite>
        </testsuites>
    "#);
}

#[test]
fn the_commands_of_the_document_do_what_it_says() {
    let document = include_str!("../../../../docs/testing.md");
    let (before, after) = document.split_once("## Reviewing a change").expect("the section");
    let (dir, state) = (folder(), folder());
    let sim = PORTRAIT.serve();
    let at = |command: Rhub| command.at(&sim).within(&dir).state(&state);
    let count = run_commands(before, at);
    let flow = dir.path().join("flows/portrait");
    let snapshot = document.split("```text\n").nth(1).and_then(|rest| rest.split("```").next());
    assert_eq!(fs::read_to_string(flow.join("timeline.snap")).ok().as_deref(), snapshot);
    Portrait { title: "Positive prompt", steps: 12, file: "portrait_00001_.webp" }.record_again(&flow);
    let (reviewing, live) = after.split_once("## Running again").expect("the section");
    assert_eq!(count + run_commands(reviewing, at), 4);
    // Every switch of the samples exists.
    let settings = dir.path().join("rhub-test.toml");
    for sample in document.split("```toml\n").skip(1) {
        fs::write(&settings, sample.split("```").next().expect("a sample")).expect("a file");
        let done = at(rhub(["test", "--accept"])).run();
        assert!(done.code == Some(0) || done.stdout.contains("has no dimensions"), "{done}");
    }
    fs::remove_file(settings).expect("it goes");
    PORTRAIT.record_again(&flow);
    assert_eq!(at(rhub(["test", "--accept"])).run().code, Some(0));
    assert_eq!(run_commands(live, at), 4);
}

#[test]
fn lines_match_the_schema() {
    let dir = accepted();
    PORTRAIT.record(&dir.path().join("flows/new"));
    Portrait { steps: 12, ..PORTRAIT }.record_again(&dir.path().join("flows/portrait"));
    let done = rhub(["test", "--json"]).within(&dir).run();
    assert_eq!(schema::check(&schema::schema(), &done.stdout), ["test", "test", "tests", "result"]);
}
