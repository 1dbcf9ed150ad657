//! Overall progress and the ETA on timelines of real runs.

use std::path::Path;

use super::{
    recordings::{Bounds, SEEDS, mean, pair, several},
    timeline::{Timeline, Trace, error, standstill},
};

/// Seconds between two samples, as in a session.
const TICK: f64 = 0.2;

/// Errors of all timelines, by prior knowledge.
#[derive(Default)]
struct Columns {
    script: Vec<(f64, f64)>,
    first: Vec<(f64, f64)>,
    pictures: Vec<(f64, f64)>,
    once: Vec<(f64, f64)>,
    often: Vec<(f64, f64)>,
    still: Vec<(f64, f64)>,
    script_still: Vec<(f64, f64)>,
    first_eta: Ranges,
    learned_eta: Ranges,
}

/// How many ranges contained the true value, how many were shown, in how many runs, and the sum of their widths.
#[derive(Default)]
struct Ranges {
    held: u32,
    shown: u32,
    all: u32,
    width: f64,
}

impl Ranges {
    /// Adds the range shown at half time, when the remaining time equals the elapsed time.
    fn add(&mut self, one: &Timeline, trace: &Trace) {
        let left = one.total / 2.0;
        self.all += 1;
        let Some((low, high)) = trace.half else { return };
        self.shown += 1;
        self.held += u32::from((low..=high).contains(&left));
        self.width += (high - low) / left;
    }

    fn percent(&self) -> f64 {
        100.0 * f64::from(self.held) / f64::from(self.shown.max(1))
    }

    fn print(&self, what: &str) {
        println!(
            "{what}: a range in {} of {} runs at half time, {:.0} % of them held the truth, {:.1} × as wide as the time that was left",
            self.shown,
            self.all,
            self.percent(),
            self.width / f64::from(self.shown.max(1)),
        );
    }
}

/// Prints a row for each timeline and the means.
pub(super) fn measure(folder: &Path, bounds: &mut Bounds) {
    let mut all = Columns::default();
    for one in &Timeline::all(folder) {
        let first = one.play(one.plan(&[]), TICK);
        let script = one.script();
        let learned = |runs: u64, ranges: Option<&mut Ranges>| {
            let traces: Vec<Trace> = (0..SEEDS)
                .map(|seed| one.play(one.plan(&several(&first.learned, seed, runs)), TICK))
                .collect();
            if let Some(ranges) = ranges {
                for trace in &traces {
                    ranges.add(one, trace);
                }
            }
            mean(&traces.iter().map(|trace| error(&trace.points)).collect::<Vec<_>>())
        };
        let (once, often) = (learned(1, Some(&mut all.learned_eta)), learned(3, None));
        let (of_script, of_first) = (error(&script), error(&first.points));
        println!("{:18} {} {} {} {}", one.name, pair(of_script), pair(of_first), pair(once), pair(often));
        all.script.push(of_script);
        all.first.push(of_first);
        all.once.push(once);
        all.often.push(often);
        if one.is_plain_picture() {
            all.pictures.push(of_first);
        }
        all.still.push((standstill(&first.points), 0.0));
        all.script_still.push((standstill(&script), 0.0));
        all.first_eta.add(one, &first);
    }
    all.finish(bounds);
}

impl Columns {
    fn finish(self, bounds: &mut Bounds) {
        let means = [&self.script, &self.first, &self.once, &self.often].map(|column| mean(column));
        println!("{:18} {} {} {} {}", "mean", pair(means[0]), pair(means[1]), pair(means[2]), pair(means[3]));
        let pictures = mean(&self.pictures);
        println!("{:18} {:13} {}", "one-sampler images", "", pair(pictures));
        let (still, of_script) = (mean(&self.still).0, mean(&self.script_still).0);
        println!(
            "\nlongest stand-still, mean share of a run: {still:.1} %, of the sample script {of_script:.1} %"
        );
        self.first_eta.print("first run");
        self.learned_eta.print("learned once");
        bounds.at_most("timelines, first run", means[1].0, 7.0);
        bounds.at_most("timelines, first run, mean of the worst", means[1].1, 19.0);
        bounds.at_most("images of one sampler", pictures.0, 4.5);
        bounds.at_most("learned once", means[2].0, 3.0);
        bounds.at_most("learned three times", means[3].0, 3.0);
        bounds.at_most("stand-still", still, 10.0);
        bounds.within("ETA of a first run", self.first_eta.percent(), ETA);
        bounds.within("ETA of a known workflow", self.learned_eta.percent(), ETA);
    }
}

/// Bounds for the percentage of ranges that contain the true value.
const ETA: (f64, f64) = (80.0, 95.0);
