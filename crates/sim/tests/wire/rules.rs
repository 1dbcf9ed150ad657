//! Scripted responses.

use runninghub_sim::{Rule, Sim, SimBuilder};
use serde_json::json;
use tokio::time::timeout;

use crate::common::{Client, get, ms, request, small};

async fn start(rule: Rule) -> (Sim, Client) {
    with(Sim::builder().rule(rule)).await
}

async fn with(builder: SimBuilder) -> (Sim, Client) {
    let sim = builder.scenario(small()).speed(f64::INFINITY).start().await.unwrap();
    let client = Client::new(&sim);
    (sim, client)
}

const CREATE: &str = "/task/openapi/create";

#[tokio::test]
async fn a_response_in_place_of_the_real_one() {
    let rule =
        Rule::answer(CREATE, 503, "<html>").header("Content-Type", "text/html").header("Retry-After", "7");
    let (sim, client) = start(rule.skip(1).times(1)).await;
    client.task("small").await;
    let answer = client.try_post(CREATE, json!({"workflowId": "small"})).await.unwrap();
    assert_eq!((answer.status, &*answer.body), (503, &b"<html>"[..]));
    assert_eq!((answer.header("content-type"), answer.header("retry-after")), (Some("text/html"), Some("7")));
    client.task("small").await;
    assert_eq!((sim.stats().creates, sim.stats().calls[CREATE]), (2, 3));
}

#[tokio::test]
async fn a_response_after_the_work_is_done() {
    let (sim, client) = with(
        Sim::builder()
            .rule(Rule::lose(CREATE).after_work().times(1))
            .rule(Rule::answer(CREATE, 200, "{\"at\":\"{base}\"}").after_work().skip(1)),
    )
    .await;
    assert!(client.try_post(CREATE, json!({"workflowId": "small"})).await.is_none());
    let answer = client.create("small").await;
    assert_eq!((&answer["at"], sim.stats().creates), (&json!(sim.base_url()), 2));
}

#[tokio::test]
async fn a_truncated_response_arrives_in_part() {
    let (_sim, client) = start(Rule::answer("/task/", 200, "{\"code\"").cut(9)).await;
    let answer = client.try_post(CREATE, json!({})).await.unwrap();
    assert_eq!((answer.header("content-length"), &*answer.body), (Some("16"), &b"{\"code\""[..]));
}

#[tokio::test]
async fn a_real_response_can_be_edited() {
    let edit = Rule::replace("/task/openapi/outputs", "{base}/files/", "file:///etc/");
    let (sim, client) = start(edit).await;
    let task = client.task("small").await;
    let outputs = client.end(&task).await;
    let url = outputs["data"][0]["fileUrl"].as_str().unwrap();
    assert!(url.starts_with("file:///etc/2000000000000000001/a_00001_.png"), "{url}");
    assert!(!outputs.to_string().contains(sim.base_url()));
    assert_eq!(sim.stats().rules, [1], "only the answer that was changed counts");
}

#[tokio::test]
async fn hanging_and_losing() {
    let (sim, client) = start(Rule::lose("/task/openapi/status").times(1)).await;
    assert!(client.try_post("/task/openapi/status", json!({"taskId": "1"})).await.is_none());
    assert!(client.try_post("/task/openapi/status", json!({"taskId": "1"})).await.is_some());
    drop(sim);
    let (sim, _) = start(Rule::hang("/files/")).await;
    let url = format!("{}/files/1/a.png", sim.base_url());
    assert!(timeout(ms(200), request("GET", &url, &[], b"")).await.is_err());
    assert_eq!(get(&format!("{}/uploads/a", sim.base_url()), &[]).await.status, 404);
    assert_eq!(sim.stats().calls["/files"], 1);
}
