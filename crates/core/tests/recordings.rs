//! Every recording ends with the expected result.

mod common;

use std::time::Duration;

use common::{LIVE_MESSAGES, Scenario, play, scenarios};
use runninghub_core::{Confirm, Connection, Machine, Phase};

/// The end in the words of `expected.json`, with the counts.
fn summary(mut machine: Machine) -> (String, f64, usize, usize) {
    let progress = machine.progress(Connection::default());
    let end = if progress.phase.is_final() { progress.phase.as_str() } else { "running" };
    let fraction = (progress.counted.expect("there is a plan") * 10_000.0).round() / 10_000.0;
    (end.to_owned(), fraction, progress.done, progress.total.expect("there is a plan"))
}

fn wanted(scenario: &Scenario) -> (String, f64, usize, usize) {
    let row = &scenario.expected;
    (row.end.clone(), row.fraction, row.settled, row.total)
}

#[test]
fn every_row_is_reproduced() {
    for scenario in scenarios() {
        let machine = play(scenario.machine(), &scenario.own_frames());
        assert_eq!(summary(machine), wanted(scenario), "{} {}", scenario.name, scenario.expected.prompt_id);
    }
}

/// With HTTP as the authority, closing frames are only claims: they end and settle nothing, and the response after
/// them gives the same end. A run whose end was never observed stays open.
#[test]
fn every_row_is_reproduced_where_http_decides() {
    for scenario in scenarios() {
        let mut machine = play(scenario.machine_for(Confirm::Http), &scenario.own_frames());
        assert!(!machine.phase().is_final(), "{}", scenario.name);
        let phases = [Phase::Success, Phase::Failed, Phase::Interrupted];
        if let Some(end) = phases.into_iter().find(|phase| phase.as_str() == scenario.expected.end) {
            assert_eq!(machine.claim(), Some(end), "{}", scenario.name);
            machine.finish(Duration::from_hours(1), end, None);
        }
        assert_eq!(summary(machine), wanted(scenario), "{} {}", scenario.name, scenario.expected.prompt_id);
    }
}

/// Without `progress_state`, ends are inferred from `executing`. An anonymous prompt sends neither.
#[test]
fn every_row_is_reproduced_without_progress_state() {
    for scenario in scenarios().iter().filter(|scenario| scenario.name != "17-anonymous-prompt") {
        let machine = play(scenario.machine(), &scenario.without(&["progress_state"]));
        let (end, _, settled, total) = summary(machine);
        let (wanted_end, _, wanted_settled, wanted_total) = wanted(scenario);
        assert_eq!((end, settled, total), (wanted_end, wanted_settled, wanted_total), "{}", scenario.name);
    }
}

/// With `progress_state` alone. Servers before 0.3.45 don't send it: then only the end is known.
#[test]
fn every_row_is_reproduced_without_progress_and_executing() {
    for scenario in scenarios() {
        let machine = play(scenario.machine(), &scenario.without(&LIVE_MESSAGES));
        let (end, _, settled, total) = summary(machine);
        let (wanted_end, _, wanted_settled, wanted_total) = wanted(scenario);
        assert_eq!((end, total), (wanted_end, wanted_total), "{}", scenario.name);
        if !scenario.name.starts_with("v0.3.44") {
            assert_eq!(settled, wanted_settled, "{}", scenario.name);
        }
    }
}
