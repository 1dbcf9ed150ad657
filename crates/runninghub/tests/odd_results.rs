//! Results and servers that are not like most: images over the socket, 3D models named by a text, a cleared history,
//! classes that the server replaces, workflows as programs save them, two runs that follow one prompt.

mod common;

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use common::{key, sim, watch};
use futures_util::StreamExt as _;
use runninghub::{
    Comfy, ConnectionState, ErrorKind, Event, Follow, NodeState, Phase, Replay, RunningHub, Service, Speed,
    Submit, SubmitStep, Workspace,
};
use runninghub_sim::{Native, NativeBuilder, Scenario, ScriptNode};
use serde_json::{Value, json};

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name)
}

async fn start(builder: NativeBuilder) -> (Native, Comfy) {
    let server = builder.start().await.expect("the server starts");
    let comfy = Comfy::builder(server.base_url()).time_scale(0.2).build().expect("a handle");
    (server, comfy)
}

#[tokio::test]
async fn an_image_that_only_the_socket_brings_is_a_result() {
    let name = "v0.33.0-51-save-websocket";
    let runs = Replay::open(fixture(name)).expect("a recording").speed(Speed::Max).runs().expect("runs");
    let [run] = runs.try_into().expect("one run");
    let events: Vec<Event> = run.map(|line| line.event).collect().await;
    let Some(Event::Finished(end)) = events.last() else { panic!("it ends: {events:?}") };
    assert_eq!(end.phase, Phase::Success);
    let [output] = &end.outputs[..] else { panic!("one result: {:?}", end.outputs) };
    assert!(output.data.as_ref().is_some_and(|data| data.starts_with(b"\x89PNG")));
    assert_eq!((output.file_type.as_deref(), output.url.is_some()), (Some("png"), false));

    let scenario = Scenario::load(fixture(name)).expect("a recording");
    let (_server, comfy) = start(Native::builder().scenario(scenario.clone()).previews()).await;
    let mut run = comfy.submit(Submit::graph(scenario.workflow_json())).await.expect("accepted");
    let end = watch(&mut run).await.end;
    let dir = tempfile::tempdir().expect("a folder");
    let saved = comfy.save(run.task_id(), dir.path()).files(&end.outputs).await.expect("saved");
    let [file] = &saved.complete().expect("saved")[..] else { panic!("one file") };
    assert_eq!(file.path.extension().expect("one"), "png");
    assert!(std::fs::read(&file.path).expect("a file").starts_with(b"\x89PNG"));
}

#[tokio::test]
async fn a_3d_model_that_is_named_by_a_text_is_a_file() {
    let scenario = Scenario::load(fixture("v0.33.0-53-string-3d")).expect("a recording");
    let (_server, comfy) = start(Native::builder().scenario(scenario.clone())).await;
    let mut run = comfy.submit(Submit::graph(scenario.workflow_json())).await.expect("accepted");
    let outputs = run.outputs().await.expect("it succeeded");
    let [output] = &outputs[..] else { panic!("one result: {outputs:?}") };
    let url = output.url.as_ref().expect("a file").expose();
    assert!(url.ends_with("/view?filename=mesh.glb&subfolder=3d&type=output"), "{url}");
    assert_eq!(output.file_type.as_deref(), Some("glb"));
}

#[tokio::test]
async fn a_history_that_was_cleared_takes_nothing_away() {
    let (_server, comfy) = start(Native::builder().scenario(common::scenario()).speed(4.0).forgets()).await;
    let mut run = comfy.submit(Submit::graph(common::scenario().workflow_json())).await.expect("accepted");
    let end = watch(&mut run).await.end;
    assert_eq!(end.phase, Phase::Success);
    let [output] = &end.outputs[..] else { panic!("one result: {:?}", end.outputs) };
    assert!(output.url.as_ref().is_some_and(|url| url.expose().contains("cat_00001_.png")));
}

#[tokio::test]
async fn classes_that_the_server_replaces_are_sent() {
    let graph = json!({
        "1": {"class_type": "OldEmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 7}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "a"}},
    });
    let (_server, comfy) = start(Native::builder().replaces("OldEmptyImage", "EmptyImage")).await;
    let mut run = comfy.submit(Submit::graph(graph.to_string())).await.expect("accepted");
    assert_eq!(watch(&mut run).await.end.phase, Phase::Success);

    let (server, comfy) = start(Native::builder().replaces("Other", "EmptyImage")).await;
    let error = comfy.submit(Submit::graph(graph.to_string())).await.expect_err("unknown");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("OldEmptyImage"), "{error}");
    assert_eq!(server.prompts(), 0);
}

