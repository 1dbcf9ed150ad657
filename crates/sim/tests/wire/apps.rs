//! AI apps, Quick Create, and runs of v2, compared with the documentation.

use insta::assert_json_snapshot;
use runninghub_sim::{App, Fault, Sim};
use serde_json::{Value, json};

use crate::common::{Client, get, small};

async fn sim() -> Sim {
    Sim::builder()
        .speed(f64::INFINITY)
        .scenario(small())
        .app(App::demo())
        .app(App::new("bare", small()))
        .start()
        .await
        .unwrap()
}

fn run(id: &str, list: &Value) -> Value {
    json!({"webappId": id, "nodeInfoList": list, "quickCreateCode": "006"})
}

const RUN: &str = "/task/openapi/ai-app/run";

#[tokio::test]
async fn an_apps_form_is_requested_with_the_key_in_the_query() {
    let sim = sim().await;
    let ask = async |key: &str, id: &str| {
        let url = format!("{}/api/webapp/apiCallDemo?apiKey={key}&webappId={id}", sim.base_url());
        get(&url, &[]).await.json()
    };
    let demo = ask(Sim::DEMO_KEY, &App::demo().id()).await;
    assert_json_snapshot!(demo["data"]["nodeInfoList"][1], @r#"
    {
      "nodeId": "3",
      "nodeName": "采样 KSampler",
      "fieldName": "steps",
      "fieldValue": "20",
      "fieldData": "[\"INT\", {\"default\": 20, \"min\": 1, \"max\": 60}]",
      "fieldType": "INT",
      "description": "步数",
      "descriptionEn": "steps",
      "descriptionCn": null
    }
    "#);
    assert_eq!(
        (&demo["data"]["webappName"], &demo["data"]["statisticsInfo"]["useCount"]),
        (&json!("portrait"), &json!("340"))
    );
    let bare = ask(Sim::DEMO_KEY, &App::new("bare", small()).id()).await;
    assert_eq!((&bare["code"], &bare["data"]["nodeInfoList"]), (&json!(0), &Value::Null));
    assert_eq!(ask(Sim::DEMO_KEY, "1").await["code"], 901);
    assert_eq!(ask("wrong", "1").await["code"], -1);
}

#[tokio::test]
async fn an_app_runs_with_what_its_form_knows() {
    let sim = sim().await;
    let client = Client::new(&sim);
    let id = App::demo().id();
    let code = async |path: &str, body: Value| client.post(path, body).await["code"].clone();
    let set = |node: Value, name: &str, value: Value| {
        run(&id, &json!([{"nodeId": node, "fieldName": name, "fieldValue": value, "fieldType": "?"}]))
    };
    assert_eq!(code(RUN, json!({"webappId": id})).await, 301, "the list is missing");
    assert_eq!(code(RUN, run("1", &json!([]))).await, 901);
    assert_eq!(code(RUN, set(json!("77"), "text", json!("x"))).await, 803);
    assert_eq!(code(RUN, set(json!("5"), "ratio", json!("方形"))).await, 803, "a name is no index");
    assert_eq!(code(RUN, set(json!("6"), "text", json!(["4", 0]))).await, 803, "a link");
    assert_eq!(sim.stats().creates, 0);
    assert_eq!(code(RUN, set(json!("5"), "ratio", json!("3:4"))).await, 0);
    assert_eq!(code("/task/openapi/quick-ai-app/run", set(json!(6), "text", json!("x"))).await, 0);
    let odd = json!({"webappId": id, "nodeInfoList": [], "quickCreateCode": "9"});
    assert_eq!(code("/task/openapi/quick-ai-app/run", odd).await, 301);
    assert_eq!(sim.stats().creates, 2);

    // The app's workflow is not public.
    let workflow = &sim.tasks()[0].workflow_id;
    assert_ne!(*workflow, id);
    assert_eq!(code("/api/openapi/getJsonApiFormat", json!({"workflowId": workflow})).await, 380);
}

#[tokio::test]
async fn a_v2_run_returns_the_bare_task() {
    let sim = sim().await;
    let client = Client::new(&sim);
    let run = async |what: &str, list: Value| {
        client.post(&format!("/openapi/v2/run/{what}"), json!({"nodeInfoList": list})).await
    };
    assert_json_snapshot!(run("workflow/small", json!([])).await, {".status" => "[word]", ".results" => "[any]", ".usage" => "[any]", ".taskUsageList" => "[any]"}, @r#"
    {
      "taskId": "2000000000000000001",
      "status": "[word]",
      "errorCode": "",
      "errorMessage": "",
      "results": "[any]",
      "clientId": "",
      "promptTips": "",
      "failedReason": {},
      "usage": "[any]",
      "parentTaskId": null,
      "taskUsageList": "[any]"
    }
    "#);
    let app = format!("ai-app/{}", App::demo().id());
    assert_eq!(run(&app, json!([])).await["taskId"], "2000000000000000002");
    let node = json!([{"nodeId": "77", "fieldName": "a", "fieldValue": "b"}]);
    assert_eq!(run(&app, node.clone()).await["errorCode"], "1101");
    assert_eq!(run("workflow/small", node).await["errorCode"], "1101");
    assert_eq!(run("workflow/1", json!([])).await["errorCode"], "1007");
    let stranger = Client { key: "wrong".to_owned(), ..Client::new(&sim) };
    assert_eq!(stranger.post("/openapi/v2/run/workflow/small", json!({})).await["errorCode"], "1601");
}

#[tokio::test]
async fn faults_reach_the_runs_of_apps_and_of_v2() {
    let builder = Sim::builder().scenario(small()).app(App::demo());
    let sim = builder
        .fault_for("portrait", Fault::QueueFull(1))
        .fault_for("small", Fault::QueueFull(1))
        .start()
        .await
        .unwrap();
    let client = Client::new(&sim);
    assert_eq!(
        client.post("/task/openapi/ai-app/run", run(&App::demo().id(), &json!([]))).await["code"],
        421
    );
    assert_eq!(
        client.post("/openapi/v2/run/workflow/small", json!({"nodeInfoList": []})).await["errorCode"],
        "1520"
    );
    assert_eq!(sim.stats().creates, 0);
}

#[tokio::test]
async fn lists_tell_ids_in_examples_and_numbers_as_text() {
    let sim = sim().await;
    let client = Client::new(&sim);
    let list = async |body: Value| client.post("/openapi/v2/aiapp/list", body).await;
    let page = list(json!({"current": 2, "size": 1, "sort": "NEWEST"})).await;
    let data = &page["data"];
    assert_eq!((&data["total"], &data["pages"], &data["hasNext"]), (&json!("2"), &json!("2"), &json!(false)));
    assert!(data["records"][0]["invokeExample"].as_str().unwrap().contains("/run/ai-app/1"));
    assert_eq!(list(json!({"current": 1, "size": 51, "sort": "NEWEST"})).await["code"], 301);
    assert_eq!(list(json!({"current": 1, "size": 1, "sort": "newest"})).await["code"], 301);

    let styles = client
        .post("/api/fast/creation/model/params", json!({"type": 1, "webappId": App::demo().id()}))
        .await;
    assert_eq!(styles["data"][1]["modelLoar2FileName"], "paper.safetensors");
    assert_eq!(
        client.post("/api/fast/creation/model/params", json!({"type": "1", "webappId": "1"})).await["code"],
        301
    );
}
