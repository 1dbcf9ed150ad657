//! The socket behaves like ComfyUI's.

use crate::common::{Client, Socket, kinds, ms, small};
use runninghub_sim::{Scenario, ScriptNode, Sim};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// Runs start with the first socket: every frame is seen, at any speed.
async fn waiting(scenario: Scenario, speed: f64) -> (Sim, Client, String, String) {
    let name = scenario.name().to_owned();
    let sim =
        Sim::builder().scenario(scenario).speed(speed).wait_for_socket(ms(60_000)).start().await.unwrap();
    let client = Client::new(&sim);
    let task = client.task(&name).await;
    let address = client.address(&task).await;
    (sim, client, task, address)
}

#[tokio::test]
async fn a_run_is_reported_as_comfyui_reports_it() {
    let script = Scenario::script("three")
        .node(ScriptNode::new("1", "Loader").cached())
        .node(ScriptNode::new("2", "Sampler").link("model", "1", 0).takes(ms(10)).steps(2))
        .node(ScriptNode::new("3", "SaveImage").link("images", "2", 0).saves("x.png"))
        .build();
    let (_sim, client, task, address) = waiting(script, f64::INFINITY).await;
    let messages = Socket::open(&address).await.rest().await;
    assert_eq!(
        kinds(&messages),
        [
            "status",
            "status",
            "status",
            "execution_start",
            "execution_cached",
            "progress_state",
            "executing",
            "progress_state",
            "progress",
            "progress_state",
            "progress",
            "progress_state",
            "progress_state",
            "executing",
            "executed",
            "progress_state",
            "execution_success",
            "status",
            "executing",
        ]
    );
    assert!(messages[0]["data"]["sid"].is_string() && messages[1]["data"].get("sid").is_none());
    assert_eq!(messages[4]["data"]["nodes"], json!(["1"]));
    assert_eq!(messages[10]["data"]["value"], 2);
    let prompt_id = messages[3]["data"]["prompt_id"].as_str().unwrap();
    let (value, state) = (1.0, "running");
    assert_eq!(
        messages[7]["data"]["nodes"]["2"],
        json!({
            "value": value, "max": 2.0, "state": state, "node_id": "2", "prompt_id": prompt_id, "display_node_id": "2",
            "parent_node_id": null, "real_node_id": "2",
        })
    );
    assert_eq!(messages[14]["data"]["output"]["images"][0]["filename"], "x.png");
    assert_eq!(client.outputs(&task).await["code"], 0, "ready with the last frames");
}

#[tokio::test]
async fn a_late_socket_gets_only_the_current_node() {
    let (_sim, _client, _task, address) = waiting(small(), 1.0).await;
    let mut first = Socket::open(&address).await;
    first.until("progress").await;
    first.close().await;
    let mut late = Socket::open(&address).await;
    assert_eq!(late.json().await.unwrap()["data"]["status"]["exec_info"]["queue_remaining"], 1);
    assert_eq!(late.json().await.unwrap(), json!({"type": "executing", "data": {"node": "3"}}));
    let rest = late.rest().await;
    assert!(!kinds(&rest).contains(&"execution_start"));
    assert_eq!(rest.last().unwrap()["data"]["node"], Value::Null);
}

#[tokio::test]
async fn a_socket_after_the_end_gets_nothing() {
    let sim = Sim::builder().scenario(small()).start().await.unwrap();
    let client = Client::new(&sim);
    let task = client.task("small").await;
    let address = client.address(&task).await;
    client.end(&task).await;
    let mut socket = Socket::open(&address).await;
    assert_eq!(socket.json().await.unwrap()["data"]["status"]["exec_info"]["queue_remaining"], 0);
    assert!(socket.is_silent_for(ms(100)).await);
}

