//! A cancelled task ends as cancelled, whoever cancelled it, in every process and on both kinds of server.

use std::{
    fs,
    io::{BufRead as _, BufReader, Lines},
    process::{Child, ChildStdout, Stdio},
    time::Duration,
};

use runninghub_sim::{Fault, Native, Scenario, ScriptNode, Sim};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    comfy::Server,
    common::{Done, Rhub, Simulator, folder, rhub},
};

/// Builds a command for a server.
type Reach<'a> = Box<dyn Fn(&[&str]) -> Rhub + 'a>;

/// A server, and the task to run there.
struct Place<'a> {
    rhub: Reach<'a>,
    target: String,
    state: TempDir,
    /// The state folder of another machine.
    elsewhere: TempDir,
    /// Whether the server reports a cancelled task as such to everyone.
    reports_it: bool,
}

/// Who cancels.
#[derive(Clone, Copy, Debug)]
enum By {
    ThisMachine,
    AnotherOne,
}

/// A running command whose output is watched.
struct Watched {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Place<'_> {
    fn command(&self, words: &[&str]) -> Rhub {
        (self.rhub)(words).state(&self.state)
    }

    fn run(&self, words: &[&str]) -> Done {
        self.command(words).run()
    }

    fn start(&self, words: &[&str]) -> Watched {
        let mut command = self.command(words).arg("--json").into_command();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Watched { child, lines }
    }

    fn cancel(&self, task: &str, by: By) {
        let state = match by {
            By::ThisMachine => &self.state,
            By::AnotherOne => &self.elsewhere,
        };
        let done = (self.rhub)(&["cancel", task]).state(state).run();
        assert_eq!(done.code, Some(0), "{done}");
    }

    /// The ledger's status of the newest submit.
    fn ledger(&self, words: &[&str]) -> String {
        let done = self.run(&[&["tasks", "--json"], words].concat());
        let task = done.stdout.lines().find(|line| line.contains("\"event\":\"task\"")).expect("a task");
        json(task)["state"].as_str().expect("a state").to_owned()
    }

    fn newest(&self) -> String {
        let done = self.run(&["tasks", "--json"]);
        let task = done.stdout.lines().find(|line| line.contains("\"event\":\"task\"")).expect("a task");
        json(task)["task_id"].as_str().expect("an id").to_owned()
    }
}

impl Watched {
    /// Reads lines until an event.
    fn until(&mut self, sign: &str) -> Value {
        let line = self.lines.by_ref().map(|line| line.expect("text")).find(|line| line.contains(sign));
        json(&line.unwrap_or_else(|| panic!("it never said {sign}")))
    }

    /// The exit code and the last line.
    fn end(mut self) -> (Option<i32>, Value) {
        let last = self.lines.by_ref().map(|line| line.expect("text")).last().expect("a result");
        (self.child.wait().expect("it ends").code(), json(&last))
    }
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).expect("JSON")
}

fn slow() -> Scenario {
    Scenario::script("slow")
        .node(ScriptNode::new("1", "Sleep").takes(Duration::from_mins(10)).steps(6000).saves("a.png"))
        .build()
}

/// Cancels a task that two processes watch, and one that no process watches. `sign` is printed once the task is in
/// the state to test.
fn ends_as_cancelled(place: &Place, sign: &str) {
    for by in [By::ThisMachine, By::AnotherOne] {
        ends_as_cancelled_by(place, sign, by);
    }

    #[cfg(unix)]
    {
        let mut run = place.start(&["run", &place.target, "--cancel-on-interrupt"]);
        let task = run.until("\"submitted\"")["task_id"].as_str().expect("an id").to_owned();
        run.until(sign);
        crate::signals::send_signal(&run.child, "-INT");
        let (code, result) = run.end();
        // Ended by the signal, so that a shell ends its loop.
        assert_eq!((code, &result["status"]), (None, &"cancelled".into()), "{result}");
        told_as_cancelled(place, &task);
    }
}

fn ends_as_cancelled_by(place: &Place, sign: &str, by: By) {
    let mut run = place.start(&["run", &place.target]);
    let task = run.until("\"submitted\"")["task_id"].as_str().expect("an id").to_owned();
    let mut watch = place.start(&["watch", &task]);
    run.until(sign);
    watch.until(sign);
    place.cancel(&task, by);
    for watched in [run, watch] {
        let (code, result) = watched.end();
        assert_eq!((code, &result["status"]), (Some(1), &"cancelled".into()), "{by:?}: {result}");
        assert_eq!(result["failure"], Value::Null, "{by:?}: {result}");
    }
    told_as_cancelled(place, &task);

    if matches!(by, By::AnotherOne) && !place.reports_it {
        return;
    }
    let done = place.run(&["run", &place.target, "--detach"]);
    assert_eq!(done.code, Some(0), "{done}");
    let task = place.newest();
    place.start(&["watch", &task]).until(sign);
    place.cancel(&task, by);
    let is_over = (0..1000).any(|_| place.ledger(&["--refresh"]) != "accepted");
    assert!(is_over, "the ledger never says how it ended");
    told_as_cancelled(place, &task);
}

