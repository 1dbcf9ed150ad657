//! One figure.

use serde::Serialize;

/// A figure with its goal, as `cargo xtask bench` reads it.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    goal: &'static str,
    what: String,
    unit: &'static str,
    value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_least: Option<f64>,
    note: String,
}

impl Row {
    pub(crate) fn new(goal: &'static str, what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        let (at_most, at_least, note) = (None, None, String::new());
        Self { goal, what: what.into(), unit, value: Some(value), at_most, at_least, note }
    }

    /// A figure that cannot be measured here, and why.
    pub(crate) fn skipped(goal: &'static str, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { value: None, note: why.into(), ..Self::new(goal, what, 0.0, "") }
    }

    pub(crate) fn at_most(mut self, limit: f64) -> Self {
        self.at_most = Some(limit);
        self
    }

    pub(crate) fn at_least(mut self, limit: f64) -> Self {
        self.at_least = Some(limit);
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    pub(crate) fn print(&self) -> crate::Result {
        println!("{}", serde_json::to_string(self)?);
        Ok(())
    }
}

/// The quantile `share` of the values. NaN if there are none.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position in the list")]
    let at = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

pub(crate) fn max(values: &[f64]) -> f64 {
    quantile(values, 1.0)
}
