//! How the machine handles specific sequences. General properties are in `tests/laws.rs`.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::*;
use crate::{Connection, CurrentNode, Event, Graph, Learned, NodeState, Phase, Plan, Progress};

/// A workflow of nodes, each with the nodes it takes inputs from. The last one is the output.
fn plan(nodes: &[(&str, &[&str])]) -> Arc<Plan> {
    let nodes: serde_json::Map<_, _> = nodes
        .iter()
        .map(|(id, from)| {
            let (id, class) = id.split_once(' ').unwrap_or((id, "X"));
            let inputs: serde_json::Map<_, _> =
                from.iter().map(|from| (format!("in{from}"), json!([from, 0]))).collect();
            (id.to_owned(), json!({ "class_type": class, "inputs": inputs }))
        })
        .collect();
    Arc::new(Plan::new(&Graph::parse(&Value::Object(nodes).to_string()).expect("a workflow"), &[]))
}

/// 1 ─ 2 ─ 3 ─┐
///         4 ─┴ 5
fn branches() -> Machine {
    let plan = plan(&[("1", &[]), ("2", &["1"]), ("3", &["2"]), ("4", &[]), ("5", &["3", "4"])]);
    Machine::new(Some(plan), Confirm::Http)
}

/// A machine with a clock that advances by one second per frame.
struct Story(Machine, u64);

impl Story {
    fn of(machine: Machine) -> Self {
        Self(machine, 0)
    }

    /// A run observed from its start.
    fn on_time(machine: Machine) -> Self {
        let mut story = Self::of(machine);
        story.says("execution_start", json!({})).says("execution_cached", json!({ "nodes": [] }));
        story
    }

    fn frame(&mut self, kind: &str, data: &Value) -> &mut Self {
        self.1 += 1;
        self.0.text(Duration::from_secs(self.1), &json!({ "type": kind, "data": data }).to_string());
        self
    }

    /// A frame of the run `p`.
    fn says(&mut self, kind: &str, mut data: Value) -> &mut Self {
        data["prompt_id"] = "p".into();
        self.frame(kind, &data)
    }

    fn executing(&mut self, node: &str) -> &mut Self {
        self.says("executing", json!({ "node": node }))
    }

    fn counts(&mut self, node: &str, value: f64, max: f64) -> &mut Self {
        self.says("progress", json!({ "node": node, "value": value, "max": max }))
    }

    fn snapshot(&mut self, nodes: &[(&str, &str)]) -> &mut Self {
        let nodes: serde_json::Map<_, _> = nodes
            .iter()
            .map(|(id, state)| {
                ((*id).to_owned(), json!({ "state": state, "value": 0, "max": 1, "node_id": id }))
            })
            .collect();
        self.says("progress_state", json!({ "nodes": nodes }))
    }

    fn now(&mut self) -> Progress {
        self.0.progress(Connection::default())
    }

    fn overall(&mut self) -> f64 {
        self.now().overall.expect("there is a plan")
    }

    fn counted(&mut self) -> f64 {
        self.now().counted.expect("there is a plan")
    }

    fn running(&mut self) -> Vec<CurrentNode> {
        self.now().current
    }

    /// The ids of the done, cached or skipped nodes.
    fn settled(&mut self) -> Vec<String> {
        let is_settled = |state| matches!(state, NodeState::Done | NodeState::Cached | NodeState::Skipped);
        let nodes = self.now().nodes;
        nodes.iter().filter(|node| is_settled(node.state)).map(|node| node.id.to_string()).collect()
    }
}

mod joining {
    use super::*;

    #[test]
    fn a_late_socket_counts_ancestors_of_a_running_node_as_done() {
        for data in
            [json!({ "node": "3", "prompt_id": "p" }), json!({ "node": "3" }), json!({ "node": "3.0.0.1" })]
        {
            let mut story = Story::of(branches());
            story.frame("executing", &data);
            assert_eq!(story.settled(), ["1", "2"], "{data}");
            let progress = story.now();
            assert_eq!((progress.done, progress.total, progress.phase), (2, Some(5), Phase::Running));
            assert_eq!(progress.current[0].id.as_str(), "3");
        }
    }

