//! `kill -9` at any moment, combined with lost responses.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::mpsc,
    thread,
    time::Duration,
};

use runninghub::ledger::State;
use runninghub_sim::{Fault, Rate, Scenario, ScriptNode, Sim};
use tempfile::TempDir;

use crate::lab::{Lab, kill, read_until, rhub};

/// How many submits are killed.
const ROUNDS: usize = 200;
/// Rounds run in parallel, in this many ledgers.
const SIDES: usize = 4;
/// How long a submit takes on an idle machine.
const LONGEST: Duration = Duration::from_millis(250);
/// One in this many rounds is not killed before its end, so that some complete even on the slowest machine.
const SPARED: usize = 5;
/// The share of responses that are lost as well.
const LOST: f64 = 0.25;

/// The traces of a round: in the simulator, by the marker in the webhook's URL, and in the ledger.
#[derive(Debug, Default)]
struct Round {
    paid: Vec<String>,
    entries: Vec<(State, Option<String>, String)>,
}

fn lab() -> (Lab, String) {
    let scenario = Scenario::script("short")
        .node(ScriptNode::new("1", "Sleep").takes(Duration::from_millis(20)).saves("a.png"))
        .build();
    let id = scenario.workflow_id();
    let lost = Fault::LostCreateAnswer(Rate::Chance(LOST));
    (Lab::new(Sim::builder().scenario(scenario).concurrency(10_000).fault(lost)), id)
}

/// Submits with a marker, and kills the process at the given moment, or after its end.
fn submit_and_kill(url: &str, state: &TempDir, id: &str, marker: &str, after: Option<Duration>) {
    // Nothing listens there; it only marks the task.
    let webhook = format!("http://127.0.0.1:9/{marker}/");
    let mut child =
        rhub(url, state.path(), &["run", id, "--detach", "--webhook", &webhook]).spawn().expect("the binary");
    let mut out = child.stdout.take().expect("a pipe");
    let (ended, end) = mpsc::channel();
    thread::spawn(move || {
        read_until(&mut out, "no such text");
        let _ = ended.send(());
    });
    // Either the process ends first, or the time is up.
    let _ = end.recv_timeout(after.unwrap_or(Duration::from_mins(2)));
    kill(child);
}

/// When a round is killed: evenly spread and deterministic.
fn moment(round: usize) -> Option<Duration> {
    if round.is_multiple_of(SPARED) {
        return None;
    }
    let golden = (round as f64 * 0.618_033_988_749).fract();
    Some(LONGEST.mul_f64(golden))
}

/// Kills [`ROUNDS`] submits. `in_doubt` handles a submit of unknown outcome.
fn rounds(in_doubt: impl Fn(&Lab, &TempDir, &str, &str, &str) + Sync) -> BTreeMap<String, Round> {
    let (lab, id) = lab();
    let states: Vec<TempDir> = (0..SIDES).map(|_| tempfile::tempdir().expect("a folder")).collect();
    let mut found: BTreeMap<String, Round> = thread::scope(|scope| {
        let sides: Vec<_> = states
            .iter()
            .enumerate()
            .map(|(side, state)| {
                let (lab, id, in_doubt) = (&lab, &*id, &in_doubt);
                scope.spawn(move || {
                    let (mut found, mut known) = (BTreeMap::new(), BTreeSet::new());
                    for round in (side..ROUNDS).step_by(SIDES) {
                        let marker = format!("round-{round}");
                        submit_and_kill(lab.sim.base_url(), state, id, &marker, moment(round));
                        let listed = rhub(lab.sim.base_url(), state.path(), &["tasks", "--json", "-n", "0"]);
                        let new = new_entries(listed, &mut known);
                        for (_, _, attempt) in new.iter().filter(|(state, ..)| *state == State::Unknown) {
                            in_doubt(lab, state, id, &marker, attempt);
                        }
                        found.insert(marker, Round { paid: Vec::new(), entries: new });
                    }
                    found
                })
            })
            .collect();
        sides.into_iter().flat_map(|side| side.join().expect("no panic")).collect()
    });
    for task in lab.sim.tasks() {
        let url = task.webhook_url.expect("every task is marked");
        let marker = url.split('/').nth(3).expect("a marker").to_owned();
        found.get_mut(&marker).expect("a known marker").paid.push(task.task_id);
    }
    for state in &states {
        let ledger = rusqlite::Connection::open(state.path().join("ledger.sqlite3")).expect("a ledger");
        let check: String =
            ledger.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("an answer");
        assert_eq!(check, "ok");
    }
    found
}

/// New entries of `rhub tasks`: state, task, attempt.
fn new_entries(
    mut tasks: std::process::Command,
    known: &mut BTreeSet<String>,
) -> Vec<(State, Option<String>, String)> {
    let output = tasks.output().expect("the binary");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    lines
        .filter(|line| line["event"] == "task")
        .filter_map(|line| {
            let attempt = line["attempt_id"].as_str().expect("a name").to_owned();
            let state = line["state"].as_str().expect("a state").parse().expect("a state");
            let task = line["task_id"].as_str().map(str::to_owned);
            known.insert(attempt.clone()).then_some((state, task, attempt))
        })
        .collect()
}

#[test]
fn nothing_is_lost_and_nothing_is_paid_twice() {
    let found = rounds(|_, _, _, _, _| {});
    let (mut paid, mut unknown, mut through) = (0, 0, 0);
    for (marker, round) in &found {
        assert!(round.entries.len() <= 1, "{marker}: {round:?}");
        assert!(round.paid.len() <= 1, "{marker} was paid twice: {round:?}");
        paid += round.paid.len();
        match round.entries.first() {
            Some((State::Unknown, None, _)) => unknown += 1,
            Some((State::Accepted, Some(task), _)) => {
                through += 1;
                assert_eq!(round.paid.first(), Some(task), "{marker}: {round:?}");
            }
            // Killed before anything was written or sent.
            None => assert!(round.paid.is_empty(), "{marker} was lost: {round:?}"),
            other => panic!("{marker}: {other:?}"),
        }
    }
    // The test covers both outcomes: some submits complete, some do not.
    assert!(
        through > 10 && unknown > 10 && paid > through,
        "{through} through, {unknown} unknown, {paid} paid"
    );
}

/// Most job queues redeliver a job after its worker dies. This is the negative control: the harness detects the
/// double payment.
#[test]
fn redelivering_when_in_doubt_pays_twice() {
    let found = rounds(|lab, state, id, marker, attempt| {
        let run = |args: &[&str]| {
            let output = rhub(lab.sim.base_url(), state.path(), args).output().expect("the binary");
            output.status.code()
        };
        assert_eq!(run(&["resolve", attempt, "--not-created"]), Some(0));
        run(&["run", id, "--detach", "--webhook", &format!("http://127.0.0.1:9/{marker}/")]);
    });
    let doubled = found.values().filter(|round| round.paid.len() > 1).count();
    assert!(doubled > 10, "only {doubled} of {ROUNDS} were paid twice: the harness does not see it");
}
