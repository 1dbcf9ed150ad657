//! Submits: checked before payment, sent once, and queued while no slot is free.

mod common;

use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{WORKFLOW, hub, key, sim, watch};
use runninghub::{Code, ErrorKind, NetOptions, Phase, RunningHub, Service as _, Submit, SubmitStep};
use runninghub_sim::{Fault, Rate, Scenario, ScriptNode};
use serde_json::json;
use tokio::sync::mpsc;

#[tokio::test]
async fn nothing_is_paid_for_a_mistake() {
    let sim = sim().start().await.expect("the simulator starts");
    let hub = hub(&sim);
    let mistakes = [
        Submit::workflow(WORKFLOW).set("33.seed", 1),
        Submit::workflow(WORKFLOW).set("3.sed", 1),
        Submit::workflow(WORKFLOW).set("3.seed", "many"),
        Submit::workflow(WORKFLOW).set("3.model", 1),
        Submit::workflow(WORKFLOW).set_file("6.text", "/nowhere/to/be.png"),
        Submit::workflow(WORKFLOW)
            .node_info_list(vec![json!({"nodeId": "99", "fieldName": "x", "fieldValue": "1"})]),
        Submit::workflow(WORKFLOW).node_info_list(vec![json!({"nodeId": "6"})]),
        Submit::graph(r#"{"nodes": [], "links": []}"#),
        Submit::graph("not json"),
    ];
    for mistake in mistakes {
        let error = hub.submit(mistake).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        assert!(error.hint().is_some() || error.to_string().contains("no file"), "{error} has a hint");
    }
    let error = hub.submit(Submit::workflow("1000000000000000000")).await.expect_err("no such workflow");
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert_eq!(sim.stats().creates, 0);
}

#[tokio::test]
async fn a_lost_response_is_unknown_and_never_retried() {
    let sim =
        sim().fault(Fault::LostCreateAnswer(Rate::First(1))).start().await.expect("the simulator starts");
    let error = hub(&sim).submit(Submit::workflow(WORKFLOW)).await.expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::SubmitUnknown);
    assert_eq!(sim.stats().creates, 1);
}

/// Nothing was sent to a server that does not listen yet, so both a question and a create wait for it.
#[tokio::test]
async fn a_platform_that_is_starting_is_waited_for() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let (fails, mut failed) = mpsc::unbounded_channel();
    let seen = fails.clone();
    let net = NetOptions::default().observer(move |exchange| {
        if exchange.status.is_none() {
            let _ = seen.send("question");
        }
    });
    let hub = RunningHub::builder(key()).base_url(format!("http://{port}")).net(net).build().expect("a hub");
    let graph = Scenario::script("one").node(ScriptNode::new("1", "SaveImage").saves("a.png")).build();
    let submit = Submit::graph(graph.workflow_json()).on_step(move |step| {
        if let SubmitStep::Waiting { error, .. } = step {
            assert_eq!(error.map(runninghub::Error::kind), Some(ErrorKind::Network));
            let _ = fails.send("create");
        }
    });
    let start = async |wanted| {
        while failed.recv().await != Some(wanted) {}
        sim().listen(port).scenario(graph.clone()).start().await.expect("the simulator starts")
    };
    let mut start = start;
    let (sim, account) = tokio::join!(start("question"), hub.account());
    account.expect("it has come up");
    sim.shutdown().await;
    let (sim, run) = tokio::join!(start("create"), hub.submit(submit));
    run.expect("accepted in the end");
    assert_eq!(sim.stats().creates, 1);
}

#[tokio::test]
async fn a_full_queue_is_waited_for() {
    let sim = sim().fault(Fault::QueueFull(2)).start().await.expect("the simulator starts");
    let hub = RunningHub::builder(key()).base_url(sim.base_url()).time_scale(0.01).build().expect("a hub");
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&steps);
    let submit = Submit::workflow(WORKFLOW).on_step(move |step| {
        seen.lock().expect("not poisoned").push(match step {
            SubmitStep::Waiting { error, .. } => {
                error.and_then(|error| error.code()).expect("the platform's").to_string()
            }
            _ => "sending".to_owned(),
        });
    });
    hub.submit(submit).await.expect("accepted in the end");
    let steps = steps.lock().expect("not poisoned").join(" ");
    assert_eq!(steps, "sending 421 sending 421 sending");
    assert_eq!(sim.stats().creates, 1);
}

