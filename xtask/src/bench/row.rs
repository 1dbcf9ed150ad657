//! One figure and its goal, and the table of figures.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// A figure; the benchmarks print it as JSON.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Row {
    goal: String,
    what: String,
    unit: String,
    /// `None` if it could not be measured; the note says why.
    value: Option<f64>,
    at_most: Option<f64>,
    at_least: Option<f64>,
    note: String,
}

impl Row {
    pub(super) fn new(goal: &str, what: impl Into<String>, value: f64, unit: &str) -> Self {
        let (goal, unit) = (goal.to_owned(), unit.to_owned());
        Self {
            goal,
            what: what.into(),
            unit,
            value: Some(value),
            at_most: None,
            at_least: None,
            note: String::new(),
        }
    }

    /// A figure that cannot be measured here, and the reason.
    pub(super) fn skipped(goal: &str, what: &str, why: &str) -> Self {
        Self { value: None, ..Self::new(goal, what, 0.0, "").note(format!("skipped: {why}")) }
    }

    pub(super) fn at_most(self, limit: f64) -> Self {
        Self { at_most: Some(limit), ..self }
    }

    pub(super) fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// `None` for a figure without a goal, and for one that could not be measured.
    pub(super) fn is_met(&self) -> Option<bool> {
        let value = self.value?;
        let most = self.at_most.map(|limit| value <= limit);
        let least = self.at_least.map(|limit| value >= limit);
        most.into_iter().chain(least).reduce(|a, b| a && b)
    }

    fn limit(&self) -> String {
        let limits = [("≤", self.at_most), ("≥", self.at_least)];
        let limits =
            limits.iter().filter_map(|(sign, limit)| Some(format!("{sign} {}", self.shown((*limit)?))));
        limits.collect::<Vec<_>>().join(", ")
    }

    fn shown(&self, value: f64) -> String {
        let digits = match value.abs() {
            _ if value.fract() == 0.0 => 0,
            100.0.. => 0,
            10.0.. => 1,
            0.1.. => 2,
            _ => 3,
        };
        format!("{value:.digits$} {}", self.unit).trim_end().to_owned()
    }
}

/// All figures as Markdown.
pub(super) fn table(rows: &[Row]) -> String {
    let mut table = "| | figure | goal | measured | met | |\n|---|---|---|---|---|---|\n".to_owned();
    for row in rows {
        let met = match row.is_met() {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        let value = row.value.map(|value| row.shown(value)).unwrap_or_default();
        let (goal, what, limit, note) = (&row.goal, &row.what, row.limit(), &row.note);
        let _ = writeln!(table, "| {goal} | {what} | {limit} | {value} | {met} | {note} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_within_its_limits() {
        let row = |value| Row { at_least: Some(1.0), ..Row::new("A1", "x", value, "").at_most(2.0) };
        assert_eq!(
            [0.5, 1.0, 2.0, 2.5].map(|value| row(value).is_met()),
            [Some(false), Some(true), Some(true), Some(false)]
        );
        assert_eq!(row(f64::NAN).is_met(), Some(false), "nothing was measured");
        assert_eq!(Row::new("A1", "x", 1.0, "").is_met(), None);
        assert_eq!(Row::skipped("A1", "x", "why").at_most(1.0).is_met(), None);
    }

    #[test]
    fn figures_of_the_benchmarks_are_read() {
        let line = r#"{"goal":"A2","what":"noticed","unit":"ms","value":1.5,"at_most":50.0,"note":"n"}"#;
        let row: Row = serde_json::from_str(line).expect("a figure");
        assert!(table(&[row]).ends_with("| A2 | noticed | ≤ 50 ms | 1.50 ms | yes | n |\n"));
    }
}
