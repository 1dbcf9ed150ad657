//! Models against the simulator, which checks the exact name and type of every field.

use runninghub_api::{ApiKey, Class, Client, CreateOutcome, Retry, UploadSource};
use runninghub_core::TaskStatus;
use runninghub_sim::{Fault, Rate, Sim};
use serde_json::{Map, Value, json};

const KLING: &str = "kling-v3.0-pro/text-to-video";

fn client(sim: &Sim, key: &str) -> Client {
    let key = ApiKey::new(key).expect("a key");
    Client::builder(key).base_url(sim.base_url()).time_scale(0.0).build().expect("a client")
}

fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

fn kling() -> Map<String, Value> {
    fields(&json!({"prompt": "a cat", "duration": "5", "sound": true}))
}

#[tokio::test]
async fn a_model_from_its_price_to_its_result() {
    let sim = Sim::builder().speed(f64::INFINITY).start().await.expect("started");
    let client = client(&sim, Sim::DEMO_KEY);
    let uploaded = client.upload(UploadSource::bytes("cat.png", "picture")).await.expect("uploaded");
    let address = uploaded.download_url.expect("an address");
    let body = fields(&json!({"prompt": "x", "resolution": "1k", "imageUrls": [address.expose()]}));
    let price = client.model_price("rhart-image-n-pro/edit").params(body.clone()).await.expect("a price");
    assert_eq!((price.amount(), price.currency), (Some(0.4), Some("CNY".into())));
    assert_eq!(price.text, Some("CNY 0.40 per call".into()));
    assert_eq!(sim.stats().creates, 0, "nothing is made for a price");

    let created = client.run_model("rhart-image-n-pro/edit").params(body).await.expect("accepted");
    assert_eq!(created.status, TaskStatus::Success, "a quick one");
    let seen = client.query(&created.task_id).await.expect("an answer");
    assert_eq!((seen.status, seen.outputs.len()), (TaskStatus::Success, 1));
    assert_eq!(seen.cost.and_then(|cost| cost.third_party_money).as_deref(), Some("0.40"));
    let gone = client.outputs(&created.task_id).await.expect_err("not of the legacy family");
    assert_eq!(gone.class(), Class::NotFound);
}

#[tokio::test]
async fn text_is_a_result() {
    let sim = Sim::builder().start().await.expect("started");
    let client = client(&sim, Sim::DEMO_KEY);
    let body = fields(&json!({"prompt": "a story"}));
    let created = client.run_model("rhart-text-g-25-pro/text-to-text").params(body).await.expect("accepted");
    let seen = client.query(&created.task_id).await.expect("an answer");
    assert!(seen.outputs[0].text.as_deref().is_some_and(|text| text.contains("灯塔")), "{seen:?}");
    assert!(seen.outputs[0].url.is_none());
}

#[tokio::test]
async fn refusals_prove_that_nothing_was_made() {
    let consumer = "c".repeat(32);
    let sim = Sim::builder().key(Sim::DEMO_KEY).consumer_key(&consumer).start().await.expect("started");
    let ours = client(&sim, Sim::DEMO_KEY);
    for (client, endpoint, body, code, class) in [
        (&ours, KLING, json!({"prompt": "x", "duration": 5, "sound": true}), "1007", Class::BadRequest),
        (&ours, "lab/none", json!({}), "1001", Class::BadRequest),
        (&client(&sim, &consumer), KLING, json!({"prompt": "x"}), "1014", Class::Auth),
        (&client(&sim, &"f".repeat(32)), KLING, json!({"prompt": "x"}), "1601", Class::Auth),
    ] {
        let error = client.run_model(endpoint).params(fields(&body)).await.expect_err("refused");
        assert_eq!(error.code().map(runninghub_api::Code::as_str), Some(code), "{error}");
        assert_eq!((error.class(), error.create_outcome()), (class, Some(CreateOutcome::Refused)));
        assert_eq!(error.retry(), Retry::Never);
    }
    let error = ours.run_model("../query").await.expect_err("no path");
    assert_eq!(error.create_outcome(), Some(CreateOutcome::Refused));
    assert_eq!(ours.calls(), 2, "what cannot work is not sent");
    assert_eq!(sim.stats().creates, 0);
}

#[tokio::test]
async fn a_model_is_created_once_whatever_happens() {
    let sim = Sim::builder()
        .fault(Fault::QueueFull(1))
        .fault(Fault::LostCreateAnswer(Rate::First(1)))
        .start()
        .await
        .expect("started");
    let client = client(&sim, Sim::DEMO_KEY);
    let full = client.run_model(KLING).params(kling()).await.expect_err("no slot");
    assert_eq!((full.class(), full.create_outcome()), (Class::Capacity, Some(CreateOutcome::Refused)));
    let lost = client.run_model(KLING).params(kling()).await.expect_err("nobody knows");
    assert_eq!((lost.create_outcome(), lost.retry()), (Some(CreateOutcome::Unknown), Retry::Ambiguous));
    assert_eq!((client.calls(), sim.stats().creates), (2, 1));
}
