//! Compares names the way users type them.

/// Names with a lower similarity are not suggested.
const LIKENESS: f64 = 0.75;

/// Letters and digits in lower case. The documentation's navigation has a dash where the endpoint has a slash, and vice
/// versa.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The most similar name, if one is similar enough.
pub(crate) fn closest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = plain(wanted);
    names
        .map(|name| (strsim::jaro_winkler(&wanted, &plain(name)), name))
        .filter(|(likeness, _)| *likeness > LIKENESS)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
