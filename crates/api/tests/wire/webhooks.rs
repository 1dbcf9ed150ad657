//! The state of a webhook, and its redelivery, against the simulator.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use runninghub_api::{ApiKey, Class, Client, Code, RunOptions, WebhookDetail, WebhookUrl};
use runninghub_core::{TaskId, TaskStatus};
use runninghub_net::{Exchange, NetOptions};
use runninghub_sim::{Scenario, Sim};

use tokio::time::timeout;

use crate::{
    sim::end,
    support::{Reply, Server},
};

/// Longer than anything here takes, unless it hangs.
const HANG: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Seen(Mutex<String>);

impl Seen {
    fn finished(&self, exchange: &Exchange<'_>) {
        self.0.lock().expect("not poisoned").push_str(exchange.response);
    }
}

async fn detail(client: &Client, task: &TaskId, until: impl Fn(&WebhookDetail) -> bool) -> WebhookDetail {
    loop {
        let detail = client.webhook_detail(task).await.expect("a detail");
        if until(&detail) {
            return detail;
        }
    }
}

fn status(detail: &WebhookDetail) -> &str {
    detail.callback_status.as_ref().map_or("", |status| status.raw())
}

#[tokio::test]
async fn webhook_details_and_redelivery_work_in_both_api_families() {
    let sim = Sim::builder().scenario(Scenario::demo()).speed(f64::INFINITY).start().await.expect("started");
    let seen = Arc::new(Seen::default());
    let key = ApiKey::new(Sim::DEMO_KEY).expect("a key");
    let builder = Client::builder(key).base_url(sim.base_url()).time_scale(0.0);
    let client = builder
        .net(NetOptions::default().observer({
            let seen = Arc::clone(&seen);
            move |exchange| seen.finished(exchange)
        }))
        .build()
        .expect("a client");
    let workflow = Scenario::demo().workflow_id();
    for is_v2 in [false, true] {
        let receiver = Server::start(vec![Reply::json("{}")]).await;
        let mut options = RunOptions::default();
        options.webhook_url = Some(format!("{}/S3CRET", receiver.url()));
        let task = if is_v2 {
            client.run_workflow(workflow.as_str().into()).options(options).await
        } else {
            client.create(Some(workflow.as_str().into())).options(options).await
        };
        let task = task.expect("accepted").task_id;
        end(&client, &task).await;
        let received = detail(&client, &task, |detail| status(detail) == "SUCCESS");
        let delivery = timeout(HANG, received).await.expect("the delivery is received");
        assert_eq!((delivery.event, delivery.retry_count), (Some("TASK_END".into()), Some(0)));
        assert_eq!(delivery.outcome.expect("an outcome").status, TaskStatus::Success);
        assert!(delivery.url.as_ref().map(WebhookUrl::expose).is_some_and(|url| url.ends_with("/S3CRET")));

        let other = Server::start(vec![Reply::json("{}")]).await;
        client.retry_webhook(&delivery.id, Some(&other.url())).await.expect("asked for");
        let delivered = async {
            while other.requests().is_empty() {
                detail(&client, &task, |_| true).await;
            }
        };
        timeout(HANG, delivered).await.expect("another delivery");
        let delivery = other.requests().remove(0);
        assert!(delivery.contains(task.as_str()), "{delivery}");
        assert_eq!(
            delivery.contains(r#""eventData":{"#),
            is_v2,
            "an object in v2, text in the other: {delivery}"
        );
    }
    assert!(!seen.0.lock().expect("not poisoned").contains("S3CRET"), "observers see no address");
}

#[tokio::test]
async fn without_a_webhook_there_is_nothing_to_tell() {
    let sim = Sim::builder().scenario(Scenario::demo()).speed(f64::INFINITY).start().await.expect("started");
    let client = crate::sim::client(&sim, Sim::DEMO_KEY);
    let task =
        client.create(Some(Scenario::demo().workflow_id().as_str().into())).await.expect("accepted").task_id;
    let none = client.webhook_detail(&task).await.expect_err("no webhook");
    assert_eq!(none.code().map(Code::as_str), Some("1"));
    assert_eq!(client.webhook_detail(&"7".into()).await.expect_err("no task").class(), Class::NotFound);
    assert_eq!(
        client.retry_webhook(task.as_str(), None).await.expect_err("no event").code().map(Code::as_str),
        Some("1")
    );
}
