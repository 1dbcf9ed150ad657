//! `rhub test --live`.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use runninghub_sim::{App, Fault, Native, Recorded, Scenario, ScriptNode, Sim};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    comfy::Server,
    common::{Done, Rhub, Simulator, fixture, folder, rhub, snap},
    schema,
    workflow_tests::{PORTRAIT, Portrait, WORKFLOW},
};

/// A folder with accepted recordings, and the simulator that they were recorded on.
struct Flows {
    dir: TempDir,
    state: TempDir,
    sim: Simulator,
}

impl Flows {
    /// `flows/portrait`, which sets a text.
    fn new() -> Self {
        let flows = Self { dir: folder(), state: folder(), sim: PORTRAIT.serve() };
        flows.record("flows/portrait", &["run", WORKFLOW, "-s", "6.text=a red house", "-o", "out"]);
        flows
    }

    fn rhub(&self, args: &[&str]) -> Rhub {
        self.on(&self.sim, args)
    }

    fn on(&self, sim: &Simulator, args: &[&str]) -> Rhub {
        rhub(args.iter().copied()).at(sim).within(&self.dir).state(&self.state)
    }

    fn record(&self, name: &str, args: &[&str]) {
        let done = self.rhub(args).args(&["--record", name]).run();
        assert_eq!(done.code, Some(0), "{done}");
        let done = self.rhub(&["test", name, "--accept"]).run();
        assert_eq!(done.code, Some(0), "{done}");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect(name)
    }
}

/// The lines of one event.
fn events(done: &Done, event: &str) -> Vec<Value> {
    let lines = done.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.filter(|line| line["event"] == event).collect()
}

/// The body of the only create in a recording.
fn create(recording: &Path) -> Value {
    let http = fs::read_to_string(recording.join("http.jsonl")).expect("requests");
    let rows = http.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut creates = rows.filter(|row| row["path"] == "/task/openapi/create");
    let row = creates.next().expect("a create");
    assert!(creates.next().is_none(), "one create");
    row["body"].clone()
}

