//! Tests which requests share a connection.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use runninghub_net::{HttpClients, Net};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// A server that keeps every connection open, and the number of its connections.
async fn server() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut request = [0; 4096];
                while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
                }
            });
        }
    });
    (url, connections)
}

async fn send(client: &reqwest::Client, url: &str) {
    let text = client.get(url).send().await.expect("a response").text().await;
    assert_eq!(text.expect("a body"), "ok");
}

#[tokio::test]
async fn kept_connections_are_reused_until_they_are_renewed() {
    let (url, connections) = server().await;
    let clients = HttpClients::new(Net::default(), &url.parse().expect("a URL"));
    let count = || connections.load(Ordering::SeqCst);
    for _ in 0..3 {
        let before = count();
        send(&clients.pooled().expect("a client"), &url).await;
        assert!(count() > before, "the first request has a new connection");
        // The connection may not be back in the pool yet, so it is enough that one of the requests reuses it.
        let mut is_reused = false;
        for _ in 0..1000 {
            let before = count();
            send(&clients.pooled().expect("a client"), &url).await;
            is_reused |= count() == before;
        }
        assert!(is_reused);
        clients.renew();
    }
}

#[tokio::test]
async fn requests_that_cost_money_have_a_connection_each() {
    let (url, connections) = server().await;
    let clients = HttpClients::new(Net::default(), &url.parse().expect("a URL"));
    for count in 1..=3 {
        send(&clients.fresh().expect("a client"), &url).await;
        assert_eq!(connections.load(Ordering::SeqCst), count);
    }
}
