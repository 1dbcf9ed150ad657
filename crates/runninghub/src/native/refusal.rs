//! Suggestions from the server's lists when it refuses a prompt.

use runninghub_core::{NodeError, Sentence, say};

use super::classes::Classes;
use crate::workflow::{place_of, quoted};

/// Number of names suggested.
const MOST: usize = 3;
/// Names less similar than this are not suggested.
const ALIKE: f64 = 0.6;

/// Adds close matches to errors about values that the server does not have: models, files, samplers. Returns them as a
/// hint.
pub(super) fn advise(classes: &Classes, errors: &mut [NodeError]) -> Option<Sentence> {
    let hints: Vec<_> = errors.iter_mut().filter_map(|error| advise_one(classes, error)).collect();
    (!hints.is_empty()).then(|| Sentence::list(hints))
}

fn advise_one(classes: &Classes, error: &mut NodeError) -> Option<Sentence> {
    let class = classes.get(error.node.as_ref()?.raw())?;
    if let Some(input) = missing_file(error) {
        return Some(say!(
            "upload the file for `{place}`, named by its full path",
            place = place_of(&error.node_id, input)
        ));
    }
    let (input, received) = (error.input.as_ref()?.raw(), error.received.as_ref()?.raw());
    let choices = class.choices(input);
    if choices.is_empty() {
        return None;
    }
    let place = place_of(&error.node_id, input);
    let close = close(received, &choices);
    let hint = if close.is_empty() {
        say!("`{place}` accepts {count} other values", place, count = choices.len())
    } else {
        say!("`{place}` accepts {names}", place, names = quoted(close.iter()))
    };
    error.suggestions = close.into_iter().map(str::to_owned).collect();
    Some(hint)
}

/// The input whose file is not on the server: `image - Invalid image file: a.png`.
fn missing_file(error: &NodeError) -> Option<&str> {
    let (input, problem) = error.details.as_ref()?.raw().split_once(" - ")?;
    (problem.starts_with("Invalid ") && problem.contains(" file: ")).then_some(input)
}

/// The most similar names, best first. Folders and extensions count little.
fn close<'c>(wanted: &str, choices: &[&'c str]) -> Vec<&'c str> {
    let stem = |name: &str| {
        let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_lowercase()
    };
    let wanted = stem(wanted);
    let mut scored: Vec<_> = choices
        .iter()
        .map(|name| (strsim::jaro_winkler(&wanted, &stem(name)), *name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(MOST).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_names_come_first() {
        let choices = ["v1-5-pruned.ckpt", "sd_xl_base_1.0.safetensors", "xl\\sd_xl_refiner_1.0.safetensors"];
        assert_eq!(
            close("sdxl_base_1.0.safetensors", &choices),
            ["sd_xl_base_1.0.safetensors", "xl\\sd_xl_refiner_1.0.safetensors"]
        );
        assert_eq!(close("zzz", &choices), [""; 0]);
    }
}
