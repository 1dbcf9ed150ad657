//! Timelines of real runs: when each node started, counted and ended. Played as frames, with ticks in between.
#![allow(dead_code, unreachable_pub, reason = "each user takes a part of it")]

use std::{fs, path::Path, sync::Arc, time::Duration};

use runninghub_core::{Confirm, Connection, Graph, Learned, Machine, Phase, Plan};
use serde_json::{Value, json};

/// A run's node times, as published; see `fixtures/README.md`.
#[derive(Debug)]
pub struct Timeline {
    pub name: String,
    pub kind: String,
    /// The run's duration in seconds.
    pub total: f64,
    pub graph: Graph,
    frames: Vec<(f64, String)>,
    /// The number of nodes that count steps.
    pub counters: usize,
    cached: usize,
}

/// The figures shown while a timeline was played.
#[derive(Debug, Default)]
pub struct Trace {
    /// Times in seconds, and the overall figure from each on.
    pub points: Vec<(f64, f64)>,
    /// The range of the remaining time at half time, in seconds.
    pub half: Option<(f64, f64)>,
    /// Durations learned from this run.
    pub learned: Vec<Learned>,
}

impl Timeline {
    /// All timelines of a folder, by name.
    pub fn all(folder: &Path) -> Vec<Self> {
        let files = fs::read_dir(folder).expect("the timelines").map(|entry| entry.expect("an entry").path());
        let mut files: Vec<_> =
            files.filter(|file| file.extension().is_some_and(|end| end == "json")).collect();
        files.sort();
        files.iter().map(|file| Self::read(file)).collect()
    }

    pub fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).expect("a timeline");
        let value: Value = serde_json::from_str(&text).expect("JSON");
        let name = value["name"].as_str().expect("a name").to_owned();
        let total = value["total"].as_f64().expect("seconds");
        let mut frames = Vec::new();
        let mut frame = |at: f64, kind: &str, mut data: Value| {
            data["prompt_id"] = "p".into();
            frames.push((at, json!({ "type": kind, "data": data }).to_string()));
        };
        frame(0.0, "execution_start", json!({}));
        frame(0.0, "execution_cached", json!({ "nodes": value["cached"] }));
        let mut counters = 0;
        for node in value["nodes"].as_array().expect("nodes") {
            let (id, at) = (&node["id"], |key: &str| node[key].as_f64().expect("seconds"));
            frame(at("start"), "executing", json!({ "node": id }));
            let steps = node["steps"].as_array().expect("steps");
            counters += usize::from(steps.len() > 1);
            for step in steps {
                let data = json!({ "node": id, "value": step[1], "max": step[2] });
                frame(step[0].as_f64().expect("seconds"), "progress", data);
            }
            frame(at("end"), "executed", json!({ "node": id, "output": null }));
        }
        frame(total, "execution_success", json!({}));
        frames.sort_by(|one, other| one.0.total_cmp(&other.0));
        let graph = Graph::parse(&value["workflow"].to_string()).expect("a workflow");
        let kind = value["kind"].as_str().expect("a kind").to_owned();
        let cached = value["cached"].as_array().expect("a list").len();
        Self { name, kind, total, graph, frames, counters, cached }
    }

    /// Whether it is an image made by a single sampler.
    pub fn is_plain_picture(&self) -> bool {
        ["t2i", "i2i", "controlnet"].iter().any(|kind| self.kind.starts_with(kind)) && self.counters == 1
    }

    pub fn plan(&self, learned: &[Learned]) -> Arc<Plan> {
        Arc::new(Plan::new(&self.graph, &[]).with_learned(learned))
    }

    /// The figures of the platform's sample script: all nodes count equally, and a node is done when the next one
    /// starts.
    pub fn script(&self) -> Vec<(f64, f64)> {
        let nodes = self.graph.nodes().len() as f64;
        let mut points = vec![(0.0, self.cached as f64 / nodes)];
        for (done, (at, _)) in
            self.frames.iter().filter(|(_, text)| text.contains("\"executing\"")).enumerate()
        {
            points.push((*at, (self.cached + done) as f64 / nodes));
        }
        points.push((self.total, 1.0));
        points
    }

    /// Plays the timeline, with a tick every `tick` seconds.
    pub fn play(&self, plan: Arc<Plan>, tick: f64) -> Trace {
        let mut machine = Machine::new(Some(plan), Confirm::Frames);
        let mut trace = Trace { points: vec![(0.0, 0.0)], ..Trace::default() };
        let (mut next, mut frames) = (0.0, self.frames.iter().peekable());
        while next < self.total {
            while let Some((at, text)) = frames.next_if(|(at, _)| *at <= next) {
                machine.text(Duration::from_secs_f64(*at), text);
            }
            if machine.phase() == Phase::Success {
                break;
            }
            machine.tick(Duration::from_secs_f64(next));
            let progress = machine.progress(Connection::default());
            trace.points.push((next, progress.overall.expect("a plan")));
            if next < self.total / 2.0 {
                trace.half = progress.eta.map(|eta| (eta.low.as_secs_f64(), eta.high.as_secs_f64()));
            }
            next += tick;
        }
        for (at, text) in frames {
            machine.text(Duration::from_secs_f64(*at), text);
        }
        trace.points.push((self.total, trace.points.last().map_or(0.0, |(_, figure)| *figure)));
        trace.learned = machine.learned();
        trace
    }
}

/// Mean and maximum difference, in points, between a figure and the elapsed share of time. The mean is over time: a
/// figure stays until the next one arrives, however long that takes.
pub fn error(points: &[(f64, f64)]) -> (f64, f64) {
    let whole = points.last().map_or(0.0, |(at, _)| *at);
    let (mut mean, mut worst): (f64, f64) = (0.0, 0.0);
    for pair in points.windows(2) {
        let [(from, figure), (to, _)] = pair else { continue };
        let (before, after) = (figure - from / whole, figure - to / whole);
        let [first, last] = [before, after].map(f64::abs);
        // Where the figure changes from ahead to behind, the area consists of two triangles.
        let crosses = before > 0.0 && after < 0.0;
        let off = if crosses {
            (first * first + last * last) / (2.0 * (first + last))
        } else {
            f64::midpoint(first, last)
        };
        mean += 100.0 * off * (to - from) / whole;
        worst = worst.max(100.0 * first.max(last));
    }
    (mean, worst)
}

/// The longest time in which the figure grows by less than a tenth of a point, in percent of the run.
pub fn standstill(points: &[(f64, f64)]) -> f64 {
    let whole = points.last().map_or(0.0, |(at, _)| *at);
    let (mut since, mut from, mut longest): (f64, f64, f64) = (0.0, 0.0, 0.0);
    for (at, figure) in points {
        longest = longest.max(at - since);
        if *figure >= from + 0.001 {
            (since, from) = (*at, *figure);
        }
    }
    100.0 * longest / whole
}

/// Learned durations as another run might have produced them: each off by up to this relative `amount`.
pub fn perturbed(learned: &[Learned], seed: u64, amount: f64) -> Vec<Learned> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut learned = learned.to_vec();
    for one in &mut learned {
        one.seconds *= 1.0 + amount * (2.0 * random() - 1.0);
    }
    learned
}