    #[test]
    fn on_a_shared_socket_a_repeated_executing_counts_only_once_the_run_is_known_to_run() {
        let mut story = Story::of(branches().only("p".into(), false));
        story.frame("executing", &json!({ "node": "3" }));
        assert_eq!((story.settled(), story.now().phase), (vec![], Phase::Waiting));
        story.0.observe(Duration::from_secs(2), Phase::Running);
        story.frame("executing", &json!({ "node": "3" }));
        assert_eq!(story.settled(), ["1", "2"]);
    }

    #[test]
    fn a_first_snapshot_leaves_cached_nodes_out() {
        let mut story = Story::of(branches());
        story.snapshot(&[("3", "running")]);
        assert_eq!(story.settled(), ["1", "2"]);
        let mut story = Story::of(branches());
        story.snapshot(&[("3", "running"), ("2", "running")]);
        assert_eq!(story.settled(), ["1"], "3 waits for 2");
        let mut story = Story::of(branches());
        story.snapshot(&[("3", "finished"), ("5", "pending")]);
        assert_eq!(story.settled(), ["1", "2", "3"], "nobody needs what is above a finished node");
    }

    #[test]
    fn a_drop_is_a_late_join() {
        let mut story = Story::on_time(branches());
        story.executing("1");
        story.0.connected();
        story.frame("executing", &json!({ "node": "5" }));
        assert_eq!(story.settled(), ["1", "2", "3", "4"]);
    }

    #[test]
    fn a_lazy_node_that_waits_does_not_run() {
        let mut story = Story::on_time(branches());
        story.executing("5").executing("4").executing("5").executing("3");
        let took = std::iter::from_fn(|| story.0.next_event()).find_map(|event| match event {
            Event::Node { id, state: NodeState::Done, elapsed, .. } if id.as_str() == "4" => elapsed,
            _ => None,
        });
        assert_eq!(took, Some(Duration::from_secs(1)));
        story.says("executed", json!({ "node": "5" }));
        let took = std::iter::from_fn(|| story.0.next_event()).find_map(|event| match event {
            Event::Node { id, elapsed, .. } if id.as_str() == "5" => elapsed,
            _ => None,
        });
        assert_eq!(took, Some(Duration::from_secs(2)), "since it was started again");
    }

    #[test]
    fn a_timely_socket_marks_only_reported_nodes_as_done() {
        let mut story = Story::on_time(branches());
        story.executing("5");
        assert_eq!(story.settled(), Vec::<String>::new(), "5 is lazy and waits");
        story.executing("3").executing("2").executing("1");
        assert_eq!(story.settled(), Vec::<String>::new(), "each waits for the next");
        story.executing("2");
        assert_eq!(story.settled(), ["1"]);
        story.executing("3").executing("5");
        assert_eq!(story.settled(), ["1", "2", "3"], "4 may be a branch that is not taken, or still to come");

        let mut story = Story::on_time(branches());
        story.snapshot(&[("5", "running")]).snapshot(&[("5", "running"), ("1", "running")]);
        assert_eq!(story.settled(), Vec::<String>::new());
    }
}

mod time_left {
    use super::*;

    /// Half of the run is over when the client joins, and the rest runs at the same pace.
    #[test]
    fn unobserved_work_does_not_affect_the_pace() {
        let ids = ["1", "2", "3", "4", "5"];
        let learned = ids.map(|id| Learned::new(id.into(), 4.0, 1));
        let nodes = plan(&[("1", &[]), ("2", &["1"]), ("3", &["2"]), ("4", &[]), ("5", &["3", "4"])]);
        let plan = Arc::new((*nodes).clone().with_learned(&learned));
        let mut story = Story::of(Machine::new(Some(plan), Confirm::Http));
        story.0.observe(Duration::ZERO, Phase::Running);
        let mut left = vec![story.now()];
        story.frame("executing", &json!({ "node": "3" }));
        left.push(story.now());
        for node in ["4", "5"] {
            story.executing(node);
            for step in [1.0, 2.0, 3.0] {
                story.counts(node, step, 4.0);
                left.push(story.now());
            }
        }
        let (end, shown) = (10.0, left.split_off(5));
        for progress in shown {
            let (left, eta) = (end - progress.elapsed.as_secs_f64(), progress.eta.expect("learned"));
            let (low, high) = (eta.low.as_secs_f64(), eta.high.as_secs_f64());
            assert!(low <= left && left <= high, "{left} s left, {low}–{high} shown");
        }
    }
}

