//! Native loops of ComfyUI 0.37 and later: the start node runs a copy of the loop's body for each round.

mod common;

use std::{sync::Arc, time::Duration};

use common::{Body, Frame, feed};
use proptest::prelude::*;
use runninghub_core::{Confirm, Connection, Graph, Machine, NodeState, Phase, Plan, Progress};
use serde_json::{Map, Value, json};

/// A loop between a node before it and two after it.
#[derive(Clone, Debug)]
struct Loop {
    rounds: u32,
    /// The steps of each node of the body; 0 for a node without a progress bar.
    body: Vec<u32>,
    /// The round and the node of the body that raises.
    fails: Option<(u32, usize)>,
}

/// The effect of a frame, for the checks.
#[derive(Clone, Debug, PartialEq)]
enum Moment {
    Other,
    /// A copy of this node has reported a step, of how many.
    Step {
        node: String,
        value: u32,
        max: u32,
    },
    /// This many rounds are over.
    Round(u32),
}

struct Writer {
    at: Duration,
    nodes: Map<String, Value>,
    frames: Vec<(Frame, Moment)>,
}

fn looping() -> impl Strategy<Value = Loop> {
    let body = prop::collection::vec(0_u32..5, 1..4);
    (1_u32..7, body, any::<Option<(u32, usize)>>()).prop_map(|(rounds, body, fails)| {
        let fails = fails.map(|(round, node)| (round % rounds, node % body.len()));
        Loop { rounds, body, fails }
    })
}

fn body_id(at: usize) -> String {
    (10 + at).to_string()
}

impl Loop {
    fn graph(&self) -> Graph {
        let mut nodes = Map::new();
        let mut add = |id: &str, class: &str, title: &str, from: &str| {
            nodes.insert(
                id.to_owned(),
                json!({"class_type": class, "inputs": {"image": [from, 0]}, "_meta": {"title": title}}),
            );
        };
        add("1", "EmptyImage", "Empty", "0");
        add("2", "StartLoop", "Start", "1");
        let mut last = "2".to_owned();
        for at in 0..self.body.len() {
            add(&body_id(at), "KSampler", &format!("Body {at}"), &last);
            last = body_id(at);
        }
        add("90", "EndLoop", "End", &last);
        add("91", "SaveImage", "Save", "90");
        Graph::parse(&Value::Object(nodes).to_string()).expect("a workflow")
    }

    fn machine(&self) -> Machine {
        Machine::new(Some(Arc::new(Plan::new(&self.graph(), &["91".into()]))), Confirm::Frames)
    }

    fn frames(&self) -> Vec<(Frame, Moment)> {
        let mut to = Writer { at: Duration::ZERO, nodes: Map::new(), frames: Vec::new() };
        to.send("execution_start", json!({}), Moment::Other);
        to.plain("1");
        to.begin("2", "2", "2");
        to.text(0, self.rounds);
        to.state("2", ["2", "2"], (1, 1), "finished", Moment::Other);
        for round in 0..self.rounds {
            to.hidden(&format!("iteration_{round}"));
            for (at, steps) in self.body.iter().enumerate() {
                let (node, id) = (body_id(at), format!("2.0.0.{round}_{}", body_id(at)));
                to.begin(&id, &node, "2");
                for value in 1..=*steps {
                    to.at += Duration::from_millis(200);
                    let step = Moment::Step { node: node.clone(), value, max: *steps };
                    to.state(&id, [&node, "2"], (value, *steps), "running", step.clone());
                    to.send("progress", json!({"value": value, "max": steps, "node": id}), step);
                }
                to.at += Duration::from_millis(50);
                if self.fails == Some((round, at)) {
                    to.send(
                        "execution_error",
                        json!({"node_id": "2", "node_type": "StartLoop", "executed": [], "exception_type": "ValueError",
                            "exception_message": "no cheese\n", "traceback": []}),
                        Moment::Other,
                    );
                    return to.frames;
                }
                to.state(&id, [&node, "2"], (1, 1), "finished", Moment::Other);
            }
            to.hidden(&format!("progress_{round}"));
            to.text(round + 1, self.rounds);
        }
        to.plain("90");
        to.plain("91");
        to.send("execution_success", json!({}), Moment::Other);
        to.frames
    }
}

impl Writer {
    fn send(&mut self, kind: &str, mut data: Value, moment: Moment) {
        data["prompt_id"] = "ours".into();
        let text = json!({"type": kind, "data": data}).to_string();
        self.frames.push((Frame { at: self.at, body: Body::Text(text) }, moment));
    }

    fn state(&mut self, id: &str, names: [&str; 2], count: (u32, u32), state: &str, moment: Moment) {
        let [display, real] = names;
        let entry = json!({"value": count.0, "max": count.1, "state": state, "node_id": id, "prompt_id": "ours",
            "display_node_id": display, "real_node_id": real, "parent_node_id": null});
        self.nodes.insert(id.to_owned(), entry);
        let nodes = self.nodes.clone();
        self.send("progress_state", json!({ "nodes": nodes }), moment);
    }

