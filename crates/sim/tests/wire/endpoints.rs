//! The shape of every response, compared with the documentation.

use crate::common::{Client, failing, get, ms, request, small};
use insta::assert_json_snapshot;
use runninghub_sim::{ErrorKind, Fault, Sim};
use serde_json::json;

const LONG: &str = "long";

async fn sim() -> Sim {
    let builder = Sim::builder().speed(50.0).scenario(small()).scenario(failing());
    builder
        .scenario_named(LONG, small())
        .fault_for(LONG, Fault::QueueDelay(ms(3_600_000)))
        .start()
        .await
        .unwrap()
}

#[tokio::test]
async fn create_returns_the_id_the_client_and_the_expected_outputs() {
    let sim = sim().await;
    let client = Client::new(&sim);
    assert_json_snapshot!(client.create("small").await, {".data.clientId" => "[32 hex]"}, @r#"
    {
      "code": 0,
      "msg": "success",
      "errorMessages": null,
      "data": {
        "netWssUrl": null,
        "taskId": "2000000000000000001",
        "clientId": "[32 hex]",
        "taskStatus": "QUEUED",
        "promptTips": "{\"result\": true, \"error\": null, \"outputs_to_execute\": [\"9\"], \"node_errors\": {}}"
      }
    }
    "#);
    let created = client.create("small").await;
    let client_id = created["data"]["clientId"].as_str().unwrap();
    assert!(client_id.len() == 32 && client_id.chars().all(|c| c.is_ascii_hexdigit()), "{client_id}");
}

#[tokio::test]
async fn create_reports_what_is_wrong() {
    let sim = sim().await;
    let client = Client::new(&sim);
    let create = async |body| {
        let answer = client.post("/task/openapi/create", body).await;
        format!("{} {} {}", answer["code"], answer["msg"].as_str().unwrap_or_default(), answer["data"])
    };
    let node = |list| json!({"workflowId": "small", "nodeInfoList": list});
    assert_eq!(create(json!({})).await, "301 PARAMS_INVALID null");
    assert_eq!(create(json!({"workflowId": "1"})).await, "380 WORKFLOW_NOT_EXISTS null");
    assert_eq!(
        create(node(json!([{"nodeId": "77", "fieldName": "seed", "fieldValue": 1}]))).await,
        "803 APIKEY_INVALID_NODE_INFO null"
    );
    assert_eq!(create(node(json!([{"nodeId": "3"}]))).await, "803 APIKEY_INVALID_NODE_INFO null");
    assert_eq!(create(node(json!("[]"))).await, "301 PARAMS_INVALID null");
    assert_eq!(
        create(json!({"workflowId": "small", "instanceType": "huge"})).await,
        "301 PARAMS_INVALID null"
    );
    assert_eq!(
        create(json!({"workflowId": "small", "workflow": "{\"nodes\": []}"})).await,
        "433 VALIDATE_PROMPT_FAILED null"
    );
    assert_eq!(create(json!({"workflow": "{}"})).await, "433 VALIDATE_PROMPT_FAILED null");
    assert_eq!(sim.stats().creates, 0);

    let accepted = json!({
        "workflowId": "small", "instanceType": "plus", "addMetadata": false, "usePersonalQueue": "true",
        "nodeInfoList": [{"nodeId": 3, "fieldName": "seed", "fieldValue": 7, "description": "numbers are taken too"}],
        "workflow": "{\"1\": {\"class_type\": \"SaveImage\", \"inputs\": {}}}",
    });
    assert!(create(accepted).await.starts_with("0 success"));
}

#[tokio::test]
async fn a_key_may_have_so_many_tasks_and_each_key_its_own() {
    let sim =
        Sim::builder().scenario_named(LONG, small()).key("a").key("b").concurrency(2).start().await.unwrap();
    let [a, b] = ["a", "b"].map(|key| Client { key: key.to_owned(), ..Client::new(&sim) });
    let first = a.task(LONG).await;
    a.task(LONG).await;
    assert_json_snapshot!(a.create(LONG).await, @r#"
    {
      "code": 421,
      "msg": "TASK_QUEUE_MAXED",
      "errorMessages": null,
      "data": null
    }
    "#);
    b.task(LONG).await;
    assert_eq!(b.outputs(&first).await["code"], 807, "a task of another key");
    a.end(&first).await;
    a.task(LONG).await;
    assert_eq!((sim.stats().creates, sim.tasks().len()), (4, 4));
}

#[tokio::test]
async fn outputs_goes_from_queued_to_running_to_the_files() {
    let sim = Sim::builder().scenario(small()).queue_delay(ms(500)).start().await.unwrap();
    let client = Client::new(&sim);
    let task = client.task("small").await;
    assert_json_snapshot!(client.outputs(&task).await, @r#"
    {
      "code": 813,
      "msg": "APIKEY_TASK_IS_QUEUED",
      "errorMessages": null,
      "data": null
    }
    "#);
    let running = client.outputs_when(&task, |outputs| outputs["code"] == 804).await;
    assert_json_snapshot!(running, {".data.netWssUrl" => "[url]"}, @r#"
    {
      "code": 804,
      "msg": "APIKEY_TASK_IS_RUNNING",
      "errorMessages": null,
      "data": {
        "netWssUrl": "[url]"
      }
    }
    "#);
    let done = client.end(&task).await;
    assert_json_snapshot!(done, {".data[].fileUrl" => "[url]"}, @r#"
    {
      "code": 0,
      "msg": "success",
      "errorMessages": null,
      "data": [
        {
          "fileUrl": "[url]",
          "fileType": "png",
          "taskCostTime": "1",
          "nodeId": "9",
          "thirdPartyConsumeMoney": null,
          "consumeMoney": null,
          "consumeCoins": "1"
        },
        {
          "fileUrl": "[url]",
          "fileType": "png",
          "taskCostTime": "1",
          "nodeId": "9",
          "thirdPartyConsumeMoney": null,
          "consumeMoney": null,
          "consumeCoins": "1"
        }
      ]
    }
    "#);
    let ready = sim.stats().ready[&task];
    let info = sim.tasks().remove(0);
    assert_eq!((ready, info.status), (info.ready_at, "SUCCESS"));
    assert!(info.started_at - info.created_at == ms(500) && info.ready_at > info.started_at);
}

#[tokio::test]
async fn the_socket_url_is_the_platforms() {
    let sim = Sim::builder().scenario(small()).start().await.unwrap();
    let client = Client::new(&sim);
    let created = client.create("small").await;
    let address = client.address(created["data"]["taskId"].as_str().unwrap()).await;
    let host = sim.base_url().replace("http://", "ws://");
    let client_id = created["data"]["clientId"].as_str().unwrap();
    let (head, ticket) = address.split_once("&Rh-Comfy-Auth=").unwrap();
    assert_eq!(
        head,
        format!("{host}/ws/c_instance?c_host=10.129.7.21&c_port=84&clientId={client_id}&workflowId=small")
    );
    assert!(ticket.starts_with("eyJ1c2VySWQiOi") && !ticket.contains(['=', '+', '/']), "{ticket}");
}

#[tokio::test]
async fn a_failure_reports_its_reason_as_strings() {
    let sim = sim().await;
    let client = Client::new(&sim);
    let task = client.task("failing").await;
    let outputs = client.end(&task).await;
    assert_json_snapshot!(outputs, @r#"
    {
      "code": 805,
      "msg": "APIKEY_TASK_STATUS_ERROR",
      "errorMessages": null,
      "data": {
        "failedReason": {
          "current_outputs": "[]",
          "exception_type": "RuntimeError",
          "node_name": "采样",
          "current_inputs": "{\"seed\":[\"42\"]}",
          "traceback": "[\"  File \\\"/comfyui/execution.py\\\", line 510, in execute\\n    …\\nRuntimeError: boom\\n\"]",
          "node_id": "3",
          "exception_message": "boom"
        }
      }
    }
    "#);
    let query = client.post("/openapi/v2/query", json!({"taskId": task})).await;
    assert_eq!((&query["status"], &query["errorCode"]), (&json!("FAILED"), &json!("1000")));
    assert_eq!(query["failedReason"], outputs["data"]["failedReason"]);
    assert_eq!(query["results"], json!(null));
}

#[tokio::test]
async fn status_is_one_word() {
    let sim = sim().await;
    let client = Client::new(&sim);
    let status = async |task: &str| client.post("/task/openapi/status", json!({"taskId": task})).await;
    let waiting = client.task(LONG).await;
    assert_json_snapshot!(status(&waiting).await, @r#"
    {
      "code": 0,
      "msg": "",
      "data": "QUEUED"
    }
    "#);
    let task = client.task("failing").await;
    client.end(&task).await;
    assert_eq!(status(&task).await["data"], "FAILED");
    assert_eq!(status("2000000000000000099").await["code"], 807);
}

#[tokio::test]
async fn cancel_ends_a_task_and_frees_its_slot() {
    let sim = Sim::builder().scenario_named(LONG, small()).speed(0.01).concurrency(1).start().await.unwrap();
    let client = Client::new(&sim);
    let task = client.task(LONG).await;
    let cancel = async || client.post("/task/openapi/cancel", json!({"taskId": task})).await;
    assert_json_snapshot!(cancel().await, @r#"
    {
      "code": 0,
      "msg": "success",
      "errorMessages": null,
      "data": null
    }
    "#);
    assert_json_snapshot!(client.outputs(&task).await, @r#"
    {
      "code": 805,
      "msg": "APIKEY_TASK_STATUS_ERROR",
      "errorMessages": null,
      "data": null
    }
    "#);
    assert_eq!(cancel().await["code"], 807, "it is over");
    assert_eq!(client.post("/openapi/v2/query", json!({"taskId": task})).await["status"], "CANCEL");
    client.task(LONG).await;
}

#[tokio::test]
async fn the_graph_is_json_in_a_string() {
    let sim = sim().await;
    let client = Client::new(&sim);
    let answer = client.post("/api/openapi/getJsonApiFormat", json!({"workflowId": "small"})).await;
    assert_json_snapshot!(answer, @r#"
    {
      "code": 0,
      "msg": "SUCCESS",
      "errorMessages": null,
      "data": {
        "prompt": "{\"4\":{\"inputs\":{\"ckpt_name\":\"a.safetensors\"},\"class_type\":\"CheckpointLoaderSimple\",\"_meta\":{\"title\":\"加载模型\"}},\"3\":{\"inputs\":{\"seed\":42,\"model\":[\"4\",0]},\"class_type\":\"KSampler\",\"_meta\":{\"title\":\"采样\"}},\"9\":{\"inputs\":{\"images\":[\"3\",0]},\"class_type\":\"SaveImage\",\"_meta\":{\"title\":\"SaveImage\"}}}"
      }
    }
    "#);
    let unknown = client.post("/api/openapi/getJsonApiFormat", json!({"workflowId": "7"})).await;
    assert_eq!(unknown["code"], 380);
}

#[tokio::test]
async fn the_account_wants_its_key_in_lower_case() {
    let sim = sim().await;
    let client = Client::new(&sim);
    let (path, key) = ("/uc/openapi/accountStatus", Sim::DEMO_KEY);
    assert_json_snapshot!(client.post(path, json!({ "apikey": key })).await, @r#"
    {
      "code": 0,
      "msg": "success",
      "errorMessages": null,
      "data": {
        "remainCoins": "1000",
        "currentTaskCounts": "0",
        "remainMoney": null,
        "currency": null,
        "apiType": "SHARED"
      }
    }
    "#);
    assert_eq!(client.try_post(path, json!({ "apiKey": key })).await.unwrap().status, 401);
}

#[tokio::test]
async fn the_queue_is_counted_in_strings() {
    let sim = sim().await;
    let client = Client::new(&sim);
    client.task(LONG).await;
    let url = format!("{}/openapi/v2/queue/status", sim.base_url());
    let bearer = format!("Bearer {}", client.key);
    assert_json_snapshot!(get(&url, &[("Authorization", &bearer)]).await.json(), @r#"
    {
      "code": 0,
      "msg": "success",
      "errorMessages": null,
      "data": {
        "apiKeyType": "SHARED",
        "concurrentLimit": 3,
        "runningCount": "0",
        "queuedCount": "1",
        "totalCurrentTasks": "1"
      }
    }
    "#);
    assert_json_snapshot!(client.post("/openapi/v2/queue/status", json!({})).await, @r#"
    {
      "errorCode": "1009",
      "errorMessage": "Request method not supported"
    }
    "#);
}

#[tokio::test]
async fn query_is_a_bare_object() {
    let sim = sim().await;
    let client = Client::new(&sim);
    let query = async |task: &str| client.post("/openapi/v2/query", json!({"taskId": task})).await;
    let waiting = client.task(LONG).await;
    assert_json_snapshot!(query(&waiting).await, @r#"
    {
      "taskId": "2000000000000000001",
      "status": "QUEUED",
      "errorCode": "",
      "errorMessage": "",
      "results": null,
      "clientId": "",
      "promptTips": "",
      "failedReason": {},
      "usage": {
        "consumeMoney": null,
        "consumeCoins": null,
        "taskCostTime": null,
        "thirdPartyConsumeMoney": null
      },
      "parentTaskId": null,
      "taskUsageList": []
    }
    "#);
    let task = client.task("small").await;
    client.end(&task).await;
    assert_json_snapshot!(query(&task).await, {".results[].url" => "[url]"}, @r#"
    {
      "taskId": "2000000000000000002",
      "status": "SUCCESS",
      "errorCode": "",
      "errorMessage": "",
      "results": [
        {
          "url": "[url]",
          "nodeId": "9",
          "outputType": "png",
          "text": null
        },
        {
          "url": "[url]",
          "nodeId": "9",
          "outputType": "png",
          "text": null
        }
      ],
      "clientId": "",
      "promptTips": "",
      "failedReason": {},
      "usage": {
        "consumeMoney": null,
        "consumeCoins": "1",
        "taskCostTime": "1",
        "thirdPartyConsumeMoney": null
      },
      "parentTaskId": null,
      "taskUsageList": [
        {
          "taskId": 2000000000000000002,
          "parentTaskId": null,
          "taskStatus": "SUCCESS",
          "usage": {
            "consumeMoney": null,
            "consumeCoins": "1",
            "taskCostTime": "1",
            "thirdPartyConsumeMoney": null
          }
        }
      ]
    }
    "#);
    assert_eq!(query("1").await["errorCode"], "1004");
}

#[tokio::test]
async fn a_wrong_key_is_reported_in_each_api_family() {
    let sim = sim().await;
    let client = Client { key: "f".repeat(32), ..Client::new(&sim) };
    let legacy = client.try_post("/task/openapi/create", json!({"workflowId": "small"})).await.unwrap();
    assert_eq!(legacy.status, 401);
    assert_json_snapshot!(legacy.json(), @r#"
    {
      "code": -1,
      "msg": "ApiKey verification failed"
    }
    "#);
    assert_json_snapshot!(client.post("/openapi/v2/query", json!({"taskId": "1"})).await, @r#"
    {
      "errorCode": "1601",
      "errorMessage": "ApiKey verification failed, please check your ApiKey"
    }
    "#);
    let url = format!("{}/openapi/v2/queue/status", sim.base_url());
    assert_json_snapshot!(get(&url, &[("Authorization", "Bearer x")]).await.json(), @r#"
    {
      "code": 401,
      "msg": "ApiKey verification failed",
      "errorMessages": null,
      "data": null
    }
    "#);
}

#[tokio::test]
async fn an_unknown_path_is_reported_in_each_api_family() {
    let sim = sim().await;
    let client = Client::new(&sim);
    assert_json_snapshot!(client.post("/task/openapi/creat", json!({})).await, @r#"
    {
      "code": 412,
      "msg": "TOKEN_INVALID",
      "errorMessages": null,
      "data": null
    }
    "#);
    assert_json_snapshot!(client.post("/openapi/v2/no/such-model", json!({})).await, @r#"
    {
      "errorCode": "1001",
      "errorMessage": "Invalid URL"
    }
    "#);
}

fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file_name, content) in parts {
        let file_name = file_name.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
        body.extend(
            format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"{file_name}\r\n\r\n").as_bytes(),
        );
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(b"--B--\r\n");
    body
}

#[tokio::test]
async fn uploads_are_named_by_what_they_hold() {
    let sim = sim().await;
    let bearer = format!("Bearer {}", Sim::DEMO_KEY);
    let kind = ("Content-Type", "multipart/form-data; boundary=B");
    let url = format!("{}/openapi/v2/media/upload/binary", sim.base_url());
    let body = form(&[("file", Some("猫.PNG"), b"meow")]);
    let answer = request("POST", &url, &[kind, ("Authorization", &bearer)], &body).await.unwrap().json();
    let download_url = answer["data"]["download_url"].as_str().unwrap().to_owned();
    assert_json_snapshot!(answer, {".data.download_url" => "[url]"}, @r#"
    {
      "code": 0,
      "message": "success",
      "data": {
        "type": "image",
        "download_url": "[url]",
        "fileName": "openapi/404cdd7bc109c432f8cc2443b45bcfe95980f5107215c645236e577929ac3e52.png",
        "size": "4"
      }
    }
    "#);
    assert_eq!(get(&download_url, &[]).await.body, b"meow");

    let url = format!("{}/task/openapi/upload", sim.base_url());
    let upload = async |file_name| {
        let key = Sim::DEMO_KEY.as_bytes();
        let body =
            form(&[("apiKey", None, key), ("fileType", None, b"input"), ("file", Some(file_name), b"meow")]);
        request("POST", &url, &[kind], &body).await.unwrap().json()
    };
    assert_json_snapshot!(upload("cat.jpg").await, @r#"
    {
      "code": 0,
      "msg": "success",
      "errorMessages": null,
      "data": {
        "fileName": "api/404cdd7bc109c432f8cc2443b45bcfe95980f5107215c645236e577929ac3e52.jpg",
        "fileType": "input"
      }
    }
    "#);
    assert_eq!(
        upload("cats.zip").await["data"]["fileName"],
        "404cdd7bc109c432f8cc2443b45bcfe95980f5107215c645236e577929ac3e52"
    );
}

#[tokio::test]
async fn files_come_whole_or_in_part() {
    let sim = sim().await;
    let client = Client::new(&sim);
    let task = client.task("small").await;
    let outputs = client.end(&task).await;
    let url = outputs["data"][0]["fileUrl"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/files/{task}/a_00001_.png?", sim.base_url())), "{url}");
    let whole = get(url, &[]).await;
    let length = whole.body.len();
    assert!(whole.body.starts_with(b"\x89PNG"));
    assert_eq!(whole.header("content-length"), Some(length.to_string().as_str()));
    assert_eq!(whole.header("content-type"), Some("image/png"));
    let etag = whole.header("etag").unwrap();

    let part = get(url, &[("Range", "bytes=100-"), ("If-Range", etag)]).await;
    assert_eq!((part.status, part.body.as_slice()), (206, &whole.body[100..]));
    assert_eq!(part.header("content-range"), Some(format!("bytes 100-{}/{length}", length - 1).as_str()));
    assert_eq!(get(url, &[("Range", "bytes=3-5")]).await.body, &whole.body[3..=5]);
    assert_eq!(get(url, &[("Range", "bytes=-7")]).await.body, &whole.body[length - 7..]);
    assert_eq!(get(url, &[("Range", "bytes=100-"), ("If-Range", "\"other\"")]).await.status, 200);
    assert_eq!(get(url, &[("Range", &format!("bytes={length}-"))]).await.status, 416);

    let other = outputs["data"][1]["fileUrl"].as_str().unwrap();
    assert_ne!(get(other, &[]).await.body, whole.body);
    assert_eq!(get(&format!("{}/files/{task}/none.png?sign=1", sim.base_url()), &[]).await.status, 404);
    assert_eq!(get(url.split_once('?').unwrap().0, &[]).await.status, 403, "no signature");
    assert!(sim.stats().download_bytes >= 2 * length as u64);
}

#[tokio::test]
async fn only_loopback_is_served() {
    let refused = Sim::builder().listen("0.0.0.0:0".parse().unwrap()).start().await.unwrap_err();
    assert_eq!(
        (refused.kind(), refused.to_string().as_str()),
        (ErrorKind::Listen, "0.0.0.0:0 is not a loopback address")
    );
}

#[tokio::test]
async fn calls_are_counted_and_a_stopped_server_is_gone() {
    let sim = sim().await;
    let client = Client::new(&sim);
    let task = client.task(LONG).await;
    client.outputs(&task).await;
    client.outputs(&task).await;
    let stats = sim.stats();
    assert_eq!((stats.calls["/task/openapi/create"], stats.calls["/task/openapi/outputs"]), (1, 2));
    assert_eq!((stats.api_calls(), sim.tasks()[0].calls), (3, 2));
    let address = sim.base_url().strip_prefix("http://").unwrap().to_owned();
    sim.shutdown().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
