//! Timelines of recordings.

use std::{collections::HashMap, fs, path::Path};

use runninghub::{
    NodeState, Phase,
    testing::{RunTimeline, Timeline, replay},
};
use serde::Deserialize;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures");

fn fixture(name: &str) -> Timeline {
    replay(Path::new(FIXTURES).join(name)).unwrap()
}

/// The result of an independent model of the protocol for a recording.
#[derive(Deserialize)]
struct Expected {
    prompt_id: String,
    stream: String,
    end: String,
    settled: usize,
    total: usize,
}

#[test]
fn a_timeline_agrees_with_the_independent_model_of_every_fixture() {
    let text = fs::read_to_string(Path::new(FIXTURES).join("expected.json")).unwrap();
    let expected: HashMap<String, Vec<Expected>> = serde_json::from_str(&text).unwrap();
    let mut compared = 0;
    for (name, rows) in expected {
        // The timeline of a recording with several clients is that of the first. An id used twice has two runs.
        let rows: Vec<_> = rows.iter().filter(|row| row.stream == "a").collect();
        let timeline = fixture(&name);
        let ids = runninghub::Replay::open(Path::new(FIXTURES).join(&name)).unwrap().runs().unwrap();
        for (run, of) in timeline.runs.iter().zip(ids) {
            let same = |row: &&&Expected| of.prompt_id().is_some_and(|id| id.as_str() == row.prompt_id);
            let mut same = rows.iter().filter(same);
            let (Some(row), None) = (same.next(), same.next()) else { continue };
            let end = if run.end.is_final() { run.end.as_str() } else { "running" };
            assert_eq!(end, row.end, "{name}");
            assert_eq!((run.done, run.total), (row.settled, Some(row.total)), "{name}");
            compared += 1;
        }
    }
    assert!(compared > 30, "{compared}");
}

#[test]
fn every_fixture_has_the_same_timeline_twice_without_times_ids_or_file_names() {
    for entry in fs::read_dir(FIXTURES).unwrap() {
        let path = entry.unwrap().path();
        if !path.join("meta.json").exists() {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy();
        let timeline = fixture(&name);
        assert_eq!(timeline, fixture(&name));
        let text = timeline.to_string();
        let is_id = |word: &str| word.len() == 36 && word.matches('-').count() == 4;
        assert!(!text.split_whitespace().any(is_id), "{name}: {text}");
        assert!(!text.contains("filename=") && !text.contains("lab_0"), "{name}: {text}");
    }
}

#[test]
fn a_timeline_reads_well() {
    insta::assert_snapshot!(fixture("05-cached-partial"));
    insta::assert_snapshot!(fixture("07-error"));
    insta::assert_snapshot!(fixture("18-progress-text"));
    insta::assert_snapshot!(fixture("22-async"));
    insta::assert_snapshot!(fixture("20-lazy"));
    insta::assert_snapshot!(fixture("v0.3.44-02-ksampler"));
    insta::assert_snapshot!(fixture("v0.33.0-50-loop"));
    insta::assert_snapshot!(fixture("19-unreachable"));
}

#[test]
fn steps_are_exact_however_fast_they_were() {
    let steps = |name| {
        let run = fixture(name).runs.remove(0);
        run.nodes.into_iter().filter_map(|node| node.steps).collect::<Vec<_>>()
    };
    assert_eq!(steps("02-ksampler"), [10]);
    assert_eq!(steps("41-fast"), steps("41-fast"));
}

#[test]
fn two_runs_of_one_workflow_that_differ_only_in_the_cache_are_the_same_without_it() {
    let timeline = fixture("05-cached-partial");
    let shared = |run: &RunTimeline| {
        let nodes = run.nodes.iter().filter(|node| node.id.as_str() != "6");
        nodes.map(ToString::to_string).collect::<Vec<_>>()
    };
    let [before, after] = &timeline.runs[..] else { panic!() };
    assert_ne!(shared(before), shared(after));
    let loose = timeline.clone().without_cache();
    let [before, after] = &loose.runs[..] else { panic!() };
    assert_eq!(shared(before), shared(after));
    assert!(after.nodes.iter().all(|node| node.state == NodeState::Done && node.steps.is_none()));
}

#[test]
fn facts_can_be_left_out() {
    let text = fixture("18-progress-text");
    assert!(text.to_string().contains("line 4 of 4"));
    assert!(!text.without_texts().to_string().contains("line 4 of 4"));
    let timeline = fixture("02-ksampler");
    assert!(timeline.to_string().contains("10 steps"));
    assert!(!timeline.clone().without_steps().to_string().contains("steps"));
    let ids = |timeline: Timeline| {
        let nodes = timeline.runs.into_iter().next().unwrap().nodes.into_iter();
        nodes.map(|node| node.id.to_string()).collect::<Vec<_>>()
    };
    let (ran, listed) = (ids(timeline.clone()), ids(timeline.without_order()));
    assert_ne!(ran, listed);
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    assert_eq!(sorted(ran), sorted(listed));
}

#[test]
fn a_recording_that_stops_is_not_complete() {
    let timeline = fixture("35-server-killed");
    assert!(!timeline.is_complete());
    assert!(!timeline.runs[0].end.is_final() && timeline.runs[0].end != Phase::Success);
    assert!(fixture("07-error").is_complete());
}
