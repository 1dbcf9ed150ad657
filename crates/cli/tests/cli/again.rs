//! Finding runs again, and running them again: `tasks`, `rerun`, `open`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use runninghub_sim::{App, Fault, Sim};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Done, Rhub, Simulator, fixture, folder, rhub, scenario};

fn simulator() -> Simulator {
    Simulator::start(Sim::builder().scenario(scenario("02-ksampler")).app(App::demo()).speed(50.0))
}

struct Desk {
    sim: Simulator,
    state: TempDir,
    dir: TempDir,
}

impl Desk {
    fn new() -> Self {
        let (sim, state, dir) = (simulator(), folder(), folder());
        fs::copy(fixture("02-ksampler").join("workflow.json"), dir.path().join("graph.json"))
            .expect("copied");
        Self { sim, state, dir }
    }

    fn rhub(&self, args: &[&str]) -> Rhub {
        rhub([]).args(args).at(&self.sim).state(&self.state).within(&self.dir)
    }

    fn done(&self, args: &[&str]) -> Done {
        let done = self.rhub(args).run();
        assert_eq!(done.code, Some(0), "{args:?}: {done}");
        done
    }

    fn tasks(&self, args: &[&str]) -> Vec<Value> {
        let done = self.done(&[&["tasks", "--json"], args].concat());
        let lines = done.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        lines.filter(|line| line["event"] == "task").collect()
    }
}

#[test]
fn a_run_is_found_by_what_it_set_and_repeated_without_its_file() {
    let desk = Desk::new();
    let prefix = "9.filename_prefix=A red Cat, 在雨中";
    desk.done(&[
        "run",
        "graph.json",
        "-s",
        prefix,
        "-s",
        "3.seed=random",
        "--label",
        "portraits",
        "-o",
        "out",
    ]);
    desk.done(&["run", "graph.json", "-s", "9.filename_prefix=dog"]);
    let found = desk.tasks(&["red cat"]);
    assert_eq!(found.len(), 1, "{found:?}");
    let seed = found[0]["set"]["3.seed"]["json"].as_u64().expect("the drawn seed");
    assert_eq!(found[0]["label"], "portraits");
    let saved = Path::new(found[0]["saved"].as_str().expect("a folder"));
    assert!(saved.is_absolute() && saved.ends_with("out"), "{saved:?}");
    for (args, count) in [
        (&["在雨中"][..], 1),
        (&["filename"], 0),
        (&["--label", "portraits"], 1),
        (&["--label", "portrait"], 0),
        (&["--state", "done"], 2),
        (&["--state", "failed"], 0),
        (&["--since", "1h"], 2),
        (&["--since", "today", "cat"], 1),
        (&["--since", "2100-01-01"], 0),
        (&["--workflow", "123"], 0),
        (&["--limit", "1"], 1),
    ] {
        assert_eq!(desk.tasks(args).len(), count, "{args:?}");
    }
    let more = desk.done(&["tasks", "-n", "1"]);
    assert!(more.stderr.contains("there are more: `--limit 0` shows all"), "{more}");
    let none = desk.done(&["tasks", "giraffe"]);
    assert!(none.stderr.contains("no task matches"), "{none}");

    let first = found[0]["task_id"].as_str().expect("an id").to_owned();
    fs::remove_file(desk.dir.path().join("graph.json")).expect("removed");
    desk.done(&["rerun", &first]);
    let again = &desk.tasks(&["red cat"])[0];
    assert_eq!(again["set"]["3.seed"]["json"].as_u64(), Some(seed), "the same seed");
    assert_eq!((&again["body_sha256"], &again["label"]), (&found[0]["body_sha256"], &found[0]["label"]));
    desk.done(&["rerun", &first, "-s", "3.seed=random", "-s", "9.filename_prefix=a blue cat"]);
    let blue = &desk.tasks(&["blue"])[0];
    assert_ne!(blue["set"]["3.seed"]["json"].as_u64(), Some(seed));
    assert_ne!(blue["body_sha256"], again["body_sha256"]);
    assert_eq!(desk.sim.creates(), 4);
}

