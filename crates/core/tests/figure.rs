//! Properties of the overall figure and of the remaining time that hold for any input.

mod common;
#[path = "common/made_up.rs"]
mod made_up;

use std::{sync::Arc, time::Duration};

use common::{Body, Frame, feed, scenario};
use made_up::{graph, made_up, weights};
use proptest::{prelude::*, test_runner::FileFailurePersistence};
use runninghub_core::{Confirm, Connection, Graph, Learned, Machine, Phase, Plan, Priors};
use serde_json::{Value, json};

fn cases(cases: u32) -> ProptestConfig {
    let regressions = FileFailurePersistence::Direct("tests/figure.proptest-regressions");
    ProptestConfig { cases, failure_persistence: Some(Box::new(regressions)), ..ProptestConfig::default() }
}

fn text(at: Duration, kind: &str, mut data: Value) -> Frame {
    data["prompt_id"] = "ours".into();
    Frame { at, body: Body::Text(json!({ "type": kind, "data": data }).to_string()) }
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn a_second_tick_at_the_same_time_changes_nothing((graph, outputs) in graph(), frames in made_up(), learned in weights()) {
        let plan = Arc::new(Plan::new(&graph, &outputs).with_learned(&learned));
        let mut machines = [1, 3].map(|ticks| (ticks, Machine::new(Some(plan.clone()), Confirm::Http)));
        for frame in &frames {
            let shown = machines.each_mut().map(|(ticks, machine)| {
                feed(machine, frame);
                (0..*ticks).for_each(|_| machine.tick(frame.at));
                machine.progress(Connection::default())
            });
            prop_assert_eq!(&shown[0], &shown[1]);
        }
    }

    /// The figure keeps moving during silence.
    #[test]
    fn the_figure_never_freezes((graph, outputs) in graph(), frames in made_up(), learned in weights()) {
        let plan = Arc::new(Plan::new(&graph, &outputs).with_learned(&learned));
        let mut machine = Machine::new(Some(plan), Confirm::Http);
        for frame in &frames {
            feed(&mut machine, frame);
        }
        let mut now = frames.last().map_or(Duration::ZERO, |frame| frame.at);
        machine.tick(now);
        for _ in 0..50 {
            let before = machine.overall().expect("a plan");
            now += Duration::from_millis(200);
            machine.tick(now);
            let after = machine.overall().expect("a plan");
            let moves = machine.phase() == Phase::Running && before < 0.999;
            prop_assert!(if moves { after > before } else { after >= before }, "{before} to {after}");
        }
    }

    #[test]
    fn the_order_of_nodes_in_the_file_changes_nothing((graph, outputs) in graph(), frames in made_up()) {
        let nodes = |reverse: bool| {
            let mut nodes: Vec<_> = graph
                .nodes()
                .iter()
                .map(|node| (node.id.to_string(), json!({ "class_type": node.class_type.raw(), "inputs": node.inputs })))
                .collect();
            if reverse {
                nodes.reverse();
            }
            let map: serde_json::Map<_, _> = nodes.into_iter().collect();
            Graph::parse(&Value::Object(map).to_string()).expect("a workflow")
        };
        let mut machines = [false, true].map(|reverse| {
            Machine::new(Some(Arc::new(Plan::new(&nodes(reverse), &outputs))), Confirm::Http)
        });
        for frame in &frames {
            let [one, other] = machines.each_mut().map(|machine| {
                feed(machine, frame);
                machine.tick(frame.at);
                machine.overall().expect("a plan")
            });
            prop_assert!((one - other).abs() < 1e-6, "{one} and {other}");
        }
    }

    /// Inputs of any type and size, and a table of any accepted numbers.
    #[test]
    fn expected_seconds_are_finite_whatever_the_inputs(
        values in prop::collection::vec(
            prop_oneof![
                any::<f64>().prop_map(Value::from), any::<i64>().prop_map(Value::from), Just(json!(1_000_000_000)),
                Just(json!("20")), Just(json!(true)), Just(json!(null)), Just(json!({})), Just(json!([1, 2, 3])), Just(json!(["0", 0])),
            ],
            14,
        ),
        seconds in 0.0..=86_400.0,
    ) {
        let names = ["width", "height", "length", "batch_size", "steps", "start_at_step", "end_at_step", "guide_size",
            "upscale_by", "tile_width", "model", "clip", "ckpt_name", "sigmas"];
        let inputs: serde_json::Map<_, _> = names.iter().map(|name| (*name).to_owned()).zip(values).collect();
        let classes = ["KSampler", "UltimateSDUpscale", "FaceDetailer", "VAEDecode", "CLIPTextEncode", "RIFE VFI", "Mine", "Odd"];
        let nodes: serde_json::Map<_, _> = classes
            .iter()
            .enumerate()
            .map(|(n, class)| (n.to_string(), json!({ "class_type": class, "inputs": inputs })))
            .collect();
        let graph = Graph::parse(&Value::Object(nodes).to_string()).expect("a workflow");
        let own = json!({ "classes": [{ "matches": ["mine"], "kind": "sampler", "seconds": seconds, "passes": 1000 }] });
        let plan = Plan::with_priors(&graph, &[], &Priors::parse(&own.to_string()).expect("priors"));
        for node in plan.nodes() {
            prop_assert!(node.seconds() > 0.0 && node.seconds() < 1e6, "{}: {}", node.class_type, node.seconds());
        }
    }

    /// A run of a fully known workflow shows the same figures at any speed.
    #[test]
    fn a_known_run_shows_the_same_at_any_speed(factor in 0.5_f64..20.0) {
        let shown = |factor: f64| {
            let graph = json!({
                "1": { "class_type": "CLIPTextEncode", "inputs": {} },
                "2": { "class_type": "KSampler", "inputs": { "steps": 20, "positive": ["1", 0] } },
                "3": { "class_type": "SaveImage", "inputs": { "images": ["2", 0] } },
            });
            let graph = Graph::parse(&graph.to_string()).expect("a workflow");
            let learned = [("1", 4.0), ("2", 20.0), ("3", 2.0)].map(|(id, seconds)| Learned::new(id.into(), seconds * factor, 1));
            let mut machine = Machine::new(Some(Arc::new(Plan::new(&graph, &[]).with_learned(&learned))), Confirm::Http);
            let mut seen = Vec::new();
            for step in 0..130 {
                let at = Duration::from_secs_f64(f64::from(step) * 0.2 * factor);
                let node = match step { 0 => "1", 20 => "2", 120 => "3", _ => "" };
                if !node.is_empty() {
                    feed(&mut machine, &text(at, "executing", json!({ "node": node })));
                }
                if (25..120).contains(&step) && step % 5 == 0 {
                    feed(&mut machine, &text(at, "progress", json!({ "node": "2", "value": (step - 20) / 5, "max": 20 })));
                }
                machine.tick(at);
                seen.push(machine.overall().expect("a plan"));
            }
            seen
        };
        // Only the first update after a start depends on absolute time: at most 0.05 s.
        for (one, other) in shown(1.0).into_iter().zip(shown(factor)) {
            prop_assert!((one - other).abs() < 0.02, "{one} and {other} at {factor}");
        }
    }
}

