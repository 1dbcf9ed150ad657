//! Expected seconds of every node of a workflow.

use serde::Deserialize;

use super::{
    facts::Facts,
    table::{Class, Family, Priors},
};
use crate::Graph;

/// How a node's seconds come about.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NodeKind {
    /// Silence first, then steps that a counter shows.
    Sampler,
    /// A sampler that runs once for each tile of the image.
    Tiles,
    /// Seconds for each megapixel and frame.
    Decode,
    /// Seconds of the encoder, which is loaded first.
    Text,
    /// A number of seconds, and more for each further frame.
    #[default]
    Other,
}

/// What a node is expected to take on the machine that the table was made on.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Expected {
    /// How its seconds come about.
    pub kind: NodeKind,
    /// Silent seconds before the first step, or of the whole node.
    pub silent: f64,
    /// How many steps a pass has; 0 where nothing is counted.
    pub steps: f64,
    /// Seconds of a step.
    pub step: f64,
    /// How many times the steps are counted.
    pub passes: f64,
    /// The standard deviation of the logarithm of the silent seconds.
    pub sigma: f64,
    /// Whether the table knows the class.
    pub known: bool,
    /// Whether it loads a model that the server keeps afterwards.
    pub(crate) loads: bool,
}

/// A sampler whose steps nothing tells.
const STEPS: f64 = 20.0;
/// No step is faster, however small the image is.
const FASTEST_STEP: f64 = 0.21;
/// The least megapixels that a step or a tile counts as.
const LEAST_PIXELS: f64 = 0.05;
/// A class that the table does not know.
const UNKNOWN: (f64, f64) = (0.3, 1.3);
/// One that names a number of steps counts them: silent seconds, and those of a single step. Many are quicker each.
const STEPS_ALONE: (f64, f64) = (0.1, 0.4);
/// A class of the table that takes less is a sampler all the same where its inputs are those of one.
const CHEAP: f64 = 0.2;
const MOST_TILES: f64 = 400.0;
/// Large text encoders take so long to load; CLIP alone so short.
const LARGE_ENCODERS: [&str; 5] = ["t5", "qwen", "llama", "gemma", "mistral"];
const LARGE_ENCODER: f64 = 4.8;
const CLIP: [&str; 3] = ["clipl", "clipg", "vit"];
const CLIP_ENCODER: f64 = 0.6;
/// Not longer than a day each, so that sums stay finite whatever the inputs are.
const LONGEST: f64 = 86_400.0;

impl Expected {
    /// Of a class that the table does not know.
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

    /// All of it, in seconds: above zero and finite.
    pub fn seconds(&self) -> f64 {
        self.silent + self.counted()
    }

    /// The part that a counter shows.
    pub(crate) fn counted(&self) -> f64 {
        (self.steps * self.step * self.passes).min(LONGEST)
    }

    /// Whether a faster machine makes it shorter.
    pub(crate) fn scales(&self) -> bool {
        self.kind != NodeKind::Other
    }

    /// Whether its counter tells how fast the machine is.
    pub(crate) fn is_stepped(&self) -> bool {
        matches!(self.kind, NodeKind::Sampler | NodeKind::Tiles)
    }

    /// The same, so many times as long.
    pub(crate) fn times(self, factor: f64) -> Self {
        Self { silent: self.silent * factor, step: self.step * factor, ..self }
    }
}

/// The expected seconds of the workflow's nodes, in its order.
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

/// Whether the inputs are those of a sampler, whatever its class is called.
fn samples(facts: &Facts<'_>, graph: &Graph, at: usize) -> bool {
    let links = ["model", "samples", "latent_image", "latent", "pipeline", "pipe", "noise", "text_embeds"];
    let inputs = ["latent_image", "samples", "sampler_name", "seed", "noise_seed", "cfg"];
    facts.source(graph, at, &links).is_some() && facts.nodes.get(at).is_some_and(|fact| fact.has(&inputs))
}

/// A node with all that its seconds depend on.
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

    /// How many tiles there are each way, and the megapixels of one.
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
