//! Read requests over real connections.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::support::{KEY, Reply, Server};
use runninghub_api::{Class, ErrorKind, Retry, UploadSource};
use runninghub_core::TaskStatus;
use runninghub_net::{ErrorKind as NetErrorKind, Exchange, NetOptions};
use serde_json::{Value, json};

const RUNNING: &str =
    r#"{"code":804,"msg":"APIKEY_TASK_IS_RUNNING","data":{"netWssUrl":"wss://h/ws?t=TICKET"}}"#;

fn body(request: &str) -> Value {
    let (_, body) = request.split_once("\r\n\r\n").expect("head and body");
    serde_json::from_str(body).expect("JSON")
}

#[tokio::test]
async fn transient_errors_are_polled_again() {
    for (name, trouble) in [
        ("closed", Reply::Close),
        ("reset", Reply::Reset),
        ("503", Reply::status(503, "Retry-After: 600\r\n", "")),
        ("portal", Reply::status(200, "", "<html><title>Log in</title></html>")),
        ("500", Reply::json(r#"{"code":500,"msg":"UNKNOWN_ERROR"}"#)),
        ("rate", Reply::json(r#"{"errorCode":"1003","errorMessage":"too many"}"#)),
    ] {
        let server = Server::start(vec![trouble.clone(), trouble.clone(), Reply::json(RUNNING)]).await;
        let client = server.client();
        let seen = client.outputs(&"7".into()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((seen.status, client.calls()), (TaskStatus::Running, 3), "{name}");
        let requests = server.requests();
        assert!(requests.iter().all(|request| *request == requests[0]), "{name}: each attempt is the same");

        let server = Server::start(vec![trouble, Reply::json(RUNNING)]).await;
        let client = server.client();
        let error = client.outputs(&"7".into()).once().await.expect_err(name);
        assert!(matches!(error.retry(), Retry::Safe { .. }), "{name}: {error}");
        assert_eq!(client.calls(), 1, "{name}: asked once");
    }
}

/// A valid key is sometimes refused, and some keys are refused in the body.
#[tokio::test]
async fn a_refused_key_is_tried_in_its_other_place() {
    let trouble = Reply::status(401, "", r#"{"code":-1,"msg":"ApiKey verification failed"}"#);
    let places = |server: &Server| {
        let requests = server.requests();
        assert!(requests.iter().all(|request| request.contains(&format!("Bearer {KEY}"))));
        requests.iter().map(|request| body(request).get("apiKey").is_some()).collect::<Vec<_>>()
    };
    let server = Server::start(vec![trouble.clone(), trouble.clone(), Reply::json(RUNNING)]).await;
    let client = server.client();
    client.outputs(&"7".into()).await.expect("an answer");
    client.outputs(&"7".into()).await.expect("an answer");
    assert_eq!(places(&server), [true, false, true, true]);

    let server = Server::start(vec![trouble.clone(), Reply::json(RUNNING)]).await;
    let client = server.client();
    client.outputs(&"7".into()).once().await.expect("an answer");
    client.outputs(&"7".into()).once().await.expect("an answer");
    assert_eq!(places(&server), [true, false, false], "what was understood is kept");

    // Errors usually come with HTTP 200.
    let plain = Reply::json(r#"{"code":-1,"msg":"ApiKey verification failed"}"#);
    let server = Server::start(vec![plain, Reply::json(RUNNING)]).await;
    server.client().outputs(&"7".into()).await.expect("an answer");
    assert_eq!(places(&server), [true, false]);

    let server = Server::start(vec![trouble]).await;
    let error = server.client().outputs(&"7".into()).once().await.expect_err("refused");
    assert!(matches!(error.retry(), Retry::Safe { .. }), "{error}");
    assert_eq!(places(&server), [true, false]);
}

#[tokio::test]
async fn after_three_attempts_it_is_enough() {
    let server = Server::start(vec![Reply::status(502, "", "")]).await;
    let client = server.client();
    let error = client.workflow(&"5".into()).await.expect_err("down");
    assert!(matches!(error.kind(), ErrorKind::Http { status: 502 }), "{error}");
    assert_eq!((error.class(), client.calls()), (Class::Server, 3));
}

#[tokio::test]
async fn a_definitive_response_is_not_retried() {
    for (name, reply, class) in [
        ("no such task", r#"{"code":423,"msg":"TASK_NOT_FOUNED","data":null}"#, Class::NotFound),
        ("bad key", r#"{"code":802,"msg":"APIKEY_UNAUTHORIZED","data":null}"#, Class::Auth),
        ("new code", r#"{"code":4242,"msg":"NEW","data":null}"#, Class::Unknown),
    ] {
        let server = Server::start(vec![Reply::json(reply)]).await;
        let client = server.client();
        let error = client.outputs(&"7".into()).await.expect_err(name);
        assert_eq!((error.class(), error.retry(), client.calls()), (class, Retry::Never, 1), "{name}");
    }
}

#[tokio::test]
async fn a_slow_response_times_out() {
    let server = Server::start(vec![Reply::Stall]).await;
    let client = server.builder().timeout(Duration::from_millis(50)).build().expect("a client");
    let error = client.status(&"7".into()).once().await.expect_err("no answer");
    assert!(matches!(error.kind(), ErrorKind::Net(NetErrorKind::Timeout)), "{error}");
}

#[tokio::test]
async fn responses_are_capped() {
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{{\"code\":0,\"data\":\"{}\"}}", "x".repeat(17 << 20));
    let server = Server::start(vec![Reply::Bytes(endless.into_bytes())]).await;
    let error = server.client().workflow(&"5".into()).await.expect_err("too long");
    assert!(matches!(error.kind(), ErrorKind::Net(NetErrorKind::TooLarge { .. })), "{error}");
    let page = format!("HTTP/1.1 503 X\r\n\r\n{}", "x".repeat(1 << 20));
    let server = Server::start(vec![Reply::Bytes(page.into_bytes())]).await;
    let error = server.client().workflow(&"5".into()).await.expect_err("down");
    assert!(matches!(error.kind(), ErrorKind::Http { status: 503 }), "{error}");
}

/// A redirect repeats a POST with its body, and the key is in the body.
#[tokio::test]
async fn a_redirect_does_not_take_the_key_elsewhere() {
    let elsewhere = Server::start(vec![Reply::json(RUNNING)]).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("Location: {}/task/openapi/outputs\r\n", elsewhere.url());
        let server = Server::start(vec![Reply::status(status, &location, "")]).await;
        let error = server.client().outputs(&"7".into()).await.expect_err("a redirect");
        assert!(matches!(error.kind(), ErrorKind::Http { .. }), "{error}");
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn every_endpoint_sends_the_documented_request() {
    let task = r#"{"taskId":"7","status":"RUNNING","errorCode":"","results":null}"#;
    let ok = r#"{"code":0,"msg":"","data":null}"#;
    let account = r#"{"code":0,"data":{"remainCoins":"12","currentTaskCounts":1,"remainMoney":null,"apiType":"NORMAL"}}"#;
    let queue = r#"{"code":0,"data":{"apiKeyType":"NORMAL","concurrentLimit":2,"runningCount":"1","queuedCount":"0","totalCurrentTasks":"1"}}"#;
    let server = Server::start(
        [task, ok, account, queue, r#"{"code":0,"data":"QUEUED"}"#, r#"{"code":0,"data":{"prompt":"{}"}}"#]
            .map(Reply::json)
            .to_vec(),
    )
    .await;
    let client = server.client();
    assert_eq!(client.query(&"7".into()).await.expect("asked").status, TaskStatus::Running);
    client.cancel(&"7".into()).await.expect("stopped");
    assert_eq!(client.account().await.expect("an account").remain_coins, Some("12".into()));
    let status = client.queue_status().await.expect("a queue");
    assert_eq!((status.concurrent_limit, status.running_count), (Some(2), Some(1)));
    assert_eq!(client.status(&"7".into()).await.expect("a status"), TaskStatus::Queued);
    assert_eq!(client.workflow(&"5".into()).await.expect("a workflow"), "{}");

    let requests = server.requests();
    let first_lines: Vec<_> = requests.iter().filter_map(|request| request.lines().next()).collect();
    assert_eq!(
        first_lines,
        [
            "POST /openapi/v2/query HTTP/1.1",
            "POST /task/openapi/cancel HTTP/1.1",
            "POST /uc/openapi/accountStatus HTTP/1.1",
            "GET /openapi/v2/queue/status HTTP/1.1",
            "POST /task/openapi/status HTTP/1.1",
            "POST /api/openapi/getJsonApiFormat HTTP/1.1",
        ]
    );
    for request in &requests {
        assert!(request.to_lowercase().contains(&format!("authorization: bearer {KEY}")), "{request}");
    }
    assert_eq!(body(&requests[0]), json!({"taskId": "7"}));
    assert_eq!(body(&requests[1]), json!({"taskId": "7", "apiKey": KEY}));
    assert_eq!(body(&requests[2]), json!({"apikey": KEY}));
    assert_eq!(body(&requests[5]), json!({"workflowId": "5", "apiKey": KEY}));
}

#[tokio::test]
async fn a_response_without_a_code_is_not_a_cancelled_task() {
    for text in [r#"{"msg":"","data":null}"#, "{}", r#"{"code":null,"msg":"success"}"#] {
        let server = Server::start(vec![Reply::json(text), Reply::json(text)]).await;
        let error = server.client().cancel(&"7".into()).await.expect_err("it says nothing");
        assert!(matches!(error.kind(), ErrorKind::Decode { path, .. } if path.raw() == "code"), "{error}");
        let error = server.client().retry_webhook("9", None).await.expect_err("it says nothing");
        assert!(matches!(error.kind(), ErrorKind::Decode { .. }), "{error}");
    }
}

#[tokio::test]
async fn an_upload_is_repeated_from_the_start() {
    let uploaded = r#"{"code":0,"message":"success","data":{"type":"image","download_url":"https://h/a?s","fileName":"openapi/ab.png","size":"4"}}"#;
    let refused = Reply::status(401, "", r#"{"code":-1,"msg":"ApiKey verification failed"}"#);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cat.png");
    std::fs::write(&path, "meow").expect("written");
    for source in [UploadSource::path(&path), UploadSource::bytes("cat.png", "meow")] {
        let server = Server::start(vec![refused.clone(), Reply::json(uploaded)]).await;
        let file = server.client().upload(source).await.expect("uploaded");
        assert_eq!((file.file_name.as_str(), file.size), ("openapi/ab.png", Some(4)));
        let requests = server.requests();
        assert_eq!(requests.len(), 2);
        for request in &requests {
            assert!(
                request.contains("name=\"file\"; filename=\"cat.png\"") && request.contains("\r\nmeow\r\n")
            );
        }
    }
}

#[tokio::test]
async fn invalid_uploads_are_not_sent() {
    let server = Server::start(vec![Reply::Close]).await;
    let client = server.client();
    let directory = tempfile::tempdir().expect("a directory");
    let large = directory.path().join("large.mp4");
    std::fs::File::create(&large).and_then(|file| file.set_len((30 << 20) + 1)).expect("a sparse file");
    let error = client.upload(UploadSource::path(&large)).await.expect_err("too large");
    assert!(matches!(error.kind(), ErrorKind::Usage { .. }), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.to_string().contains("smaller")), "{error}");
    let error = client.upload(UploadSource::bytes("cat.png", "")).await.expect_err("empty");
    assert!(error.to_string().contains("empty") && error.hint().is_none(), "{error}");
    for path in [directory.path().join("missing.png"), directory.path().to_owned()] {
        let error = client.upload(UploadSource::path(&path)).await.expect_err("no file");
        assert!(
            matches!(error.kind(), ErrorKind::Net(NetErrorKind::Io { path: named }) if *named == path),
            "{error}"
        );
    }
    client.upload(UploadSource::bytes("", "x")).await.expect_err("no name");
    for name in ["cat.exe", "cat", "png"] {
        let error = client.upload(UploadSource::bytes(name, "x")).await.expect_err(name);
        assert!(error.hint().is_some_and(|hint| hint.to_string().contains("webp")), "{error}");
        client.upload_legacy(UploadSource::bytes(name, "x")).await.expect_err(name);
    }
    client.upload_lora(directory.path().join("style.ckpt")).await.expect_err("another format");
    let missing = directory.path().join("style.safetensors");
    let error = client.upload_lora(&missing).await.expect_err("no file");
    assert!(matches!(error.kind(), ErrorKind::Net(NetErrorKind::Io { path }) if *path == missing), "{error}");
    assert_eq!((client.calls(), server.requests().len()), (0, 0));
}

#[derive(Default)]
struct Log(Mutex<Vec<(String, Option<u16>, String)>>);

impl Log {
    fn finished(&self, exchange: &Exchange<'_>) {
        let sent = format!("{} {} {}", exchange.method, exchange.path, exchange.request.unwrap_or_default());
        self.0.lock().expect("not poisoned").push((sent, exchange.status, exchange.response.to_owned()));
    }
}

#[tokio::test]
async fn observers_see_every_attempt_without_the_key() {
    let echo = format!(r#"{{"code":1,"msg":"no {KEY} here"}}"#);
    let server = Server::start(vec![Reply::Close, Reply::json(&echo), Reply::json(&echo)]).await;
    let log = Arc::new(Log::default());
    let client = server
        .builder()
        .net(NetOptions::default().observer({
            let log = Arc::clone(&log);
            move |exchange| log.finished(exchange)
        }))
        .build()
        .expect("a client");
    client.outputs(&"7".into()).await.expect_err("refused");
    let mut options = runninghub_api::RunOptions::default();
    options.access_password = Some("open".to_owned());
    client.create(Some("5".into())).options(options).await.expect_err("refused");
    let seen = log.0.lock().expect("not poisoned").clone();
    let line = |(sent, status, said): &(String, Option<u16>, String)| format!("{sent}\n  {status:?} {said}");
    let seen = seen.iter().map(line).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(seen, @r#"
    POST /task/openapi/outputs {"taskId":"7"}
      None the connection broke
    POST /task/openapi/outputs {"taskId":"7"}
      Some(200) {"code":1,"msg":"no … here"}
    POST /task/openapi/create {"workflowId":"5","accessPassword":"…"}
      Some(200) {"code":1,"msg":"no … here"}
    "#);
}

#[tokio::test]
async fn downloads_do_not_carry_api_headers() {
    let server = Server::start(vec![Reply::status(200, "", "picture")]).await;
    let directory = tempfile::tempdir().expect("a directory");
    let client = server.client();
    client.files().download(&server.url(), directory.path(), "a.png").await.expect("saved");
    let request = &server.requests()[0];
    assert!(!request.contains(KEY) && !request.to_lowercase().contains("authorization"), "{request}");
    assert_eq!(client.calls(), 0, "it is not a request of the API");
}