mod without_a_workflow {
    use super::*;

    #[test]
    fn the_node_and_its_steps_are_shown_and_no_figure_is_invented() {
        let mut story = Story::of(Machine::new(None, Confirm::Http));
        story.says("execution_start", json!({})).executing("7").counts("7", 3.0, 20.0);
        let progress = story.now();
        assert_eq!((progress.overall, progress.total, progress.done, progress.eta), (None, None, 0, None));
        let node = &progress.current[0];
        assert_eq!((node.id.as_str(), node.value, node.max), ("7", Some(3.0), Some(20.0)));
        story.executing("9");
        let progress = story.now();
        assert_eq!((progress.overall, progress.done), (None, 1), "one so far");
        assert_eq!(progress.current[0].id.as_str(), "9");
        story.says("execution_success", json!({}));
        assert_eq!((story.now().overall, story.now().phase), (None, Phase::Ended));
        story.0.finish(Duration::from_mins(1), Phase::Success, None);
        assert_eq!((story.now().overall, story.now().done), (Some(1.0), 2));
    }

    #[test]
    fn children_are_counted_with_the_node_they_come_from() {
        let mut story = Story::of(Machine::new(None, Confirm::Http));
        story.executing("3").executing("3.0.0.1").counts("3.0.0.1", 1.0, 4.0).executing("3.0.0.2");
        let progress = story.now();
        assert_eq!((progress.done, progress.nodes.len()), (0, 1));
        assert_eq!(progress.current[0].id.as_str(), "3");
    }

    #[test]
    fn a_hostile_server_does_not_fill_the_memory() {
        let mut story = Story::of(Machine::new(None, Confirm::Http));
        for node in 0..12_000 {
            story.executing(&node.to_string());
        }
        assert_eq!(story.now().nodes.len(), 10_000);
    }
}

mod passes {
    use super::*;

    #[test]
    fn each_pass_is_shown_and_the_figure_rises_from_pass_to_pass() {
        for class in ["X", "UltimateSDUpscale"] {
            let plan = plan(&[("1", &[]), (&format!("2 {class}"), &["1"]), ("3", &["2"])]);
            let mut story = Story::on_time(Machine::new(Some(plan), Confirm::Http));
            story.executing("1").executing("2");
            let mut last = story.counted();
            for pass in 1..=40 {
                for step in 1..=8 {
                    story.counts("2", f64::from(step), 8.0);
                }
                let node = story.running().remove(0);
                assert_eq!((node.pass, node.value, node.max), (pass, Some(8.0), Some(8.0)), "{class}");
                let counted = story.counted();
                assert!(counted > last && counted < 2.0 / 3.0, "{class}, pass {pass}: {last} to {counted}");
                last = counted;
            }
            story.executing("3");
            assert!(story.counted() > last);
        }
    }

    #[test]
    fn a_child_reported_under_its_parents_id_is_not_a_new_pass() {
        let mut story = Story::on_time(branches());
        story.executing("1");
        let mut last = story.counted();
        for child in 1..=6 {
            story.executing(&format!("1.0.0.{child}"));
            for step in 1..=4 {
                story.counts("1", f64::from(step), 4.0);
            }
            let node = story.running().remove(0);
            assert_eq!((node.id.as_str(), node.pass, node.value), ("1", 1, Some(4.0)));
            let counted = story.counted();
            assert!(counted > last + 0.002, "child {child}: {last} to {counted}");
            last = counted;
        }
    }