#[tokio::test]
async fn a_repeated_prompt_that_ran_nothing_says_so() {
    let scenario = Scenario::load(fixture("04-cached-all")).expect("a recording");
    let (_server, comfy) = start(Native::builder().scenario(scenario.clone()).speed(10.0)).await;
    let mut run = comfy.submit(Submit::graph(scenario.workflow_json())).await.expect("accepted");
    let events = watch(&mut run).await.events;
    let warned =
        events.iter().any(|event| matches!(event, Event::Warning { code, .. } if code == "all_cached"));
    assert!(warned, "{events:?}");
}

/// Only runnable nodes are sent, whatever the form in which the workflow was saved.
#[tokio::test]
async fn entries_that_are_not_nodes_are_not_sent() {
    let graph = json!({
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
    });
    let sim = sim().start().await.expect("the simulator starts");
    let (net, bodies) = common::bodies_to("/task/openapi/create");
    let hub = RunningHub::builder(key()).base_url(sim.base_url()).net(net).build().expect("a hub");
    let mut noisy = graph.clone();
    noisy["_comment"] = json!("mine");
    for saved in [noisy.clone(), json!({"input": {"workflow": noisy}})] {
        let warned = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&warned);
        let submit = Submit::graph(saved.to_string()).on_step(move |step| {
            if let SubmitStep::Warning { code, .. } = step {
                seen.lock().expect("not poisoned").push(code);
            }
        });
        hub.submit(submit).await.expect("accepted");
        assert_eq!(*warned.lock().expect("not poisoned"), ["not_a_node"]);
    }
    let bodies = bodies.lock().expect("not poisoned").split_off(0);
    assert_eq!(bodies.len(), 2);
    for body in bodies {
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let sent: Value = serde_json::from_str(body["workflow"].as_str().expect("a text")).expect("JSON");
        assert_eq!(sent, graph);
    }
    let dangling = json!({"2": {"class_type": "SaveImage", "inputs": {"images": ["11", 0]}}});
    let error = hub.submit(Submit::graph(dangling.to_string())).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Usage);
}

/// RunningHub lists only what is saved, a ComfyUI also what is shown.
#[tokio::test]
async fn a_workflow_that_only_previews_is_warned_of_where_previews_are_no_results() {
    let previews = Scenario::script("previews")
        .node(ScriptNode::new("1", "EmptyImage"))
        .node(ScriptNode::new("2", "PreviewImage").link("images", "1", 0).shows("a.png"))
        .build();
    let graph = previews.workflow_json();
    let sim = sim().scenario_named("1", previews.clone()).start().await.expect("the simulator starts");
    let hub = RunningHub::builder(key()).base_url(sim.base_url()).build().expect("a hub");
    let (_server, comfy) = start(Native::builder().scenario(previews)).await;
    let services: [(&dyn Service, Submit, &[&str]); 3] = [
        (&hub, Submit::graph(&*graph), &["saves_nothing"]),
        (&hub, Submit::workflow("1"), &["saves_nothing"]),
        (&comfy, Submit::graph(&*graph), &[]),
    ];
    for (service, submit, expected) in services {
        let warned = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&warned);
        let submit = submit.on_step(move |step| {
            if let SubmitStep::Warning { code, .. } = step {
                told.lock().expect("not poisoned").push(code);
            }
        });
        service.submit(submit).await.expect("accepted");
        assert_eq!(*warned.lock().expect("not poisoned"), expected, "{:?}", service.place());
    }
}

#[tokio::test]
async fn a_second_run_leaves_the_frames_to_the_first() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Native::builder().scenario(common::scenario()).start().await.expect("the server starts");
    let comfy = || {
        let builder = Comfy::builder(server.base_url()).time_scale(0.2);
        builder.workspace(&Workspace::open(dir.path())).expect("a workspace").build().expect("a handle")
    };
    let (one, two) = (comfy(), comfy());
    let mut first = one.submit(Submit::graph(common::scenario().workflow_json())).await.expect("accepted");
    let mut second = two.follow(Follow::task(first.task_id().clone())).await.expect("followed");
    let (first, second) = tokio::join!(watch(&mut first), watch(&mut second));
    assert_eq!((first.end.phase, second.end.phase), (Phase::Success, Phase::Success));
    let nodes = |events: &[Event]| events.iter().filter(|event| matches!(event, Event::Node { .. })).count();
    assert!(nodes(&first.events) >= 5, "the first one saw every node: {:?}", first.events);
    let lost = first.events.iter().any(|event| {
        matches!(event, Event::Connection(connection) if connection.state == ConnectionState::Reconnecting)
    });
    assert!(!lost, "{:?}", first.events);
    for (name, events) in [("first", &first.events), ("second", &second.events)] {
        let skipped = events.iter().find(|event| {
            matches!(event, Event::Progress(progress) if progress.nodes.iter().any(|node| node.state == NodeState::Skipped))
        });
        assert!(skipped.is_none(), "{name}: {skipped:?}");
    }
}
