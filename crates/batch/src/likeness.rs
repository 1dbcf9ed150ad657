//! Suggestions for misspelled names.

use runninghub_core::{Sentence, say};

/// Names with a lower similarity are not suggested.
const LIKENESS: f64 = 0.75;

/// The most similar name as a hint, if one is similar enough.
pub(crate) fn did_you_mean<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<Sentence> {
    let wrong = wrong.to_lowercase();
    let likeness = |name: &str| strsim::jaro_winkler(&wrong, &name.to_lowercase());
    let best = names.into_iter().map(|name| (likeness(name), name)).max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness > LIKENESS).map(|(_, close)| say!("did you mean `{close}`?", close))
}
