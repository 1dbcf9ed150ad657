//! `rhub batch run`, and commands that control a batch from another process.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    time::Duration,
};

use runninghub_sim::{Fault, Native, Rule, Scenario, ScriptNode, Sim, SimBuilder};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    comfy,
    common::{Done, Rhub, Simulator, fixture, folder, rhub, snap},
};

const CREATE: &str = "/task/openapi/create";
const WORKFLOW: &str = "1979026379880697857";

/// A simulator, and a user with a folder and records.
struct Lab {
    sim: Simulator,
    dir: TempDir,
    state: TempDir,
}

/// The scenario of a batch: a short run, or one that lasts until it is cancelled.
fn scenario(takes: Duration) -> Scenario {
    let node = ScriptNode::new("6", "CLIPTextEncode").input("text", "a cat").takes(takes);
    let save = ScriptNode::new("9", "SaveImage").link("images", "6", 0).saves("cat.png");
    Scenario::script("cats").node(node).node(save).build()
}

impl Lab {
    fn new(change: impl FnOnce(SimBuilder) -> SimBuilder) -> Self {
        Self::taking(Duration::from_millis(30), change)
    }

    fn taking(takes: Duration, change: impl FnOnce(SimBuilder) -> SimBuilder) -> Self {
        let builder = Sim::builder().concurrency(3).scenario_named(WORKFLOW, scenario(takes));
        Self { sim: Simulator::start(change(builder)), dir: folder(), state: folder() }
    }

    /// Writes `cats.csv` with this many rows.
    fn table(self, rows: usize) -> Self {
        let rows: Vec<String> = (1..=rows).map(|row| format!("cat-{row},cat number {row}")).collect();
        self.write("cats.csv", &format!("_id,6.text\n{}\n", rows.join("\n")));
        self
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join(name), text).expect("written");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).expect(name)
    }

    fn rhub(&self, args: &[&str]) -> Rhub {
        let hide = fs::canonicalize(self.dir.path()).expect("a folder");
        rhub(args.iter().copied()).at(&self.sim).within(&self.dir).state(&self.state).hide(hide, "[dir]")
    }

    /// Runs `cats.csv`.
    fn run(&self, options: &[&str]) -> Done {
        self.rhub(&["batch", "run", "cats.csv", "--workflow", WORKFLOW, "-o", "results"]).args(options).run()
    }

    /// Starts `cats.csv`, and returns when this many rows have a task.
    fn start(&self, options: &[&str], running: usize) -> Child {
        let args = ["batch", "run", "cats.csv", "--workflow", WORKFLOW, "-o", "results", "--json"];
        let mut command = self.rhub(&args).args(options).into_command();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut lines = lines.lines().map_while(Result::ok);
        let seen = lines.by_ref().filter(|line| line.contains("\"state\":\"running\"")).take(running).count();
        assert_eq!(seen, running, "it ended too early");
        // It must be able to write on.
        std::thread::spawn(move || lines.for_each(drop));
        child
    }

    fn creates(&self) -> u64 {
        self.sim.creates()
    }

    /// The requests of an endpoint.
    fn calls(&self, path: &str) -> u64 {
        self.sim.sim().stats().calls.get(path).copied().unwrap_or_default()
    }
}

fn events(done: &Done, name: &str) -> Vec<Value> {
    let lines = done.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.filter(|line| line["event"] == name).collect()
}

fn code(done: &Done) -> Option<i32> {
    done.code
}

/// The exit code of a process that was started; a signal as a negative number.
fn end(child: Child) -> i32 {
    let status = child.wait_with_output().expect("it ends").status;
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None::<i32>;
    status.code().or(signal.map(|signal| -signal)).expect("it ended")
}

