//! Every fault is visible on the wire.

use std::time::Instant;

use runninghub_sim::{Fault, Rate, Scenario, Sim};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

use crate::common::{Client, Socket, get, kinds, ms, request, small};

/// A simulator whose runs wait for their socket and then send all frames at once.
async fn with(fault: &str) -> (Sim, Client) {
    let builder =
        Sim::builder().scenario(small()).speed(f64::INFINITY).wait_for_socket(ms(60_000)).concurrency(9);
    start(builder.fault(fault.parse().unwrap())).await
}

/// A simulator whose runs take 50 ms and don't wait for a socket.
async fn quick(fault: &str) -> (Sim, Client) {
    start(Sim::builder().scenario(small()).speed(10.0).concurrency(9).fault(fault.parse().unwrap())).await
}

/// A simulator whose runs take half a second.
async fn slow(fault: &str) -> (Sim, Client) {
    start(Sim::builder().scenario(small()).fault(fault.parse().unwrap())).await
}

async fn start(builder: runninghub_sim::SimBuilder) -> (Sim, Client) {
    let sim = builder.start().await.unwrap();
    let client = Client::new(&sim);
    (sim, client)
}

async fn socket(client: &Client) -> (String, Socket) {
    let task = client.task("small").await;
    let address = client.address(&task).await;
    (task, Socket::open(&address).await)
}

/// The frame types of an undisturbed run.
async fn undisturbed() -> Vec<Value> {
    let (_sim, client) = with("slow-answers=0").await;
    socket(&client).await.1.rest().await
}

#[tokio::test]
async fn queue_delay() {
    let (sim, client) = slow("queue-delay=0.6").await;
    let task = client.task("small").await;
    assert_eq!(client.outputs(&task).await["code"], 813);
    let info = &sim.tasks()[0];
    assert_eq!(info.started_at - info.created_at, ms(600));
    client.address(&task).await;
}

#[tokio::test]
async fn url_never() {
    let (_sim, client) = slow("url-never").await;
    let task = client.task("small").await;
    let first = client.outputs(&task).await;
    assert_eq!((&first["code"], &first["data"]), (&json!(804), &json!({"netWssUrl": null})));
    let end = client
        .outputs_when(&task, |outputs| outputs["code"] != 804 || outputs["data"]["netWssUrl"].is_string())
        .await;
    assert_eq!(end["code"], 0);
}

#[tokio::test]
async fn url_late() {
    let (_sim, client) = with("url-late=0.6").await;
    let begin = Instant::now();
    let task = client.task("small").await;
    assert_eq!(client.outputs(&task).await["data"], json!({"netWssUrl": null}));
    client.address(&task).await;
    assert!(begin.elapsed() >= ms(600));
}

#[tokio::test]
async fn late_join() {
    let (_sim, client) = with("late-join=0.6").await;
    let begin = Instant::now();
    let task = client.task("small").await;
    assert_eq!(client.outputs(&task).await["code"], 813);
    client.address(&task).await;
    assert!(begin.elapsed() >= ms(600));
}

#[tokio::test]
async fn url_in_create() {
    let (_sim, client) = with("url-in-create").await;
    let created = client.create("small").await;
    assert_eq!(created["data"]["taskStatus"], "RUNNING");
    Socket::open(created["data"]["netWssUrl"].as_str().unwrap()).await;
}

#[tokio::test]
async fn handshake_refused() {
    let (_sim, client) = with("handshake-refused=429").await;
    let task = client.task("small").await;
    let Err(refused) = Socket::try_open(&client.address(&task).await).await else { panic!("accepted") };
    assert!(refused.to_string().contains("429"), "{refused}");
}

#[tokio::test]
async fn drop_at() {
    let (_sim, client) = with("drop-at=6").await;
    let (_, mut socket) = socket(&client).await;
    let seen = socket.rest().await;
    assert_eq!(
        kinds(&seen)[1..],
        ["status", "status", "execution_start", "execution_cached", "progress_state", "executing"]
    );
}

#[tokio::test]
async fn a_connection_is_cut_again_as_often_as_the_fault_says() {
    let (_sim, client) = start(
        Sim::builder()
            .scenario(small())
            .wait_for_socket(ms(60_000))
            .fault(Fault::DropAt { frame: 8, times: 2 }),
    )
    .await;
    let (task, mut first) = socket(&client).await;
    first.rest().await;
    let address = client.address(&task).await;
    let again = Socket::open(&address).await.rest().await;
    assert_eq!(kinds(&again), ["status", "executing"], "cut at its first frame");
    let third = Socket::open(&address).await.rest().await;
    assert_eq!(kinds(&third).last(), Some(&"executing"), "and then no more");
    assert!(kinds(&third).contains(&"execution_success"));
}