#[test]
fn a_list_of_tasks_fits_and_says_what_ran() {
    let desk = Desk::new();
    desk.done(&["run", "graph.json", "-s", "9.filename_prefix=a cat on a roof at night", "-o", "out"]);
    let done = desk.done(&["tasks"]);
    let line = done.stdout.lines().nth(1).expect("a task");
    assert!(line.starts_with("just now ") || line.contains(" min ago"), "{done}");
    assert!(line.contains("done") && line.contains("9.filename_prefix=a cat on a roof at night"), "{done}");
    let chinese = desk.done(&["tasks", "--lang", "zh"]);
    assert!(chinese.stdout.contains("刚刚") || chinese.stdout.contains("分钟前"), "{chinese}");
}

#[test]
fn a_private_run_keeps_digests_only() {
    let desk = Desk::new();
    desk.done(&["run", "graph.json", "-s", "9.filename_prefix=my secret", "--private"]);
    let kept = &desk.tasks(&[])[0];
    assert!(kept["set"]["9.filename_prefix"]["hidden"]["sha256"].is_string(), "{kept}");
    assert!(desk.tasks(&["secret"]).is_empty());
    let refused = desk.rhub(&["rerun", "last"]).run();
    assert!(refused.code == Some(2) && refused.stderr.contains("was not stored"), "{refused}");
    assert_eq!(desk.sim.creates(), 1);
    let store = fs::read_dir(desk.state.path()).expect("a folder").flatten();
    for file in store.map(|entry| entry.path()).filter(|path| path.is_file()) {
        let bytes = fs::read(&file).expect("readable");
        assert!(!bytes.windows(9).any(|window| window == b"my secret"), "{file:?}");
    }
}

#[test]
fn an_app_and_its_file_run_again_unless_the_file_has_changed() {
    let desk = Desk::new();
    let photo = desk.dir.path().join("a.png");
    fs::write(&photo, "first").expect("written");
    let app = App::demo().id();
    desk.done(&["app", "run", &app, "-s", "10.image=@a.png", "-s", "prompt=a cat"]);
    desk.done(&["rerun", "-s", "prompt=a dog"]);
    let tasks = desk.tasks(&[]);
    assert_eq!((tasks[0]["kind"].as_str(), tasks[0]["target"].as_str()), (Some("app"), Some(&*app)));
    assert_eq!(tasks[0]["set"]["10.image"], tasks[1]["set"]["10.image"]);
    assert_eq!(tasks[0]["set"]["prompt"]["json"], "a dog");
    fs::write(&photo, "second").expect("written");
    let refused = desk.rhub(&["rerun"]).run();
    assert!(refused.code == Some(2) && refused.stderr.contains("has changed since"), "{refused}");
    assert_eq!(desk.sim.creates(), 2);
    desk.done(&["rerun", "-s", "10.image=@a.png"]);
    assert_eq!(desk.sim.creates(), 3);
}

#[test]
fn a_model_runs_again_with_another_prompt() {
    let desk = Desk::new();
    desk.done(&["model", "run", "kling-v3.0-pro/text-to-video", "-p", "prompt=waves"]);
    desk.done(&["rerun", "-s", "prompt=hills"]);
    let tasks = desk.tasks(&[]);
    assert_eq!((tasks.len(), &tasks[0]["target"]), (2, &tasks[1]["target"]));
    assert_ne!(tasks[0]["body_sha256"], tasks[1]["body_sha256"]);
}

#[test]
fn runs_that_cannot_be_repeated_are_refused_with_a_reason() {
    let desk = Desk::new();
    let nothing = desk.rhub(&["rerun"]).run();
    assert!(nothing.code == Some(2) && nothing.stderr.contains("no task has been submitted"), "{nothing}");
    let foreign = desk.rhub(&["rerun", "1904154698679771137"]).run();
    assert!(
        foreign.code == Some(2) && foreign.stderr.contains("was not submitted from this machine"),
        "{foreign}"
    );
    desk.done(&["run", "graph.json"]);
    let store = rusqlite::Connection::open(desk.state.path().join("ledger.sqlite3")).expect("a ledger");
    store.execute("UPDATE attempt SET recipe = NULL", []).expect("written");
    let older = desk.rhub(&["rerun"]).run();
    assert!(older.code == Some(2) && older.stderr.contains("older version"), "{older}");
    assert_eq!(desk.sim.creates(), 1);
}