#[test]
fn a_counter_that_runs_to_an_absurd_number_does_not_freeze_the_figure() {
    let graph = json!({ "0": { "class_type": "CheckpointLoaderSimple", "inputs": {} } });
    let graph = Graph::parse(&graph.to_string()).expect("a workflow");
    for max in [1e9, 1e59, 1e308] {
        let mut machine = Machine::new(Some(Arc::new(Plan::new(&graph, &["0".into()]))), Confirm::Http);
        feed(&mut machine, &text(Duration::ZERO, "progress", json!({ "node": "0", "value": 1, "max": max })));
        let shown: Vec<f64> = (1..=20_u64)
            .map(|tick| {
                machine.tick(Duration::from_millis(200 * tick));
                machine.overall().expect("a plan")
            })
            .collect();
        assert!(shown.windows(2).skip(1).all(|pair| pair[1] > pair[0]), "{max}: {shown:?}");
    }
}

#[test]
fn cached_nodes_need_no_work() {
    let graph = |with_cached: bool| {
        let mut nodes = json!({ "2": { "class_type": "KSampler", "inputs": { "steps": 20 } } });
        if with_cached {
            nodes["1"] = json!({ "class_type": "ImageUpscaleWithModel", "inputs": {} });
            nodes["2"]["inputs"]["image"] = json!(["1", 0]);
        }
        Graph::parse(&nodes.to_string()).expect("a workflow")
    };
    let shown = |with_cached| {
        let mut machine = Machine::new(Some(Arc::new(Plan::new(&graph(with_cached), &[]))), Confirm::Http);
        feed(&mut machine, &text(Duration::ZERO, "execution_cached", json!({ "nodes": ["1"] })));
        feed(&mut machine, &text(Duration::ZERO, "executing", json!({ "node": "2" })));
        machine.tick(Duration::from_secs(3));
        machine.overall().expect("a plan")
    };
    assert!((shown(true) - shown(false)).abs() < 1e-12);
}

