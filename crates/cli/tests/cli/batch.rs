//! `rhub batch`: plans before anything is sent, and results of a batch.

use std::{fmt::Write as _, fs, path::Path};

use runninghub::{
    Cost,
    ledger::{
        Batch, Digest, Intent, Item, ItemRef, Kind, Ledger as _, Place, Site, SqliteLedger, State, Step,
    },
};
use runninghub_sim::{App, Sim};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    common::{Done, Rhub, Simulator, fixture, folder, rhub, scenario, snap},
    document::run_commands,
};

/// A simulator with the app of the demo and the workflow of a recording.
fn simulator() -> Simulator {
    Simulator::start(Sim::builder().scenario(scenario("02-ksampler")).app(App::demo()).speed(20.0))
}

fn app() -> String {
    App::demo().id()
}

/// A folder with these files.
fn files(files: &[(&str, &[u8])]) -> TempDir {
    let dir = folder();
    for (name, bytes) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        fs::write(path, bytes).expect("written");
    }
    dir
}

fn plan(sim: &Simulator, dir: &TempDir, args: &[&str]) -> Rhub {
    let hide = fs::canonicalize(dir.path()).expect("a folder");
    rhub(["batch", "plan"]).at(sim).within(dir).hide(hide, "[dir]").args(args)
}

/// The line of an event in JSON output.
fn event(done: &Done, name: &str) -> Value {
    let lines = done.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.rev().find(|line| line["event"] == name).unwrap_or_else(|| panic!("no `{name}`: {done}"))
}

