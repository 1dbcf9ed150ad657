//! Webhook deliveries: forged, repeated, early, and one that settles a lost response.
#![cfg(feature = "webhook")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{WORKFLOW, key, post, sim};
use futures_util::{FutureExt as _, StreamExt as _};
use runninghub::{
    ApiKey, ErrorKind, Follow, RunningHub, Service as _, Submit, TaskId, Webhooks,
    ledger::{Entry, Filter, Ledger as _, MOST_DELIVERIES, MemoryLedger, State},
};
use runninghub_sim::{Fault, Rate, Rule, Sim, SimBuilder};
use tokio::{net::TcpStream, time::timeout};

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

/// Longer than anything takes, even on a busy machine.
const LONG: Duration = Duration::from_mins(1);

/// A simulator that drops the responses to its first creates.
fn losing(answers: u32) -> SimBuilder {
    sim().fault(Fault::LostCreateAnswer(Rate::First(answers))).speed(20.0)
}

async fn listening(hub: &RunningHub) -> Webhooks {
    hub.webhooks("127.0.0.1:0".parse().expect("an address")).await.expect("listening")
}

/// A submit of unknown outcome: its task, and the path with its secret. The simulator sends no deliveries, so the
/// test controls when one arrives.
async fn lost(hub: &RunningHub, sim: &Sim) -> (TaskId, String) {
    let before = sim.tasks().len();
    let submit = Submit::workflow(WORKFLOW).webhook("http://127.0.0.1:9/{secret}");
    assert_eq!(hub.submit(submit).await.expect_err("nobody knows").kind(), ErrorKind::SubmitUnknown);
    let task = sim.tasks().swap_remove(before);
    let url = task.webhook_url.expect("it was sent");
    (task.task_id.as_str().into(), format!("/{}", url.rsplit('/').next().expect("a secret")))
}