#[test]
fn a_run_that_is_cached_as_a_whole_goes_from_nothing_to_all() {
    let graph = Graph::parse(r#"{"1": {"class_type": "KSampler", "inputs": {}}}"#).expect("a workflow");
    let mut machine = Machine::new(Some(Arc::new(Plan::new(&graph, &[]))), Confirm::Frames);
    feed(&mut machine, &text(Duration::ZERO, "execution_start", json!({})));
    assert_eq!(machine.progress(Connection::default()).overall, Some(0.0));
    feed(&mut machine, &text(Duration::from_millis(1), "execution_cached", json!({ "nodes": ["1"] })));
    feed(&mut machine, &text(Duration::from_millis(2), "execution_success", json!({})));
    assert_eq!(machine.progress(Connection::default()).overall, Some(1.0));
}

#[test]
fn a_node_outside_the_plan_is_reported_once_and_counted() {
    let graph =
        r#"{"1": {"class_type": "KSampler", "inputs": {}}, "2": {"class_type": "KSampler", "inputs": {}}}"#;
    let graph = Graph::parse(graph).expect("a workflow");
    let mut machine = Machine::new(Some(Arc::new(Plan::new(&graph, &["1".into()]))), Confirm::Http);
    for (second, node) in [(0, "2"), (5, "nowhere"), (9, "2")] {
        feed(&mut machine, &text(Duration::from_secs(second), "executing", json!({ "node": node })));
        machine.tick(Duration::from_secs(second + 1));
    }
    let events = std::iter::from_fn(|| machine.next_event());
    assert_eq!(events.filter(|event| format!("{event:?}").contains("plan_differs")).count(), 1);
    assert!(machine.overall().expect("a plan") > 0.05);
}

#[test]
fn a_loop_does_not_stand_still() {
    let scenario = scenario("v0.33.0-50-loop");
    let mut machine = scenario.machine();
    let (begin, end) = (Duration::from_millis(218), Duration::from_millis(10_205));
    let (mut at, mut frames) = (begin, scenario.frames.iter().peekable());
    while at < end {
        while let Some(frame) = frames.next_if(|frame| frame.at <= at) {
            feed(&mut machine, frame);
        }
        machine.tick(at);
        let (shown, truth) = (
            machine.overall().expect("a plan"),
            at.saturating_sub(begin).div_duration_f64(end.saturating_sub(begin)),
        );
        assert!((shown - truth).abs() < 0.12, "{shown} at {truth}");
        at += Duration::from_millis(200);
    }
}