#[test]
fn results_are_opened_by_the_systems_program() {
    let desk = Desk::new();
    desk.done(&["run", "graph.json"]);
    let unsaved = desk.rhub(&["open"]).run();
    assert!(
        unsaved.code == Some(2) && unsaved.stderr.contains("`rhub download last` saves them"),
        "{unsaved}"
    );
    desk.done(&["download", "-o", "out"]);
    let printed = desk.done(&["open", "--print"]);
    let path = printed.stdout.lines().next().expect("a path").to_owned();
    assert!(
        Path::new(&path).starts_with(fs::canonicalize(desk.dir.path()).expect("a folder").join("out")),
        "{path}"
    );
    assert!(Path::new(&path).exists());
    fs::remove_dir_all(desk.dir.path().join("out")).expect("removed");
    let gone = desk.rhub(&["open"]).run();
    assert!(gone.code == Some(2) && gone.stderr.contains("is gone"), "{gone}");
}

#[test]
fn several_tasks_are_asked_for_at_once() {
    let desk = Desk::new();
    for name in ["a", "b"] {
        desk.done(&["run", "graph.json", "-s", &format!("9.filename_prefix={name}")]);
    }
    let ids: Vec<String> =
        desk.tasks(&[]).iter().map(|task| task["task_id"].as_str().expect("an id").to_owned()).collect();
    let both = desk.done(&["status", &ids[0], &ids[1], "--json"]);
    for id in &ids {
        let of_it = both.stdout.lines().find(|line| line.contains(id.as_str())).unwrap_or_default();
        assert!(of_it.contains(r#""event":"status","status":"success""#), "{both}");
    }
    let shown = desk.done(&["outputs", &ids[0], &ids[1]]);
    assert!(ids.iter().all(|id| shown.stdout.contains(&format!("{id}:\n"))), "{shown}");
    desk.done(&["download", &ids[0], &ids[1], "-o", "out"]);
    let saved = fs::read_dir(desk.dir.path().join("out")).expect("a folder").flatten();
    let names: Vec<String> = saved.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert!(ids.iter().all(|id| names.iter().any(|name| name.starts_with(id.as_str()))), "{names:?}");
    // Known tasks are still shown; the first problem determines the exit code.
    let unknown = "1904154698679771137";
    let mixed = desk.rhub(&["status", unknown, &ids[0]]).run();
    assert!(mixed.code != Some(0) && mixed.stdout.contains(&ids[0]), "{mixed}");
    let none = desk.done(&["cancel", "--all"]);
    assert!(none.stderr.contains("every task from this machine has ended"), "{none}");
    let nothing = desk.rhub(&["cancel"]).run();
    assert_eq!(nothing.code, Some(2), "{nothing}");
}

#[test]
fn all_open_tasks_are_cancelled() {
    let (sim, state) =
        (Simulator::start(Sim::builder().scenario(scenario("02-ksampler")).speed(0.01)), folder());
    let id = scenario("02-ksampler").workflow_id();
    for _ in 0..2 {
        let detached = rhub(["run", &id, "--detach"]).at(&sim).state(&state).run();
        assert_eq!(detached.code, Some(0), "{detached}");
    }
    let done = rhub(["cancel", "--all"]).at(&sim).state(&state).run();
    assert_eq!((done.code, done.stdout.matches("cancelled").count()), (Some(0), 2), "{done}");
}

#[test]
fn a_repeated_run_draws_a_seed_each_time_and_stops_at_a_failure() {
    let desk = Desk::new();
    let done = desk.done(&["run", "graph.json", "-s", "3.seed=random", "--repeat", "3", "--json"]);
    let lines = done.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let results: Vec<Value> = lines.filter(|line| line["event"] == "result").collect();
    assert_eq!(results.len(), 3, "one a run");
    let tasks: BTreeSet<_> = results.iter().map(|result| result["task_id"].to_string()).collect();
    assert_eq!(tasks.len(), 3, "{tasks:?}");
    let seeds: BTreeSet<_> =
        desk.tasks(&[]).iter().map(|task| task["set"]["3.seed"]["json"].to_string()).collect();
    assert_eq!(seeds.len(), 3, "{seeds:?}");
    let plain = desk.done(&["run", "graph.json", "--repeat", "2"]);
    assert!(plain.stdout.contains("1 of 2:\n") && plain.stdout.contains("2 of 2:\n"), "{plain}");
    assert_eq!(desk.sim.creates(), 5);
    for bad in ["0", "-1", "many"] {
        assert_eq!(desk.rhub(&["run", "graph.json", "--repeat", bad]).run().code, Some(2), "{bad}");
    }

    let failing = Simulator::of("07-error");
    let graph = fixture("07-error").join("workflow.json");
    let done = rhub(["run", "--repeat", "3"]).arg(graph).at(&failing).run();
    assert_eq!((done.code, failing.creates()), (Some(1), 1), "{done}");
}

/// The recordings that are kept.
fn kept(state: &TempDir) -> Vec<PathBuf> {
    let folders = fs::read_dir(state.path().join("recordings")).into_iter().flatten();
    folders.map(|entry| entry.expect("an entry").path()).collect()
}

#[test]
fn a_run_can_be_replayed_and_reported_afterwards() {
    let desk = Desk::new();
    let run = desk.done(&["run", "graph.json", "--json"]);
    let result = |done: &Done| {
        let line = done.stdout.lines().last().expect("a result").to_owned();
        serde_json::from_str::<Value>(&line).expect("JSON")
    };
    let task = result(&run)["task_id"].as_str().expect("an id").to_owned();
    for named in [task.as_str(), "last"] {
        let replay = result(&desk.done(&["replay", named, "--json"]));
        for field in ["status", "percent", "done", "total"] {
            assert_eq!(replay[field], result(&run)[field], "{field}");
        }
    }
    let report = desk.done(&["report", &task]);
    let name = format!("rhub-report-{task}");
    assert!(report.stdout.starts_with(&format!("{name}.tar.gz\n")), "{report}");
    let archive = fs::read(desk.dir.path().join(format!("{name}.tar.gz"))).expect("an archive");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&*archive));
    let mut texts = BTreeMap::new();
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("a file");
        let path = entry.path().expect("a path").to_string_lossy().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("text");
        texts.insert(path, text);
    }
    for file in ["about.json", "meta.json", "http.jsonl", "workflow.json"] {
        assert!(texts.contains_key(&format!("{name}/{file}")), "{file} is not in {:?}", texts.keys());
    }
    let about: Value = serde_json::from_str(&texts[&format!("{name}/about.json")]).expect("JSON");
    assert_eq!(about["task_id"], *task);
    assert_eq!(about["submit"]["state"], "done");
    for (path, text) in &texts {
        assert!(!text.contains(Sim::DEMO_KEY), "the key is in {path}");
        assert!(!text.contains(&*desk.state.path().to_string_lossy()), "a folder is in {path}");
    }
    let again = desk.rhub(&["report"]).run();
    assert_eq!(again.code, Some(9), "an archive is not replaced: {again}");
    desk.done(&["report", "last", "other.tar.gz"]);
}

