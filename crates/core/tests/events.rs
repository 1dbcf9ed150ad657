//! The events of a run survive a round trip through JSON.

mod common;

use std::{sync::Arc, time::Duration};

use common::{Body, scenarios};
use proptest::{option, prelude::*};
use runninghub_core::{
    Amounts, Charge, Connection, ConnectionState, CurrentNode, Direction, Eta, Event, Failure, FailureKind,
    FileUrl, Graph, Line, NodeError, NodeState, Outcome, Output, OutputFile, Plan, Progress, Sentence,
    SocketUrl, Submitted, TaskStatus, Transfer, Untrusted, Verdict,
};

/// Writes, reads and rewrites a line; returns the parsed line.
fn again(line: &Line) -> Line {
    let text = line.to_string();
    assert!(text.chars().all(Untrusted::is_safe), "{text}");
    let read: Line = serde_json::from_str(&text).expect("what is written can be read");
    assert!(!matches!(read.event, Event::Other(_)), "{text}");
    assert_eq!(read.to_string(), text);
    read
}

/// Thirty years: beyond that a number loses its milliseconds.
fn time() -> impl Strategy<Value = Duration> {
    (0_u64..1_000_000_000, 0_u32..1_000_000_000).prop_map(|(seconds, nanos)| Duration::new(seconds, nanos))
}

fn fraction() -> impl Strategy<Value = Option<f64>> {
    option::of(prop_oneof![0.0..=1.0_f64, Just(1.0), Just(0.999_999)])
}

fn state() -> impl Strategy<Value = NodeState> {
    use NodeState::{Cached, Done, Failed, Running, Skipped, Waiting};
    prop::sample::select(vec![Waiting, Running, Done, Cached, Skipped, Failed])
}

fn current() -> impl Strategy<Value = CurrentNode> {
    let count = || option::of(any::<i32>().prop_map(|eighths| f64::from(eighths) / 8.0));
    let numbers = (count(), count(), fraction());
    (".*", ".*", numbers, any::<u32>(), any::<Option<u32>>()).prop_map(
        |(id, title, numbers, pass, passes)| {
            let mut node = CurrentNode::new(id.into(), title.into());
            (node.value, node.max, node.fraction) = numbers;
            (node.pass, node.passes) = (pass, passes);
            node
        },
    )
}

fn progress() -> impl Strategy<Value = Progress> {
    let figures = (fraction(), fraction(), any::<usize>(), any::<Option<usize>>());
    let eta = option::of((time(), time()));
    (figures, prop::collection::vec(current(), 0..3), eta).prop_map(|(figures, current, eta)| {
        let mut progress = Progress::default();
        (progress.overall, progress.counted, progress.done, progress.total) = figures;
        progress.current = current;
        progress.eta = eta.map(|(low, high)| Eta::from([low.as_secs_f64(), high.as_secs_f64()]));
        progress
    })
}

fn status() -> impl Strategy<Value = TaskStatus> {
    prop_oneof![
        Just(TaskStatus::Queued),
        Just(TaskStatus::Running),
        Just(TaskStatus::Success),
        Just(TaskStatus::Failed),
        Just(TaskStatus::Cancelled),
        ".*".prop_map(TaskStatus::Unknown),
    ]
}

