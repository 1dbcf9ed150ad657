//! Pauses that the server requests, and unreachable servers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use runninghub_api::{ApiKey, Client, ErrorKind};
use runninghub_net::ErrorKind as NetErrorKind;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::support::{KEY, Reply, Server};

const TASK: &str = "1904154698679771137";

fn too_many(headers: &str) -> Reply {
    Reply::status(429, headers, r#"{"code":1003,"msg":"too many"}"#)
}

fn running() -> Reply {
    Reply::json(r#"{"code":804,"msg":"APIKEY_TASK_IS_RUNNING","data":null}"#)
}

#[tokio::test]
async fn a_pause_that_the_server_wants_holds_every_clone_but_not_a_cancel() {
    let server = Server::start(vec![too_many("Retry-After: 600\r\n"), running()]).await;
    let client = server.builder().time_scale(1.0).build().expect("a client");
    client.outputs(&TASK.into()).once().await.expect_err("too many");
    assert!(client.held().is_some_and(|held| held > Duration::from_mins(5)), "{:?}", client.held());

    // A clone has the same key.
    let other = client.clone();
    let question = tokio::spawn(async move { other.status(&TASK.into()).await });
    tokio::task::yield_now().await;
    let _ = client.cancel(&TASK.into()).await;
    assert!(server.requests()[1].starts_with("POST /task/openapi/cancel "), "{:?}", server.requests());
    assert!(!question.is_finished() && client.held().is_some(), "the pause isn't over");
    client.on_resume(Duration::from_hours(1));
    // A request that is already waiting has a timer that a suspend would have stopped.
    question.abort();
    let _ = client.status(&TASK.into()).await;
    assert_eq!((client.held(), server.requests().len()), (None, 3));
}

#[tokio::test]
async fn a_request_is_sent_when_the_pause_is_over() {
    let server = Server::start(vec![too_many("Retry-After: 20\r\n"), running()]).await;
    let client = server.builder().time_scale(0.01).build().expect("a client");
    let start = Instant::now();
    client.outputs(&TASK.into()).once().await.expect_err("too many");
    let _ = client.status(&TASK.into()).await;
    assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
    assert_eq!((client.held(), server.requests().len()), (None, 2));
}

#[tokio::test]
async fn a_create_waits_too_and_is_sent_once() {
    let start = Instant::now();
    let server =
        Server::start(vec![too_many("Retry-After: 20\r\n"), too_many("Retry-After: soon\r\n")]).await;
    let client = server.builder().time_scale(0.01).build().expect("a client");
    client.outputs(&TASK.into()).once().await.expect_err("too many");
    client.create(Some("1".into())).await.expect_err("too many");
    assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
    assert_eq!(server.requests().len(), 2);
    assert!(client.held().is_some(), "what cannot be read is the least");
}

#[tokio::test]
async fn after_a_suspend_there_is_less_to_wait_for() {
    let server = Server::start(vec![too_many("Retry-After: 600\r\n"), running()]).await;
    let client = server.builder().time_scale(1.0).build().expect("a client");
    client.outputs(&TASK.into()).once().await.expect_err("too many");
    assert!(client.held().is_some_and(|held| held > Duration::from_mins(9)));
    client.on_resume(Duration::from_hours(8));
    assert_eq!(client.held(), None);
    client.outputs(&TASK.into()).once().await.expect("it is asked at once");
}

#[tokio::test]
async fn a_connection_that_was_kept_is_not_used_after_a_suspend() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                // Each request arrives in one piece here.
                while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
                    let body = r#"{"code":804,"data":null}"#;
                    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                    stream.write_all(answer.as_bytes()).await.expect("it listens");
                }
            });
        }
    });
    let client = Client::builder(ApiKey::new(KEY).expect("a key")).base_url(&url).build().expect("a client");
    for expected in [1, 1, 2, 2] {
        if expected == 2 && connections.load(Ordering::Relaxed) == 1 {
            client.on_resume(Duration::from_mins(1));
        }
        client.outputs(&TASK.into()).once().await.expect("it runs");
        assert_eq!(connections.load(Ordering::Relaxed), expected);
    }
}

#[tokio::test]
async fn the_budget_is_spent_on_a_server_that_is_down_and_then_nothing_is_sent_twice() {
    let server = Server::start(vec![Reply::status(502, "", "")]).await;
    let client = server.client();
    for _ in 0..60 {
        client.status(&TASK.into()).await.expect_err("down");
    }
    assert_eq!(client.calls(), 60 + 35, "each is asked, and 35 times once more");
}

#[tokio::test]
async fn dns_failures_are_retried_except_for_creates() {
    let client = Client::builder(ApiKey::new(KEY).expect("a key"))
        .base_url("https://runninghub.invalid")
        .time_scale(0.0)
        .build()
        .expect("a client");
    let error = client.status(&TASK.into()).await.expect_err("no such name");
    assert!(matches!(error.kind(), ErrorKind::Net(NetErrorKind::Connect)), "{error:?}");
    assert_eq!(client.calls(), 3);
    let error = client.create(Some("1".into())).await.expect_err("no such name");
    assert_eq!(error.create_outcome(), Some(runninghub_api::CreateOutcome::Refused));
    assert_eq!(client.calls(), 4);
}

#[tokio::test]
async fn without_tls_nothing_is_said_and_nothing_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let seen = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut hello = vec![0; 4096];
            let length = stream.read(&mut hello).await.expect("a hello");
            seen.push(hello[..length].to_vec());
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.ok();
            if seen.len() == 2 {
                break;
            }
        }
        seen
    });
    let client = Client::builder(ApiKey::new(KEY).expect("a key"))
        .base_url(&format!("https://localhost:{port}"))
        .time_scale(0.0)
        .build()
        .expect("a client");
    let error = client.status(&TASK.into()).await.expect_err("no TLS");
    assert!(matches!(error.kind(), ErrorKind::Net(NetErrorKind::NotTls)), "{error:?}");
    assert_eq!(client.calls(), 1, "it would fail again");
    client.create(Some("1".into())).await.expect_err("no TLS");
    for hello in seen.await.expect("two hellos") {
        // A handshake record, without the key or the request.
        assert_eq!(hello.first(), Some(&0x16));
        assert!(!String::from_utf8_lossy(&hello).contains(KEY));
    }
}
