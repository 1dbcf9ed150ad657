//! The table of classes and families, as data.

use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Deserializer, de::Error as _};

use super::{NodeKind, names::Pattern};
use crate::{Error, ErrorKind};

/// Expected seconds, by node class and model family.
///
/// [`Priors::default`] is the built-in table, `priors.json` of this crate. [`Priors::parse`] adds rows before its own.
#[derive(Clone, Debug)]
pub struct Priors(Arc<Table>);

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Table {
    /// The family for models that no other row matches; by default the built-in table's.
    unknown: Option<Family>,
    #[serde(default)]
    families: Vec<Family>,
    #[serde(default)]
    classes: Vec<Class>,
}

/// Models that are about equally fast.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Family {
    #[expect(dead_code, reason = "for whoever reads the table")]
    name: Option<String>,
    #[serde(default)]
    matches: Vec<Pattern>,
    /// Seconds per step, for each megapixel and latent frame; without `per_pixel`, for any size.
    #[serde(deserialize_with = "seconds")]
    pub(super) step: f64,
    #[serde(default = "yes")]
    pub(super) per_pixel: bool,
    #[serde(deserialize_with = "seconds")]
    pub(super) gigabytes: f64,
    /// Seconds of a text encode, including loading the encoder.
    #[serde(deserialize_with = "seconds")]
    pub(super) text: f64,
    /// Seconds of a decode, per megapixel and frame.
    #[serde(deserialize_with = "seconds")]
    pub(super) decode: f64,
    #[serde(default = "one", deserialize_with = "count")]
    pub(super) frames_per_latent: f64,
}

/// Classes that take about equally long.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Class {
    #[serde(default)]
    matches: Vec<Pattern>,
    #[serde(default)]
    pub(super) kind: NodeKind,
    /// Seconds before the first step; without steps, of the whole node.
    #[serde(default, deserialize_with = "seconds")]
    pub(super) seconds: f64,
    #[serde(default, deserialize_with = "seconds")]
    pub(super) per_frame: f64,
    #[serde(default, deserialize_with = "seconds")]
    pub(super) per_gigabyte: f64,
    #[serde(default = "one", deserialize_with = "count")]
    pub(super) passes: f64,
    /// The uncertainty: the standard deviation of the logarithm of the duration.
    #[serde(default = "one", deserialize_with = "spread")]
    pub(super) sigma: f64,
}

/// The largest number of seconds that a table may contain: a day.
const LONGEST: f64 = 86_400.0;

fn yes() -> bool {
    true
}

fn one() -> f64 {
    1.0
}

fn within<'de, D: Deserializer<'de>>(deserializer: D, low: f64, high: f64) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    if (low..=high).contains(&value) {
        Ok(value)
    } else {
        Err(D::Error::custom(format!("{value} is not within {low} to {high}")))
    }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    within(deserializer, 0.0, LONGEST)
}

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    within(deserializer, 1.0, 1000.0)
}

fn spread<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    within(deserializer, 0.05, 3.0)
}

impl Default for Priors {
    fn default() -> Self {
        static BUILT_IN: LazyLock<Arc<Table>> = LazyLock::new(|| {
            let table = serde_json::from_str(include_str!("../../priors.json"));
            // A test checks that it parses. Without it every class would be unknown.
            Arc::new(table.unwrap_or(Table { unknown: None, families: Vec::new(), classes: Vec::new() }))
        });
        Self(Arc::clone(&BUILT_IN))
    }
}

impl Priors {
    /// The built-in table, preceded by rows from a text: `{"classes": [{"matches": ["MyUpscaler"], "seconds": 40}]}`.
    ///
    /// # Errors
    /// When the text is not JSON, or a row has an unknown field or a number out of range ([`ErrorKind::BadPriors`]).
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut table: Table =
            serde_json::from_str(text).map_err(|error| Error::caused(ErrorKind::BadPriors, error))?;
        let built_in = Self::default().0;
        table.families.extend_from_slice(&built_in.families);
        table.classes.extend_from_slice(&built_in.classes);
        table.unknown = table.unknown.or_else(|| built_in.unknown.clone());
        Ok(Self(Arc::new(table)))
    }

    /// The first class that matches a plain name.
    pub(super) fn class(&self, name: &str) -> Option<&Class> {
        self.0.classes.iter().find(|class| class.matches.iter().any(|pattern| pattern.matches(name)))
    }

    /// The first family that matches a plain name.
    pub(super) fn family(&self, name: &str) -> Option<&Family> {
        self.0.families.iter().find(|family| family.matches.iter().any(|pattern| pattern.matches(name)))
    }

    /// The family for models of no known family.
    pub(super) fn unknown(&self) -> Option<&Family> {
        self.0.unknown.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_is_read() {
        let priors = Priors::default();
        assert!(priors.class("ksampler").is_some_and(|class| class.kind == NodeKind::Sampler));
        assert!(priors.family("flux1dev").is_some() && priors.unknown().is_some());
    }

    #[test]
    fn own_rows_come_first_and_nonsense_is_refused() {
        let priors = Priors::parse(r#"{"classes": [{"matches": ["KSampler"], "seconds": 40}]}"#);
        let class = priors.as_ref().ok().and_then(|priors| priors.class("ksampleradvanced"));
        assert!(class.is_some_and(|class| class.kind == NodeKind::Other && class.seconds > 39.0));
        for text in [
            "",
            "[]",
            r#"{"classes": [{"matches": ["x"], "seconds": -1}]}"#,
            r#"{"classes": [{"matches": ["x"], "seconds": 1e999}]}"#,
            r#"{"classes": [{"matches": ["x"], "seconds": "1"}]}"#,
            r#"{"classes": [{"matches": ["x"], "secnods": 1}]}"#,
            r#"{"families": [{"matches": ["x"], "step": 1, "gigabytes": 1, "text": 1, "decode": 1, "frames_per_latent": 0}]}"#,
        ] {
            assert_eq!(Priors::parse(text).expect_err("refused").kind(), ErrorKind::BadPriors, "{text}");
        }
    }
}