#[tokio::test]
async fn the_newer_of_two_sockets_gets_the_frames_until_the_older_one_closes() {
    let (_sim, _client, _task, address) = waiting(small(), 0.25).await;
    let mut old = Socket::open(&address).await;
    old.until("progress").await;
    let mut new = Socket::open(&address).await;
    new.until("progress").await;
    assert!(old.is_silent_for(ms(400)).await, "replaced");
    new.until("progress").await;
    old.close().await;
    // A frame may be in flight; after it nothing arrives although the run continues.
    while !new.is_silent_for(ms(700)).await {}
    let mut third = Socket::open(&address).await;
    assert_eq!(third.until("progress").await.last().unwrap()["type"], "progress");
}

#[tokio::test]
async fn pings_and_flags_are_answered() {
    let (_sim, _client, _task, address) = waiting(small(), 1.0).await;
    let mut socket = Socket::open(&address).await;
    socket
        .send(Message::text(r#"{"type": "feature_flags", "data": {"supports_preview_metadata": true}}"#))
        .await;
    let flags = socket.until("feature_flags").await;
    assert_eq!(flags.last().unwrap()["data"]["supports_preview_metadata"], true);
    socket.send(Message::Ping("?".into())).await;
    loop {
        if let Message::Pong(payload) = socket.next().await.unwrap() {
            assert_eq!(payload, "?");
            break;
        }
    }
}

#[tokio::test]
async fn after_the_last_frame_the_socket_stays_open() {
    let (sim, _client, _task, address) = waiting(small(), f64::INFINITY).await;
    let mut socket = Socket::open(&address).await;
    socket.rest().await;
    assert!(socket.is_silent_for(ms(100)).await);
    assert_eq!((sim.stats().sockets_open, sim.stats().sockets_opened), (1, 1));
    drop(sim);
    assert!(socket.next().await.is_none(), "closed with the simulator");
}

#[tokio::test]
async fn a_cancelled_run_is_interrupted() {
    let (_sim, client, task, address) = waiting(small(), 0.1).await;
    let mut socket = Socket::open(&address).await;
    socket.until("progress").await;
    client.post("/task/openapi/cancel", json!({"taskId": task})).await;
    let rest = socket.rest().await;
    let interrupted = rest.iter().find(|message| message["type"] == "execution_interrupted").unwrap();
    assert_eq!(
        (&interrupted["data"]["node_id"], &interrupted["data"]["node_type"]),
        (&json!("3"), &json!("KSampler"))
    );
    assert!(socket.is_silent_for(ms(100)).await);
}

#[tokio::test]
async fn the_ticket_must_be_the_tasks_own() {
    let (_sim, _client, _task, address) = waiting(small(), 1.0).await;
    assert!(Socket::try_open(&address.replace("&Rh-Comfy-Auth=", "&Rh-Comfy-Auth=x")).await.is_err());
    assert!(Socket::try_open(&address.replace("&clientId=", "&clientId=0")).await.is_err());
}

#[tokio::test]
async fn the_demo_shows_all_there_is_to_see() {
    let demo = Scenario::demo();
    assert!((10.0..15.0).contains(&demo.duration().as_secs_f64()), "{:?}", demo.duration());
    let (_sim, client, task, address) = waiting(demo, f64::INFINITY).await;
    let mut socket = Socket::open(&address).await;
    let (mut previews, mut messages) = (0, Vec::new());
    while messages.last().is_none_or(|last: &Value| last["type"] != "execution_success") {
        match socket.next().await.unwrap() {
            Message::Binary(bytes) => {
                assert!(bytes.starts_with(b"\0\0\0\x01\0\0\0\x02\x89PNG"));
                previews += 1;
            }
            Message::Text(text) => messages.push(serde_json::from_str(&text).unwrap()),
            _ => {}
        }
    }
    assert_eq!(previews, 20);
    let cached = messages.iter().find(|message| message["type"] == "execution_cached").unwrap();
    assert_eq!(cached["data"]["nodes"].as_array().unwrap().len(), 5);
    let tiles =
        messages.iter().filter(|message| message["type"] == "progress" && message["data"]["node"] == "13");
    assert_eq!(tiles.filter(|message| message["data"]["value"] == 1).count(), 6, "six passes");
    assert_eq!(client.end(&task).await["data"].as_array().unwrap().len(), 2);
}
