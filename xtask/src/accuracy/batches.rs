//! The percentage and the time left of batches, over simulated ones.

use super::{
    recordings::Bounds,
    worlds::{POINTS, errors, holds, worlds},
};

/// How many batches of each kind.
const SEEDS: u64 = 24;
/// How often the band must contain the actual value: nominally 80 of 100.
const HOLDS: (f64, f64) = (80.0, 95.0);
/// The largest mean errors of the percentage, in points.
const LARGEST: (f64, f64) = (6.0, 4.0);

/// Prints the figures.
pub(super) fn measure(bounds: &mut Bounds) {
    println!(
        "\nbatches, when so many of 100 rows are over: how often the band of the time left holds the truth"
    );
    let (mut held, mut all) = (0, 0);
    for point in POINTS {
        let results: Vec<bool> = (0..SEEDS)
            .flat_map(|seed| worlds(seed).into_iter().map(move |world| holds(&world, point, seed)))
            .collect();
        let right = results.iter().filter(|holds| **holds).count();
        println!("{point:>28} {:>9.1} %", right as f64 * 100.0 / results.len() as f64);
        (held, all) = (held + right, all + results.len());
    }
    let share = held as f64 * 100.0 / all as f64;
    let errors: Vec<_> = (0..SEEDS).flat_map(worlds).map(|world| errors(&world)).collect();
    let mean = |of: fn(&[f64; 2]) -> f64| errors.iter().map(of).sum::<f64>() / errors.len() as f64;
    let (first, known) = (mean(|[first, _]| *first), mean(|[_, known]| *known));
    println!("{:>28} {share:>9.1} %", "all");
    println!(
        "batches, mean error of the percentage: {first:.1} points in a first batch, {known:.1} where rows are known"
    );
    bounds.within("the time left of batches", share, HOLDS);
    bounds.at_most("the percentage of a first batch", first, LARGEST.0);
    bounds.at_most("the percentage of a batch of known rows", known, LARGEST.1);
}