#[test]
fn a_whole_run_leaves_its_folder_and_the_second_one_sends_nothing() {
    let lab = Lab::new(|sim| sim).table(5);
    let done = lab.run(&["--json"]);
    assert_eq!(code(&done), Some(0), "{done}");
    let states: Vec<Value> = events(&done, "item").iter().map(|row| row["state"].clone()).collect();
    assert_eq!(states.iter().filter(|state| **state == "done").count(), 5, "{done}");
    let last = &events(&done, "batch_progress").pop().expect("progress");
    assert_eq!((&last["percent"], &last["counts"]["done"]), (&100.0.into(), &5.into()));
    assert_eq!((&last["eta_s"], &last["slots_busy"]), (&Value::Null, &Value::Null), "nothing is left");
    let report: Value = serde_json::from_str(&lab.read("results/batch.json")).expect("JSON");
    assert_eq!((&report["batch"], &report["counts"]["done"]), (&"cats".into(), &5.into()));
    let items = lab.read("results/items.jsonl");
    let items = items.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let tasks: BTreeSet<String> = items.map(|item| item["task_id"].to_string()).collect();
    assert_eq!(tasks.len(), 5);
    assert!(lab.read("results/index.html").contains("cat-5"));
    assert!(!lab.dir.path().join("results/failed.csv").exists());
    assert!(lab.read("results/cat-1/cat-1.run.json").contains("cat number 1"));
    assert_eq!(lab.creates(), 5);
    snap!(lab.rhub(&["batch", "run", "cats.csv", "--workflow", WORKFLOW]), @r"
        exit 0
        --- out
        📊 Batch progress: 100.0% (5/5), done 5, 5 spent
        Batch `cats`: done 5
          [dir]/results
    ");
    assert_eq!(lab.creates(), 5);
    lab.write("dogs.csv", "_id,6.text\ndog-1,a dog\n");
    snap!(lab.rhub(&["batch", "run", "dogs.csv", "--workflow", WORKFLOW, "-o", "results"]), @r"
        exit 2
        --- err
        error: the folder [dir]/results has the results of the batch `cats`

        hint: use another folder for this batch
    ");
}

#[test]
fn without_a_folder_nothing_is_saved_until_one_is_named() {
    let lab = Lab::new(|sim| sim).table(2);
    let run = |options: &[&str]| {
        lab.rhub(&["batch", "run", "cats.csv", "--workflow", WORKFLOW]).args(options).run()
    };
    let first = run(&[]);
    assert_eq!(code(&first), Some(0), "{first}");
    assert!(first.stderr.contains("results are not saved yet"), "{first}");
    assert_eq!(code(&run(&[])), Some(0), "it ends, though no results are there");
    let saved = run(&["-o", "results"]);
    assert!(code(&saved) == Some(0) && saved.stdout.contains("cat-2 done, 1 file saved"), "{saved}");
    assert_eq!(lab.creates(), 2);
}

#[test]
fn results_that_cannot_be_saved_pause_the_batch_and_are_fetched_later() {
    let lab = Lab::new(|sim| sim.fault(Fault::ShortFiles)).table(9);
    let done = lab.run(&["--slots", "1"]);
    assert_eq!((code(&done), lab.creates()), (Some(8), 3), "{done}");
    assert!(done.stdout.contains("paused: the results of 3 consecutive rows could not be saved"), "{done}");
    assert!(done.stderr.contains("run the same command to download the missing results"), "{done}");
    let planned = lab.rhub(&["batch", "plan", "cats.csv", "--workflow", WORKFLOW]).run();
    assert!(planned.stdout.contains("fetch 3"), "{planned}");
    // A folder that is in the way of one row is noticed before the row is sent.
    let lab = Lab::new(|sim| sim).table(3);
    fs::create_dir(lab.dir.path().join("results")).expect("a folder");
    lab.write("results/cat-2", "in the way");
    let done = lab.run(&[]);
    assert_eq!((code(&done), lab.creates()), (Some(7), 2), "{done}");
    fs::remove_file(lab.dir.path().join("results/cat-2")).expect("removed");
    assert_eq!((code(&lab.run(&[])), lab.creates()), (Some(0), 3));
}

#[test]
fn a_refused_row_is_listed_and_can_be_run_again() {
    let content = r#"{"code":1501,"msg":"CONTENT_REFUSED","data":null}"#;
    let lab = Lab::new(|sim| sim.rule(Rule::answer(CREATE, 200, content).skip(2).times(1))).table(5);
    let done = lab.run(&[]);
    assert_eq!(code(&done), Some(7), "{done}");
    assert!(done.stdout.contains("refused 1") && done.stderr.contains("`rhub batch retry cats`"), "{done}");
    let failed = lab.read("results/failed.csv");
    assert_eq!(failed.lines().count(), 2, "{failed}");
    assert!(failed.starts_with("_id,6.text") && failed.contains("1501"), "{failed}");
    // Left alone, until it is wanted again.
    assert_eq!((code(&lab.run(&[])), lab.creates()), (Some(7), 4));
    let planned = lab.rhub(&["batch", "plan", "results/failed.csv", "--workflow", WORKFLOW]).run();
    assert!(planned.stdout.contains("1 row would start"), "{planned}");
    let retried = lab.rhub(&["batch", "retry", "cats"]).run();
    assert_eq!((code(&retried), lab.creates()), (Some(0), 5), "{retried}");
    assert!(!lab.dir.path().join("results/failed.csv").exists(), "nothing failed any more");
    let nothing = lab.rhub(&["batch", "retry", "cats"]).run();
    assert!(code(&nothing) == Some(0) && nothing.stderr.contains("no row failed"), "{nothing}");
    for (id, what) in [("cat-1", "row `cat-1` neither failed"), ("cat-x", "has no row `cat-x`")] {
        let done = lab.rhub(&["batch", "retry", "cats", "--id", id]).run();
        assert!(code(&done) == Some(2) && done.stderr.contains(what), "{done}");
    }
    assert_eq!(lab.creates(), 5);
}

#[test]
fn a_failed_row_runs_again_on_a_larger_machine() {
    let failing: Fault = "task-fails".parse().expect("a fault");
    let lab = Lab::new(|sim| sim.fault(failing)).table(2);
    assert_eq!((code(&lab.run(&[])), lab.creates()), (Some(7), 2));
    let instance = |lab: &Lab, id: &str| {
        let items = lab.read("results/items.jsonl");
        let items = items.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        items.into_iter().find(|item| item["id"] == id).expect("a row")["instance"].clone()
    };
    let retried = lab.rhub(&["batch", "retry", "cats", "--id", "cat-2", "--instance", "plus"]).run();
    assert_eq!((code(&retried), lab.creates()), (Some(7), 3), "{retried}");
    assert_eq!((instance(&lab, "cat-1"), instance(&lab, "cat-2")), (Value::Null, "plus".into()));
    // It stays there, but the table has other values now.
    let retried = lab.rhub(&["batch", "retry", "cats", "--id", "cat-2"]).run();
    assert_eq!(
        (code(&retried), lab.creates(), instance(&lab, "cat-2")),
        (Some(7), 4, "plus".into()),
        "{retried}"
    );
    let planned = lab.rhub(&["batch", "plan", "cats.csv", "--workflow", WORKFLOW]).run();
    assert!(planned.stdout.contains("changed 1: cat-2 instance"), "{planned}");
}

#[cfg(unix)]
#[test]
fn changed_rows_are_asked_about_on_a_terminal() {
    use crate::live::Terminal;

    let lab = Lab::new(|sim| sim).table(2);
    assert_eq!((code(&lab.run(&[])), lab.creates()), (Some(0), 2));
    let (table, state) = (lab.dir.path().join("cats.csv"), lab.state.path().to_string_lossy().into_owned());
    let changed = lab.read("cats.csv").replace("cat number 2", "another cat");
    lab.write("cats.csv", &changed);
    let env = [
        ("RUNNINGHUB_BASE_URL", lab.sim.base_url()),
        ("RUNNINGHUB_API_KEY", Sim::DEMO_KEY),
        ("RUNNINGHUB_STATE_DIR", &*state),
        ("RUNNINGHUB_TIME_SCALE", "0.05"),
    ];
    let args = ["batch", "run", &table.to_string_lossy(), "--workflow", WORKFLOW];
    for (answer, ends, creates) in [("\n", 2, 2), ("keep\n", 0, 2), ("r\n", 0, 3)] {
        let mut terminal = Terminal::start(160, &args, &env);
        terminal.wait(|screen| {
            screen.contains("\"cat number 2\" → \"another cat\"") && screen.contains("[run/keep]")
        });
        terminal.press(answer.as_bytes());
        let (code, screen) = terminal.finish();
        assert_eq!((code, lab.creates()), (ends, creates), "{answer:?}: {screen}");
    }
}

#[test]
fn a_key_that_cannot_pay_pauses_the_batch_and_no_row_is_lost() {
    let broke = r#"{"code":812,"msg":"APIKEY_ENTERPRISE_BALANCE_INSUFFICIENT","data":null}"#;
    let lab = Lab::new(|sim| sim.rule(Rule::answer(CREATE, 200, broke).skip(2).times(1))).table(5);
    let done = lab.run(&["--slots", "1"]);
    assert_eq!(code(&done), Some(4), "{done}");
    assert!(done.stdout.contains("done 2, ready 3") && done.stderr.contains("to continue"), "{done}");
    assert_eq!((code(&lab.run(&[])), lab.creates()), (Some(0), 5));
}

#[test]
fn an_unknown_row_is_held_until_it_is_resolved() {
    let fault: Fault = "lost-create-answer".parse().expect("a fault");
    let lab = Lab::new(|sim| sim.fault(fault)).table(3);
    let done = lab.run(&["--json"]);
    assert_eq!(code(&done), Some(5), "{done}");
    let unknown = events(&done, "item").into_iter().find(|row| row["state"] == "unknown").expect("a row");
    let attempt = unknown["attempt_id"].as_str().expect("an attempt").to_owned();
    let made = lab.creates();
    assert_eq!(code(&lab.run(&[])), Some(5), "it is not sent again");
    assert_eq!(lab.creates(), made);
    let known: BTreeSet<String> =
        events(&done, "item").iter().filter_map(|row| Some(row["task_id"].as_str()?.to_owned())).collect();
    let stray =
        lab.sim.sim().tasks().into_iter().find(|task| !known.contains(&task.task_id)).expect("a task");
    let resolved = lab.rhub(&["resolve", &attempt, "--task-id", &stray.task_id]).run();
    assert_eq!(code(&resolved), Some(0), "{resolved}");
    assert_eq!((code(&lab.run(&[])), lab.creates()), (Some(0), 3), "its task is followed");
}

#[test]
fn a_batch_ends_when_unknown_rows_hold_all_slots_and_goes_on_when_they_are_resolved() {
    let lost: Fault = "lost-create-answer=3".parse().expect("a fault");
    let lab = Lab::new(|sim| sim.fault(lost)).table(5);
    let done = lab.run(&["--json"]);
    assert_eq!((code(&done), lab.calls(CREATE)), (Some(5), 3), "{done}");
    assert!(done.stdout.contains("submits with an unknown outcome hold all slots"), "{done}");
    // They hold the slots of other batches too.
    lab.write("dogs.csv", "_id,6.text\ndog-1,a dog\n");
    let dogs = lab.rhub(&["batch", "run", "dogs.csv", "--workflow", WORKFLOW]);
    let done = dogs.run();
    assert_eq!((code(&done), lab.calls(CREATE)), (Some(6), 3), "{done}");
    assert!(done.stderr.contains("`rhub tasks` lists submits with an unknown outcome"), "{done}");
    let listed = lab.rhub(&["tasks", "--json"]).run();
    let attempts = events(&listed, "task")
        .into_iter()
        .map(|task| task["attempt_id"].as_str().expect("a name").to_owned());
    for (attempt, task) in attempts.zip(lab.sim.sim().tasks()) {
        let resolved = lab.rhub(&["resolve", &attempt, "--task-id", &task.task_id]).run();
        assert_eq!(code(&resolved), Some(0), "{resolved}");
    }
    assert_eq!((code(&lab.run(&[])), lab.calls(CREATE)), (Some(0), 5));
}

#[test]
fn brakes_pause_a_batch() {
    let content = r#"{"code":1501,"msg":"CONTENT_REFUSED","data":null}"#;
    let lab = Lab::new(|sim| sim.rule(Rule::answer(CREATE, 200, content).skip(1).times(1))).table(4);
    let done = lab.run(&["--slots", "1", "--max-failures", "1"]);
    assert_eq!((code(&done), lab.creates()), (Some(6), 1), "{done}");
    assert!(done.stdout.contains("paused: 1 row failed"), "{done}");
    // The cost of a row is known now, and exceeds the rest.
    let done = lab.run(&["--max-cost", "1.5"]);
    assert_eq!((code(&done), lab.creates()), (Some(6), 1), "{done}");
    assert!(done.stdout.contains("1 of 1.5 spent") && done.stderr.contains("higher `--max-cost`"), "{done}");
    let done = lab.run(&["--max-cost", "2.5"]);
    assert_eq!((code(&done), lab.creates()), (Some(6), 2), "{done}");
    assert_eq!((code(&lab.run(&["--retry-failed", "--max-cost", "none"])), lab.creates()), (Some(0), 4));
}

#[test]
fn a_batch_remembers_its_limits_until_they_are_lifted() {
    let lab = Lab::new(|sim| sim).table(4);
    let done = lab.run(&["--max-cost", "2.5", "--slots", "1"]);
    assert_eq!((code(&done), lab.creates()), (Some(6), 2), "{done}");
    for again in [lab.run(&["--slots", "1"]), lab.rhub(&["batch", "resume", "cats"]).run()] {
        assert_eq!((code(&again), lab.creates()), (Some(6), 2), "{again}");
        assert!(
            again.stdout.contains("the limits of the last run apply: ")
                && again.stdout.contains("at most 2.5"),
            "{again}"
        );
    }
    let watched = lab.rhub(&["batch", "watch", "cats"]).run();
    assert!(watched.stdout.contains("2 of 2.5 spent"), "{watched}");
    let more = lab.rhub(&["batch", "resume", "cats", "--max-cost", "3.5"]).run();
    assert_eq!((code(&more), lab.creates()), (Some(6), 3), "{more}");
    let lifted = lab.rhub(&["batch", "resume", "cats", "--max-cost", "none"]).run();
    assert_eq!((code(&lifted), lab.creates()), (Some(0), 4), "{lifted}");
    assert!(lifted.stdout.contains("the limits of the last run apply: 1 slot\n"), "{lifted}");
    let wrong = lab.rhub(&["batch", "resume", "cats", "--slots", "0"]).run();
    assert!(
        code(&wrong) == Some(2) && wrong.stderr.contains("the number of slots is a number such as 2"),
        "{wrong}"
    );
}

#[test]
fn a_batch_that_cannot_start_sends_nothing_and_says_what_to_do() {
    let lab = Lab::new(|sim| sim).table(2);
    assert_eq!((code(&lab.run(&[])), lab.calls(CREATE)), (Some(0), 2));
    lab.write("dogs.csv", "_id,6.text\ndog-1,a dog\n");
    lab.write("cats.csv", "_id,6.text\ncat-1,another cat\ncat-2,cat number 2\n");
    let dogs = |more: &[&str]| lab.rhub(&["batch", "run", "dogs.csv", "--workflow", WORKFLOW]).args(more);
    let cases = [
        (
            lab.rhub(&["batch", "run", "cats.csv", "--workflow", WORKFLOW]),
            2,
            "`--changed run` runs changed rows",
        ),
        // A row of this workflow has cost 1, so the next one may cost half as much again.
        (dogs(&["--max-cost", "1.2"]), 6, "with a higher `--max-cost`"),
        (dogs(&["--max-cost", "0"]), 6, "with a higher `--max-cost`"),
        (dogs(&["--max-cost", "much"]), 2, "an amount is a number such as 300 or 0.25"),
        (dogs(&["--max-failures", "0"]), 2, "neither a row count such as 3 nor a percentage"),
        (dogs(&["--until", "25:00"]), 2, "not a time of day such as 07:00"),
        (dogs(&["-o", "cats.csv"]), 2, "choose another folder with `--out DIR`"),
        (dogs(&["-o", "results"]), 2, "use another folder for this batch"),
        (
            dogs(&[]).env("RUNNINGHUB_FAILPOINT", "folder=network"),
            9,
            "set RUNNINGHUB_STATE_DIR to a folder on a disk",
        ),
        (dogs(&[]).env("RUNNINGHUB_API_KEY", ""), 2, "store one with `rhub login`"),
        #[cfg(target_os = "linux")]
        (dogs(&["-o", "/proc/results"]), 2, "choose another folder with `--out DIR`"),
    ];
    for (command, ends, says) in cases {
        let done = command.run();
        assert!(code(&done) == Some(ends) && done.stderr.contains(says), "{says}: {done}");
        assert_eq!(lab.calls(CREATE), 2, "{says}: something was sent");
    }
    assert_eq!((code(&dogs(&["--max-cost", "1.5"]).run()), lab.calls(CREATE)), (Some(0), 3));
}

/// Every create is refused for lack of a slot.
fn full(sim: SimBuilder) -> SimBuilder {
    sim.fault("queue-full=1000".parse().expect("a fault"))
}

#[test]
fn a_row_that_waits_after_a_refusal_is_ready_again_when_its_batch_is_cancelled_or_killed() {
    let lab = Lab::new(full).table(2);
    let start = || {
        let before = lab.calls(CREATE);
        let args = ["batch", "run", "cats.csv", "--workflow", WORKFLOW, "--json"];
        let mut command = lab.rhub(&args).into_command();
        let mut batch = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary");
        while lab.calls(CREATE) == before {
            assert!(batch.try_wait().expect("a child").is_none(), "it ended too early");
            std::thread::yield_now();
        }
        batch
    };
    let batch = start();
    let cancelled = lab.rhub(&["batch", "cancel", "cats"]).run();
    assert_eq!((code(&cancelled), end(batch)), (Some(0), 6), "{cancelled}");
    let listed = lab.rhub(&["batch", "ls"]).run();
    assert!(listed.stdout.contains("2, ready 2\n"), "{listed}");
    let mut batch = start();
    while !lab.rhub(&["tasks"]).run().stdout.contains("waiting") {}
    batch.kill().expect("killed");
    batch.wait().expect("it ends");
    let listed = lab.rhub(&["batch", "ls"]).run();
    assert!(listed.stdout.contains("2, ready 2\n"), "{listed}");
}

#[test]
fn equal_failures_in_a_row_pause_a_batch() {
    let node = ScriptNode::new("6", "CLIPTextEncode").input("text", "a cat");
    let node = node.takes(Duration::from_millis(10)).fails("OutOfMemoryError", "no memory is left");
    let failing = Scenario::script("failing").node(node).build();
    let lab = Lab::new(|sim| sim.scenario_named(WORKFLOW, failing)).table(9);
    let done = lab.run(&[]);
    assert_eq!((code(&done), lab.creates()), (Some(6), 5), "{done}");
    assert!(done.stdout.contains("paused: 5 consecutive rows failed in the same way: node 6"), "{done}");
    assert_eq!(lab.read("results/failed.csv").lines().count(), 6);
}

#[cfg(unix)]
#[test]
fn ctrl_c_drains_and_a_second_one_leaves_the_tasks_to_the_next_run() {
    use crate::signals::{not_ignored, send_signal};
    not_ignored();
    let lab = Lab::taking(Duration::from_millis(700), |sim| sim).table(8);
    let batch = lab.start(&[], 2);
    send_signal(&batch, "-INT");
    assert_eq!(end(batch), -2);
    let items = lab.read("results/items.jsonl");
    assert!(!items.contains("\"state\":\"running\""), "what ran is followed to its end: {items}");
    let made = lab.creates();
    assert!((2..8).contains(&made), "{made} started");
    let mut batch = lab.start(&[], 2);
    send_signal(&batch, "-INT");
    let mut talk = BufReader::new(batch.stderr.take().expect("a pipe"));
    // Sent until it has ended: the first of them may be taken together with the one before.
    while batch.try_wait().expect("it is a child").is_none() {
        tell_if_alive(&batch);
    }
    let mut text = String::new();
    std::io::Read::read_to_string(&mut talk, &mut text).expect("text");
    assert!(text.contains("the tasks keep running"), "{text}");
    let left = lab.creates();
    let done = lab.run(&["--json"]);
    assert_eq!((code(&done), lab.creates()), (Some(0), 8), "{left} were started before: {done}");
    let adopted = events(&done, "item").iter().filter(|row| row["action"] == "adopt").count();
    assert!(adopted > 0, "{done}");
}

#[cfg(unix)]
fn tell_if_alive(child: &Child) {
    let pid = child.id().to_string();
    let _ = std::process::Command::new("kill").args(["-INT", &pid]).stderr(Stdio::null()).status();
    std::thread::park_timeout(Duration::from_millis(50));
}

#[test]
fn a_batch_is_paused_watched_resumed_and_cancelled_from_elsewhere() {
    let lab = Lab::taking(Duration::from_millis(700), |sim| sim).table(8);
    let batch = lab.start(&[], 2);
    let paused = lab.rhub(&["batch", "pause", "cats"]).run();
    assert!(code(&paused) == Some(0) && paused.stdout.contains("no more rows start"), "{paused}");
    let watched = lab.rhub(&["batch", "watch", "cats"]).run();
    assert_eq!(code(&watched), Some(6), "{watched}");
    assert!(watched.stderr.contains("`rhub batch resume cats` resumes it"), "{watched}");
    assert_eq!(end(batch), 6, "it was paused, not interrupted");
    let made = lab.creates();
    assert!((2..8).contains(&made), "{made} started");
    // Without the table, and into the same folder.
    fs::remove_file(lab.dir.path().join("cats.csv")).expect("removed");
    let resumed = lab.rhub(&["batch", "resume", "cats"]).run();
    assert_eq!((code(&resumed), lab.creates()), (Some(0), 8), "{resumed}");
    let watched = lab.rhub(&["batch", "watch", "cats"]).run();
    assert!(code(&watched) == Some(0) && watched.stdout.contains("done 8"), "{watched}");
    for command in ["watch", "pause", "resume", "retry", "cancel"] {
        let done = lab.rhub(&["batch", command, "dogs"]).run();
        assert!(code(&done) == Some(2) && done.stderr.contains("batch `dogs` not found"), "{done}");
    }
}

#[test]
fn a_cancelled_batch_starts_nothing_more_and_its_tasks_are_stopped() {
    let lab = Lab::taking(Duration::from_mins(10), |sim| sim).table(4);
    // The first row runs alone.
    let batch = lab.start(&[], 1);
    let cancelled = lab.rhub(&["batch", "cancel", "cats"]).run();
    assert_eq!(code(&cancelled), Some(0), "{cancelled}");
    assert!(cancelled.stdout.contains("cat-1 cancelled"), "{cancelled}");
    assert_eq!((end(batch), lab.creates()), (6, 1));
    let listed = lab.rhub(&["batch", "ls"]).run();
    assert!(listed.stdout.contains("4, ready 3, cancelled 1"), "{listed}");
}

#[test]
fn several_profiles_pay_each_for_its_rows() {
    const OTHER: &str = "abcdefabcdefabcdefabcdefabcdefab";
    let lab = Lab::new(|sim| sim.key(Sim::DEMO_KEY).key(OTHER));
    let config = folder();
    let login = ["login", "--api-key-stdin", "--base-url", lab.sim.base_url(), "--profile", "studio"];
    let done = rhub(login).env("RUNNINGHUB_TIME_SCALE", "0.05").config(&config).stdin(OTHER).run();
    assert_eq!(code(&done), Some(0), "{done}");
    lab.write("cats.csv", "_id,6.text,_profile\na,x,\nb,y,studio\nc,z,studio\n");
    let run = || {
        lab.rhub(&["batch", "run", "cats.csv", "--workflow", WORKFLOW, "-o", "results", "--json"])
            .config(&config)
            .run()
    };
    let done = run();
    assert_eq!((code(&done), lab.creates()), (Some(0), 3), "{done}");
    assert_eq!((code(&run()), lab.creates()), (Some(0), 3));
    lab.write("cats.csv", "_id,6.text,_profile\nd,x,nobody\n");
    let done = run();
    assert!(code(&done) == Some(2) && done.stderr.contains("profile `nobody` does not exist"), "{done}");
    assert_eq!(lab.creates(), 3);
}

#[test]
fn a_batch_runs_on_a_comfyui_server() {
    let scenario = Scenario::load(fixture("01-simple")).expect("a recording");
    let server = comfy::Server::start(Native::builder().scenario(scenario).speed(f64::INFINITY));
    let (dir, state) = (folder(), folder());
    fs::copy(fixture("01-simple/workflow.json"), dir.path().join("graph.json")).expect("copied");
    let graph: Value =
        serde_json::from_str(&fs::read_to_string(dir.path().join("graph.json")).expect("read"))
            .expect("JSON");
    let nodes = graph.as_object().expect("nodes");
    let (node, _) =
        nodes.iter().find(|(_, node)| node["inputs"]["filename_prefix"].is_string()).expect("one");
    fs::write(dir.path().join("names.csv"), format!("_id,{node}.filename_prefix\na,x\nb,y\nc,z\n"))
        .expect("written");
    let run = |args: &[&str]| server.rhub(args.iter().copied()).within(&dir).state(&state).run();
    let args = ["batch", "run", "names.csv", "--workflow", "graph.json", "-o", "results"];
    let done = run(&args);
    assert_eq!(code(&done), Some(0), "{done}");
    assert!(done.stdout.contains("Batch `names`: done 3"), "{done}");
    assert_eq!(server.native().prompts(), 3);
    assert_eq!((code(&run(&args)), server.native().prompts()), (Some(0), 3));
    let resumed = run(&["batch", "resume", "names"]);
    assert!(code(&resumed) == Some(2) && resumed.stderr.contains("`--workflow FILE`"), "{resumed}");
    let resumed = run(&["batch", "resume", "names", "--workflow", "graph.json"]);
    assert_eq!((code(&resumed), server.native().prompts()), (Some(0), 3), "{resumed}");
}

#[test]
fn few_rows_are_in_the_queue_of_a_comfyui_at_once_and_a_kill_sends_none_again() {
    let server = comfy::Server::start(Native::builder().scenario(scenario(Duration::from_millis(400))));
    let (dir, state) = (folder(), folder());
    fs::write(dir.path().join("graph.json"), scenario(Duration::ZERO).workflow_json()).expect("written");
    let rows: Vec<String> = (1..=8).map(|row| format!("cat-{row},cat number {row}")).collect();
    fs::write(dir.path().join("cats.csv"), format!("_id,6.text\n{}\n", rows.join("\n"))).expect("written");
    let command = || {
        let args = ["batch", "run", "cats.csv", "--workflow", "graph.json", "-o", "results", "--json"];
        server.rhub(args).within(&dir).state(&state)
    };
    let mut command_line = command().into_command();
    let mut batch = command_line.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary");
    let mut lines = BufReader::new(batch.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    let (mut started, mut over) = (0, 0);
    while over < 3 {
        let line = lines.next().expect("it ended too early");
        started += usize::from(line.contains("\"state\":\"running\""));
        over += usize::from(line.contains("\"state\":\"done\""));
        assert!(started <= over + 2, "{started} were started when {over} were over");
    }
    batch.kill().expect("killed");
    batch.wait().expect("it ends");
    let finished = command().run();
    assert_eq!((code(&finished), server.native().prompts()), (Some(0), 8), "{finished}");
    assert!(events(&finished, "item").iter().any(|row| row["action"] == "adopt"), "{finished}");
}