#[test]
fn what_is_private_refused_or_unwanted_is_not_recorded() {
    let desk = Desk::new();
    for option in ["--private", "--no-recording"] {
        desk.done(&["run", "graph.json", option]);
    }
    let refused = desk.rhub(&["run", "123"]).run();
    assert_eq!(refused.code, Some(4), "{refused}");
    assert_eq!(kept(&desk.state), Vec::<PathBuf>::new());
    let done = desk.rhub(&["replay"]).run();
    assert_eq!(done.code, Some(2), "{done}");
    assert!(done.stderr.contains("there is no recording of task"), "{done}");
    for command in ["replay", "report"] {
        let done = desk.rhub(&[command, "nonsense"]).run();
        assert_eq!(done.code, Some(2), "{done}");
        assert!(done.stderr.contains("is neither a task nor a recording"), "{done}");
    }
    desk.done(&["run", "graph.json", "--record", "mine"]);
    assert_eq!(kept(&desk.state), Vec::<PathBuf>::new(), "it is recorded elsewhere");

    let folder = desk.state.path().join("recordings");
    fs::remove_dir(&folder).and_then(|()| fs::write(folder, "in the way")).expect("written");
    let done = desk.done(&["run", "graph.json"]);
    assert_eq!(done.stderr, "", "a recording is only an offer");
}

