//! Expected seconds of every node of a workflow.

use serde::Deserialize;

use super::{
    facts::Facts,
    table::{Class, Family, Priors},
};
use crate::Graph;

/// How a node's duration is computed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NodeKind {
    /// Silent seconds first, then counted steps.
    Sampler,
    /// A sampler that runs once for each tile of the image.
    Tiles,
    /// Seconds per megapixel and frame.
    Decode,
    /// Seconds of the text encoder, including loading it.
    Text,
    /// A fixed number of seconds, and more for each additional frame.
    #[default]
    Other,
}

/// The expected duration of a node on the table's reference machine.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Expected {
    /// How the duration is computed.
    pub kind: NodeKind,
    /// Silent seconds before the first step; without steps, of the whole node.
    pub silent: f64,
    /// Steps per pass; 0 if nothing is counted.
    pub steps: f64,
    /// Seconds per step.
    pub step: f64,
    /// The number of passes over the steps.
    pub passes: f64,
    /// The standard deviation of the logarithm of the silent seconds.
    pub sigma: f64,
    /// Whether the table knows the class.
    pub known: bool,
    /// Whether it loads a model that the server keeps afterwards.
    pub(crate) loads: bool,
}

/// The assumed number of steps of a sampler whose inputs don't specify one.
const STEPS: f64 = 20.0;
/// Minimum seconds per step, however small the image is.
const FASTEST_STEP: f64 = 0.21;
/// Minimum megapixels of a step or tile.
const LEAST_PIXELS: f64 = 0.05;
/// Silent seconds and sigma of a class that isn't in the table.
const UNKNOWN: (f64, f64) = (0.3, 1.3);
/// Such a class with an input for steps: silent seconds, and the seconds of a single step. The more steps, the faster
/// each is.
const STEPS_ALONE: (f64, f64) = (0.1, 0.4);
/// A class that takes less than this according to the table still counts as a sampler if it has a sampler's inputs.
const CHEAP: f64 = 0.2;
const MOST_TILES: f64 = 400.0;
/// Seconds of a text encode, by parts of the encoder's name: large encoders take long to load, CLIP alone doesn't.
const LARGE_ENCODERS: [&str; 5] = ["t5", "qwen", "llama", "gemma", "mistral"];
const LARGE_ENCODER: f64 = 4.8;
const CLIP: [&str; 3] = ["clipl", "clipg", "vit"];
const CLIP_ENCODER: f64 = 0.6;
/// Maximum seconds of each part: a day, so that sums stay finite for any inputs.
const LONGEST: f64 = 86_400.0;

impl Expected {
    /// The expectation for a class that isn't in the table.
    pub(crate) fn unknown() -> Self {
        Self {
            kind: NodeKind::Other,
            silent: UNKNOWN.0,
            steps: 0.0,
            step: 0.0,
            passes: 1.0,
            sigma: UNKNOWN.1,
            known: false,
            loads: false,
        }
    }

    /// The total, in seconds: above zero and finite.
    pub fn seconds(&self) -> f64 {
        self.silent + self.counted()
    }

    /// The counted part, in seconds.
    pub(crate) fn counted(&self) -> f64 {
        (self.steps * self.step * self.passes).min(LONGEST)
    }

    /// Whether it takes less time on a faster machine.
    pub(crate) fn scales(&self) -> bool {
        self.kind != NodeKind::Other
    }

    /// Whether its counter shows how fast the machine is.
    pub(crate) fn is_stepped(&self) -> bool {
        matches!(self.kind, NodeKind::Sampler | NodeKind::Tiles)
    }

    /// Scaled by a factor.
    pub(crate) fn times(self, factor: f64) -> Self {
        Self { silent: self.silent * factor, step: self.step * factor, ..self }
    }
}

/// The expected durations of a workflow's nodes, in its order.
pub(crate) fn expect(graph: &Graph, priors: &Priors) -> Vec<Expected> {
    let facts = Facts::new(graph, priors);
    let unknown = Expected::unknown();
    let mut all = vec![unknown; facts.nodes.len()];
    for (at, one) in all.iter_mut().enumerate() {
        let steps = facts.steps(graph, at);
        let class = facts.nodes.get(at).and_then(|fact| fact.class);
        let is_cheap = class.is_none_or(|class| class.kind == NodeKind::Other && class.seconds < CHEAP);
        let works = if is_cheap && steps.is_some() && samples(&facts, graph, at) {
            priors.class("ksampler")
        } else {
            class
        };
        if let (None, Some(steps)) = (works, steps) {
            *one =
                Expected { silent: STEPS_ALONE.0, steps, step: STEPS_ALONE.1 * steps.powf(-0.4), ..unknown };
        }
        if let Some(class) = works {
            *one = Node {
                graph,
                facts: &facts,
                at,
                class,
                family: facts.family(graph, at).or(priors.unknown()),
            }
            .expected(steps);
        }
    }
    all
}

