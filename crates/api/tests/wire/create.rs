//! Creates over real connections: sent once, and refused only if the absence of a task is proven.

use std::{sync::Arc, time::Duration};

use crate::support::{KEY, Reply, Server};
use runninghub_api::{CreateOutcome, ErrorKind, InstanceType, NodeInput, Retry, RunOptions};
use runninghub_core::TaskStatus;
use runninghub_net::{ErrorKind as NetErrorKind, NetOptions};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ACCEPTED: &str =
    r#"{"code":0,"msg":"success","data":{"taskId":"7","taskStatus":"RUNNING","netWssUrl":null}}"#;

fn retain(seconds: u32) -> RunOptions {
    let mut options = RunOptions::default();
    options.retain_seconds = Some(seconds);
    options
}

#[tokio::test]
async fn every_field_is_sent_under_its_name() {
    let server = Server::start(vec![Reply::json(ACCEPTED)]).await;
    let client = server.client();
    let mut options = retain(60);
    options.add_metadata = Some(false);
    options.webhook_url = Some("https://hook.example/s3cret".to_owned());
    options.instance_type = Some(InstanceType::Plus);
    options.use_personal_queue = Some(true);
    options.access_password = Some("open".to_owned());
    let created = client
        .create(Some("1904154698679771137".into()))
        .node(NodeInput::new("6", "text", "a \"cat\"\n🐈"))
        .node_info_list(vec![
            json!({"nodeId": 3, "fieldName": "seed", "fieldValue": 5, "description": "kept"}),
        ])
        .workflow("{\"3\":{}}".to_owned())
        .options(options)
        .await
        .expect("accepted");
    assert_eq!((created.task_id, created.status), ("7".into(), TaskStatus::Running));

    let requests = server.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").expect("head and body");
    assert!(head.starts_with("POST /task/openapi/create HTTP/1.1\r\n"), "{head}");
    assert!(head.to_lowercase().contains("content-type: application/json"), "{head}");
    let body: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(
        body,
        json!({
            "apiKey": KEY,
            "workflowId": "1904154698679771137",
            "nodeInfoList": [
                {"nodeId": "6", "fieldName": "text", "fieldValue": "a \"cat\"\n🐈"},
                {"nodeId": 3, "fieldName": "seed", "fieldValue": 5, "description": "kept"},
            ],
            "workflow": "{\"3\":{}}",
            "addMetadata": false,
            "webhookUrl": "https://hook.example/s3cret",
            "instanceType": "plus",
            "usePersonalQueue": true,
            "retainSeconds": 60,
            "accessPassword": "open",
        })
    );
}

#[tokio::test]
async fn unset_options_are_not_sent() {
    let server = Server::start(vec![Reply::json(ACCEPTED)]).await;
    server.client().create(Some("5".into())).await.expect("accepted");
    let requests = server.requests();
    let (_, body) = requests[0].split_once("\r\n\r\n").expect("head and body");
    let body: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(body, json!({"apiKey": KEY, "workflowId": "5"}));
}

