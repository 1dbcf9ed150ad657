//! A frame without news allocates nothing, regardless of the number of tasks.

mod common;

use std::time::Duration;

use common::{Body, scenario};
use runninghub_core::{Confirm, Connection, Input, Machine, Pace, Session};

/// The recording with 27 nodes and snapshots of all of them.
const LONG: &str = "40-long";

/// All text frames of these types in the recording.
fn texts(kinds: &[&str]) -> Vec<String> {
    let frames = scenario(LONG).frames.iter().filter(|frame| kinds.contains(&&*frame.kind()));
    let text = |body: &Body| match body {
        Body::Text(text) => Some(text.clone()),
        _ => None,
    };
    frames.filter_map(|frame| text(&frame.body)).collect()
}

fn progress(node: &str, value: u32) -> String {
    let prompt = &scenario(LONG).expected.prompt_id;
    format!(
        r#"{{"type": "progress", "data": {{"value": {value}, "max": 500, "prompt_id": "{prompt}", "node": "{node}"}}}}"#
    )
}

/// A machine that has processed the recording once, except its end.
fn machine() -> Machine {
    let mut machine = scenario(LONG).machine();
    for text in texts(&["execution_start", "execution_cached", "executing", "progress", "progress_state"]) {
        // The last `executing` names no node and would end the run.
        if !text.contains(r#""node": null"#) {
            machine.text(Duration::ZERO, &text);
        }
    }
    assert!(!machine.phase().is_final());
    machine
}

fn allocations(action: impl FnOnce()) -> u64 {
    allocation_counter::measure(action).count_total
}

fn feed<'a>(machine: &mut Machine, frames: impl IntoIterator<Item = &'a String>) -> u64 {
    allocations(|| {
        for text in frames {
            machine.text(Duration::ZERO, text);
        }
    })
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1u8; 100]))), 1);
}

#[test]
fn progress_of_a_known_node() {
    let frames: Vec<_> = (1..400).map(|value| progress("1", value)).collect();
    let mut machine = machine();
    assert_eq!(feed(&mut machine, &frames), 0);
    let shown = machine.progress(Connection::default());
    assert!(shown.nodes.iter().any(|node| node.fraction > 0.7), "the frames have been applied");
}

#[test]
fn progress_of_a_node_known_by_nothing_but_its_reports() {
    let frames: Vec<_> = (1..400).map(|value| progress("1.0.0.7", value)).collect();
    for mut machine in [machine(), Machine::new(None, Confirm::Http)] {
        machine.text(Duration::ZERO, &frames[0]);
        while machine.next_event().is_some() {}
        assert_eq!(feed(&mut machine, &frames), 0);
    }
}

#[test]
fn executing_of_the_node_that_runs() {
    let executing = texts(&["executing"]);
    let again = executing.iter().rev().find(|text| !text.contains(r#""node": null"#));
    assert_eq!(feed(&mut machine(), again), 0);
}

/// The two allocations are `serde_json`'s: it tracks its depth in skipped objects. The machine adds none.
#[test]
fn a_snapshot_that_shows_nothing_new() {
    let mut machine = machine();
    while machine.next_event().is_some() {}
    let last = texts(&["progress_state"]).pop();
    assert_eq!(feed(&mut machine, &last), 2, "{last:?}");
}

#[test]
fn frames_of_other_runs_are_ignored() {
    let foreign = progress("1", 3).replace(&scenario(LONG).expected.prompt_id, "another");
    let other_type = r#"{"type":"crystools.monitor","data":{"cpu_utilization":3.5}}"#.to_owned();
    let mut machine = machine();
    assert_eq!(feed(&mut machine, &[foreign, other_type]), 0);
    // Unrequested previews are not copied.
    let preview = [&[0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xd8, 0xff][..], &vec![7; 65_536]].concat();
    let mut ours = false;
    assert_eq!(allocations(|| ours = machine.binary(Duration::ZERO, &preview)), 0);
    assert!(ours);
}

/// Between two emitted snapshots, a session adds no allocations to that.
#[test]
fn a_session_between_two_snapshots() {
    let mut session = Session::new(machine(), Pace::default(), 1);
    let frames: Vec<_> = (1..400).map(|value| progress("1", value)).collect();
    session.handle(Duration::ZERO, Input::Connected);
    session.handle(Duration::ZERO, Input::Text(&frames[0]));
    while session.next_action().is_some() {}
    let play = || {
        for (step, text) in (1..).zip(&frames) {
            session.handle(Duration::from_micros(step), Input::Text(text));
            assert!(session.next_action().is_none());
        }
    };
    assert_eq!(allocations(play), 0);
}