fn delivery(task: &TaskId) -> String {
    format!(r#"{{"event":"TASK_END","taskId":"{task}"}}"#)
}

/// The next item of the deliveries.
async fn confirmed(webhooks: &mut Webhooks) -> Result<Entry, runninghub::Error> {
    timeout(LONG, webhooks.next()).await.expect("in time").expect("a delivery")
}

async fn until_over(hub: &RunningHub, task: &TaskId) {
    while !hub.status(task).await.expect("known").status.is_over() {}
}

#[tokio::test]
async fn a_lost_response_is_settled_only_by_the_delivery() {
    let sim = losing(1).start().await.expect("the simulator starts");
    let (hub, ledger) = with_ledger(&sim);
    let mut webhooks = listening(&hub).await;
    let address = webhooks.address();
    let (task, path) = lost(&hub, &sim).await;

    assert_eq!(post(address, "/rh/00000000000000000000000000000000", &delivery(&task)).await, 404);
    assert_eq!(post(address, "/rh/", &delivery(&task)).await, 404);
    assert_eq!(post(address, &path, "not JSON").await, 400);
    assert_eq!(post(address, &path, &"x".repeat(2 << 20)).await, 413);
    // A sender that knows the secret but not the task: the platform is queried, and does not know that task.
    assert_eq!(post(address, &path, r#"{"taskId":"999"}"#).await, 200);
    assert_eq!(confirmed(&mut webhooks).await.expect_err("no such task").kind(), ErrorKind::Refused);
    let entry = ledger.entry(Filter::all()).await.expect("one");
    assert_eq!(entry.state, State::Unknown);
    assert!(ledger.deliveries().await.expect("read").is_empty(), "that one is dealt with");

    // The test sends the platform's requests.
    until_over(&hub, &task).await;
    hub.resend_webhook(&task, Some(&format!("http://{address}{path}"))).await.expect("delivered");
    let settled = confirmed(&mut webhooks).await.expect("confirmed");
    assert_eq!((settled.state, settled.task), (State::Done, Some(task.clone())));
    // Repeated deliveries change nothing.
    assert_eq!(post(address, &path, &delivery(&task)).await, 200);
    assert_eq!(confirmed(&mut webhooks).await.expect("known").state, State::Done);
    assert!(ledger.deliveries().await.expect("read").is_empty());
    drop(webhooks);
    let closed = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, closed).await.expect("nobody listens any more");
}

/// Each query is retried a few times by the client; thirty refusals are about ten queries.
#[tokio::test]
async fn a_delivery_is_verified_until_the_platform_responds() {
    let down = Rule::answer("/task/openapi/outputs", 503, "").times(30);
    let sim = losing(1).rule(down).start().await.expect("the simulator starts");
    let (hub, ledger) = with_ledger(&sim);
    let mut webhooks = listening(&hub).await;
    let (task, path) = lost(&hub, &sim).await;
    until_over(&hub, &task).await;
    assert_eq!(post(webhooks.address(), &path, &delivery(&task)).await, 200);
    assert_eq!(confirmed(&mut webhooks).await.expect_err("not yet").kind(), ErrorKind::Network);
    assert_eq!(ledger.deliveries().await.expect("read").len(), 1, "it is not forgotten");
    let settled = confirmed(&mut webhooks).await.expect("told once that it cannot be asked, then settled");
    assert_eq!((settled.state, settled.task), (State::Done, Some(task)));
    assert_eq!(sim.stats().rules, [30]);
    assert!(ledger.deliveries().await.expect("read").is_empty());
}

#[tokio::test]
async fn an_early_delivery_binds_the_task_and_reports_its_end_later() {
    let sim = losing(1).wait_for_socket(Duration::from_hours(1)).start().await.expect("the simulator starts");
    let (hub, ledger) = with_ledger(&sim);
    let mut webhooks = listening(&hub).await;
    let (task, path) = lost(&hub, &sim).await;
    assert_eq!(post(webhooks.address(), &path, &delivery(&task)).await, 200);
    let bound = confirmed(&mut webhooks).await.expect("confirmed");
    assert_eq!((bound.state, bound.task), (State::Accepted, Some(task.clone())));
    assert_eq!(ledger.deliveries().await.expect("read").len(), 1);
    // Now it is running.
    let mut run = hub.follow(Follow::task(task)).await.expect("it can be followed");
    timeout(LONG, run.finish()).await.expect("in time").expect("followed");
    assert_eq!(confirmed(&mut webhooks).await.expect("confirmed").state, State::Done);
    assert!(ledger.deliveries().await.expect("read").is_empty());
}

#[tokio::test]
async fn deliveries_of_an_earlier_listener_are_settled_by_the_next() {
    let sim = losing(2).start().await.expect("the simulator starts");
    let (hub, ledger) = with_ledger(&sim);
    let webhooks = listening(&hub).await;
    let (task, path) = lost(&hub, &sim).await;
    until_over(&hub, &task).await;
    // Acknowledged, and dropped before the platform is queried: deliveries are processed only while the stream is
    // polled.
    assert_eq!(post(webhooks.address(), &path, &delivery(&task)).await, 200);
    drop(webhooks);
    assert_eq!(ledger.entry(Filter::all()).await.expect("one").state, State::Unknown);

    // Another key cannot query this one's tasks, and leaves the delivery alone.
    let other_key = ApiKey::new("ffffffffffffffffffffffffffffffff").expect("a key");
    let other = RunningHub::builder(other_key).base_url(sim.base_url()).time_scale(0.01);
    let other = other.ledger(Arc::clone(&ledger) as _).build().expect("a hub");
    let (_service, mut others) = other.webhook_service().expect("a receiver");
    assert!(others.next().now_or_never().is_none(), "nothing is taken up");
    assert_eq!(ledger.deliveries().await.expect("read").len(), 1);

    let mut webhooks = listening(&hub).await;
    let settled = confirmed(&mut webhooks).await.expect("confirmed");
    assert_eq!((settled.state, settled.task), (State::Done, Some(task)));
    assert!(ledger.deliveries().await.expect("read").is_empty());
}

/// In real time, so that the hanging request is given up long after the other response has arrived.
#[tokio::test]
async fn a_hanging_response_does_not_block_other_deliveries() {
    let hangs = Rule::hang("/task/openapi/outputs").times(1);
    let sim = losing(2).rule(hangs).start().await.expect("the simulator starts");
    let ledger = Arc::new(MemoryLedger::new().expect("a ledger"));
    let hub = RunningHub::builder(key()).base_url(sim.base_url()).ledger(Arc::clone(&ledger) as _);
    let hub = hub.build().expect("a hub");
    let mut webhooks = listening(&hub).await;
    let (first, first_path) = lost(&hub, &sim).await;
    let (second, second_path) = lost(&hub, &sim).await;
    for task in [&first, &second] {
        until_over(&hub, task).await;
    }
    assert_eq!(post(webhooks.address(), &first_path, &delivery(&first)).await, 200);
    while sim.stats().rules != [1] {
        assert!(webhooks.next().now_or_never().is_none(), "it hangs");
        tokio::task::yield_now().await;
    }
    assert_eq!(post(webhooks.address(), &second_path, &delivery(&second)).await, 200);
    let settled = confirmed(&mut webhooks).await.expect("confirmed");
    assert_eq!((settled.state, settled.task), (State::Done, Some(second)));
    let waits = ledger.entry(Filter::all().open()).await.expect("the other one");
    assert_eq!(waits.state, State::Unknown);
}

#[tokio::test]
async fn only_so_many_deliveries_of_a_submit_are_kept() {
    let sim = losing(1).start().await.expect("the simulator starts");
    let (hub, ledger) = with_ledger(&sim);
    let webhooks = listening(&hub).await;
    let (_, path) = lost(&hub, &sim).await;
    for number in 0..MOST_DELIVERIES {
        assert_eq!(post(webhooks.address(), &path, &format!(r#"{{"taskId":"{number}"}}"#)).await, 200);
    }
    assert_eq!(post(webhooks.address(), &path, r#"{"taskId":"99"}"#).await, 503);
    assert_eq!(ledger.deliveries().await.expect("read").len(), MOST_DELIVERIES);
}

#[tokio::test]
async fn without_a_ledger_there_is_nothing_to_settle() {
    let sim = sim().start().await.expect("the simulator starts");
    let hub = common::hub(&sim);
    let error = hub.webhooks("127.0.0.1:0".parse().expect("an address")).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Usage);
}

/// In a server with other routes.
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

    let submit = Submit::workflow(WORKFLOW).webhook(format!("http://{address}/hooks/{{secret}}"));
    let mut run = hub.submit(submit).await.expect("accepted");
    run.finish().await.expect("followed");
    let confirmed = timeout(LONG, deliveries.next()).await.expect("in time");
    let confirmed = confirmed.expect("a delivery").expect("confirmed");
    assert_eq!((confirmed.state, confirmed.task), (State::Done, Some(run.task_id().clone())));
    assert_eq!(post(address, "/hooks/00000000000000000000000000000000", r#"{"taskId":"1"}"#).await, 404);
    assert_eq!(post(address, "/elsewhere", r#"{"taskId":"1"}"#).await, 404);
    server.abort();

    let without = common::hub(&sim).webhook_service().expect_err("no ledger found");
    assert_eq!(without.kind(), ErrorKind::Usage);
}