#[tokio::test]
async fn cut_before_end() {
    let (_sim, client) = with("cut-before-end").await;
    let (task, mut socket) = socket(&client).await;
    let seen = socket.rest().await;
    assert!(kinds(&seen).contains(&"executed") && !kinds(&seen).contains(&"execution_success"));
    assert_eq!(client.end(&task).await["code"], 0);
}

/// The first response after such a cut still reports a running task.
#[tokio::test]
async fn cut_before_end_while_it_runs() {
    let (_sim, client) = with("cut-before-end=0.05").await;
    let (task, mut socket) = socket(&client).await;
    let seen = socket.rest().await;
    assert!(!kinds(&seen).contains(&"execution_success"), "{seen:?}");
    assert_eq!(client.end(&task).await["code"], 0);
}

#[tokio::test]
async fn silence_at() {
    let (_sim, client) = with("silence-at=6").await;
    let (task, mut socket) = socket(&client).await;
    let seen = socket.until("executing").await;
    assert_eq!(seen.len(), 7);
    assert!(socket.is_silent_for(ms(100)).await);
    assert_eq!(client.end(&task).await["code"], 0);
}

#[tokio::test]
async fn last_frames_never() {
    let (_sim, client) = with("last-frames-never").await;
    let (task, mut socket) = socket(&client).await;
    socket.until("executed").await;
    socket.until("progress_state").await;
    assert!(socket.is_silent_for(ms(100)).await);
    assert_eq!(client.end(&task).await["code"], 0);
}

