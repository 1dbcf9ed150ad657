//! The progress of a batch.

use serde::Serialize;

/// The figure stays below this before every row is over.
const ALMOST: f64 = 0.999;

/// The progress of a batch: completed expected work as a share of all expected work. A row's weight is its expected
/// duration, in any unit. The figure is within 0..=1, never falls except by [`Overall::add`], and is 1 exactly when
/// every row is over.
#[derive(Clone, Debug, Default)]
pub struct Overall {
    rows: Vec<Row>,
    all: f64,
    done: f64,
    over: usize,
    shown: f64,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    weight: f64,
    fraction: f64,
    is_over: bool,
}

/// How adding rows changed the figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rebased {
    /// The figure before.
    pub before: f64,
    /// The figure with the rows; usually smaller.
    pub after: f64,
}

impl Overall {
    /// Adds rows, which are numbered in this order from 0. Weights that are not positive and finite count as 1.
    ///
    /// The figure starts again at its true value, which the caller should show: it may be smaller.
    pub fn add(&mut self, weights: impl IntoIterator<Item = f64>) -> Rebased {
        let before = self.shown;
        for weight in weights {
            let weight = usable(weight);
            self.all += weight;
            self.rows.push(Row { weight, fraction: 0.0, is_over: false });
        }
        self.shown = self.truth();
        Rebased { before, after: self.shown }
    }

    /// A row has made progress; a lower value than before changes nothing.
    pub fn set(&mut self, row: usize, fraction: f64) {
        let Some(row) = self.rows.get_mut(row).filter(|row| !row.is_over && fraction > row.fraction) else {
            return;
        };
        let fraction = fraction.min(1.0);
        self.done += row.weight * (fraction - row.fraction);
        row.fraction = fraction;
        self.show();
    }

    /// A row is over, successfully or not: no work is left for it.
    pub fn finish(&mut self, row: usize) {
        let Some(row) = self.rows.get_mut(row).filter(|row| !row.is_over) else { return };
        self.done += row.weight * (1.0 - row.fraction);
        (row.fraction, row.is_over) = (1.0, true);
        self.over += 1;
        self.show();
    }

    /// A row starts over. The figure stands still until the actual progress has caught up.
    pub fn restart(&mut self, row: usize) {
        let Some(row) = self.rows.get_mut(row) else { return };
        self.done -= row.weight * row.fraction;
        self.over -= usize::from(row.is_over);
        (row.fraction, row.is_over) = (0.0, false);
        // Only if every row was over, which is no longer true.
        self.shown = self.shown.min(ALMOST);
        self.show();
    }

    /// The figure.
    pub fn fraction(&self) -> f64 {
        self.shown
    }

    /// The number of finished rows, and of all rows.
    pub fn count(&self) -> (usize, usize) {
        (self.over, self.rows.len())
    }

    fn show(&mut self) {
        self.shown = self.truth().max(self.shown);
    }

    fn truth(&self) -> f64 {
        match self.rows.len() {
            0 => 0.0,
            rows if rows == self.over => 1.0,
            _ => (self.done / self.all).clamp(0.0, ALMOST),
        }
    }
}

fn usable(weight: f64) -> f64 {
    if weight.is_finite() && weight > 0.0 { weight } else { 1.0 }
}
