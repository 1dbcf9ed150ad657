//! Batches as they really go, by which the percentage and the time left are judged. The tests include it, and so does
//! `cargo xtask accuracy`.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use fastrand::Rng;
use runninghub_batch::{Durations, Overall, Running, forecast};

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

const GROUP: [&str; 2] = ["image", "video"];
/// The shares of rows that are over when the time left is estimated.
pub(crate) const POINTS: [usize; 4] = [20, 40, 60, 80];

/// A batch as it really goes: the group and the duration of each row.
pub(crate) struct World {
    rows: Vec<(&'static str, f64)>,
    slots: usize,
}

fn normal(rng: &mut Rng) -> f64 {
    (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0
}

/// Batches of one kind of rows and of several, on few slots and on many.
pub(crate) fn worlds(seed: u64) -> Vec<World> {
    let mut rng = Rng::with_seed(seed);
    let rng = &mut rng;
    let mut world = |rows: usize, slots: usize, row: &dyn Fn(&mut Rng, usize) -> (&'static str, f64)| World {
        rows: (0..rows).map(|at| row(rng, at)).collect(),
        slots,
    };
    let lognormal = |rng: &mut Rng, mean: f64, spread: f64| mean * (normal(rng) * spread).exp();
    vec![
        world(60, 3, &|rng, _| (GROUP[0], lognormal(rng, 20.0, 0.4))),
        world(30, 3, &|rng, _| (GROUP[0], 2.0 + 8.0 * rng.f64())),
        // Every fifth row loads another model.
        world(100, 2, &|rng, _| (GROUP[0], if rng.u8(..5) == 0 { 60.0 } else { 10.0 } + 4.0 * rng.f64())),
        world(50, 5, &|rng, at| match at % 4 {
            0 => (GROUP[1], lognormal(rng, 120.0, 0.3)),
            _ => (GROUP[0], lognormal(rng, 8.0, 0.6)),
        }),
        world(40, 1, &|rng, _| (GROUP[0], lognormal(rng, 30.0, 0.2))),
    ]
}

/// Lays the rows on the slots in their order. Returns their starts and ends.
fn lay(world: &World) -> Vec<(f64, f64)> {
    let micros = |seconds: f64| Duration::from_secs_f64(seconds).as_micros();
    let mut free: BinaryHeap<Reverse<u128>> = (0..world.slots).map(|_| Reverse(0)).collect();
    let lay = |(_, took): &(&str, f64)| {
        let Reverse(start) = free.pop().unwrap();
        let end = start + micros(*took);
        free.push(Reverse(end));
        let seconds = |micros: u128| Duration::from_micros(u64::try_from(micros).unwrap()).as_secs_f64();
        (seconds(start), seconds(end))
    };
    world.rows.iter().map(lay).collect()
}

/// Whether the band holds the truth when a share of the rows is over, in percent.
pub(crate) fn holds(world: &World, point: usize, seed: u64) -> bool {
    let laid = lay(world);
    let mut ends: Vec<f64> = laid.iter().map(|(_, end)| *end).collect();
    ends.sort_by(f64::total_cmp);
    let now = ends[world.rows.len() * point / 100 - 1];
    let truth = seconds(ends[ends.len() - 1] - now);
    let mut durations = Durations::default();
    let (mut running, mut ready) = (Vec::new(), Vec::new());
    for ((group, took), (start, end)) in world.rows.iter().zip(&laid) {
        if *end <= now {
            durations.add(group, seconds(*took));
        } else if *start <= now {
            running.push(Running { group, elapsed: seconds(now - start) });
        } else {
            ready.push(*group);
        }
    }
    let band = forecast(&durations, &running, &ready, world.slots, seed).unwrap();
    (band.p10..=band.p90).contains(&truth)
}

/// How far the percentage is from the share of elapsed time, on average, in points: in a first batch, and where it is known
/// how long rows take.
pub(crate) fn errors(world: &World) -> [f64; 2] {
    let mut known = Durations::default();
    for (group, took) in &world.rows {
        known.add(group, seconds(*took));
    }
    let weight = |group: &str| known.mean(group).map_or(1.0, |mean| mean.as_secs_f64());
    [error(world, &|_| 1.0), error(world, &weight)]
}

fn error(world: &World, weight: &dyn Fn(&str) -> f64) -> f64 {
    const MOMENTS: u32 = 100;
    let laid = lay(world);
    let whole = laid.iter().map(|(_, end)| *end).fold(0.0, f64::max);
    let mut overall = Overall::default();
    overall.add(world.rows.iter().map(|(group, _)| weight(group)));
    let mut off = 0.0;
    for moment in 1..MOMENTS {
        let share = f64::from(moment) / f64::from(MOMENTS);
        let now = share * whole;
        for (row, (start, end)) in laid.iter().enumerate() {
            if *end <= now {
                overall.finish(row);
            } else if *start < now {
                overall.set(row, (now - start) / (end - start));
            }
        }
        off += (overall.fraction() - share).abs();
    }
    off * 100.0 / f64::from(MOMENTS - 1)
}
