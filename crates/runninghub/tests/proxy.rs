//! API requests use the configured proxy.

mod common;

use common::key;
use runninghub::{ErrorKind, NetOptions, RunningHub, Service as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

#[tokio::test]
async fn the_configured_proxy_connects_to_the_site() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let proxy = format!("http://me:secret-word@{}", listener.local_addr().expect("an address"));
    let request = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut head = vec![0; 1024];
        let length = stream.read(&mut head).await.expect("a request");
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await.expect("an answer");
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    let hub = RunningHub::builder(key())
        .net(NetOptions::default().proxy(&proxy))
        .time_scale(0.001)
        .build()
        .expect("a hub");
    let error = hub.status(&"2000000000000000001".into()).await.expect_err("the proxy refuses");
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(!format!("{error:?}").contains("secret-word"), "the password is not shown");
    let head = request.await.expect("it was asked");
    assert!(head.starts_with("CONNECT www.runninghub.cn:443 HTTP/1.1\r\n"), "{head}");
    assert!(head.to_ascii_lowercase().contains("proxy-authorization: basic"), "{head}");
}

#[tokio::test]
async fn invalid_proxies_are_refused_at_once() {
    for wrong in ["nonsense", "ftp://127.0.0.1:1", "http://"] {
        let error =
            RunningHub::builder(key()).net(NetOptions::default().proxy(wrong)).build().expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Usage, "{wrong}");
    }
}
