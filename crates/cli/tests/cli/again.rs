//! Finding runs again, and running them again: `tasks`, `rerun`, `open`.

use std::{fs, path::Path};

use runninghub_sim::{App, Sim};
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
    assert!(refused.code == Some(2) && refused.stderr.contains("was not kept"), "{refused}");
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
    // What is known is still answered; the first problem decides.
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