#[test]
fn nothing_is_sent_off_a_terminal_without_yes() {
    let flows = Flows::new();
    snap!(flows.rhub(&["test", "--live"]), @r"
        exit 2
        --- out
        1 run on [url], charged to the key in RUNNINGHUB_API_KEY
        the recorded runs cost nothing
        --- err
        error: not confirmed, so nothing was sent

        hint: `--yes` runs them without asking
    ");
    assert_eq!(flows.sim.creates(), 1);
    assert!(!flows.path("rhub-report").exists());
}

#[test]
fn a_recorded_workflow_runs_again_once_with_what_was_set() {
    let flows = Flows::new();
    let done = flows.rhub(&["test", "--live", "--yes", "--json"]).run();
    assert_eq!(done.code, Some(0), "{done}");
    assert_eq!(flows.sim.creates(), 2);
    let before = create(&flows.path("flows/portrait"));
    assert_eq!(before["nodeInfoList"][0]["fieldValue"], "a red house");
    assert_eq!(create(&flows.path("rhub-report/flows-portrait/recording")), before);
    let [test] = &events(&done, "test")[..] else { panic!("{done}") };
    assert_eq!((&test["verdict"], &test["recording"]), (&"passed".into(), &"flows/portrait".into()));
    let task = test["live"]["task_id"].as_str().expect("a task");
    assert!(flows.rhub(&["tasks"]).run().stdout.contains(task));
    // The recordings of a report are no tests.
    let done = flows.rhub(&["test"]).run();
    assert_eq!((done.code, done.stdout.contains("1 passed")), (Some(0), true), "{done}");
    let page = flows.read("rhub-report/index.html");
    assert!(page.contains("flows/portrait") && page.contains(task) && !page.contains("//"), "{page}");
}

#[test]
fn every_line_of_a_live_test_matches_the_schema() {
    let flows = Flows::new();
    let schema = schema::schema();
    let done = flows.rhub(&["test", "--live", "--yes", "--json", "--images", "exact"]).run();
    let events = schema::check(&schema, &done.stdout);
    assert_eq!(events.first().map(String::as_str), Some("live_tests"));
    assert_eq!(events[events.len() - 3..], ["test", "tests", "result"]);
}

#[test]
fn a_changed_run_fails_and_is_accepted_from_the_report_without_another_run() {
    let flows = Flows::new();
    let changed = Portrait { title: "Positive prompt", steps: 12, ..PORTRAIT }.serve();
    snap!(flows.on(&changed, &["test", "--live", "--yes", "-q"]), @r"
        exit 1
        --- out
        1 run on [url], charged to the key in RUNNINGHUB_API_KEY
        the recorded runs cost nothing
        ❌ flows/portrait: the run differs from its snapshot in 2 lines

             nodes
           -   [6] Prompt (CLIPTextEncode): done
           -   [3] KSampler: done, 8 steps
           +   [6] Positive prompt (CLIPTextEncode): done
           +   [3] KSampler: done, 12 steps
               [9] Save (SaveImage): done
             outputs
           hint: if the change is intended, accept this run with `--accept --report rhub-report`
        0 passed, 1 failed
        --- err
        hint: the report is rhub-report/index.html
    ");
    snap!(flows.on(&changed, &["test", "--accept", "--report", "rhub-report"]), @r"
        exit 0
        --- out
        💾 flows/portrait: snapshot written
        0 passed, 1 written
    ");
    assert_eq!(changed.creates(), 1);
    assert!(flows.read("flows/portrait/timeline.snap").contains("12 steps"));
    // The recording was replaced with its snapshot.
    let done = flows.rhub(&["test"]).run();
    assert_eq!(done.code, Some(0), "{done}");
    let done = flows.on(&changed, &["test", "--live", "--yes", "-q"]).run();
    assert_eq!(done.code, Some(0), "{done}");
}

#[test]
fn pictures_are_compared_with_the_expected_ones() {
    let flows = Flows::new();
    let first = flows.rhub(&["test", "--live", "--yes", "-q", "--images", "exact"]);
    snap!(first, @r"
        exit 1
        --- out
        1 run on [url], charged to the key in RUNNINGHUB_API_KEY
        the recorded runs cost nothing
        ❌ flows/portrait: there are no expected images yet
           hint: if the new ones are right, write them with `--accept --report rhub-report --images exact`
        0 passed, 1 failed
        --- err
        hint: the report is rhub-report/index.html
    ");
    let accept = ["test", "--accept", "--report", "rhub-report", "--images", "exact"];
    assert_eq!(flows.rhub(&accept).run().code, Some(0));
    let expected = flows.path("flows/portrait/expected/9-1.png");
    assert!(expected.is_file());
    let live = |sim: &Simulator, how: &str| {
        flows.on(sim, &["test", "--live", "--yes", "--json", "--images", how]).run()
    };
    assert_eq!(live(&flows.sim, "exact").code, Some(0));
    // An image of the same name with other pixels.
    let other = Portrait { file: "other.png", ..PORTRAIT }.serve();
    for how in ["exact", "similar"] {
        let done = live(&other, how);
        assert_eq!(done.code, Some(1), "{done}");
        let test = events(&done, "test").remove(0);
        let picture = &test["live"]["pictures"][0];
        assert_eq!((&picture["name"], &picture["verdict"]), (&"9-1.png".into(), &"changed".into()));
        let similarity = picture["similarity"].as_f64().expect("a number");
        assert!((-1.0..0.98).contains(&similarity), "{similarity}");
        for part in ["expected", "found", "difference"] {
            let path = flows.path("rhub-report").join(picture[part].as_str().expect("a path"));
            assert!(fs::read(path).expect(part).starts_with(b"\x89PNG"), "{part}");
        }
        assert!(
            flows.read("rhub-report/index.html").contains(picture["difference"].as_str().expect("a path"))
        );
    }
    // A missing image, and an additional one.
    fs::rename(&expected, expected.with_file_name("9-2.png")).expect("renamed");
    let done = live(&flows.sim, "exact");
    let test = events(&done, "test").remove(0);
    let verdicts: Vec<_> = test["live"]["pictures"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["verdict"].as_str())
        .collect();
    assert_eq!(verdicts, [Some("new"), Some("missing")]);
}

#[test]
fn a_picture_of_another_size_is_another_result() {
    let flows = Flows::new();
    let meta = flows.read("flows/portrait/meta.json");
    assert!(meta.contains("256,\n        320"), "{meta}");
    fs::write(flows.path("flows/portrait/meta.json"), meta.replace("320", "512")).expect("written");
    let done = flows.rhub(&["test", "--live", "--yes", "-q"]).run();
    assert_eq!(done.code, Some(1), "{done}");
    assert!(
        done.stdout.contains("-   [9] 1 × png: 256×512") && done.stdout.contains("+   [9] 1 × png: 256×320"),
        "{done}"
    );
    fs::write(flows.path("rhub-test.toml"), "dimensions = false\n").expect("written");
    assert_eq!(flows.rhub(&["test", "--live", "--yes", "-q"]).run().code, Some(0));
}

#[test]
fn files_are_uploaded_again_from_where_the_recording_says() {
    let flows = Flows::new();
    fs::create_dir(flows.path("inputs")).expect("a folder");
    fs::write(flows.path("inputs/cat.png"), b"\x89PNG cat").expect("a file");
    let app = Simulator::start(
        Sim::builder().app(App::demo()).speed(50.0).wait_for_socket(Duration::from_secs(30)),
    );
    let id = App::demo().id();
    let run = ["app", "run", &id, "-s", "10.image=@inputs/cat.png", "--record", "apps/one"];
    let done = flows.on(&app, &run).run();
    assert_eq!(done.code, Some(0), "{done}");
    let submit = flows.read("apps/one/submit.json");
    assert!(submit.contains("\"../../inputs/cat.png\""), "{submit}");
    assert!(!submit.contains(&*flows.dir.path().to_string_lossy()), "{submit}");
    assert_eq!(flows.on(&app, &["test", "apps", "--accept"]).run().code, Some(0));
    let done = flows.on(&app, &["test", "apps", "--live", "--yes", "--json"]).run();
    assert_eq!((events(&done, "tests").len(), app.creates()), (1, 2), "{done}");
    let list = |recording: &str| {
        let http = flows.read(&format!("{recording}/http.jsonl"));
        let row = http.lines().find(|line| line.contains("/ai-app/run")).expect("a run").to_owned();
        serde_json::from_str::<Value>(&row).expect("JSON")["body"]["nodeInfoList"].clone()
    };
    assert_eq!(list("rhub-report/apps-one/recording"), list("apps/one"));
    fs::write(flows.path("inputs/cat.png"), b"\x89PNG dog").expect("a file");
    let done = flows.on(&app, &["test", "apps", "--live", "--yes", "-q"]).run();
    assert_eq!((done.code, app.creates()), (Some(1), 2), "{done}");
    assert!(done.stdout.contains("which is missing or has changed since"), "{done}");
}

#[test]
fn what_cannot_run_again_says_why_and_sends_nothing() {
    let flows = Flows::new();
    flows.record("flows/private", &["run", WORKFLOW, "--private", "-s", "6.text=a secret"]);
    let copy = |name: &str| {
        let to = flows.path("flows").join(name);
        fs::create_dir_all(&to).expect("a folder");
        for entry in fs::read_dir(flows.path("flows/portrait")).expect("a folder") {
            let path = entry.expect("a file").path();
            fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("a copy");
        }
        to
    };
    fs::remove_file(copy("a-older").join("submit.json")).expect("it goes");
    fs::write(copy("b-half").join("submit.json"), "{\"schema\":").expect("written");
    let newer = flows.read("flows/portrait/submit.json").replace("rhub.submit/1", "rhub.submit/2");
    fs::write(copy("c-newer").join("submit.json"), newer).expect("written");
    fs::remove_file(copy("d-no-snapshot").join("timeline.snap")).expect("it goes");
    let elsewhere = flows.read("flows/portrait/submit.json").replace("\"cn\"", "\"comfyui\"");
    fs::write(copy("e-elsewhere").join("submit.json"), elsewhere).expect("written");
    fs::remove_dir_all(flows.path("flows/portrait")).expect("it goes");
    let several = flows.path("flows/f-several");
    fs::create_dir(&several).expect("a folder");
    for entry in fs::read_dir(fixture("05-cached-partial")).expect("a fixture") {
        let path = entry.expect("a file").path();
        fs::copy(&path, several.join(path.file_name().expect("a name"))).expect("a copy");
    }
    snap!(flows.rhub(&["test", "--live", "--yes", "flows"]), @r"
        exit 1
        --- out
        ❌ flows/a-older: the recording doesn't contain the submit
           hint: record it again with `rhub run … --record DIR`, or run its workflow with `--server URL`
        ❌ flows/b-half: the recording cannot be used: submit.json: is cut off: EOF while parsing a value at line 1 column 10
           hint: record it again with `rhub run … --record DIR`
        ❌ flows/c-newer: submit.json was written by a newer version
           hint: record it again with `rhub run … --record DIR`
        ❌ flows/d-no-snapshot: there is no snapshot yet
           hint: write it with `--accept`
        ❌ flows/e-elsewhere: it was recorded on a ComfyUI server
           hint: run it there with `--server URL`
        ❌ flows/f-several: the recording has several runs; only a recording of a single run can be repeated
        ❌ flows/private: the value of `6.text` was not stored
           hint: record it again with `rhub run … --record DIR`
        0 passed, 7 failed
    ");
    assert_eq!(flows.sim.creates(), 2);
}

#[test]
fn a_workflow_that_is_gone_fails_and_the_others_run() {
    let flows = Flows::new();
    flows.record("flows/second", &["run", WORKFLOW, "-o", "out2"]);
    let submit = flows.read("flows/portrait/submit.json").replace(WORKFLOW, "1900000000000000001");
    fs::write(flows.path("flows/portrait/submit.json"), submit).expect("written");
    let done = flows.rhub(&["test", "--live", "--yes", "-q"]).run();
    assert_eq!((done.code, flows.sim.creates()), (Some(1), 3), "{done}");
    assert!(done.stdout.contains("❌ flows/portrait: ") && done.stdout.contains("code 380"), "{done}");
    assert!(done.stdout.contains("1 passed, 1 failed"), "{done}");
}

#[test]
fn a_submit_of_unknown_outcome_ends_the_tests_and_is_not_repeated() {
    let flows = Flows::new();
    flows.record("flows/second", &["run", WORKFLOW, "-o", "out2"]);
    let script = Scenario::script("portrait").node(ScriptNode::new("9", "SaveImage").saves("a.png"));
    let fault: Fault = "lost-create-answer".parse().expect("a fault");
    let sim = Simulator::start(Sim::builder().scenario_named(WORKFLOW, script.build()).fault(fault));
    let done = flows.on(&sim, &["test", "--live", "--yes", "-q"]).run();
    assert_eq!((done.code, sim.creates()), (Some(5), 1), "{done}");
    assert!(flows.rhub(&["tasks"]).run().stdout.contains("unknown"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_the_task_running_and_says_how_to_come_back() {
    let flows = Flows::new();
    let slow = Scenario::script("slow")
        .node(ScriptNode::new("6", "CLIPTextEncode").input("text", ""))
        .node(ScriptNode::new("3", "KSampler").takes(Duration::from_mins(10)).steps(600))
        .node(ScriptNode::new("9", "SaveImage").link("images", "3", 0).saves("a.png"));
    let sim = Simulator::start(Sim::builder().scenario_named(WORKFLOW, slow.build()));
    let (recording, report) = (flows.path("flows"), flows.path("report"));
    let args =
        ["test", "--live", "--yes", &recording.to_string_lossy(), "--report", &report.to_string_lossy()];
    let (code, result, talk) = crate::signals::interrupt(&sim, &args, &["-INT"]);
    assert_eq!(sim.creates(), 1, "{result} {talk}");
    let task = sim.sim().tasks()[0].task_id.clone();
    assert_eq!((code, &result["exit_code"], &result["status"]), (-2, &130.into(), &"detached".into()));
    assert!(talk.contains(&format!("rhub watch {task}")), "{talk}");
    assert_eq!((sim.creates(), sim.sim().tasks()[0].status), (1, "RUNNING"));
}

#[test]
fn a_recorded_workflow_runs_on_a_comfyui() {
    let dir = folder();
    let scenario = Scenario::load(fixture("01-simple")).expect("a recording");
    let server = Server::start(Native::builder().scenario(scenario).speed(50.0));
    let workflow = fixture("01-simple").join("workflow.json");
    let record = ["run", &workflow.to_string_lossy(), "--record", "flows/simple", "-o", "out"];
    let done = server.rhub(record).within(&dir).run();
    assert_eq!(done.code, Some(0), "{done}");
    assert_eq!(rhub(["test", "--accept"]).within(&dir).run().code, Some(0));
    let done = server.rhub(["test", "--live", "--yes", "-q"]).within(&dir).run();
    assert_eq!(done.code, Some(0), "{done}");
    let http = fs::read_to_string(dir.path().join("rhub-report/flows-simple/recording/http.jsonl"));
    let prompts = http.expect("requests").matches("\"method\":\"POST\",\"path\":\"/prompt\"").count();
    assert_eq!(prompts, 1);
    // Without a server it isn't run on another service.
    let sim = PORTRAIT.serve();
    let done = rhub(["test", "--live", "--yes", "-q"]).at(&sim).within(&dir).run();
    assert_eq!((done.code, sim.creates()), (Some(1), 0), "{done}");
    assert!(done.stdout.contains("it was recorded on a ComfyUI server"), "{done}");
}

#[test]
fn recordings_of_workflows_apps_and_models_are_simulated_under_their_own_ids() {
    let flows = Flows::new();
    let sim = Sim::builder().app(App::demo()).speed(50.0).any_model();
    let sim = Simulator::start(sim.wait_for_socket(Duration::from_secs(30)));
    let app = App::demo().id();
    for args in [
        &["app", "run", &app, "-s", "prompt=a dog", "-o", "a", "--record", "flows/app"][..],
        &[
            "model",
            "run",
            "rhart-text-g-25-pro/text-to-text",
            "-p",
            "prompt=x",
            "-o",
            "b",
            "--record",
            "flows/text",
        ],
        &[
            "model",
            "run",
            "kling-v3.0-pro/text-to-video",
            "-p",
            "prompt=x",
            "-p",
            "duration=5",
            "-p",
            "sound=true",
            "-o",
            "c",
            "--record",
            "flows/video",
        ],
    ] {
        let done = flows.on(&sim, args).run();
        assert_eq!(done.code, Some(0), "{done}");
    }
    drop(sim);
    // The events of an app before its socket is known vary between runs.
    fs::write(flows.path("rhub-test.toml"), "cache = false\n").expect("written");
    assert_eq!(flows.rhub(&["test", "flows", "--accept"]).run().code, Some(0));
    let served =
        ["portrait", "app", "text", "video"].map(|name| Recorded::load(flows.path("flows").join(name)));
    let sim = Sim::builder().speed(50.0).wait_for_socket(Duration::from_secs(30));
    let sim = served.into_iter().fold(sim, |sim, one| sim.recorded(one.expect("a recording")));
    let sim = Simulator::start(sim);
    let done = flows.on(&sim, &["test", "flows", "--live", "--yes", "-q"]).run();
    assert_eq!((done.code, sim.creates()), (Some(0), 4), "{done}");
    let text = fs::read_dir(flows.path("rhub-report/flows-text/results")).expect("results");
    let mut names = text.map(|entry| entry.expect("a file").path());
    let text = names.find(|path| path.extension().is_some_and(|kind| kind == "txt")).expect("a text");
    assert!(fs::read_to_string(text).expect("text").contains("lighthouse"));
}

#[test]
fn options_that_do_nothing_together_are_refused() {
    let flows = Flows::new();
    for args in [&["test", "--report", "x"][..], &["test", "--images", "exact"], &["test", "--yes"]] {
        assert_eq!(flows.rhub(args).run().code, Some(2), "{args:?}");
    }
    let done = flows.rhub(&["test", "--live", "--images", "similar=2"]).run();
    assert!(done.code == Some(2) && done.stderr.contains("a number from 0 to 1"), "{done}");
    fs::create_dir(flows.path("mine")).expect("a folder");
    fs::write(flows.path("mine/file"), "").expect("a file");
    let done = flows.rhub(&["test", "--live", "--yes", "--report", "mine"]).run();
    assert_eq!((done.code, flows.sim.creates()), (Some(2), 1), "{done}");
    let done = flows.rhub(&["test", "--accept", "--report", "nowhere"]).run();
    assert_eq!(done.code, Some(2), "{done}");
}