fn output() -> impl Strategy<Value = Output> {
    let text = || option::of(".*");
    let listed = (text(), text(), text(), text());
    let saved = (text(), any::<Option<u64>>(), text(), any::<bool>());
    (listed, saved).prop_map(|((node_id, url, file_type, text), (path, bytes, sha256, intermediate))| {
        let (node_id, url) = (node_id.map(Into::into), url.map(FileUrl::new));
        Output { node_id, url, file_type, text, path, bytes, sha256, intermediate }
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let text = || option::of(".*");
    let cost = option::of((text(), text(), text(), text(), text()));
    let failure = option::of((text(), text(), text(), text(), text(), text()));
    let ids = (text(), text(), text());
    let figures = (fraction(), any::<usize>(), any::<Option<usize>>(), time(), any::<u64>(), any::<u8>());
    (ids, figures, prop::collection::vec(output(), 0..3), failure, cost).prop_map(
        |((task, attempt_id, prompt), figures, outputs, failure, cost)| Outcome {
            status: Verdict::Failed,
            exit_code: figures.5,
            task_id: task.map(Into::into),
            attempt_id,
            prompt_id: prompt.map(Into::into),
            overall: figures.0,
            done: figures.1,
            total: figures.2,
            outputs,
            failure: failure.map(|(node_id, node, kind, message, code, hint)| Failure {
                node_id: node_id.map(Into::into),
                node: node.map(Into::into),
                exception_type: kind.map(Into::into),
                message: message.map(Into::into),
                errors: code.iter().map(|code| NodeError::new("7".into(), code, code)).collect(),
                code,
                hint: hint.map(Sentence::verbatim),
                ..Failure::default().classed(FailureKind::NotFound, false)
            }),
            cost: cost.map(|(coins, money, third_party_money, currency, seconds)| Charge {
                coins,
                money,
                third_party_money,
                currency: currency.map(Into::into),
                seconds,
                numbers: Amounts { coins: Some(0.5), ..Amounts::default() },
            }),
            elapsed: figures.3,
            api_calls: figures.4,
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let node = (".*", ".*", state(), option::of(time()));
    let transfer = (any::<bool>(), ".*", any::<u64>(), any::<Option<u64>>(), any::<bool>());
    prop_oneof![
        (".*", option::of(".*"), option::of(".*"), ".*").prop_map(|(task, attempt_id, workflow, site)| {
            let workflow_id = workflow.map(Into::into);
            Event::Submitted(Submitted { task_id: task.into(), attempt_id, workflow_id, site })
        }),
        (status(), time(), any::<Option<u64>>()).prop_map(|(status, waited, ahead)| Event::Status {
            status,
            waited,
            poll: 3,
            ahead
        }),
        ".*".prop_map(|url| Event::Socket { url: SocketUrl::new(url) }),
        any::<u32>().prop_map(|attempt| {
            let mut connection = Connection::default();
            (connection.state, connection.attempt) = (ConnectionState::Stale, attempt);
            Event::Connection(connection)
        }),
        progress().prop_map(Event::Progress),
        node.prop_map(|(id, title, state, elapsed)| {
            Event::Node { id: id.into(), title: title.into(), state, elapsed }
        }),
        (option::of(".*"), any::<Vec<u8>>()).prop_map(|(node_id, data)| Event::Preview {
            node_id: node_id.map(Into::into),
            mime: "image/png".into(),
            bytes: data.len(),
            data: data.into(),
        }),
        (".*", ".*").prop_map(|(id, text)| Event::Text {
            node_id: id.into(),
            title: None,
            text: text.into()
        }),
        transfer.prop_map(|(up, name, bytes, total, is_over)| {
            let direction = if up { Direction::Up } else { Direction::Down };
            Event::Transfer(Transfer::new(direction, name, bytes, total, is_over))
        }),
        (".*", ".*").prop_map(|(code, message)| Event::warning(code, Sentence::verbatim(message))),
        output().prop_map(Event::Output),
        outcome().prop_map(|outcome| Event::Result(Box::new(outcome))),
    ]
}

proptest! {
    #[test]
    fn an_event_that_is_read_back_is_written_as_before(
        t in time(),
        task in option::of(".*"),
        event in event(),
    ) {
        again(&Line { t, task_id: task.map(Into::into), event });
    }

    #[test]
    fn any_object_with_a_name_is_read(fields in r#"("(percent|current|status|outputs|x[a-z]{0,6})":(null|-?[1-9][0-9]{0,14}|"[a-z]*"|\[\]|\{\}),){0,4}"#, name in "[a-z]*|progress|status|result") {
        let text = format!(r#"{{"schema":"rhub.event/1","t":0.5,{fields}"event":"{name}"}}"#);
        let written = serde_json::from_str::<Line>(&text).expect("a line").to_string();
        let again = serde_json::from_str::<Line>(&written).expect("a line").to_string();
        prop_assert_eq!(again, written);
    }
}

/// The events of a recorded run.
fn events(of: &common::Scenario) -> Vec<Event> {
    let mut machine = of.machine().with_previews(true);
    let mut events: Vec<Event> =
        machine.plan().map(|plan| Event::Plan(Arc::clone(plan))).into_iter().collect();
    for frame in of.own_frames() {
        match &frame.body {
            Body::Text(text) => _ = machine.text(frame.at, text),
            Body::Binary(bytes) => _ = machine.binary(frame.at, bytes),
            Body::Open | Body::Closed => {}
        }
        while let Some(event) = machine.next_event() {
            events.push(event);
        }
        events.push(Event::Progress(machine.progress(Connection::default())));
    }
    events.push(Event::Finished(machine.outcome()));
    events
}

#[test]
fn recorded_runs_produce_the_same_events_as_before() {
    for scenario in scenarios() {
        for event in events(scenario) {
            let line = Line { t: Duration::from_millis(1500), task_id: Some("7".into()), event };
            let read = again(&line);
            match (&line.event, &read.event) {
                (Event::Progress(before), Event::Progress(after)) => {
                    assert_eq!(before.percent(), after.percent());
                    let titles =
                        |of: &Progress| of.current.iter().map(|node| node.title.clone()).collect::<Vec<_>>();
                    assert_eq!(
                        (titles(before), before.done, before.total),
                        (titles(after), after.done, after.total)
                    );
                }
                (Event::Plan(before), Event::Plan(after)) => {
                    let shown = |plan: &Plan| -> Vec<_> {
                        plan.nodes()
                            .iter()
                            .map(|node| (node.id.clone(), node.title.clone(), node.required))
                            .collect()
                    };
                    assert_eq!((shown(before), before.total()), (shown(after), after.total()));
                    let first = before.nodes().first().expect("a node");
                    assert_eq!(after.position(first.id.as_str()), Some(0));
                }
                _ => {}
            }
        }
    }
}

#[test]
fn a_preview_is_written_without_its_pixels() {
    let event = Event::Preview { node_id: None, mime: "image/png".into(), bytes: 3, data: [1, 2, 3].into() };
    let json = serde_json::to_string(&event).expect("JSON");
    assert_eq!(json, r#"{"event":"preview","node_id":null,"mime":"image/png","bytes":3}"#);
}

#[test]
fn tickets_and_proxy_keys_are_never_written() {
    let socket = SocketUrl::new("wss://h/proxy/CANARY/ws?Rh-Comfy-Auth=CANARY");
    let url = Some(FileUrl::new("https://h/proxy/CANARY/view?filename=a.png"));
    let output = Output::from(OutputFile { url, ..OutputFile::default() });
    for event in [Event::Socket { url: socket }, Event::Output(output)] {
        let json = serde_json::to_string(&event).expect("JSON");
        assert!(!json.contains("CANARY"), "{json}");
    }
}

#[test]
fn a_plan_that_was_read_can_be_followed() {
    let graph =
        Graph::parse(r#"{"1":{"class_type":"A","inputs":{}},"2":{"class_type":"B","inputs":{"x":["1",0]}}}"#);
    let plan = Plan::new(&graph.expect("a workflow"), &[]);
    let json = serde_json::to_string(&plan).expect("JSON");
    let read: Plan = serde_json::from_str(&json).expect("a plan");
    let mut machine = runninghub_core::Machine::new(Some(Arc::new(read)), runninghub_core::Confirm::Frames);
    for frame in [
        r#"{"type":"execution_start","data":{"prompt_id":"p"}}"#,
        r#"{"type":"executing","data":{"node":"2","prompt_id":"p"}}"#,
        r#"{"type":"progress","data":{"value":1,"max":2,"prompt_id":"p","node":"2"}}"#,
    ] {
        machine.text(Duration::from_secs(1), frame);
        machine.tick(Duration::from_secs(2));
        let shown = machine.progress(Connection::default()).overall.expect("a figure");
        assert!((0.0..1.0).contains(&shown), "{shown}");
    }
}
