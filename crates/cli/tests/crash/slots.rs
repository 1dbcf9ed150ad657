//! Several processes share the slots of a key.

use std::{
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use runninghub::ledger::State;
use runninghub_sim::{Rule, Scenario, ScriptNode, Sim, SimBuilder};

use crate::lab::{Lab, kill, read_until, rhub};

const CREATE: &str = "/task/openapi/create";
const COUNTS: &str = "/openapi/v2/queue/status";

fn lasting(name: &str, time: Duration) -> (Scenario, String) {
    let node = ScriptNode::new("1", "Sleep").takes(time).saves("a.png");
    let scenario = Scenario::script(name).node(node).build();
    let id = scenario.workflow_id();
    (scenario, id)
}

/// A lab with a short workflow, and one that ends only when it is cancelled.
fn lab(change: impl FnOnce(SimBuilder) -> SimBuilder) -> (Lab, [String; 2]) {
    let (short, short_id) = lasting("short", Duration::from_millis(200));
    let (long, long_id) = lasting("long", Duration::from_hours(2));
    let lab = Lab::new(change(Sim::builder().scenario(short).scenario(long)));
    (lab, [short_id, long_id])
}

fn creates(lab: &Lab) -> (u64, u64) {
    let stats = lab.sim.stats();
    (stats.creates, stats.calls.get(CREATE).copied().unwrap_or_default())
}

/// Runs the workflow in this many processes at once.
fn run_in_processes(lab: &Lab, id: &str, count: usize, scale: &str) {
    thread::scope(|scope| {
        for _ in 0..count {
            scope.spawn(|| {
                let output = lab.rhub(&["run", id]).env("RUNNINGHUB_TIME_SCALE", scale).output();
                let output = output.expect("the binary");
                let stdout = String::from_utf8_lossy(&output.stdout);
                assert!(output.status.success(), "{stdout}{}", String::from_utf8_lossy(&output.stderr));
            });
        }
    });
    assert!(lab.entries().iter().all(|entry| entry.state == State::Done));
}

/// Starts a run and reads its lines until this text.
fn started(lab: &Lab, id: &str, until: &str) -> Child {
    let mut child = lab.rhub(&["run", id, "--json"]).stderr(Stdio::null()).spawn().expect("the binary");
    let mut out = child.stdout.take().expect("a pipe");
    assert!(read_until(&mut out, until), "it ended without {until:?}");
    // A full pipe would stop it.
    thread::spawn(move || read_until(&mut out, "no such text"));
    child
}

/// Ends the only unfinished task, unknown to the ledger of the lab.
fn end_the_task(lab: &Lab) {
    let tasks = lab.sim.tasks();
    let [task] = &tasks.iter().filter(|task| task.status == "RUNNING").collect::<Vec<_>>()[..] else {
        panic!("one task: {tasks:?}")
    };
    let elsewhere = tempfile::tempdir().expect("a folder");
    let ended = rhub(lab.sim.base_url(), elsewhere.path(), &["cancel", &task.task_id]).status();
    assert!(ended.expect("the binary").success());
}

const SUBMITTED: &str = "\"event\":\"submitted\"";
const WAITS: &str = "\"code\":\"no_slot\"";

#[test]
fn two_and_six_processes_share_three_slots_without_a_refusal() {
    for count in [2, 6] {
        let (lab, [short, _]) = lab(|builder| builder.concurrency(3));
        run_in_processes(&lab, &short, count, "0.02");
        assert_eq!(creates(&lab), (count as u64, count as u64));
    }
}

#[test]
fn without_counts_processes_share_what_one_refusal_has_shown() {
    let (lab, [short, _]) =
        lab(|builder| builder.concurrency(3).rule(Rule::answer(COUNTS, 404, "not found").times(1_000_000)));
    run_in_processes(&lab, &short, 6, "1");
    let (created, sent) = creates(&lab);
    assert!(created == 6 && sent <= 7, "{sent} sent");
}

#[test]
fn the_slot_of_a_killed_process_is_free_when_its_task_is_over_and_not_before() {
    let (lab, [short, long]) = lab(|builder| builder.concurrency(1));
    kill(started(&lab, &long, SUBMITTED));
    let mut next = started(&lab, &short, WAITS);
    assert_eq!(creates(&lab), (1, 1), "it waits without a refusal");
    end_the_task(&lab);
    assert!(next.wait().expect("it ends").success());
    assert_eq!(creates(&lab), (2, 2));
    let states: Vec<State> = lab.entries().iter().map(|entry| entry.state).collect();
    assert_eq!(states[0], State::Done);
    assert!(matches!(states[1], State::Failed | State::Cancelled), "its end is recorded: {states:?}");
}

#[test]
fn the_slot_of_a_submit_of_unknown_outcome_is_free_when_it_is_resolved_and_not_before() {
    let (lab, [short, _]) = lab(|builder| builder.concurrency(1).rule(Rule::hang(CREATE).times(1)));
    let lost = lab.rhub(&["run", &short]).spawn().expect("the binary");
    while creates(&lab).1 == 0 {
        thread::yield_now();
    }
    kill(lost);
    let mut next = started(&lab, &short, WAITS);
    assert_eq!(creates(&lab).0, 0);
    let entry = lab.entries().pop().expect("the lost one");
    assert_eq!(entry.state, State::Unknown);
    assert_eq!(lab.run(&["resolve", entry.attempt.as_str(), "--not-created"]), Some(0));
    assert!(next.wait().expect("it ends").success());
    assert_eq!(creates(&lab).0, 1);
}

#[test]
fn a_killed_waiter_does_not_block_the_queue() {
    let (lab, [short, long]) = lab(|builder| builder.concurrency(1));
    let first = started(&lab, &long, SUBMITTED);
    let second = started(&lab, &short, WAITS);
    let mut third = started(&lab, &short, WAITS);
    kill(second);
    kill(first);
    end_the_task(&lab);
    assert!(third.wait().expect("it ends").success());
    assert_eq!(creates(&lab), (2, 2));
}

#[test]
fn many_processes_can_create_the_ledger_at_once() {
    let (lab, [short, _]) = lab(|builder| builder.concurrency(1_000));
    for _ in 0..10 {
        let folder = tempfile::tempdir().expect("a folder");
        let runs: Vec<Child> = (0..8)
            .map(|_| {
                rhub(lab.sim.base_url(), folder.path(), &["run", &short, "--detach"])
                    .spawn()
                    .expect("the binary")
            })
            .collect();
        for run in runs {
            let output = run.wait_with_output().expect("it ends");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
