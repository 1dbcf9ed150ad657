//! Suggestions from the server's lists when it refuses a prompt.

use runninghub_comfyui::{NodeErrors, Rejected};
use runninghub_core::{Sentence, say};

use super::classes::Classes;
use crate::workflow::{place_of, quoted};

/// Number of names suggested.
const MOST: usize = 3;
/// Names less similar than this are not suggested.
const ALIKE: f64 = 0.6;

/// Close matches for values that the server does not have: models, files, samplers.
pub(super) fn hint(classes: &Classes, rejected: &Rejected) -> Option<Sentence> {
    let hints: Vec<_> = rejected.node_errors.iter().flat_map(|node| of_node(classes, node)).collect();
    (!hints.is_empty()).then(|| Sentence::list(hints))
}

fn of_node(classes: &Classes, node: &NodeErrors) -> Vec<Sentence> {
    let Some(class) = classes.get(node.class_type.raw()) else { return Vec::new() };
    let one = |error: &runninghub_comfyui::NodeError| {
        if let Some(input) = missing_file(error) {
            return Some(say!(
                "upload the file for `{place}`, named by its full path",
                place = place_of(&node.node, input)
            ));
        }
        let (input, received) = (error.input.as_deref()?, error.received.as_deref()?);
        let choices = class.choices(input);
        if choices.is_empty() {
            return None;
        }
        let place = place_of(&node.node, input);
        let close = close(received, &choices);
        Some(if close.is_empty() {
            say!("`{place}` accepts {count} other values", place, count = choices.len())
        } else {
            say!("`{place}` accepts {names}", place, names = quoted(close.iter()))
        })
    };
    node.errors.iter().filter_map(one).collect()
}

/// The input whose file is not on the server: `image - Invalid image file: a.png`.
fn missing_file(error: &runninghub_comfyui::NodeError) -> Option<&str> {
    let (input, problem) = error.details.raw().split_once(" - ")?;
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