    #[test]
    fn a_pass_begins_with_its_first_step_or_with_none() {
        for first in [0.0, 1.0] {
            let mut story = Story::on_time(branches());
            story.executing("1").counts("1", 20.0, 20.0).counts("1", first, 20.0);
            let node = story.running().remove(0);
            assert_eq!((node.pass, node.value), (2, Some(first)));
        }
    }

    #[test]
    fn how_many_there_will_be_is_known_from_an_earlier_run() {
        let plan = plan(&[("1", &[]), ("2", &["1"])]);
        let mut first = Story::on_time(Machine::new(Some(Arc::clone(&plan)), Confirm::Frames));
        first.executing("1");
        for _ in 0..4 {
            first.counts("1", 1.0, 2.0).counts("1", 2.0, 2.0);
        }
        first.executing("2").says("execution_success", json!({}));
        let learned = first.0.learned();
        assert_eq!(learned.iter().map(|one| one.passes).collect::<Vec<_>>(), [4, 1]);

        let plan = Arc::new(Arc::unwrap_or_clone(plan).with_learned(&learned));
        let mut second = Story::on_time(Machine::new(Some(plan), Confirm::Http));
        second.executing("1").counts("1", 2.0, 2.0).counts("1", 1.0, 2.0);
        let progress = second.now();
        assert_eq!((progress.current[0].pass, progress.current[0].passes), (2, Some(4)));
        assert!((progress.nodes[0].fraction - 1.5 / 4.0).abs() < 1e-9, "{}", progress.nodes[0].fraction);
    }
}

mod learning {
    use super::*;

    fn learned(story: &Story) -> Vec<(String, f64)> {
        story.0.learned().into_iter().map(|one| (one.id.to_string(), one.seconds)).collect()
    }

    #[test]
    fn durations_are_of_nodes_seen_from_beginning_to_end() {
        let mut story = Story::on_time(branches());
        story.executing("4").counts("4", 1.0, 2.0).executing("1").executing("2").executing("3");
        assert_eq!(
            learned(&story),
            [("1".into(), 1.0), ("2".into(), 1.0), ("4".into(), 2.0)],
            "3 still runs"
        );
        // A client that reconnects here misses the end of 3 and the whole start of 5.
        story.0.connected();
        story.frame("executing", &json!({ "node": "5" })).says("execution_success", json!({}));
        story.0.finish(Duration::from_mins(1), Phase::Success, None);
        assert_eq!(learned(&story), [("1".into(), 1.0), ("2".into(), 1.0), ("4".into(), 2.0)]);
    }

    #[test]
    fn cached_and_late_nodes_teach_nothing_and_branches_not_taken_weigh_nothing() {
        let mut story = Story::of(branches());
        story.says("execution_start", json!({})).says("execution_cached", json!({ "nodes": ["1"] }));
        story.executing("2").executing("3").executing("5").says("executed", json!({ "node": "5" }));
        story.says("execution_success", json!({}));
        story.0.finish(Duration::from_mins(1), Phase::Success, None);
        let wanted = [("2".into(), 1.0), ("3".into(), 1.0), ("4".into(), 0.0), ("5".into(), 2.0)];
        assert_eq!(learned(&story), wanted);

        let mut story = Story::of(branches());
        story.frame("executing", &json!({ "node": "3" })).executing("4").executing("5");
        assert_eq!(learned(&story), [("4".into(), 1.0)], "how long 3 ran before is not known");
    }
}

mod files {
    use super::*;