/// The files in a folder, recursively, whose names end like this.
fn files_named(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_named(&path, end));
        } else if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    found
}

#[test]
fn a_run_is_repeated_from_the_file_beside_its_results() {
    let desk = Desk::new();
    let set = ["-s", "9.filename_prefix=a red cat", "-s", "3.seed=7"];
    desk.done(&[&["run", "graph.json", "-o", "out"], &set[..]].concat());
    let manifest = files_named(&desk.dir.path().join("out"), ".manifest.json").pop().expect("a manifest");
    let text = fs::read_to_string(&manifest).expect("text");
    assert!(text.contains("a red cat") && !text.contains(Sim::DEMO_KEY), "{text}");
    let written = || fs::metadata(&manifest).and_then(|data| data.modified()).expect("a manifest");
    let before = written();
    desk.done(&["download", "last", "-o", "out"]);
    assert_eq!(written(), before, "nothing new is written");
    let manifest = manifest.to_string_lossy();
    desk.done(&["run", "--from", &manifest]);
    desk.done(&["run", "--from", &manifest, "-s", "3.seed=8"]);
    let tasks = desk.tasks(&[]);
    assert_eq!(tasks[1]["body_sha256"], tasks[2]["body_sha256"], "the same run");
    assert_ne!(tasks[0]["body_sha256"], tasks[2]["body_sha256"], "another seed");
    assert_eq!(tasks[0]["set"]["9.filename_prefix"], tasks[2]["set"]["9.filename_prefix"]);

    fs::write(desk.dir.path().join("rows.csv"), "9.filename_prefix\na blue cat\n").expect("written");
    desk.done(&["batch", "run", "rows.csv", "--workflow", "graph.json", "-o", "batch"]);
    let row = files_named(&desk.dir.path().join("batch"), ".run.json").pop().expect("what it ran");
    desk.done(&["run", "--from", &row.to_string_lossy()]);
    let blue = desk.tasks(&["blue"]);
    assert_eq!(blue.len(), 2, "{blue:?}");
    assert_eq!(blue[0]["body_sha256"], blue[1]["body_sha256"]);

    let elsewhere = folder();
    let lost = desk.rhub(&["run", "--from", &manifest]).state(&elsewhere).run();
    assert_eq!(lost.code, Some(2), "{lost}");
    assert!(lost.stderr.contains("an image from the run contains its workflow"), "{lost}");
    for (name, content) in [("empty.json", "{}"), ("text.json", "a cat")] {
        fs::write(desk.dir.path().join(name), content).expect("written");
        let bad = desk.rhub(&["run", "--from", name]).run();
        assert_eq!(bad.code, Some(2), "{bad}");
        assert!(bad.stderr.contains("it does not name the run"), "{bad}");
    }
    assert_eq!(desk.rhub(&["run", "--from", "nothing.json"]).run().code, Some(2));
    assert_eq!(desk.rhub(&["run", "graph.json", "--from", &manifest]).run().code, Some(2));
    assert_eq!(desk.sim.creates(), 5);
}