#[tokio::test]
async fn a_full_queue_can_be_given_up() {
    let sim = sim().fault(Fault::QueueFull(1000)).start().await.expect("the simulator starts");
    let hub = RunningHub::builder(key()).base_url(sim.base_url()).time_scale(0.01).build().expect("a hub");
    let submit = hub.submit(Submit::workflow(WORKFLOW).queue_timeout(Duration::from_millis(300)));
    let error = submit.await.expect_err("given up");
    assert_eq!((error.kind(), error.code().map(Code::as_str)), (ErrorKind::Refused, Some("421")));
    assert_eq!(sim.stats().creates, 0);
}

#[tokio::test]
async fn a_wrong_key_is_refused() {
    let sim = sim().start().await.expect("the simulator starts");
    let wrong = runninghub::ApiKey::new("ffffffffffffffffffffffffffffffff").expect("a key");
    let hub = RunningHub::builder(wrong).base_url(sim.base_url()).time_scale(0.01).build().expect("a hub");
    let error = hub.submit(Submit::workflow(WORKFLOW)).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(!format!("{error:?} {error}").contains("ffffffff"), "the key is not shown");
}

#[tokio::test]
async fn fields_and_own_workflows_reach_the_platform() {
    let sim = sim().speed(10.0).start().await.expect("the simulator starts");
    let hub = hub(&sim);
    let mut run = hub
        .submit(Submit::workflow(WORKFLOW).set("Prompt.text", "a dog").set("3.seed", 7))
        .await
        .expect("accepted");
    assert_eq!(watch(&mut run).await.end.phase, Phase::Success);
    let text = hub.graph(&WORKFLOW.into()).await.expect("the workflow").text();
    let mut run =
        hub.submit(Submit::graph(text).under(WORKFLOW).set("6.text", "a bird")).await.expect("accepted");
    assert_eq!(watch(&mut run).await.end.phase, Phase::Success);
}

fn with_a_loader() -> String {
    let graph = json!({
        "10": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
        "11": {"class_type": "VHS_LoadVideo", "inputs": {"video": "dance.mp4", "force_rate": 0}},
        "3": {"class_type": "KSampler", "inputs": {"steps": 4, "tiled": false, "image": ["10", 0], "video": ["11", 0]}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat"}, "_meta": {"title": "Prompt"}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "text": ["6", 0]}},
    });
    graph.to_string()
}

#[tokio::test]
async fn a_path_on_this_machine_is_refused_before_anything_is_paid() {
    let graph = with_a_loader();
    let loads = Scenario::script("loads")
        .node(ScriptNode::new("10", "LoadImage").input("image", "example.png"))
        .node(ScriptNode::new("9", "SaveImage").link("images", "10", 0).saves("a.png"))
        .build();
    let sim = sim().scenario_named("1", loads).start().await.expect("the simulator starts");
    let hub = hub(&sim);
    let listed = |node: &str, field: &str, value: &str| {
        vec![json!({"nodeId": node, "fieldName": field, "fieldValue": value})]
    };
    for path in [
        "/home/me/a.png",
        "~/a.png",
        "./a.png",
        "../a.png",
        r"C:\Users\me\a.png",
        "data:image/png;base64,AA",
        "https://h/a.png",
    ] {
        let own = || Submit::graph(graph.as_str());
        for submit in [
            own().set("10.image", path),
            own().node_info_list(listed("10", "image", path)),
            own().set("11.video", path),
            Submit::workflow("1").set("10.image", path),
            Submit::workflow("1").node_info_list(listed("10", "image", path)),
            Submit::graph(graph.replace("dance.mp4", &path.replace('\\', r"\\"))),
        ] {
            let error = hub.submit(submit).await.expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::Usage, "{path}: {error}");
            assert!(error.to_string().contains("takes the name of an uploaded file"), "{path}: {error}");
            assert!(error.hint().is_some_and(|hint| hint.text().contains("upload")), "{path}: {error:?}");
        }
    }
    assert_eq!(sim.stats().creates, 0);
    // A text field may contain anything, and so may a loader's field that is changed.
    let submit = Submit::graph(graph.replace("dance.mp4", "/old/dance.mp4"))
        .set("6.text", "/home/me/a.png")
        .set("11.video", "api/0a1b.mp4");
    hub.submit(submit).await.expect("accepted");
}

