//! Deliveries of webhooks: forged, repeated, early, and the one that tells what a lost answer was about.
#![cfg(feature = "webhook")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{WORKFLOW, key, sim};
use futures_util::StreamExt as _;
use runninghub::{
    ErrorKind, RunningHub,
    ledger::{Filter, Ledger as _, MemoryLedger, State},
};
use runninghub_sim::{Fault, Rate, Sim};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Posts as anybody could, and gives the status.
async fn post(address: std::net::SocketAddr, path: &str, body: &str) -> u16 {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}

fn with_ledger(sim: &Sim) -> (RunningHub, Arc<MemoryLedger>) {
    let ledger = Arc::new(MemoryLedger::new().expect("a ledger"));
    let hub = RunningHub::builder(key())
        .base_url(sim.base_url())
        .time_scale(0.01)
        .ledger(Arc::clone(&ledger) as _)
        .build()
        .expect("a hub");
    (hub, ledger)
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_the_delivery_and_by_nothing_else() {
    let sim = sim()
        .fault(Fault::LostCreateAnswer(Rate::First(1)))
        .speed(20.0)
        .start()
        .await
        .expect("the simulator starts");
    let (hub, ledger) = with_ledger(&sim);
    let mut webhooks = hub.webhooks("127.0.0.1:0".parse().expect("an address")).await.expect("listening");
    let address = webhooks.address();
    let submit = hub.workflow(WORKFLOW).webhook(format!("http://{address}/rh/{{secret}}"));
    let error = submit.submit().await.expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::SubmitUnknown);

    let task = sim.tasks()[0].task_id.clone();
    let forged = format!(r#"{{"event":"TASK_END","taskId":"{task}"}}"#);
    assert_eq!(post(address, "/rh/00000000000000000000000000000000", &forged).await, 404);
    assert_eq!(post(address, "/rh/", &forged).await, 404);
    let secret = sim.tasks()[0].webhook_url.clone().expect("it was sent");
    let secret = secret.rsplit('/').next().expect("a secret").to_owned();
    assert_eq!(post(address, &format!("/{secret}"), "not JSON").await, 400);
    assert_eq!(post(address, &format!("/{secret}"), &"x".repeat(2 << 20)).await, 413);
    // Somebody who knows the secret and not the task: the platform is asked, and knows better.
    assert_eq!(post(address, &format!("/{secret}"), r#"{"taskId":"999"}"#).await, 200);
    let refused = webhooks.next().await.expect("looked into").expect_err("no such task");
    assert_eq!(refused.kind(), ErrorKind::Refused);
    let entry = ledger.entry(Filter::all()).await.expect("one");
    assert_eq!(entry.state, State::Unknown);

    // The simulator delivers when the task is over.
    let settled = timeout(Duration::from_secs(20), webhooks.next()).await.expect("in time");
    let settled = settled.expect("a delivery").expect("confirmed");
    assert_eq!((settled.state, settled.task), (State::Done, Some(task.as_str().into())));
    // Deliveries come again, and change nothing.
    assert_eq!(post(address, &format!("/{secret}"), &forged).await, 200);
    assert_eq!(webhooks.next().await.expect("a delivery").expect("known").state, State::Done);
    drop(webhooks);
    let closed = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(5), closed).await.expect("nobody listens any more");
}

#[tokio::test]
async fn without_a_ledger_there_is_nothing_to_settle() {
    let sim = sim().start().await.expect("the simulator starts");
    let hub = common::hub(&sim);
    let error = hub.webhooks("127.0.0.1:0".parse().expect("an address")).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Usage);
}

/// In a server that does other things, too.
#[tokio::test]
async fn the_receiver_is_a_service_of_any_server() {
    let sim = sim().speed(20.0).start().await.expect("the simulator starts");
    let (hub, _) = with_ledger(&sim);
    let (service, mut deliveries) = hub.webhook_service().expect("a receiver");
    let router = axum::Router::new()
        .route("/health", axum::routing::get(async || "well"))
        .route_service("/hooks/{secret}", service);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let submit = hub.workflow(WORKFLOW).webhook(format!("http://{address}/hooks/{{secret}}"));
    let mut run = submit.submit().await.expect("accepted");
    run.finish().await.expect("followed");
    let told = timeout(Duration::from_secs(20), deliveries.next()).await.expect("in time");
    let told = told.expect("a delivery").expect("confirmed");
    assert_eq!((told.state, told.task), (State::Done, Some(run.task_id().clone())));
    assert_eq!(post(address, "/hooks/00000000000000000000000000000000", r#"{"taskId":"1"}"#).await, 404);
    assert_eq!(post(address, "/elsewhere", r#"{"taskId":"1"}"#).await, 404);
    server.abort();

    let without = common::hub(&sim).webhook_service().expect_err("there is no ledger");
    assert_eq!(without.kind(), ErrorKind::Usage);
}