    fn begin(&mut self, id: &str, display: &str, real: &str) {
        self.state(id, [display, real], (0, 1), "running", Moment::Other);
        self.send("executing", json!({"node": id, "display_node": display}), Moment::Other);
    }

    fn plain(&mut self, id: &str) {
        self.begin(id, id, id);
        self.at += Duration::from_millis(20);
        self.state(id, [id, id], (1, 1), "finished", Moment::Other);
    }

    fn hidden(&mut self, name: &str) {
        let id = format!("2.0.0.{name}");
        self.begin(&id, "2", "2");
        self.state(&id, ["2", "2"], (1, 1), "finished", Moment::Other);
    }

    fn text(&mut self, done: u32, rounds: u32) {
        let mut bytes = vec![0, 0, 0, 3, 0, 0, 0, 1, b'2'];
        bytes.extend(format!("Iteration {done} / {rounds}").bytes());
        self.frames.push((Frame { at: self.at, body: Body::Binary(bytes) }, Moment::Round(done)));
    }
}

fn state_of(progress: &Progress, id: &str) -> NodeState {
    progress.nodes.iter().find(|node| node.id.as_str() == id).expect("a node").state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_figure_rises_through_a_loop_and_shows_the_bar_inside(one in looping()) {
        let mut machine = one.machine();
        let (mut last, mut at_round) = (0.0, 0.0);
        let frames = one.frames();
        for (frame, moment) in &frames {
            feed(&mut machine, frame);
            machine.tick(frame.at);
            let progress = machine.progress(Connection::default());
            let overall = progress.overall.expect("a plan");
            prop_assert!(overall >= last && overall <= 1.0, "{overall} after {last}");
            prop_assert_eq!(progress.total, Some(4 + one.body.len()));
            last = overall;
            match moment {
                Moment::Step { node, value, max } => {
                    let shown = progress.current.iter().find(|shown| shown.id.as_str() == node);
                    let shown = shown.expect("the node of the body is shown, not the loop's start");
                    prop_assert_eq!((shown.value, shown.max), (Some(f64::from(*value)), Some(f64::from(*max))));
                    prop_assert!(progress.current.iter().all(|shown| shown.id.as_str() != "2"));
                }
                // Each round moves the figure, and settles no node of the body before the end node runs.
                Moment::Round(done) => {
                    prop_assert!(*done == 0 || overall > at_round, "{overall} after round {done}, {at_round} before");
                    at_round = overall;
                    prop_assert_eq!(state_of(&progress, "90"), NodeState::Waiting);
                    prop_assert!(progress.done <= 2, "only the node before the loop, and its start");
                }
                Moment::Other => {}
            }
        }
        let progress = machine.progress(Connection::default());
        match one.fails {
            None => {
                prop_assert_eq!((progress.phase, progress.overall), (Phase::Success, Some(1.0)));
                prop_assert_eq!(Some(progress.done), progress.total);
            }
            Some((_, at)) => {
                let failure = machine.outcome().failure.expect("a reason");
                let (title, message) = (failure.node.expect("a title"), failure.message.expect("a message"));
                prop_assert_eq!(failure.node_id, Some((&*body_id(at)).into()));
                prop_assert_eq!(title.raw(), format!("Body {at}"));
                prop_assert_eq!(message.raw(), "no cheese");
                prop_assert_eq!(state_of(&progress, &body_id(at)), NodeState::Failed);
                prop_assert_ne!(state_of(&progress, "2"), NodeState::Failed);
            }
        }
    }

    /// The platform and the history name the loop's start; what the socket has shown is more precise.
    #[test]
    fn a_failure_stays_at_the_node_of_the_body(mut one in looping()) {
        one.fails = one.fails.or(Some((0, 0)));
        let plan = Arc::new(Plan::new(&one.graph(), &["91".into()]));
        let mut machine = Machine::new(Some(plan), Confirm::Http);
        for (frame, _) in one.frames() {
            feed(&mut machine, &frame);
        }
        let failure = runninghub_core::Failure {
            node_id: Some("2".into()),
            node: Some("Start".into()),
            ..runninghub_core::Failure::default()
        };
        machine.finish(Duration::from_secs(1_000), Phase::Failed, Some(failure));
        let at = one.fails.map(|(_, at)| body_id(at)).expect("it fails");
        prop_assert_eq!(machine.outcome().failure.expect("a reason").node_id, Some((&*at).into()));
    }
}

/// Without a workflow nodes are known by their ids only, and a copy is its node.
#[test]
fn without_a_workflow_a_copy_is_its_node() {
    let one = Loop { rounds: 2, body: vec![3], fails: None };
    let mut machine = Machine::new(None, Confirm::Frames);
    for (frame, moment) in one.frames() {
        feed(&mut machine, &frame);
        if let Moment::Step { value, .. } = moment {
            let shown = machine.progress(Connection::default()).current;
            let shown: Vec<_> = shown.iter().map(|shown| (shown.id.as_str(), shown.value)).collect();
            assert_eq!(shown, [("10", Some(f64::from(value)))]);
        }
    }
}
