//! The percentage and the remaining time of a batch.

#[path = "common/worlds.rs"]
mod worlds;

use std::time::Duration;

use proptest::{collection::vec, prelude::*, sample::Index};
use runninghub_batch::{Band, Durations, Overall, Rebased, Running, forecast};

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

mod overall {
    use super::*;

    #[test]
    fn a_long_row_weighs_more_than_a_short_one() {
        let mut overall = Overall::default();
        overall.add([30.0, 10.0]);
        overall.set(0, 0.5);
        assert!((overall.fraction() - 0.375).abs() < 1e-9);
        overall.finish(1);
        assert!((overall.fraction() - 0.625).abs() < 1e-9);
        assert_eq!(overall.count(), (1, 2));
        overall.finish(0);
        assert!((overall.fraction() - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn rows_that_are_added_move_the_figure_visibly() {
        let mut overall = Overall::default();
        assert_eq!(overall.add([1.0, 1.0]), Rebased { before: 0.0, after: 0.0 });
        overall.finish(0);
        assert_eq!(overall.add([1.0, f64::NAN]), Rebased { before: 0.5, after: 0.25 });
    }

    #[test]
    fn a_row_that_starts_again_does_not_move_the_figure_back() {
        let mut overall = Overall::default();
        overall.add([1.0, 1.0]);
        overall.set(0, 0.8);
        overall.restart(0);
        assert!((overall.fraction() - 0.4).abs() < 1e-9);
        overall.finish(0);
        overall.finish(1);
        overall.restart(1);
        assert!((0.99..1.0).contains(&overall.fraction()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_figure_never_falls_and_is_one_exactly_when_every_row_is_over(
            weights in vec(prop_oneof![0.001..1_000.0, Just(f64::INFINITY), Just(-1.0)], 1..12),
            steps in vec((any::<Index>(), 0..4_u8, -0.5..1.5_f64), 0..80),
        ) {
            let mut overall = Overall::default();
            overall.add(weights.clone());
            let mut shown = overall.fraction();
            for (row, step, fraction) in steps {
                let row = row.index(weights.len() + 1);
                let was_all = overall.fraction() >= 1.0;
                match step {
                    0 if !was_all => overall.restart(row),
                    1 => overall.finish(row),
                    _ => overall.set(row, fraction),
                }
                let now = overall.fraction();
                prop_assert!((0.0..=1.0).contains(&now) && now >= shown, "{shown} → {now}");
                let (over, all) = overall.count();
                prop_assert_eq!(now >= 1.0, over == all);
                shown = now;
            }
        }
    }
}

mod remaining_time {
    use super::*;

    fn known(group: &str, took: &[f64]) -> Durations {
        let mut durations = Durations::default();
        for took in took {
            durations.add(group, seconds(*took));
        }
        durations
    }

    #[test]
    fn nothing_is_said_before_a_duration_is_known() {
        assert_eq!(forecast(&Durations::default(), &[], &["app"], 3, 0), None);
        assert_eq!(forecast(&known("app", &[1.0]), &[], &["app"], 0, 0), None);
        assert!(
            forecast(&known("app", &[1.0]), &[], &["another app"], 3, 0).is_some(),
            "all known durations count"
        );
        assert_eq!(Durations::default().mean("app"), None);
        assert_eq!(known("app", &[1.0, 3.0]).mean("another app"), Some(seconds(2.0)));
    }

    #[test]
    fn equal_rows_take_as_long_as_their_rounds() {
        let durations = known("app", &[10.0; 200]);
        let Band { p10, p50, p90 } = forecast(&durations, &[], &["app"; 31], 3, 7).unwrap();
        assert!(p10 <= p50 && p50 <= p90);
        assert!((105.0..115.0).contains(&p50.as_secs_f64()), "eleven rounds: {p50:?}");
        assert_eq!(
            forecast(&durations, &[], &["app"; 31], 3, 7),
            Some(Band { p10, p50, p90 }),
            "the seed decides"
        );
        let running = Running { group: "app", elapsed: seconds(4.0) };
        let band = forecast(&durations, &[running], &[], 3, 7).unwrap();
        assert!((5.0..7.0).contains(&band.p50.as_secs_f64()), "{band:?}");
    }

    #[test]
    fn a_row_that_runs_longer_than_all_others_is_not_over_at_once() {
        let running = Running { group: "app", elapsed: seconds(100.0) };
        let band = forecast(&known("app", &[10.0; 20]), &[running], &[], 1, 7).unwrap();
        assert!(band.p50 > seconds(5.0), "{band:?}");
    }

    #[test]
    fn a_hundred_thousand_rows_take_as_long_as_their_sum() {
        let took: Vec<f64> = (0..200).map(|n| f64::from(n % 5) + 1.0).collect();
        let band = forecast(&known("app", &took), &[], &vec!["app"; 100_000], 4, 7).unwrap();
        assert!((72_000.0..78_000.0).contains(&band.p50.as_secs_f64()), "{band:?}");
    }
}

mod accuracy {
    use super::worlds::{POINTS, errors, holds, worlds};

    #[test]
    fn the_band_holds_the_truth_as_often_as_it_says() {
        let mut results = Vec::new();
        for seed in 0..24 {
            for world in worlds(seed) {
                results.extend(POINTS.map(|point| holds(&world, point, seed)));
            }
        }
        let share = results.iter().filter(|holds| **holds).count() as f64 / results.len() as f64;
        assert!((0.80..=0.95).contains(&share), "{share} of {}", results.len());
    }

    #[test]
    fn the_figure_is_near_the_share_of_elapsed_time_and_nearer_where_rows_are_known() {
        let errors: Vec<_> = (0..24).flat_map(worlds).map(|world| errors(&world)).collect();
        let mean = |at: usize| errors.iter().map(|error| error[at]).sum::<f64>() / errors.len() as f64;
        let (first, known) = (mean(0), mean(1));
        assert!(first < 6.0 && known < 4.0 && known < first, "{first} points, {known} where rows are known");
    }
}