    #[test]
    fn node_texts_are_reported_and_only_saved_files_awaited() {
        let mut story = Story::on_time(branches());
        let output = json!({
            "images": [
                {"filename": "a.png", "subfolder": "s", "type": "temp"},
                {"filename": "b.png", "type": "output"},
                {"filename": "c.png"},
                {"filename": ""}, {"type": "output"}, "text", null,
            ],
            "animated": [false],
        });
        story.executing("5").says("executed", json!({ "node": "5", "output": output }));
        story.says("executed", json!({ "node": "1", "output": {"text": ["x"]} }));
        let reported: Vec<_> = std::iter::from_fn(|| story.0.next_event())
            .filter_map(|event| match event {
                Event::Files { node_id, files } => Some((node_id.to_string(), files)),
                _ => None,
            })
            .collect();
        let [(node, files)] = &reported[..] else { panic!("{reported:?}") };
        let reported: Vec<_> = files
            .iter()
            .map(|file| (&*file.filename, &*file.subfolder, file.folder(), file.is_saved()))
            .collect();
        assert_eq!(node, "5");
        assert_eq!(
            reported,
            [("a.png", "s", "temp", false), ("b.png", "", "output", true), ("c.png", "", "output", false)]
        );
        assert_eq!(story.0.saved_files(), 1);
    }
}

mod ending {
    use super::*;

    #[test]
    fn frames_alone_end_nothing_where_http_decides() {
        for (kind, claim) in [
            ("execution_success", Some(Phase::Success)),
            ("execution_error", Some(Phase::Failed)),
            ("execution_interrupted", Some(Phase::Interrupted)),
            ("executing", None),
        ] {
            let mut story = Story::on_time(branches());
            story.executing("1").says(kind, json!({ "node": null, "node_id": null }));
            assert_eq!((story.now().phase, story.0.claim()), (Phase::Ended, claim), "{kind}");
            assert!(story.overall() < 1.0);
            story.0.finish(Duration::from_mins(1), Phase::Ended, None);
            assert_eq!(story.now().phase, Phase::Ended, "that is no end");
            story.0.finish(Duration::from_mins(1), Phase::Success, None);
            assert_eq!((story.now().phase, story.now().overall), (Phase::Success, Some(1.0)), "{kind}");
        }
    }

    #[test]
    fn a_blocked_node_is_a_warning_and_the_run_continues() {
        let mut story = Story::on_time(branches());
        story
            .executing("4")
            .says("execution_error", json!({ "node_id": "4", "exception_type": "ExecutionBlocked" }));
        assert_eq!(story.now().phase, Phase::Running);
        let warned = std::iter::from_fn(|| story.0.next_event());
        assert_eq!(
            warned.filter(|event| matches!(event, Event::Warning { code, .. } if code == "blocked")).count(),
            1
        );
    }

    #[test]
    fn a_failed_run_keeps_its_percentage_and_names_the_node() {
        let mut story = Story::on_time(branches());
        story.executing("1").executing("2");
        let before = story.overall();
        story.says(
            "execution_error",
            json!({ "node_id": "2", "exception_type": "OOM", "exception_message": "no" }),
        );
        story.0.finish(Duration::from_mins(1), Phase::Failed, None);
        assert!((story.overall() - before).abs() < 1e-12 && story.running().is_empty());
        assert_eq!(story.now().nodes[1].state, NodeState::Failed);
        let failure = story.0.outcome().failure.expect("a failure");
        assert_eq!(failure.node_id, Some("2".into()));
    }
}

#[test]
fn a_node_is_only_called_skipped_by_who_saw_the_whole_run() {
    let state_of_1 = |mut story: Story| {
        story.0.finish(Duration::from_secs(99), Phase::Success, None);
        story.now().nodes[0].state
    };
    let mut late = Story::of(branches());
    late.0.connected();
    late.snapshot(&[("3", "running")]);
    assert_eq!(late.now().nodes[0].state, NodeState::Done, "a snapshot has no cached nodes");
    assert_eq!(state_of_1(late), NodeState::Done);

    let mut taken_over = Story::on_time(branches());
    taken_over.executing("3");
    assert_eq!(state_of_1(taken_over), NodeState::Done, "the last frames may have gone to another socket");

    let mut whole = Story::on_time(branches());
    whole.executing("3").executing("4").executing("5").says("execution_success", json!({}));
    assert_eq!(state_of_1(whole), NodeState::Skipped);
}