/// A lost response, a reset, a gateway's page, half a response, a redirect: each may hide a task, and none is
/// retried.
#[tokio::test]
async fn doubt_is_never_sent_again() {
    let half = Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"code\":421".to_vec());
    let elsewhere = Server::start(vec![Reply::json(ACCEPTED)]).await;
    for (name, reply) in [
        ("closed", Reply::Close),
        ("reset", Reply::Reset),
        ("half an answer", half),
        ("not HTTP", Reply::Bytes(b"hello\r\n\r\n".to_vec())),
        ("502 page", Reply::status(502, "", "<html><title>Bad gateway</title></html>")),
        ("503 and wait", Reply::status(503, "Retry-After: 1\r\n", "")),
        ("500 with a code", Reply::status(500, "", r#"{"code":500,"msg":"UNKNOWN_ERROR"}"#)),
        ("portal", Reply::status(200, "Content-Type: text/html\r\n", "<html><title>Log in</title></html>")),
        ("empty", Reply::json("")),
        ("no id", Reply::json(r#"{"code":0,"msg":"success","data":{"taskId":null}}"#)),
        ("429 page", Reply::status(429, "", "slow down")),
        ("307", Reply::status(307, &format!("Location: {}/task/openapi/create\r\n", elsewhere.url()), "")),
    ] {
        let server = Server::start(vec![reply, Reply::json(ACCEPTED)]).await;
        let client = server.client();
        let error = client.create(Some("5".into())).await.expect_err(name);
        assert_eq!(error.create_outcome(), Some(CreateOutcome::Unknown), "{name}: {error}");
        assert_eq!(error.retry(), Retry::Ambiguous, "{name}");
        assert_eq!((client.calls(), server.requests().len()), (1, 1), "{name}");
    }
    assert!(elsewhere.requests().is_empty(), "a redirect took the key elsewhere");
}

#[tokio::test]
async fn a_late_response_is_unknown() {
    let server = Server::start(vec![Reply::Stall]).await;
    let client = server.builder().create_timeout(Duration::from_millis(50)).build().expect("a client");
    let error = client.create(Some("5".into())).await.expect_err("no answer");
    assert!(matches!(error.kind(), ErrorKind::Net(NetErrorKind::Timeout)), "{error}");
    assert_eq!(error.create_outcome(), Some(CreateOutcome::Unknown));
}

#[tokio::test]
async fn an_explicit_rejection_is_refused() {
    let body = r#"{"code":421,"msg":"TASK_QUEUE_MAXED","data":null}"#;
    for (name, reply, again) in [
        ("full", Reply::json(body), true),
        ("full, with a BOM", Reply::json(&format!("\u{feff}{body}")), true),
        ("429", Reply::status(429, "Retry-After: 7\r\n", "slow down"), true),
        ("bad key", Reply::status(401, "", r#"{"code":-1,"msg":"ApiKey verification failed"}"#), false),
        ("no money", Reply::json(r#"{"code":"416","msg":"TASK_CREATE_FAILED_BY_NOT_ENOUGH_WALLET"}"#), false),
        ("v2 code", Reply::json(r#"{"errorCode":"1601","errorMessage":"no"}"#), false),
    ] {
        let server = Server::start(vec![reply]).await;
        let client = server.client();
        let error = client.create(Some("5".into())).await.expect_err(name);
        assert_eq!(error.create_outcome(), Some(CreateOutcome::Refused), "{name}: {error}");
        assert_eq!(matches!(error.retry(), Retry::Safe { after: Some(_) }), again, "{name}");
        assert_eq!(client.calls(), 1, "{name}");
    }
}

#[tokio::test]
async fn no_connection_means_no_task() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let key = runninghub_api::ApiKey::new(KEY).expect("a key");
    let client = runninghub_api::Client::builder(key)
        .base_url(&format!("http://{address}"))
        .build()
        .expect("a client");
    let error = client.create(Some("5".into())).await.expect_err("nobody listens");
    assert!(matches!(error.kind(), ErrorKind::Net(NetErrorKind::Connect)), "{error}");
    assert_eq!(error.create_outcome(), Some(CreateOutcome::Refused));
    assert_eq!(error.retry(), Retry::Safe { after: None });
}

/// The handshake precedes the request: a server that fails it has not seen the request.
#[tokio::test]
async fn a_broken_handshake_means_no_task() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut seen = vec![0; 4096];
        let count = stream.read(&mut seen).await.expect("a greeting");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("an answer");
        let _ = stream.read_to_end(&mut seen).await;
        assert!(!String::from_utf8_lossy(&seen[..count]).contains(KEY));
    });
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let key = runninghub_api::ApiKey::new(KEY).expect("a key");
    let base_url = format!("https://{address}");
    let client = runninghub_api::Client::builder(key)
        .base_url(&base_url)
        .net(NetOptions::default().tls(Arc::new(tls)))
        .build()
        .expect("a client");
    let error = client.create(Some("5".into())).await.expect_err("no encryption");
    assert!(matches!(error.kind(), ErrorKind::Net(NetErrorKind::NotTls)), "{error:?}");
    assert_eq!((error.create_outcome(), error.retry()), (Some(CreateOutcome::Refused), Retry::Never));
    server.await.expect("the server saw a greeting and no key");
}

/// Two creates in a row: the second must not use the first one's connection, which may be dying.
#[tokio::test]
async fn each_create_has_its_own_connection() {
    let body = ACCEPTED;
    let keep_alive = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let server = Server::start(vec![Reply::Bytes(keep_alive.into_bytes())]).await;
    let client = server.client();
    for _ in 0..3 {
        client.create(Some("5".into())).await.expect("accepted");
    }
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn nonsense_is_not_sent() {
    let server = Server::start(vec![Reply::json(ACCEPTED)]).await;
    let client = server.client();
    for request in [
        client.create(None),
        client.create(Some(" ".into())),
        client.create(Some("5".into())).options(retain(5)),
        client.create(Some("5".into())).options(retain(181)),
    ] {
        let error = request.await.expect_err("nonsense");
        assert!(matches!(error.kind(), ErrorKind::Usage { .. }), "{error}");
        assert_eq!((error.create_outcome(), error.retry()), (Some(CreateOutcome::Refused), Retry::Never));
    }
    assert_eq!((client.calls(), server.requests().len()), (0, 0));
    client.create(None).workflow("{}".to_owned()).await.expect("a workflow of one's own needs no id");
}