#[tokio::test]
async fn duplicate_frames() {
    let (_sim, client) = with("duplicate-frames=1.0").await;
    let (_, mut socket) = socket(&client).await;
    let mut frames = socket.until("execution_success").await;
    frames.push(socket.json().await.unwrap());
    let greeting = frames.remove(0);
    assert!(greeting["data"]["sid"].is_string());
    assert!(frames.len() > 40 && frames.chunks(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn reorder_frames() {
    let straight = undisturbed().await;
    let (_sim, client) = with("reorder-frames=1.0").await;
    let (_, mut socket) = socket(&client).await;
    let mut swapped = Vec::new();
    while swapped.len() < straight.len() {
        swapped.push(socket.json().await.unwrap());
    }
    assert_eq!(kinds(&swapped)[3..7], ["execution_cached", "execution_start", "executing", "progress_state"]);
    let sorted = |frames: &[Value]| {
        let mut texts: Vec<_> = frames.iter().skip(1).map(Value::to_string).collect();
        texts.sort();
        texts
    };
    assert_eq!(sorted(&swapped), sorted(&straight), "none lost, none doubled");
}

#[tokio::test]
async fn the_same_seed_makes_the_same_faults() {
    let run = async |seed| {
        let builder =
            Sim::builder().scenario(small()).speed(f64::INFINITY).wait_for_socket(ms(60_000)).seed(seed);
        let (_sim, client) = start(builder.fault(Fault::DuplicateFrames(0.3))).await;
        let (_, mut socket) = socket(&client).await;
        kinds(&socket.until("execution_success").await).join(" ")
    };
    let (first, second, other) = (run(1).await, run(1).await, run(2).await);
    assert_eq!(first, second);
    assert_ne!(first, other);
}

#[tokio::test]
async fn slow_responses() {
    let (_sim, client) = quick("slow-answers=0.15").await;
    let begin = Instant::now();
    client.task("small").await;
    assert!(begin.elapsed() >= ms(150));
}

#[tokio::test]
async fn lost_create_response() {
    let (sim, client) = quick("lost-create-answer").await;
    assert!(client.try_post("/task/openapi/create", json!({"workflowId": "small"})).await.is_none());
    assert_eq!(sim.stats().creates, 1, "made all the same");
    client.task("small").await;
    assert!(client.try_post("/task/openapi/create", json!({"workflowId": "none"})).await.is_some());
}

#[tokio::test]
async fn lost_responses() {
    let (sim, client) = quick("lost-answers=2").await;
    let task = client.task("small").await;
    let ask = async || client.try_post("/task/openapi/outputs", json!({"taskId": task})).await;
    assert!(ask().await.is_none() && ask().await.is_none());
    assert!(ask().await.is_some());
    assert_eq!(sim.stats().calls["/task/openapi/outputs"], 3);
}

#[tokio::test]
async fn http_5xx() {
    let (_sim, client) = quick("http-5xx=1").await;
    let task = client.task("small").await;
    let ask = async || client.try_post("/task/openapi/outputs", json!({"taskId": task})).await.unwrap();
    assert_eq!((ask().await.status, ask().await.status), (502, 200));
    let other = client.task("small").await;
    let ask = client.try_post("/task/openapi/status", json!({"taskId": other})).await.unwrap();
    assert_eq!(ask.status, 502, "counted per task");
}

#[tokio::test]
async fn html() {
    let (_sim, client) = quick("html=1.0").await;
    let task = client.task("small").await;
    let answer = client.try_post("/task/openapi/outputs", json!({"taskId": task})).await.unwrap();
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(answer.body.starts_with(b"<!DOCTYPE html>"));
}

#[tokio::test]
async fn expired_links() {
    let (_sim, client) = quick("expired-links").await;
    let task = client.task("small").await;
    let links = async || {
        let outputs = client.end(&task).await;
        [0, 1].map(|index| outputs["data"][index]["fileUrl"].as_str().unwrap().to_owned())
    };
    let [first, second] = links().await;
    assert_eq!((get(&first, &[]).await.status, get(&second, &[]).await.status), (403, 403));
    let [again, other] = links().await;
    assert_eq!((get(&again, &[]).await.status, get(&other, &[]).await.status), (200, 200));
    assert_eq!(get(&first, &[]).await.status, 403, "an old link stays dead");
}

#[tokio::test]
async fn settle() {
    let (_sim, client) = with("settle=0.6").await;
    let (task, mut socket) = socket(&client).await;
    socket.rest().await;
    let begin = Instant::now();
    assert_eq!(client.outputs(&task).await["code"], 804);
    client.end(&task).await;
    assert!(begin.elapsed() > ms(300));
}

#[tokio::test]
async fn empty_outputs_first() {
    let (_sim, client) = quick("empty-outputs-first=2").await;
    let task = client.task("small").await;
    let mut listed = vec![client.end(&task).await];
    listed.extend([client.outputs(&task).await, client.outputs(&task).await]);
    let counts: Vec<_> = listed.iter().map(|outputs| outputs["data"].as_array().unwrap().len()).collect();
    assert_eq!(counts, [0, 1, 2]);
    assert!(listed.iter().all(|outputs| outputs["code"] == 0));
}

#[tokio::test]
async fn task_fails() {
    let (_sim, client) = with("task-fails").await;
    let (task, mut socket) = socket(&client).await;
    let frames = socket.rest().await;
    assert_eq!(kinds(&frames)[frames.len() - 3..], ["execution_error", "status", "executing"]);
    let error = &frames[frames.len() - 3]["data"];
    assert_eq!((&error["node_id"], &error["prompt_id"]), (&json!("9"), &frames[3]["data"]["prompt_id"]));
    let outputs = client.end(&task).await;
    assert_eq!(outputs["code"], 805);
    assert_eq!(outputs["data"]["failedReason"]["exception_type"], "torch.OutOfMemoryError");
}

#[tokio::test]
async fn queue_full() {
    let (sim, client) = quick("queue-full=2").await;
    assert_eq!(client.create("small").await["code"], 421);
    assert_eq!(client.create("small").await["code"], 421);
    assert_eq!(client.create("small").await["code"], 0);
    assert_eq!(sim.stats().creates, 1);
}

#[tokio::test]
async fn cancel_refused() {
    let (_sim, client) = with("cancel-refused").await;
    let task = client.task("small").await;
    assert_eq!(client.post("/task/openapi/cancel", json!({"taskId": task})).await["code"], 500);
    assert_eq!(client.outputs(&task).await["code"], 804);
}

#[tokio::test]
async fn connection_limit() {
    let (_sim, client) = with("connection-limit=1").await;
    let (task, first) = socket(&client).await;
    let address = client.address(&client.task("small").await).await;
    let Err(refused) = Socket::try_open(&address).await else { panic!("accepted") };
    assert!(refused.to_string().contains("503"), "{refused}");
    client.end(&task).await;
    first.close().await;
    Socket::open(&address).await;
}

#[tokio::test]
async fn binary_garbage() {
    let (_sim, client) = with("binary-garbage").await;
    let (_, mut socket) = socket(&client).await;
    let mut odd = Vec::new();
    loop {
        match socket.next().await.unwrap() {
            Message::Binary(bytes) => odd.push(bytes),
            Message::Text(text) if text.contains("execution_success") => break,
            _ => {}
        }
    }
    assert!(
        odd.iter().any(tokio_tungstenite::tungstenite::Bytes::is_empty)
            && odd.iter().any(|bytes| bytes.starts_with(b"\0\0\0\x63"))
    );
}

#[tokio::test]
async fn unknown_frames() {
    let (_sim, client) = with("unknown-frames").await;
    let (_, mut socket) = socket(&client).await;
    let frames = socket.rest().await;
    let odd = |kind: &str| frames.iter().find(|frame| frame["type"] == kind).unwrap()["data"].clone();
    assert_eq!(
        (odd("lab.list"), odd("lab.null"), odd("lab.text")),
        (json!([1, 2, 3]), json!(null), json!("done"))
    );
}

#[tokio::test]
async fn big_frame() {
    let (_sim, client) = with("big-frame=300000").await;
    let (_, mut socket) = socket(&client).await;
    let mut sizes = Vec::new();
    while let Some(message) = socket.next().await {
        sizes.push(message.len());
        if message.to_text().is_ok_and(|text| text.contains("execution_success")) {
            break;
        }
    }
    assert_eq!(sizes.iter().max(), Some(&300_000));
}

#[tokio::test]
async fn faults_can_be_for_one_workflow() {
    let builder = Sim::builder().scenario(small()).scenario_named("other", Scenario::demo()).speed(100.0);
    let (_sim, client) =
        start(builder.fault_for("small", Fault::QueueFull(1)).fault(Fault::Html(Rate::First(0)))).await;
    assert_eq!(client.create("other").await["code"], 0);
    assert_eq!(client.create("small").await["code"], 421);
}

#[tokio::test]
async fn header_keys() {
    let (sim, client) = quick("header-keys").await;
    let url = format!("{}/uc/openapi/accountStatus", sim.base_url());
    let bearer = format!("Bearer {}", client.key);
    let headers = [("Content-Type", "application/json"), ("Authorization", &*bearer)];
    let body = json!({"apikey": client.key}).to_string();
    let refused = request("POST", &url, &headers, body.as_bytes()).await.unwrap();
    assert_eq!((refused.status, &refused.json()["code"]), (401, &json!(-1)));
    let answer = request("POST", &url, &headers, b"{}").await.unwrap();
    assert_eq!((answer.status, &answer.json()["code"]), (200, &json!(0)));
}

#[tokio::test]
async fn every_fault_has_a_test() {
    let tests = concat!(include_str!("faults.rs"), include_str!("file_faults.rs"));
    for info in Fault::all() {
        assert!(tests.contains(&format!("(\"{}", info.name)), "{} has no test", info.name);
    }
}

/// Creates a task under a network fault of its response; returns the response's status, if it arrived.
async fn answer_under(fault: &str) -> Option<u16> {
    let (sim, client) = slow(fault).await;
    let answer = client.try_post("/task/openapi/create", json!({"workflowId": "small"})).await;
    assert_eq!(sim.stats().creates, 1, "the request arrives");
    answer.map(|answer| answer.status)
}

#[tokio::test]
async fn latency() {
    let start = Instant::now();
    assert_eq!(answer_under("latency=0.05,0.01").await, Some(200));
    assert!(start.elapsed() >= ms(100), "both ways: {:?}", start.elapsed());
}

#[tokio::test]
async fn bandwidth() {
    let start = Instant::now();
    assert_eq!(answer_under("bandwidth=2000").await, Some(200));
    assert!(start.elapsed() >= ms(150), "{:?}", start.elapsed());
}

#[tokio::test]
async fn cut_after() {
    assert_eq!(answer_under("cut-after=20").await, None);
}

#[tokio::test]
async fn reset_after() {
    assert_eq!(answer_under("reset-after=20").await, None);
}

#[tokio::test]
async fn black_hole_after() {
    let waiting = answer_under("black-hole-after=20");
    assert!(tokio::time::timeout(ms(300), waiting).await.is_err(), "no answer and no end");
}

#[tokio::test]
async fn corrupt_byte() {
    // The first digit of the status, as a client that accepts the corrupted byte reads it.
    let (_sim, client) = slow("corrupt-byte=9").await;
    let address = client.base_url.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(&answer[..13], [b"HTTP/1.1 ", &[!b'2'][..], b"00 "].concat());
}