#[test]
fn a_table_as_a_spreadsheet_writes_it() {
    let sim = simulator();
    let table = "\u{feff}_id;提示词;steps;10.image@;_out\r\n\
                 cat-1;\"a \"\"cat\"\", in the rain;\r\nat night\";20;in/a.png;cats/{id}\r\n\
                 cat-2;null;;in/a.png;\r\n\
                 cat-3;@handle;30;;\r\n\
                 ;\"{\"\"a\"\":1}\";;;\r\n\
                 猫-5;一只猫;;in/b.png;\r\n";
    let dir = files(&[("cats.csv", table.as_bytes()), ("in/a.png", b"abc"), ("in/b.png", b"abcd")]);
    // A row without an id gets one that depends on the simulator's port.
    let rows = plan(&sim, &dir, &["cats.csv", "--app", &app(), "--rows", "--json"]).run();
    let fourth = rows.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let id = fourth.rev().find(|line| line["row"] == 5).expect("a row")["item"].clone();
    let listed = plan(&sim, &dir, &["cats.csv", "--app", &app(), "--rows"]);
    snap!(listed.hide(id.as_str().expect("text"), "[row's id]"), @r"
        exit 0
        --- out
        ACTION    STATE     ROW   ID                       RESULTS
        run       ready     2     cat-1                    cats/cat-1
        run       ready     3     cat-2                    cat-2
        run       ready     4     cat-3                    cat-3
        run       ready     5     [row's id]               [row's id]
        run       ready     6     猫-5                     猫-5
        cats.csv → app 1892300583309880551
          batch `cats` at [url], new
          5 rows, which set 10.image, steps, 提示词
          2 files (7 B)
          new 5
        5 rows would start
          cost unknown: no earlier runs
    ");
    let done = plan(&sim, &dir, &["cats.csv", "--app", &app(), "--rows", "--json"]).run();
    let items: Vec<Value> = done
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .filter(|line| line["event"] == "item")
        .collect();
    let text = |at: usize| items[at]["set"]["提示词"]["text"].as_str();
    assert_eq!(text(0), Some("a \"cat\", in the rain;\r\nat night"));
    assert_eq!([text(1), text(2), text(3)], [Some("null"), Some("@handle"), Some("{\"a\":1}")]);
    assert_eq!(items[1]["set"].get("steps"), None, "an empty number stays as it is");
    assert_eq!(items[0]["set"]["10.image"]["file"]["name"], "a.png");
    let calls = sim.sim().stats().calls;
    assert_eq!(sim.creates(), 0);
    assert!(!calls.keys().any(|call| call.contains("upload")), "nothing was uploaded: {calls:?}");
}

#[test]
fn rows_come_from_lines_files_values_and_jobs() {
    let sim = simulator();
    let id = scenario("02-ksampler").workflow_id();
    let job = format!(
        "workflow = \"{id}\"\nid = \"{{size}}-{{3.seed}}\"\n[set]\n\"9.filename_prefix\" = \"{{size}}\"\n\
         [matrix]\nsize = [\"s\", \"m\"]\n\"3.seed\" = \"1..2\"\n\
         [[exclude]]\nsize = \"s\"\n\"3.seed\" = 2\n"
    );
    let dir = files(&[
        ("prompts.txt", "a cat\na dog\n\na 猫\n".as_bytes()),
        ("in/a10.png", b"abc"),
        ("in/a2.png", b"abc"),
        ("in/deep/b.png", b"abcd"),
        ("job.toml", job.as_bytes()),
    ]);
    let app = app();
    let lines =
        "{\"custom_id\":\"a\",\"set\":{\"prompt\":\"x\"}}\n{\"set\":{\"prompt\":\"y\",\"steps\":30}}\n";
    snap!(plan(&sim, &dir, &["-", "--app", &app]).stdin(lines), @r"
        exit 0
        --- out
        standard input → app 1892300583309880551
          batch `batch` at [url], new
          2 rows, which set prompt, steps
          new 2
        2 rows would start
          cost unknown: no earlier runs
    ");
    let each = ["--app", &app, "--each", "10.image=@in/**/*.png", "--each-line", "prompt=prompts.txt"];
    snap!(plan(&sim, &dir, &each).args(&["--matrix", "steps=10..12", "-s", "cfg=7.5"]), @r"
        exit 0
        --- out
        ⚠️ row 10: it equals row 1
           hint: it runs again; to run a row several times, set its repeat count
        ⚠️ row 11: it equals row 2
           hint: it runs again; to run a row several times, set its repeat count
        ⚠️ row 12: it equals row 3
           hint: it runs again; to run a row several times, set its repeat count
        ⚠️ row 13: it equals row 4
           hint: it runs again; to run a row several times, set its repeat count
        ⚠️ row 14: it equals row 5
           hint: it runs again; to run a row several times, set its repeat count
        ⚠️ row 15: it equals row 6
           hint: it runs again; to run a row several times, set its repeat count
        ⚠️ row 16: it equals row 7
           hint: it runs again; to run a row several times, set its repeat count
        ⚠️ row 17: it equals row 8
           hint: it runs again; to run a row several times, set its repeat count
        ⚠️ row 18: it equals row 9
           hint: it runs again; to run a row several times, set its repeat count
        the options → app 1892300583309880551
          batch `batch` at [url], new
          27 rows, which set 10.image, cfg, prompt, steps
          2 files (7 B)
          new 27
        27 rows would start
          cost unknown: no earlier runs
    ");
    snap!(plan(&sim, &dir, &each).arg("--zip"), @r"
        exit 0
        --- out
        the options → app 1892300583309880551
          batch `batch` at [url], new
          3 rows, which set 10.image, prompt
          2 files (7 B)
          new 3
        3 rows would start
          cost unknown: no earlier runs
    ");
    snap!(plan(&sim, &dir, &["job.toml", "--rows"]), @r"
        exit 0
        --- out
        ACTION    STATE     ROW   ID                       RESULTS
        run       ready     1     s-1                      s-1
        run       ready     2     m-1                      m-1
        run       ready     3     m-2                      m-2
        job.toml → workflow 1910907571966099517
          batch `job` at [url], new
          3 rows, which set 3.seed, 9.filename_prefix
          new 3
        3 rows would start
          cost unknown: no earlier runs
        ");
    assert_eq!(sim.creates(), 0);
}

#[test]
fn a_graph_and_a_model_are_planned_without_a_key_or_a_request() {
    let dir = files(&[("seeds.csv", b"3.seed,3.steps\n1,10\n2,x\n"), ("prompts.csv", b"prompt\na cat\n")]);
    let hidden = fs::canonicalize(dir.path()).expect("a folder");
    fs::copy(fixture("02-ksampler/workflow.json"), dir.path().join("graph.json")).expect("copied");
    let offline = |args: &[&str]| rhub(["batch", "plan"]).within(&dir).hide(&hidden, "[dir]").args(args);
    snap!(offline(&["seeds.csv", "--workflow", "graph.json"]), @r"
        exit 2
        --- out
        ❌ row 3, column `3.steps`: `3.steps` takes a number, not text
           hint: its current value is `10`
        --- err
        error: 1 problem in seeds.csv; nothing was sent
    ");
    fs::write(dir.path().join("seeds.csv"), "3.seed,3.steps\n1,10\n2,20\n").expect("written");
    snap!(offline(&["seeds.csv", "--workflow", "graph.json"]), @r"
        exit 0
        --- out
        seeds.csv → workflow graph.json
          batch `seeds` at https://www.runninghub.cn, new
          2 rows, which set 3.seed, 3.steps
          new 2
        2 rows would start
          cost unknown: no earlier runs
    ");
    snap!(offline(&["prompts.csv", "--model", "f-2-dev/text-to-image"]), @r"
        exit 2
        --- out
        ❌ `prompt`: `rhart-image/f-2-dev/text-to-image` has no parameter `prompt`
           hint: parameters: `12##text`, `41##select`, `43##file_type`, `30##value`, `29##value`
        --- err
        error: 1 problem in prompts.csv; nothing was sent
    ");
    snap!(offline(&["prompts.csv", "--app", "1877265245566922753"]), @r"
        exit 2
        --- err
        error: no API key

        hint: store one with `rhub login`, set RUNNINGHUB_API_KEY, or pass a file with `--api-key-file PATH`; `rhub demo` needs no key
    ");
}

#[test]
fn every_bad_input_is_named_before_anything_is_sent() {
    let sim = simulator();
    let columns = (0..=100_000).map(|at| format!("c{at}")).collect::<Vec<_>>().join(",") + "\n";
    let dir = files(&[
        ("column.csv", b"_id,prompt,_repaet\na,x,2\n"),
        ("field.csv", b"_id,promt\na,x\nb,y\n"),
        ("file.csv", b"_id,10.image\na,none.png\n"),
        ("type.csv", b"_id,10.image@\na,type.csv\n"),
        ("range.csv", b"_id,steps,ratio\na,61,1:1\nb,many,wide\n"),
        ("id.csv", b"_id,prompt\na,x\na,y\n"),
        ("instance.csv", b"_id,prompt,_instance\na,x,plsu\n"),
        ("out.csv", b"_id,prompt,_out\na,x,../away\n"),
        ("repeat.csv", b"_id,prompt,_repeat\na,x,0\n"),
        ("quote.csv", b"_id,prompt\na,\"x\nb,y\n"),
        ("cells.csv", b"_id,prompt\na,x,y\n"),
        ("empty.csv", b""),
        ("header.csv", b"_id,prompt\n"),
        ("wide.csv", columns.as_bytes()),
        ("gbk.csv", b"prompt\n\xd2\xbb\xd6\xbb\xc3\xa8\xa3\xac\xd4\xda\xd3\xea\xd6\xd0\n"),
        ("latin.csv", b"prompt\nun \xe9t\xe9\n"),
        ("sheet.csv", b"PK\x03\x04xl"),
        ("twice.csv", b"_id,prompt,prompt\na,x,y\n"),
        ("job.toml", b"[sett]\nprompt = \"x\"\n"),
        ("limits.toml", b"[set]\nprompt = \"x\"\n[limits]\nmax_costt = 3\n"),
        ("list.json", b"[{\"set\":{}}]"),
        ("lines.jsonl", b"{\"set\":{\"prompt\":\"x\"},\"idd\":1}\nnonsense\n"),
    ]);
    let (app, state) = (app(), folder());
    let mut texts = String::new();
    for name in [
        "column.csv",
        "field.csv",
        "file.csv",
        "type.csv",
        "range.csv",
        "id.csv",
        "instance.csv",
        "out.csv",
        "repeat.csv",
        "quote.csv",
        "cells.csv",
        "empty.csv",
        "header.csv",
        "wide.csv",
        "gbk.csv",
        "latin.csv",
        "sheet.csv",
        "twice.csv",
        "job.toml",
        "limits.toml",
        "list.json",
        "lines.jsonl",
    ] {
        let done = plan(&sim, &dir, &[name, "--app", &app]).run();
        assert_eq!(done.code, Some(2), "{name}: {done}");
        assert!(done.stderr.contains(&format!("in {name}; nothing was sent")), "{done}");
        writeln!(texts, "{name}\n{}", done.stdout).expect("text");
        let done = plan(&sim, &dir, &[name, "--app", &app, "--json"]).run();
        let problem = event(&done, "problem");
        assert_eq!((&problem["fatal"], &problem["source"]), (&true.into(), &name.into()));
        assert_eq!(event(&done, "result")["exit_code"], 2);
        let run = rhub(["batch", "run", name, "--app", &app, "-o", "results"]);
        let hide = fs::canonicalize(dir.path()).expect("a folder");
        let ran = run.at(&sim).within(&dir).state(&state).hide(hide, "[dir]").run();
        assert!(ran.code == Some(2) && texts.ends_with(&format!("{}\n", ran.stdout)), "{name}: {ran}");
    }
    insta::assert_snapshot!(texts);
    let calls = sim.sim().stats().calls;
    let is_paid = |path: &&String| ["create", "run", "upload"].iter().any(|word| path.contains(word));
    assert_eq!(calls.keys().filter(is_paid).count(), 0, "{calls:?}");
    let listed = rhub(["batch", "ls"]).state(&state).run();
    assert!(
        listed.stderr.contains("no batch has been started") && !dir.path().join("results").exists(),
        "{listed}"
    );
}

#[test]
fn what_is_missing_is_named_too() {
    let sim = simulator();
    let dir = files(&[("cats.csv", b"prompt\nx\n"), ("job.toml", b"app = \"1\"\n[set]\nprompt = \"x\"\n")]);
    let app = app();
    let mut texts = String::new();
    for args in [
        &["cats.csv"][..],
        &["--app", &app],
        &["none.csv", "--app", &app],
        &[".", "--app", &app],
        &["job.toml", "--app", &app],
        &["cats.csv", "--app", &app, "-o", "cats.csv"],
        &["cats.csv", "--app", &app, "-o", "cats.csv/below"],
        &["cats.csv", "--app", &app, "-s", "prompt"],
        &["cats.csv", "--quick", "1877265245566922753"],
        &["--app", &app, "--each", "10.image=@in/*.png"],
        &["--app", &app, "--matrix", "steps=4..1"],
        &["cats.csv", "--app", &app, "--server", "http://127.0.0.1:9"],
    ] {
        let done = plan(&sim, &dir, args).run();
        assert_eq!(done.code, Some(2), "{args:?}: {done}");
        writeln!(texts, "{done}").expect("text");
    }
    insta::assert_snapshot!(texts);
    assert!(!dir.path().join("results").exists() && sim.creates() == 0);
}

/// Writes a batch into a ledger, with one item in each state.
struct History {
    runtime: tokio::runtime::Runtime,
    ledger: SqliteLedger,
    place: Place,
    app: String,
    tasks: u32,
}

impl History {
    fn new(state: &TempDir, sim: &Simulator) -> Self {
        Self {
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
            ledger: SqliteLedger::open(state.path()).expect("a ledger"),
            place: Place::RunningHub { site: Site::Cn, base_url: sim.base_url().into() },
            app: app(),
            tasks: 0,
        }
    }

    /// Opens a batch with the items that a plan in JSON lists.
    fn open(&self, name: &str, origin: &Path, planned: &Done) {
        let target = (self.place.clone(), Kind::App, self.app.clone());
        let origin = fs::canonicalize(origin).expect("a file");
        let batch = Batch::new(name, origin.to_string_lossy(), Digest::of("spec"), target);
        let lines = planned.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let items = lines.filter(|line| line["event"] == "item").map(|line| {
            let text = |name: &str| line[name].as_str().expect("text").to_owned();
            let body = serde_json::json!({
                "id": line["item"], "set": line["set"], "out": line["out"], "row": line["row"], "repeat": 1,
                "fingerprint": line["fingerprint"], "priority": 0,
                "target": {"place": "cn", "url": self.place.url(), "kind": "app", "id": self.app},
            });
            Item::new(text("item"), text("fingerprint").parse().expect("a digest"), body.to_string())
        });
        let items = items.collect();
        self.runtime.block_on(self.ledger.open_batch(batch)).expect("opened");
        self.runtime.block_on(self.ledger.freeze(name, items)).expect("frozen");
    }

    /// Brings each of the first items into the state it is named after. `lost` no longer has files.
    fn bring_all(&mut self, dir: &TempDir) {
        for (id, to) in [
            ("done", State::Done),
            ("lost", State::Done),
            ("running", State::Accepted),
            ("unknown", State::Unknown),
            ("failed", State::Failed),
            ("cancelled", State::Cancelled),
            ("refused", State::Refused),
            ("changed", State::Done),
        ] {
            let attempt = self.bring(id, to);
            let folder = dir.path().join("results").join(id);
            if matches!(id, "done" | "changed" | "lost") {
                self.save(id, &attempt, &folder);
            }
            if id == "lost" {
                fs::remove_dir_all(&folder).expect("removed");
            }
        }
    }

    /// Brings an item to a state.
    fn bring(&mut self, item: &str, to: State) -> String {
        self.tasks += 1;
        let intent = Intent::new(self.place.clone(), Kind::App, "k", Digest::of(item)).target(&*self.app);
        let attempt = self.runtime.block_on(self.ledger.begin(intent.item(ItemRef::new("cats", item))));
        let attempt = attempt.expect("written");
        let cost = Some(Cost {
            coins: Some(format!("{}", 1 + self.tasks % 3)),
            seconds: Some("60".into()),
            ..Cost::default()
        });
        let accepted = Step::Accepted { task: format!("20000000000000000{:02}", self.tasks).into() };
        let steps = match to {
            State::Accepted => vec![accepted],
            State::Done => vec![accepted, Step::Done { cost }],
            State::Failed => vec![accepted, Step::Failed { cost, note: Some("out of memory".into()) }],
            State::Cancelled => vec![accepted, Step::Cancelled { cost }],
            State::Refused => vec![Step::Refused { note: "code 416".into() }],
            _ => vec![Step::Unknown { note: "no response".into() }],
        };
        for step in steps {
            self.runtime.block_on(self.ledger.advance(&attempt, step)).expect("a step");
        }
        attempt.to_string()
    }

    /// Saves a result of a done item, and records where.
    fn save(&self, item: &str, attempt: &str, folder: &Path) {
        let task = format!("20000000000000000{:02}", self.tasks);
        fs::create_dir_all(folder).expect("created");
        fs::write(folder.join(format!("{item}.png")), "abc").expect("written");
        let manifest = serde_json::json!({
            "schema": "runninghub.manifest", "version": 1, "task_id": task,
            "results": [{"n": 1, "name": format!("{item}.png"), "bytes": 3,
                "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}],
        });
        fs::write(folder.join(format!("{task}.manifest.json")), manifest.to_string()).expect("written");
        let folder = folder.to_string_lossy();
        self.runtime.block_on(self.ledger.saved(&attempt.into(), &folder)).expect("recorded");
    }
}

/// Ids of rows, one for each state, and a table of them.
const IDS: [&str; 9] =
    ["done", "lost", "running", "unknown", "failed", "cancelled", "refused", "changed", "left"];

fn table(ids: &[&str]) -> String {
    ids.iter().fold("_id,prompt\n".to_owned(), |table, id| format!("{table}{id},a {id} cat\n"))
}

#[test]
fn a_plan_shows_what_became_of_each_row_and_what_a_run_would_do() {
    let (sim, state) = (simulator(), folder());
    let dir = files(&[("cats.csv", table(&IDS).as_bytes())]);
    let app = app();
    let with_state = |args: &[&str]| plan(&sim, &dir, args).state(&state);
    let planned = with_state(&["cats.csv", "--app", &app, "--rows", "--json"]).run();
    let mut history = History::new(&state, &sim);
    history.open("cats", &dir.path().join("cats.csv"), &planned);
    history.bring_all(&dir);
    // One row is gone, one has another prompt, two are new.
    let mut ids = IDS.to_vec();
    ids.truncate(8);
    let table = table(&ids).replace("a changed cat", "another cat") + "new-1,x\nnew-2,x\n";
    fs::write(dir.path().join("cats.csv"), table).expect("written");
    let hide = |run: Rhub| {
        let done = run.run();
        let attempt = done.stderr.split("rhub resolve ").nth(1).map(|rest| rest[..8].to_owned());
        done.to_string().replace(&attempt.unwrap_or_default(), "[attempt]")
    };
    insta::assert_snapshot!(hide(with_state(&["cats.csv", "--app", &app, "--slots", "3", "--rows"])), @r#"
    exit 0
    --- out
    ⚠️ row 11: it equals row 10
       hint: it runs again; to run a row several times, set its repeat count
    ACTION    STATE     ROW   ID                       RESULTS
    no action done      2     done                     done
    fetch     done      3     lost                     lost
    adopt     running   4     running                  running
    hold      unknown   5     unknown                  unknown
    leave     failed    6     failed                   failed
    leave     cancelled 7     cancelled                cancelled
    leave     refused   8     refused                  refused
    ask       done      9     changed                  changed
    run       ready     10    new-1                    new-1
    run       ready     11    new-2                    new-2
    cats.csv → app 1892300583309880551
      batch `cats` at [url], run before
      10 rows, which set prompt
      new 2
      done 1
      fetch 1: done, but files are missing or changed
      adopt 1: their tasks are already running
      unknown 1: each may have a task, and holds its slot until it is resolved
      failed 1
      refused 1
      cancelled 1
      changed 1: changed prompt "a changed cat" → "another cat"
      no longer in the file 1: left
    2 rows would start
      about 5.33 coins: 2.67 coins each, nine in ten up to 3 coins, by 3 earlier runs
      0:44 to 1:23 on 3 slots
    --- err
    hint: `--changed run` runs changed rows with their new values, `--changed keep` continues with the old ones
    hint: `--retry-failed` reruns rows that failed, were cancelled or refused
    hint: check the task list on the RunningHub website, then say what you found about row `unknown` with
      rhub resolve [attempt] --task-id ID
      rhub resolve [attempt] --not-created
    "#);
    let again = ["cats.csv", "--app", &app, "--retry-failed", "--changed", "run"];
    insta::assert_snapshot!(hide(with_state(&again)), @r#"
    exit 0
    --- out
    ⚠️ row 11: it equals row 10
       hint: it runs again; to run a row several times, set its repeat count
    cats.csv → app 1892300583309880551
      batch `cats` at [url], run before
      10 rows, which set prompt
      new 2
      retry 3
      done 1
      fetch 1: done, but files are missing or changed
      adopt 1: their tasks are already running
      unknown 1: each may have a task, and holds its slot until it is resolved
      changed 1: changed prompt "a changed cat" → "another cat"
      no longer in the file 1: left
    6 rows would start
      about 16 coins: 2.67 coins each, nine in ten up to 3 coins, by 3 earlier runs
      1:32 to 2:51 on 3 slots
    --- err
    hint: check the task list on the RunningHub website, then say what you found about row `unknown` with
      rhub resolve [attempt] --task-id ID
      rhub resolve [attempt] --not-created
    "#);
    let done = with_state(&["cats.csv", "--app", &app, "--json"]).run();
    let seen = event(&done, "batch_plan");
    assert_eq!(
        (&seen["is_known"], &seen["starts"], &seen["counts"]["asked"]),
        (&true.into(), &2.into(), &1.into())
    );
    assert_eq!(seen["changes"][0]["fields"][0]["now"], "another cat");
    assert_eq!((&seen["unknown"][0]["item"], &seen["gone"][0]), (&"unknown".into(), &"left".into()));
    assert_eq!(seen["cost"]["runs"], 3, "those that are done");
    assert_eq!(sim.creates(), 0);
}

#[test]
fn results_of_equal_rows_can_be_taken_from_other_batches() {
    let (sim, state) = (simulator(), folder());
    let dir = files(&[("cats.csv", b"_id,prompt\na,x\nb,y\n"), ("dogs.csv", b"_id,prompt\nc,x\nd,z\n")]);
    let app = app();
    let with_state = |args: &[&str]| plan(&sim, &dir, args).state(&state);
    let planned = with_state(&["cats.csv", "--app", &app, "--rows", "--json"]).run();
    let mut history = History::new(&state, &sim);
    history.open("cats", &dir.path().join("cats.csv"), &planned);
    let attempt = history.bring("a", State::Done);
    history.save("a", &attempt, &dir.path().join("results/a"));
    let starts = |args: &[&str]| {
        let seen = event(&with_state(args).run(), "batch_plan");
        (seen["starts"].clone(), seen["counts"]["reuse"].clone())
    };
    assert_eq!(starts(&["dogs.csv", "--app", &app, "--json"]), (2.into(), 0.into()));
    assert_eq!(starts(&["dogs.csv", "--app", &app, "--json", "--reuse"]), (1.into(), 1.into()));
    fs::remove_dir_all(dir.path().join("results")).expect("removed");
    assert_eq!(starts(&["dogs.csv", "--app", &app, "--json", "--reuse"]), (2.into(), 0.into()));
}

#[test]
fn batches_are_listed_and_exported() {
    let (sim, state) = (simulator(), folder());
    let dir = files(&[("cats.csv", table(&IDS).as_bytes())]);
    let app = app();
    snap!(rhub(["batch", "ls"]).state(&state), @r"
        exit 0
        --- err
        hint: no batch has been started on this machine yet
    ");
    snap!(rhub(["batch", "export", "cats"]).state(&state), @r"
        exit 2
        --- err
        error: batch `cats` not found

        hint: `rhub batch ls` lists the batches
    ");
    let planned = plan(&sim, &dir, &["cats.csv", "--app", &app, "--rows", "--json"]).state(&state).run();
    let mut history = History::new(&state, &sim);
    history.open("cats", &dir.path().join("cats.csv"), &planned);
    history.bring("done", State::Done);
    history.bring("failed", State::Failed);
    let listed = rhub(["batch", "ls"]).state(&state).run();
    let line = listed.stdout.lines().nth(1).expect("a batch");
    assert!(line.contains("cats") && line.ends_with("9, done 1, ready 7, failed 1"), "{listed}");
    let exported = rhub(["batch", "export", "cats"]).state(&state).run();
    let lines: Vec<&str> = exported.stdout.lines().collect();
    assert!(lines[0].starts_with("id,state,row,task_id,coins"), "{exported}");
    assert!(lines[1].starts_with("done,done,2,2000000000000000001,2,"), "{exported}");
    assert!(lines[5].contains("out of memory"), "{exported}");
    let to = dir.path().join("cats.html");
    let done =
        rhub(["batch", "export", "cats", "--format", "html", "--json", "--to"]).arg(&to).state(&state).run();
    assert_eq!((done.code, event(&done, "result")["exit_code"].clone()), (Some(0), 0.into()), "{done}");
    assert!(fs::read_to_string(&to).expect("a page").contains("<title>cats</title>"));
    // The option means the format of the export, wherever the report's own format comes from.
    let done = rhub(["batch", "export", "cats", "--format", "jsonl"]).env("RUNNINGHUB_FORMAT", "plain");
    let done = done.state(&state).run();
    assert!(done.stdout.lines().all(|line| line.starts_with("{\"id\":")), "{done}");
    let done = rhub(["batch", "export", "cats", "--json"]).state(&state).run();
    let failure = &event(&done, "result")["failure"];
    assert_eq!(done.code, Some(2), "{done}");
    assert_eq!(failure["message"], "standard output is used for the lines of `--json`");
    assert_eq!(failure["hint"], "choose a file for the export with `--to FILE`");
    snap!(rhub(["batch", "export", "cats", "--format", "plain"]).state(&state), @r"
        exit 2
        --- err
        error: invalid value 'plain' for '--format <FORMAT>'
          [possible values: csv, jsonl, html, perfetto]

        For more information, try '--help'.
    ");
}

#[test]
fn a_profile_sets_no_format_of_exports() {
    let (state, home) = (folder(), folder());
    for setting in [["format", "plain"], ["out", "results"]] {
        let set = rhub(["config", "set"]).args(&setting).config(&home).run();
        assert_eq!(set.code, Some(0), "{set}");
    }
    let done = rhub(["batch", "export", "cats"]).state(&state).config(&home).run();
    assert!(done.code == Some(2) && done.stderr.contains("batch `cats` not found"), "{done}");
}

#[test]
fn the_commands_of_the_document_do_what_it_says() {
    let document = include_str!("../../../../docs/batch.md");
    let (sim, state) = (simulator(), folder());
    let dir = files(&[("in/a.png", &vec![1; 120_000]), ("in/b.png", &vec![2; 126_200])]);
    let sample = |name: &str, language: &str| {
        let block = document.split(&format!("```{language}\n")).nth(1).expect("a sample");
        let text = block.split("```").next().expect("an end").to_owned();
        fs::write(dir.path().join(name), &text).expect("written");
        text
    };
    let table = sample("cats.csv", "csv");
    sample("cats.jsonl", "jsonl");
    sample("job.toml", "toml");
    let at = |command: Rhub| command.at(&sim).within(&dir).state(&state);
    let (before, after) = document.split_once("## Running a file again").expect("the section");
    let records = folder();
    let count = run_commands(before, |command| command.at(&sim).within(&dir).state(&records));
    assert_eq!(sim.creates(), 3, "what is gone on with sends nothing");
    let planned = plan(&sim, &dir, &["cats.csv", "--app", &app(), "--rows", "--json"]).state(&state).run();
    let mut history = History::new(&state, &sim);
    history.open("cats", &dir.path().join("cats.csv"), &planned);
    let attempt = history.bring("cat-1", State::Done);
    history.save("cat-1", &attempt, &dir.path().join("results/cat-1"));
    history.bring("cat-2", State::Failed);
    history.bring("cat-3", State::Done);
    let changed = table.replace("@handle", "a cat on a hat") + "cat-4,a cat in a hat,,,\n";
    fs::write(dir.path().join("cats.csv"), changed).expect("written");
    assert_eq!(count + run_commands(after, at), 9);
}