/// Whether the node has a sampler's inputs, whatever its class is called.
fn samples(facts: &Facts<'_>, graph: &Graph, at: usize) -> bool {
    let links = ["model", "samples", "latent_image", "latent", "pipeline", "pipe", "noise", "text_embeds"];
    let inputs = ["latent_image", "samples", "sampler_name", "seed", "noise_seed", "cfg"];
    facts.source(graph, at, &links).is_some() && facts.nodes.get(at).is_some_and(|fact| fact.has(&inputs))
}

/// A node with everything that its duration depends on.
struct Node<'a> {
    graph: &'a Graph,
    facts: &'a Facts<'a>,
    at: usize,
    class: &'a Class,
    family: Option<&'a Family>,
}

impl Node<'_> {
    fn expected(&self, steps: Option<f64>) -> Expected {
        let class = self.class;
        let (frames, batch) = self.facts.frames(self.at);
        let gigabytes = self.family.map_or(0.0, |family| family.gigabytes);
        let base = class.seconds + class.per_gigabyte * gigabytes;
        let (mut passes, mut step) = (class.passes, 0.0);
        let silent = match class.kind {
            NodeKind::Sampler => {
                let guide = self.facts.number(self.at, &["guide_size"]).map(|side| side.min(4096.0));
                let pixels = guide.map_or_else(|| self.facts.megapixels(self.at), |side| side * side / 1e6);
                let latent = self
                    .family
                    .map_or(1.0, |family| ((frames - 1.0) / family.frames_per_latent).floor() + 1.0);
                step = self.step(pixels * latent * batch);
                base
            }
            NodeKind::Tiles => {
                let (across, down, pixels) = self.tiles();
                passes = (across * down).clamp(1.0, MOST_TILES);
                step = self.step(pixels);
                base
            }
            NodeKind::Decode => {
                let rate = self.family.map_or(0.0, |family| family.decode);
                base + rate * self.facts.megapixels(self.at) * frames.max(batch)
            }
            NodeKind::Text => base + self.text(),
            NodeKind::Other => base + class.per_frame * (frames.max(batch) - 1.0),
        };
        Expected {
            kind: class.kind,
            silent: silent.clamp(0.001, LONGEST),
            steps: if step > 0.0 { steps.unwrap_or(STEPS) } else { 0.0 },
            step,
            passes,
            sigma: class.sigma,
            known: true,
            loads: class.kind == NodeKind::Other && class.per_gigabyte > 0.0,
        }
    }

    fn step(&self, pixels: f64) -> f64 {
        let size =
            if self.family.is_some_and(|family| family.per_pixel) { pixels.max(LEAST_PIXELS) } else { 1.0 };
        (self.family.map_or(1.0, |family| family.step) * size).clamp(FASTEST_STEP, LONGEST)
    }

    /// The number of tiles across and down, and the megapixels of each.
    fn tiles(&self) -> (f64, f64, f64) {
        let own = |names: &[&str], otherwise: f64| self.facts.number(self.at, names).unwrap_or(otherwise);
        let (width, height) = self.facts.sides(self.at);
        let by = own(&["upscale_by", "scale_by"], 2.0).min(16.0);
        let across = own(&["tile_width", "tile_size"], 512.0).clamp(64.0, 8192.0);
        let down = own(&["tile_height", "tile_size"], 512.0).clamp(64.0, 8192.0);
        ((width * by / across).ceil(), (height * by / down).ceil(), across * down / 1e6)
    }

    fn text(&self) -> f64 {
        let source =
            self.facts.source(self.graph, self.at, &["clip", "t5", "text_encoders"]).unwrap_or(self.at);
        let usual = self.family.map_or(1.0, |family| family.text);
        if self.facts.names(source, &LARGE_ENCODERS) {
            usual.max(LARGE_ENCODER)
        } else if self.facts.names(source, &CLIP) {
            CLIP_ENCODER
        } else {
            usual
        }
    }
}