#[test]
fn several_tasks_are_watched_at_once() {
    let desk = Desk::new();
    let submit = || desk.done(&["run", "graph.json", "--detach", "-q"]).stdout.trim().to_owned();
    let tasks = [submit(), submit(), submit()];
    let done = desk.done(&["watch", "--all", "--json", "-o", "all"]);
    let lines: Vec<Value> =
        done.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let (last, before) = lines.split_last().expect("a result");
    assert_eq!((&last["event"], &last["exit_code"]), (&"result".into(), &0.into()));
    assert!(before.iter().all(|line| line["task_id"].is_string()), "{done}");
    for task in &tasks {
        let results = before.iter().filter(|line| line["task_id"] == **task && line["event"] == "result");
        let results: Vec<_> = results.collect();
        assert_eq!(results.len(), 1, "{done}");
        assert_eq!((&results[0]["status"], &results[0]["percent"]), (&"success".into(), &100.0.into()));
        assert!(results[0]["outputs"][0]["path"].is_string(), "{done}");
    }
    let none = desk.done(&["watch", "--all"]);
    assert!(none.stderr.contains("every task from this machine has ended"), "{none}");

    let plain = desk.done(&["watch", &tasks[0], &tasks[1]]);
    let of = |task: &str| plain.stdout.contains(&format!("[{task}] 🎉 Task completed!\n"));
    assert!(of(&tasks[0]) && of(&tasks[1]) && !of(&tasks[2]), "{plain}");
    let quiet = desk.done(&["watch", &tasks[0], &tasks[1], "-q", "-o", "quiet"]);
    assert!(quiet.stdout.lines().all(|line| Path::new(line).starts_with("quiet")), "{quiet}");

    let some = desk.rhub(&["watch", &tasks[0], "1999999999999999999"]).run();
    assert_eq!(some.code, Some(7), "{some}");
    let option = desk.rhub(&["watch", &tasks[0], &tasks[1], "--cancel-on-interrupt"]).run();
    assert_eq!(option.code, Some(2), "{option}");
}

#[test]
fn results_of_several_tasks_that_are_not_saved_are_an_error() {
    let builder = Sim::builder().scenario(scenario("02-ksampler")).speed(50.0);
    let sim = Simulator::start(builder.fault(Fault::ShortFiles));
    let (dir, state) = (folder(), folder());
    let graph = fixture("02-ksampler").join("workflow.json");
    let submit = || {
        let done = rhub(["run", "--detach", "-q"]).arg(&graph).at(&sim).state(&state).run();
        assert_eq!(done.code, Some(0), "{done}");
        done.stdout.trim().to_owned()
    };
    let tasks = [submit(), submit()];
    let watch = |args: &[&str]| {
        rhub(["watch", &tasks[0], &tasks[1], "--json"]).args(args).at(&sim).state(&state).within(&dir).run()
    };
    let done = watch(&["-o", "out"]);
    assert_eq!(done.code, Some(8), "{done}");
    let lines = done.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let codes: Vec<Value> =
        lines.filter(|line| line["event"] == "result").map(|line| line["exit_code"].clone()).collect();
    assert_eq!(codes, [8, 8, 8], "{done}");
    assert_eq!(watch(&[]).code, Some(0), "without a folder nothing is missing");
}

#[test]
fn a_key_creates_one_task_however_often_it_runs() {
    let desk = Desk::new();
    let run = ["run", "graph.json", "-s", "3.seed=random", "--once", "2026-11-30", "--detach", "-q"];
    let first = desk.done(&run);
    let second = desk.done(&run);
    assert_eq!(first.stdout, second.stdout);
    let task = first.stdout.trim();
    let shown = desk.done(&["run", "graph.json", "-s", "3.seed=random", "--once", "2026-11-30", "-o", "out"]);
    assert!(shown.stdout.contains(&format!("the key was used before, for the task {task}")), "{shown}");
    assert!(fs::read_dir(desk.dir.path().join("out")).expect("a folder").next().is_some(), "saved");
    let other = desk.rhub(&["run", "graph.json", "--once", "2026-11-30"]).run();
    assert_eq!(other.code, Some(2), "{other}");
    assert!(other.stderr.contains("use a new key"), "{other}");
    let chinese = desk.rhub(&["run", "graph.json", "--once", "2026-11-30", "--lang", "zh"]).run();
    assert!(chinese.stderr.contains("此 KEY 已用于另一次提交"), "{chinese}");
    assert_eq!((desk.sim.creates(), desk.tasks(&[]).len()), (1, 1));
}
