//! The size of a workflow as far as its inputs show it: pixels, frames, steps, models.

use std::cell::OnceCell;

use serde_json::{Map, Value};

use super::{
    names::plain,
    table::{Class, Family, Priors},
};
use crate::{Graph, graph::link};

/// Maximum number of upstream nodes to search for a size or a model, nearest first.
const MOST_ABOVE: usize = 100;

/// The workflow's nodes, each with its own facts.
pub(super) struct Facts<'a> {
    pub(super) nodes: Vec<Fact<'a>>,
}

/// The facts in a node's class and inputs.
pub(super) struct Fact<'a> {
    pub(super) class: Option<&'a Class>,
    /// The family of the model that its inputs name.
    family: Option<&'a Family>,
    inputs: &'a Map<String, Value>,
    parents: Vec<usize>,
    above: OnceCell<Vec<usize>>,
}

const MODEL_FILES: [&str; 8] = [".safetensors", ".ckpt", ".pt", ".pth", ".gguf", ".bin", ".onnx", ".sft"];
/// Parts of the names of classes that load something other than the sampled model.
const NO_MODEL: [&str; 8] = ["clip", "vae", "lora", "control", "upscale", "vision", "style", "encoder"];
const STEPS: [&str; 7] =
    ["steps", "n_steps", "num_steps", "num_inference_steps", "iterations", "max_iter", "sampling_steps"];
const FRAMES: [&str; 7] =
    ["length", "num_frames", "frames", "video_length", "frame_load_cap", "frame_count", "video_frames"];
const WIDTH: [&str; 3] = ["width", "target_width", "custom_width"];
const HEIGHT: [&str; 3] = ["height", "target_height", "custom_height"];

impl<'a> Facts<'a> {
    pub(super) fn new(graph: &'a Graph, priors: &'a Priors) -> Self {
        let nodes = graph.nodes().iter().map(|node| {
            let name = plain(node.class_type.raw());
            Fact {
                class: priors.class(&name),
                family: family(priors, &name, &node.inputs),
                inputs: &node.inputs,
                parents: node.links().filter_map(|id| graph.position(id.as_str())).collect(),
                above: OnceCell::new(),
            }
        });
        Self { nodes: nodes.collect() }
    }

    /// A node and its upstream nodes, nearest first.
    fn above(&self, at: usize) -> &[usize] {
        self.nodes
            .get(at)
            .map(|fact| fact.above.get_or_init(|| self.find_above(at)))
            .map_or(&[], Vec::as_slice)
    }

    fn find_above(&self, at: usize) -> Vec<usize> {
        let mut found = vec![at];
        let mut next = 0;
        while let Some(at) = found.get(next).filter(|_| found.len() < MOST_ABOVE) {
            let parents = self.nodes.get(*at).map(|fact| fact.parents.as_slice()).unwrap_or_default();
            for parent in parents {
                if !found.contains(parent) {
                    found.push(*parent);
                }
            }
            next += 1;
        }
        found
    }

    /// The nearest positive number in an input with one of these names.
    fn nearest(&self, at: usize, names: &[&str]) -> Option<f64> {
        self.above(at).iter().find_map(|at| self.number(*at, names))
    }

    /// The positive number in one of these inputs of a node, if there is one.
    pub(super) fn number(&self, at: usize, names: &[&str]) -> Option<f64> {
        let inputs = self.nodes.get(at)?.inputs;
        names.iter().find_map(|name| inputs.get(*name)?.as_f64().filter(|value| *value > 0.0))
    }

    /// The node that one of these inputs comes from.
    pub(super) fn source(&self, graph: &Graph, at: usize, names: &[&str]) -> Option<usize> {
        let inputs = self.nodes.get(at)?.inputs;
        names.iter().find_map(|name| graph.position(link(inputs.get(*name)?)?.as_str()))
    }

    /// Width and height of the image, in pixels; a megapixel if unknown.
    pub(super) fn sides(&self, at: usize) -> (f64, f64) {
        let sides = self.nearest(at, &WIDTH).zip(self.nearest(at, &HEIGHT));
        let (width, height) = sides.unwrap_or((1000.0, 1000.0));
        (width.min(65_536.0), height.min(65_536.0))
    }

    pub(super) fn megapixels(&self, at: usize) -> f64 {
        let (width, height) = self.sides(at);
        (width * height / 1e6).clamp(0.02, 16.0)
    }

    /// Frames of a video, and images of a batch; 1 if unknown.
    pub(super) fn frames(&self, at: usize) -> (f64, f64) {
        let frames = self.nearest(at, &FRAMES).unwrap_or(1.0);
        let batch = self.nearest(at, &["batch_size"]).unwrap_or(1.0);
        (frames.clamp(1.0, 2000.0), batch.clamp(1.0, 512.0))
    }

    /// The number of steps, from the node's inputs or from its sigmas.
    pub(super) fn steps(&self, graph: &Graph, at: usize) -> Option<f64> {
        let steps = self.number(at, &STEPS).or_else(|| {
            let sigmas = self.source(graph, at, &["sigmas", "scheduler"])?;
            self.nearest(sigmas, &STEPS).or_else(|| self.listed(sigmas))
        })?;
        let first = self.number(at, &["start_at_step"]).unwrap_or(0.0);
        let last = self.number(at, &["end_at_step"]).unwrap_or(steps).min(steps);
        Some((last - first).clamp(1.0, 10_000.0))
    }

    /// The number of steps if the sigmas are a list, which has one entry more than there are steps.
    fn listed(&self, at: usize) -> Option<f64> {
        let values = self.nodes.get(at)?.inputs.values().filter_map(Value::as_str);
        values.map(|text| text.matches(',').count()).find(|commas| *commas > 0).map(|commas| commas as f64)
    }

    /// The family of the model that a node works with. After the node itself, the source of its `model` input is the
    /// best evidence.
    pub(super) fn family(&self, graph: &Graph, at: usize) -> Option<&'a Family> {
        let model = self.source(graph, at, &["model"]).map_or(&[][..], |model| self.above(model));
        let own = self.nodes.get(at).and_then(|fact| fact.family);
        let mut near = model.iter().chain(self.above(at));
        own.or_else(|| near.find_map(|at| self.nodes.get(*at)?.family))
    }

    /// Whether a text input of a node contains one of these words.
    pub(super) fn names(&self, at: usize, words: &[&str]) -> bool {
        let inputs = self.nodes.get(at).map(|fact| fact.inputs.values()).into_iter().flatten();
        inputs.filter_map(Value::as_str).map(plain).any(|text| words.iter().any(|word| text.contains(word)))
    }
}

impl Fact<'_> {
    pub(super) fn has(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.inputs.contains_key(*name))
    }
}

/// The family of the model that the inputs name, unless the class loads something else.
fn family<'a>(priors: &'a Priors, class: &str, inputs: &Map<String, Value>) -> Option<&'a Family> {
    if NO_MODEL.iter().any(|word| class.contains(word)) {
        return None;
    }
    let is_model = |(name, value): (&String, &Value)| {
        let text = value.as_str()?.to_lowercase();
        let by_name = ["model", "ckpt", "unet"].iter().any(|word| name.contains(word));
        (by_name || MODEL_FILES.iter().any(|end| text.ends_with(end))).then(|| plain(&text))
    };
    inputs.iter().filter_map(is_model).find_map(|file| priors.family(&file))
}
