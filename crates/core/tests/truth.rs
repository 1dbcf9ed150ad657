//! How far the overall figure is from the elapsed share of time, on timelines of real runs.

#[path = "common/timeline.rs"]
mod timeline;

use std::{path::PathBuf, sync::LazyLock};

use timeline::{Timeline, error, perturbed, standstill};

/// The tick interval of a session, in seconds.
const TICK: f64 = 0.2;

fn timelines() -> &'static [Timeline] {
    static ALL: LazyLock<Vec<Timeline>> = LazyLock::new(|| {
        Timeline::all(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/timelines"))
    });
    &ALL
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

#[test]
fn a_first_run_is_near_the_truth() {
    let mut errors = Vec::new();
    for one in timelines() {
        let trace = one.play(one.plan(&[]), TICK);
        let (mean, worst) = error(&trace.points);
        errors.push((mean, worst, standstill(&trace.points), one.is_plain_picture()));
    }
    let first = mean(errors.iter().map(|one| one.0));
    let worst = mean(errors.iter().map(|one| one.1));
    let still = mean(errors.iter().map(|one| one.2));
    let plain: Vec<f64> = errors.iter().filter(|one| one.3).map(|one| one.0).collect();
    let pictures = mean(plain.iter().copied());
    assert!(errors.len() >= 36 && plain.len() >= 10);
    assert!(first <= 7.0 && worst <= 19.0, "{first} {worst}");
    assert!(pictures <= 4.5, "{pictures}");
    assert!(still <= 10.0, "{still}");
}

#[test]
fn a_workflow_that_is_known_is_nearer() {
    for runs in [1, 3] {
        let off = mean(timelines().iter().map(|one| {
            let shown = one.play(one.plan(&[]), TICK).learned;
            let learned: Vec<_> = (0..runs).flat_map(|seed| perturbed(&shown, seed + 1, 0.3)).collect();
            error(&one.play(one.plan(&learned), TICK).points).0
        }));
        assert!(off <= 3.0, "{off} after {runs}");
    }
}