fn told_as_cancelled(place: &Place, task: &str) {
    assert_eq!(place.ledger(&[]), "cancelled");
    let done = place.run(&["status", task]);
    assert_eq!((done.code, done.stdout.trim()), (Some(0), "cancelled"), "{done}");
    for words in
        [&["outputs", task][..], &["download", task, "--out", concat!(env!("CARGO_TARGET_TMPDIR"), "/none")]]
    {
        let done = place.run(words);
        assert!(done.code == Some(1) && done.stderr.contains("the task was cancelled"), "{done}");
    }
    let (code, result) = place.start(&["watch", task]).end();
    assert_eq!((code, &result["status"]), (Some(1), &"cancelled".into()), "{result}");
    // Cancel again: the task is over and keeps its status.
    let done = place.run(&["cancel", task]);
    assert!(done.code == Some(4) && done.stderr.contains("already ended: cancelled"), "{done}");
    assert_eq!(place.ledger(&[]), "cancelled");
}

fn platform(sim: &Simulator, scenario: &Scenario) -> Place<'static> {
    let url = sim.base_url().to_owned();
    let at = move |words: &[&str]| {
        rhub(words.iter().copied())
            .env("RUNNINGHUB_API_KEY", Sim::DEMO_KEY)
            .env("RUNNINGHUB_BASE_URL", &url)
            .env("RUNNINGHUB_TIME_SCALE", "0.05")
    };
    let (state, elsewhere) = (folder(), folder());
    Place { rhub: Box::new(at), target: scenario.workflow_id(), state, elsewhere, reports_it: true }
}

fn comfy<'a>(server: &'a Server, dir: &TempDir) -> Place<'a> {
    let target = dir.path().join("graph.json");
    fs::write(&target, slow().workflow_json()).expect("written");
    Place {
        rhub: Box::new(|words| server.rhub(words.iter().copied())),
        target: target.to_string_lossy().into_owned(),
        state: folder(),
        elsewhere: folder(),
        reports_it: true,
    }
}

#[test]
fn a_running_task_that_is_cancelled_ends_as_cancelled() {
    let sim = Simulator::start(Sim::builder().scenario(slow()));
    ends_as_cancelled(&platform(&sim, &slow()), "\"live\"");
}

#[test]
fn a_queued_task_that_is_cancelled_ends_as_cancelled() {
    let queued: Fault = "queue-delay=600".parse().expect("a fault");
    let sim = Simulator::start(Sim::builder().scenario(slow()).fault(queued));
    ends_as_cancelled(&platform(&sim, &slow()), "\"queued\"");
}

#[test]
fn a_running_prompt_that_is_cancelled_ends_as_cancelled() {
    let server = Server::start(Native::builder().scenario(slow()));
    ends_as_cancelled(&comfy(&server, &folder()), "\"running\"");
}

#[test]
fn a_waiting_prompt_that_is_cancelled_ends_as_cancelled() {
    for version in ["0.3.44", "0.29.0"] {
        let builder = Native::builder().version(version).expect("a version").scenario(slow()).paused();
        let server = Server::start(builder);
        // Nothing is left of such a prompt: only who followed it knows.
        ends_as_cancelled(&Place { reports_it: false, ..comfy(&server, &folder()) }, "\"queued\"");
    }
}

#[test]
fn a_task_that_is_over_cannot_be_cancelled_and_stays_done() {
    let sim = Simulator::of("01-simple");
    let scenario = crate::common::scenario("01-simple");
    over(&platform(&sim, &scenario));
    let server = Server::start(Native::builder().scenario(scenario).speed(f64::INFINITY));
    let target = crate::common::fixture("01-simple").join("workflow.json").to_string_lossy().into_owned();
    over(&Place { target, ..comfy(&server, &folder()) });
}

fn over(place: &Place) {
    let done = place.run(&["run", &place.target]);
    assert_eq!(done.code, Some(0), "{done}");
    let task = place.newest();
    let done = place.run(&["cancel", &task]);
    assert!(done.code == Some(4) && done.stderr.contains("the task has already ended: success"), "{done}");
    assert_eq!(place.ledger(&["--refresh"]), "done");
    let done = place.run(&["status", &task]);
    assert_eq!(done.stdout.trim(), "success", "{done}");
}

#[test]
fn a_task_that_failed_for_a_reason_stays_failed_after_a_cancel() {
    let fails: Fault = "task-fails".parse().expect("a fault");
    let sim = Simulator::start(
        Sim::builder().scenario(crate::common::scenario("01-simple")).fault(fails).speed(20.0),
    );
    let place = platform(&sim, &crate::common::scenario("01-simple"));
    let done = place.run(&["run", &place.target]);
    assert_eq!(done.code, Some(1), "{done}");
    let done = place.run(&["cancel", &place.newest()]);
    assert!(done.code == Some(4) && done.stderr.contains("already ended: failed"), "{done}");
    let done = place.run(&["status", &place.newest()]);
    assert_eq!((done.stdout.lines().next(), &*place.ledger(&[])), (Some("failed"), "failed"), "{done}");
}

#[test]
fn a_cancel_that_is_refused_is_not_remembered() {
    let refused: Fault = "cancel-refused".parse().expect("a fault");
    let sim = Simulator::start(Sim::builder().scenario(slow()).fault(refused));
    let place = platform(&sim, &slow());
    let done = place.run(&["run", &place.target, "--detach"]);
    assert_eq!(done.code, Some(0), "{done}");
    let done = place.run(&["cancel", &place.newest()]);
    assert_ne!(done.code, Some(0), "{done}");
    let file = rusqlite::Connection::open(place.state.path().join("ledger.sqlite3")).expect("a ledger");
    let noted: i64 = file.query_row("SELECT sum(cancelling) FROM task", [], |row| row.get(0)).expect("a row");
    assert_eq!(noted, 0);
    assert_eq!(place.ledger(&["--refresh"]), "accepted");
}
