//! What the benchmarks share: they do not run as tests, they share rows and figures.
#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::time::Duration;

pub(crate) mod process;
pub(crate) mod sim;

/// Whether this is `cargo bench` and not a test run, and whether the short form is wanted.
pub(crate) fn wanted() -> Option<Size> {
    let mut size = None;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--bench" => size = size.or(Some(Size::Full)),
            "--quick" => size = Some(Size::Quick),
            _ => {}
        }
    }
    size
}

/// How much is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Size {
    Quick,
    Full,
}

/// A line of the table: goal, what is measured, yardstick, figure, met or not.
#[expect(clippy::print_stdout, reason = "the table is what a benchmark is for")]
pub(crate) fn row(goal: &str, what: &str, yardstick: &str, figure: &str, met: bool) {
    println!("| {goal} | {what} | {yardstick} | {figure} | {} |", if met { "yes" } else { "**no**" });
}

/// A row for something that cannot be measured here.
#[expect(clippy::print_stdout, reason = "the table is what a benchmark is for")]
pub(crate) fn skipped(goal: &str, what: &str, yardstick: &str, why: &str) {
    println!("| {goal} | {what} | {yardstick} | skipped: {why} | – |");
}

/// The value below which this share of them lies, 0 to 1.
pub(crate) fn quantile<T: Copy + PartialOrd>(values: &[T], share: f64) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).expect("figures are numbers"));
    let last = sorted.len().checked_sub(1).expect("something was measured");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place within the list")]
    let at = (share * last as f64).round() as usize;
    sorted[at]
}

pub(crate) fn median<T: Copy + PartialOrd>(values: &[T]) -> T {
    quantile(values, 0.5)
}

/// Milliseconds, with a digit where it says something.
pub(crate) fn ms(duration: Duration) -> String {
    let ms = duration.as_secs_f64() * 1e3;
    if ms < 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}
