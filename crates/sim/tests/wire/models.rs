//! Models as documented, including names and types.

use std::time::Duration;

use insta::assert_json_snapshot;
use runninghub_sim::{Fault, Model, Rate, Sim};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::timeout,
};

use crate::common::{Client, request, small};

const TEXT: &str = "/openapi/v2/rhart-text-g-25-pro/text-to-text";
const KLING: &str = "/openapi/v2/kling-v3.0-pro/text-to-video";

fn kling() -> Value {
    json!({"prompt": "a cat", "duration": "5", "sound": true})
}

/// The code of an error object that contains nothing else.
fn refusal(answer: &Value) -> &str {
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(2), "{answer}");
    answer["errorCode"].as_str().expect("a code")
}

#[tokio::test]
async fn a_quick_model_ends_with_its_first_response() {
    let sim = Sim::builder().start().await.unwrap();
    let client = Client::new(&sim);
    assert_json_snapshot!(client.post(TEXT, json!({"prompt": "a story"})).await, @r#"
    {
      "taskId": "2000000000000000001",
      "status": "SUCCESS",
      "errorCode": "",
      "errorMessage": "",
      "results": [
        {
          "url": null,
          "outputType": "string",
          "text": "Once upon a time there was a lighthouse.\n从前有一座灯塔。"
        }
      ],
      "clientId": "",
      "promptTips": "",
      "failedReason": {},
      "usage": {
        "consumeMoney": null,
        "consumeCoins": null,
        "taskCostTime": "0",
        "thirdPartyConsumeMoney": "0.02"
      },
      "parentTaskId": null,
      "taskUsageList": [
        {
          "taskId": 2000000000000000001,
          "parentTaskId": null,
          "taskStatus": "SUCCESS",
          "usage": {
            "consumeMoney": null,
            "consumeCoins": null,
            "taskCostTime": "0",
            "thirdPartyConsumeMoney": "0.02"
          }
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_slow_model_is_polled_with_query_only() {
    let sim = Sim::builder().speed(0.01).start().await.unwrap();
    let client = Client::new(&sim);
    let running = client.post(KLING, kling()).await;
    assert_eq!((&running["status"], &running["results"]), (&json!("RUNNING"), &Value::Null));
    let task = json!({"taskId": running["taskId"]});
    assert_eq!(client.post("/openapi/v2/query", task.clone()).await["status"], "RUNNING");
    for path in ["/task/openapi/outputs", "/task/openapi/status"] {
        assert_eq!(client.post(path, task.clone()).await["code"], 807, "{path}");
    }
    assert_eq!(client.post("/task/openapi/cancel", task.clone()).await["code"], 0);
    assert_eq!(client.post("/openapi/v2/query", task).await["status"], "CANCEL");
}

#[tokio::test]
async fn a_price_is_reported_without_running() {
    let sim = Sim::builder().start().await.unwrap();
    let client = Client::new(&sim);
    let path = KLING.replace("/v2/", "/v2/price-preview/");
    assert_json_snapshot!(client.post(&path, kling()).await, @r#"
    {
      "errorCode": "",
      "errorMessage": "",
      "estimatedPrice": "5.20",
      "currency": "CNY",
      "priceText": "5.20元/次",
      "priceTextEn": "CNY 5.20 per call",
      "freeLimit": false,
      "freeLimitCount": 0,
      "remainingFreeLimitCount": 0,
      "isFreeThisCall": false
    }
    "#);
    assert_eq!(refusal(&client.post(&path, json!({})).await), "1007");
    assert_eq!(sim.stats().creates, 0);
}

#[tokio::test]
async fn values_outside_a_models_ranges_are_refused() {
    let sim = Sim::builder().start().await.unwrap();
    let client = Client::new(&sim);
    let with = |name: &str, value: Value| {
        let mut body = kling();
        body[name] = value;
        body
    };
    let edit = "/openapi/v2/rhart-image-n-pro/edit";
    let picture = "https://example.com/a.png";
    for (path, body) in [
        (KLING, json!({})),
        (KLING, json!(["prompt"])),
        (KLING, with("duration", json!(5))),
        (KLING, with("duration", json!("99"))),
        (KLING, with("sound", json!("true"))),
        (KLING, with("cfgScale", json!("0.5"))),
        (KLING, with("aspect_ratio", json!("16:9"))),
        (edit, json!({"prompt": "x", "resolution": "1k", "imageUrls": picture})),
        (edit, json!({"prompt": "x", "resolution": "1k", "imageUrls": ["openapi/0123.png"]})),
    ] {
        assert_eq!(refusal(&client.post(path, body.clone()).await), "1007", "{path} {body}");
    }
    let body = json!({"prompt": "x", "resolution": "1k", "imageUrls": [picture], "webhookUrl": "http://127.0.0.1:1/"});
    assert!(client.post(edit, body).await["taskId"].is_string());
    assert_eq!(sim.stats().creates, 1);
}

#[tokio::test]
async fn keys_and_paths_are_refused_as_v2_does() {
    let sim = Sim::builder()
        .key(Sim::DEMO_KEY)
        .consumer_key("c".repeat(32))
        .scenario(small())
        .start()
        .await
        .unwrap();
    let mut client = Client::new(&sim);
    assert_eq!(refusal(&client.post("/openapi/v2/lab/none", kling()).await), "1001");
    client.key = "c".repeat(32);
    assert_eq!(refusal(&client.post(KLING, kling()).await), "1014");
    client.task("small").await;
    client.key = "f".repeat(32);
    assert_eq!(refusal(&client.post(KLING, kling()).await), "1601");
    let got = request("GET", &format!("{}{KLING}", sim.base_url()), &[], b"").await.expect("an answer");
    assert_eq!(refusal(&got.json()), "1001");
}

#[tokio::test]
async fn models_are_made_up_where_that_is_wanted() {
    let paint = Model::new("lab/paint").text("prompt").costs("0.14");
    let sim = Sim::builder().model(paint).any_model().speed(f64::INFINITY).start().await.unwrap();
    let client = Client::new(&sim);
    assert_eq!(refusal(&client.post("/openapi/v2/lab/paint", json!({"x": 1})).await), "1007");
    for (endpoint, kind) in [
        ("lab/paint", "png"),
        ("vidu/text-to-video-q2", "mp4"),
        ("mureka/song", "mp3"),
        ("meshy/text-to-3d", "glb"),
        ("any/chat", "string"),
    ] {
        let answer = client.post(&format!("/openapi/v2/{endpoint}"), json!({"prompt": "x"})).await;
        assert_eq!(answer["results"][0]["outputType"], kind, "{answer}");
    }
}

#[tokio::test]
async fn faults_of_creates_hold_for_models() {
    let sim = Sim::builder()
        .fault(Fault::QueueFull(1))
        .fault(Fault::LostCreateAnswer(Rate::First(1)))
        .concurrency(1)
        .speed(0.001)
        .start()
        .await
        .unwrap();
    let client = Client::new(&sim);
    assert_eq!(refusal(&client.post(KLING, kling()).await), "1520");
    assert!(client.try_post(KLING, kling()).await.is_none(), "made, and the answer lost");
    assert_eq!(sim.stats().creates, 1);
    assert_eq!(refusal(&client.post(KLING, kling()).await), "1520", "the only slot is taken");
}

/// Reads one complete request and confirms it.
async fn received(listener: TcpListener) -> Value {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut text = String::new();
    loop {
        let mut piece = [0; 4096];
        let size = stream.read(&mut piece).await.unwrap();
        text += std::str::from_utf8(&piece[..size]).unwrap();
        let body = text.split_once("\r\n\r\n").map(|(_, body)| serde_json::from_str(body));
        if let Some(Ok(body)) = body {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            return body;
        }
        assert!(size > 0, "{text}");
    }
}

#[tokio::test]
async fn a_webhook_carries_the_object_of_query() {
    let sim = Sim::builder().start().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let client = Client::new(&sim);
    let task = client.post(TEXT, json!({"prompt": "x", "webhookUrl": url})).await["taskId"].clone();
    let delivery = timeout(Duration::from_secs(20), received(listener)).await.expect("called back");
    assert_eq!((&delivery["event"], &delivery["taskId"]), (&json!("TASK_END"), &task));
    assert_eq!(
        (&delivery["eventData"]["status"], &delivery["eventData"]["taskId"]),
        (&json!("SUCCESS"), &task)
    );
}