#[tokio::test]
async fn a_name_that_a_local_file_has_is_warned_of_before_it_is_paid() {
    let sim = sim().start().await.expect("the simulator starts");
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&steps);
    // Tests run in the crate's folder.
    let submit = Submit::graph(with_a_loader()).set("10.image", "Cargo.toml").on_step(move |step| {
        seen.lock().expect("not poisoned").push(match step {
            SubmitStep::Warning { code, message } => format!("{code}: {message}"),
            _ => "sending".to_owned(),
        });
    });
    hub(&sim).submit(submit).await.expect("accepted");
    let steps = steps.lock().expect("not poisoned");
    assert!(steps[0].starts_with("not_uploaded: the file `Cargo.toml`"), "{steps:?}");
    assert_eq!(steps[1..], ["sending"]);
}

#[tokio::test]
async fn a_node_info_list_is_written_into_a_graph_that_is_sent_whole() {
    let sim = sim().start().await.expect("the simulator starts");
    let dir = tempfile::tempdir().expect("a folder");
    let record = dir.path().join("run");
    let hub = RunningHub::builder(key()).base_url(sim.base_url()).record(&record).build().expect("a hub");
    let entry = |node: serde_json::Value, field: &str, value: serde_json::Value| json!({"nodeId": node, "fieldName": field, "fieldValue": value});
    let list = vec![
        entry(json!(6), "text", json!("a bird")),
        entry(json!("6"), "text", json!("a dog")),
        entry(json!("3"), "steps", json!("20")),
        entry(json!("3"), "tiled", json!("True")),
    ];
    let submit = Submit::graph(with_a_loader()).set("6.text", "a dog").node_info_list(list);
    hub.submit(submit).await.expect("accepted").finish().await.expect("watched");
    drop(hub);
    let exchanges = std::fs::read_to_string(record.join("http.jsonl")).expect("recorded");
    let creates =
        exchanges.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let create = creates.into_iter().find(|one| one["path"] == "/task/openapi/create").expect("a create");
    let graph = create["body"]["workflow"].as_str().expect("text");
    let graph: serde_json::Value = serde_json::from_str(graph).expect("JSON");
    assert_eq!(graph["6"]["inputs"]["text"], "a dog");
    assert_eq!(graph["3"]["inputs"]["steps"], 20);
    assert_eq!(graph["3"]["inputs"]["tiled"], true);
}

#[tokio::test]
async fn a_list_that_contradicts_what_is_set_or_does_not_fit_is_refused() {
    let sim = sim().start().await.expect("the simulator starts");
    let hub = hub(&sim);
    let dir = tempfile::tempdir().expect("a folder");
    let png = dir.path().join("a.png");
    std::fs::write(&png, "an image").expect("written");
    let entry = |node: &str, field: &str, value: &str| {
        vec![json!({"nodeId": node, "fieldName": field, "fieldValue": value})]
    };
    for mistake in [
        Submit::graph(with_a_loader()).set("6.text", "a").node_info_list(entry("6", "text", "b")),
        Submit::graph(with_a_loader())
            .set_file("10.image", png)
            .node_info_list(entry("10", "image", "b.png")),
        Submit::workflow(WORKFLOW).set("Prompt.text", "a").node_info_list(entry("6", "text", "b")),
        Submit::graph(with_a_loader()).node_info_list(entry("3", "steps", "many")),
    ] {
        let error = hub.submit(mistake).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        let text = error.to_string();
        assert!(text.contains("another value") || text.contains("takes a number, not text"), "{text}");
    }
    assert_eq!(sim.stats().creates, 0);
}
