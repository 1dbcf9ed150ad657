//! Recordings are served as recorded.

use std::{fs, path::Path};

use runninghub_sim::{ErrorKind, Scenario, Sim};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::Message;

use crate::common::{Client, Socket, get, ms};

const PNG: &[u8] = b"\x89PNG, kept by the recorder";

/// A recording of two prompts: one accepted, then one refused.
fn recording() -> TempDir {
    let folder = tempfile::Builder::new().prefix("v0.3.44-").tempdir().unwrap();
    let write = |name: &str, content: &str| fs::write(folder.path().join(name), content).unwrap();
    let meta = json!({"scenario": "x", "prompts": [
        {"prompt_id": "p-1", "workflow": "workflow.json", "http_status": 200},
        {"prompt_id": null, "workflow": "bad.json", "http_status": 400},
    ]});
    write("meta.json", &meta.to_string());
    write(
        "workflow.json",
        r#"{"7": {"class_type": "A", "inputs": {}}, "8": {"class_type": "SaveImage", "inputs": {"images": ["7", 0]}}}"#,
    );
    let post = json!({"method": "POST", "path": "/prompt", "text": json!({"prompt_id": "p-1", "node_errors": {"3": {"errors": []}}}).to_string()});
    write("http.jsonl", &post.to_string());
    let images = json!([{"filename": "kept.png", "type": "output"}, {"filename": "seen.png", "type": "temp"}, {"filename": "gone.png", "type": "output"}]);
    let history = json!({"p-1": {"prompt": [1, "p-1", {}, {}, ["8"]], "outputs": {"8": {"images": images}}, "status": {"status_str": "success"}}});
    write("history.json", &history.to_string());
    fs::write(folder.path().join("output-kept.png"), PNG).unwrap();

    let rows = [
        (0.0, "open", json!({"text": "{}"})),
        (1.0, "text", json!({"text": r#"{"type": "status", "data": {"status": {}, "sid": "me"}}"#})),
        (100.0, "text", json!({"text": r#"{"type": "status", "data": {"first": 1}}"#})),
        (101.0, "text", json!({"text": r#"{"type": "execution_start", "data": {"prompt_id": "p-1"}}"#})),
        (102.0, "text", json!({"text": r#"{"type": "executing", "data": {"node": "7"}}"#})),
        (
            103.0,
            "text",
            json!({"text": r#"{"type": "progress", "data": {"value": NaN, "prompt_id": "p-1"}}"#}),
        ),
        (104.0, "binary", json!({"b64": "AAAAAQAAAAH/2P8="})),
        (300.0, "text", json!({"text": r#"{"type": "execution_success", "data": {"prompt_id": "p-1"}}"#})),
        (
            301.0,
            "text",
            json!({"text": r#"{"type": "executing", "data": {"node": null, "prompt_id": "p-1"}}"#}),
        ),
        (900.0, "text", json!({"text": r#"{"type": "status", "data": {"later": 1}}"#})),
    ];
    let lines = rows.map(|(at, kind, mut row)| {
        row["t_ms"] = json!(at);
        row["at_ms"] = json!(at);
        row["dir"] = json!("in");
        row["kind"] = json!(kind);
        row.to_string()
    });
    write("ws-a.jsonl", &lines.join("\n"));
    folder
}

async fn served(folder: &Path) -> (Sim, Client, String, Socket) {
    let scenario = Scenario::load(folder).unwrap();
    let builder = Sim::builder().scenario_named("1", scenario).speed(10.0).wait_for_socket(ms(60_000));
    let sim = builder.start().await.unwrap();
    let client = Client::new(&sim);
    let task = client.task("1").await;
    let socket = Socket::open(&client.address(&task).await).await;
    (sim, client, task, socket)
}

#[tokio::test]
async fn frames_are_those_of_the_prompt_to_the_byte() {
    let folder = recording();
    let (_sim, client, task, mut socket) = served(folder.path()).await;
    let mut texts = Vec::new();
    socket.next().await;
    loop {
        match socket.next().await.unwrap() {
            Message::Text(text) => texts.push(text.to_string()),
            Message::Binary(bytes) => texts.push(format!("{:?}", bytes.to_vec())),
            _ => {}
        }
        if texts.last().unwrap().contains("null") {
            break;
        }
    }
    assert_eq!(
        texts,
        [
            r#"{"type": "status", "data": {"first": 1}}"#,
            r#"{"type": "execution_start", "data": {"prompt_id": "p-1"}}"#,
            r#"{"type": "progress", "data": {"value": NaN, "prompt_id": "p-1"}}"#,
            "[0, 0, 0, 1, 0, 0, 0, 1, 255, 216, 255]",
            r#"{"type": "execution_success", "data": {"prompt_id": "p-1"}}"#,
            r#"{"type": "executing", "data": {"node": null, "prompt_id": "p-1"}}"#,
        ]
    );
    assert!(socket.is_silent_for(ms(100)).await);
    let outputs = client.end(&task).await;
    let links: Vec<_> =
        outputs["data"].as_array().unwrap().iter().map(|item| item["fileUrl"].as_str().unwrap()).collect();
    assert_eq!(links.len(), 2, "no previews: {links:?}");
    assert_eq!(get(links[0], &[]).await.body, PNG);
    assert!(get(links[1], &[]).await.body.starts_with(b"\x89PNG\r\n"));
}

#[tokio::test]
async fn create_returns_the_servers_outputs_and_errors() {
    let folder = recording();
    let scenario = Scenario::load(folder.path()).unwrap();
    assert_eq!((scenario.duration(), scenario.result_count()), (ms(201), 2));
    let sim = Sim::builder().scenario_named("1", scenario).start().await.unwrap();
    let created = Client::new(&sim).create("1").await;
    let tips: Value = serde_json::from_str(created["data"]["promptTips"].as_str().unwrap()).unwrap();
    assert_eq!(
        tips,
        json!({"result": true, "error": null, "outputs_to_execute": ["8"], "node_errors": {"3": {"errors": []}}})
    );
}

#[tokio::test]
async fn a_server_that_went_away_goes_away_again() {
    let folder = recording();
    let path = folder.path().join("ws-a.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<_> = text.lines().take(7).map(str::to_owned).collect();
    lines.push(json!({"t_ms": 150.0, "at_ms": 150.0, "dir": "in", "kind": "eof", "text": "257"}).to_string());
    lines.push(
        json!({"t_ms": 151.0, "at_ms": 151.0, "dir": "out", "kind": "close", "text": "{}"}).to_string(),
    );
    fs::write(&path, lines.join("\n")).unwrap();
    fs::remove_file(folder.path().join("history.json")).unwrap();
    let (_sim, client, task, mut socket) = served(folder.path()).await;
    while socket.next().await.is_some() {}
    assert_eq!(client.end(&task).await["data"], Value::Null, "a failure without a reason");
}

#[test]
fn folders_that_are_not_recordings_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let error = Scenario::load(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Scenario);
    assert!(error.to_string().starts_with("cannot read "), "{error}");
    let error = Scenario::load_prompt(recording().path(), "p-9").unwrap_err();
    assert_eq!(error.to_string(), "no prompt p-9 ran in the recording");
    let scenario = Scenario::load_prompt(recording().path(), "p-1").unwrap();
    assert!(
        scenario.name().starts_with("v0.3.44-") && scenario.name().ends_with(".1"),
        "{}",
        scenario.name()
    );
}
