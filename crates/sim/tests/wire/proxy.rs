//! Each toxic, seen from both ends of a connection.

use std::{io::ErrorKind, time::Instant};

use runninghub_sim::{FaultProxy, Scenario, Sim, Toxic};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};

use crate::common::{Client, Socket, get, ms};

const HANG: std::time::Duration = std::time::Duration::from_secs(20);

/// A proxy before a test listener, and a connection through it: the client's end and the server's end.
async fn through(toxics: impl IntoIterator<Item = Toxic>) -> (FaultProxy, TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = FaultProxy::start().await.unwrap();
    proxy.forward_to(listener.local_addr().unwrap());
    for toxic in toxics {
        proxy.add(toxic);
    }
    let (client, server) = connect(&proxy, &listener).await;
    (proxy, client, server)
}

async fn connect(proxy: &FaultProxy, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let client = TcpStream::connect(proxy.address()).await.unwrap();
    let (server, _) = timeout(HANG, listener.accept()).await.unwrap().unwrap();
    (client, server)
}

async fn read(stream: &mut TcpStream, bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    timeout(HANG, stream.read_exact(&mut buffer)).await.unwrap().unwrap();
    String::from_utf8(buffer).unwrap()
}

/// All bytes up to the end, and how the stream ended.
async fn rest(stream: &mut TcpStream) -> (Vec<u8>, Option<ErrorKind>) {
    let mut buffer = Vec::new();
    let end = timeout(HANG, stream.read_to_end(&mut buffer)).await.unwrap();
    (buffer, end.err().map(|error| error.kind()))
}

#[tokio::test]
async fn without_toxics_nothing_changes() {
    let (proxy, mut client, mut server) = through([]).await;
    client.write_all(b"question").await.unwrap();
    assert_eq!(read(&mut server, 8).await, "question");
    server.write_all(b"answer").await.unwrap();
    drop(server);
    assert_eq!(rest(&mut client).await, (b"answer".to_vec(), None));
    drop(client);
    let seen = proxy.wait(|seen| seen.open == 0).await;
    assert_eq!((seen.connections, seen.bytes_up, seen.bytes_down), (1, 8, 6));
}

#[tokio::test]
async fn latency_and_jitter() {
    let (_proxy, mut client, mut server) =
        through([Toxic::latency(ms(150)).jitter(ms(50)).down(), Toxic::latency(ms(0)).up()]).await;
    let start = Instant::now();
    // In sequence they would take fifteen seconds.
    for _ in 0..100 {
        server.write_all(b"0123456789").await.unwrap();
    }
    read(&mut client, 1000).await;
    let took = start.elapsed();
    assert!(took >= ms(150) && took < ms(10_000), "late, but each piece by the same time: {took:?}");
}

#[tokio::test]
async fn bandwidth() {
    let (_proxy, mut client, mut server) = through([Toxic::bandwidth(20_000).down()]).await;
    let start = Instant::now();
    server.write_all(&[b'x'; 4_000]).await.unwrap();
    server.write_all(&[b'x'; 1]).await.unwrap();
    read(&mut client, 4_001).await;
    assert!(start.elapsed() >= ms(190), "{:?}", start.elapsed());
}

#[tokio::test]
async fn slicer() {
    let (_proxy, mut client, mut server) = through([Toxic::slicer(3, ms(20)).down()]).await;
    server.write_all(b"0123456789").await.unwrap();
    let mut buffer = [0; 64];
    let mut pieces = Vec::new();
    while pieces.iter().sum::<usize>() < 10 {
        pieces.push(timeout(HANG, client.read(&mut buffer)).await.unwrap().unwrap());
    }
    // On a busy machine two may arrive together.
    assert!(pieces.len() >= 2 && pieces.iter().all(|size| size % 3 == 0 || *size % 3 == 1), "{pieces:?}");
}

#[tokio::test]
async fn cut() {
    let (_proxy, mut client, mut server) = through([Toxic::cut(4)]).await;
    server.write_all(b"0123456789").await.unwrap();
    assert_eq!(rest(&mut client).await, (b"0123".to_vec(), None));
    assert_eq!(rest(&mut server).await.0, b"");
}

#[tokio::test]
async fn reset_in_either_direction() {
    for toxic in [Toxic::reset(0), Toxic::reset(0).up()] {
        let (_proxy, mut client, mut server) = through([toxic.clone()]).await;
        // Only one of the two is affected by the toxic.
        let end = if toxic == Toxic::reset(0) { &mut server } else { &mut client };
        end.write_all(b"hello").await.unwrap();
        assert_eq!(rest(&mut client).await, (Vec::new(), Some(ErrorKind::ConnectionReset)));
        assert_eq!(rest(&mut server).await.1, Some(ErrorKind::ConnectionReset));
    }
}

#[tokio::test]
async fn silence_is_not_an_end() {
    let (proxy, mut client, mut server) = through([Toxic::silence(3)]).await;
    server.write_all(b"0123456789").await.unwrap();
    assert_eq!(read(&mut client, 3).await, "012");
    proxy.wait(|seen| seen.bytes_down == 10).await;
    // The other direction still works.
    client.write_all(b"still there?").await.unwrap();
    assert_eq!(read(&mut server, 12).await, "still there?");
    drop(server);
    assert!(timeout(ms(100), client.read(&mut [0])).await.is_err(), "the client is not told");
    assert_eq!(proxy.seen().open, 1);
}

#[tokio::test]
async fn half_close() {
    let (_proxy, mut client, mut server) = through([Toxic::half_close(3)]).await;
    server.write_all(b"0123456789").await.unwrap();
    assert_eq!(rest(&mut client).await, (b"012".to_vec(), None));
    client.write_all(b"more").await.unwrap();
    assert_eq!(read(&mut server, 4).await, "more");
}

#[tokio::test]
async fn corrupt_and_insert() {
    let (_proxy, mut client, mut server) =
        through([Toxic::corrupt(1).up(), Toxic::insert(0, "!!").after_head()]).await;
    client.write_all(b"abc").await.unwrap();
    let mut buffer = [0; 3];
    server.read_exact(&mut buffer).await.unwrap();
    assert_eq!(buffer, [b'a', !b'b', b'c']);
    server.write_all(b"HTTP/1.1 200 OK\r\n\r\nbody").await.unwrap();
    assert_eq!(read(&mut client, 25).await, "HTTP/1.1 200 OK\r\n\r\n!!body");
}

#[tokio::test]
async fn refused_while_it_holds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = FaultProxy::start().await.unwrap();
    proxy.forward_to(listener.local_addr().unwrap());
    let (mut client, mut server) = connect(&proxy, &listener).await;
    proxy.add(Toxic::refuse());
    let refused = async {
        loop {
            match TcpStream::connect(proxy.address()).await {
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => return,
                // Accepted, or pending, when the port was closed.
                _ => tokio::task::yield_now().await,
            }
        }
    };
    timeout(HANG, refused).await.unwrap();
    client.write_all(b"open").await.unwrap();
    assert_eq!(read(&mut server, 4).await, "open");
    proxy.clear();
    let again = async {
        while TcpStream::connect(proxy.address()).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(HANG, again).await.unwrap();
}

#[tokio::test]
async fn toxics_come_and_go_and_choose() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = FaultProxy::start().await.unwrap();
    proxy.forward_to(listener.local_addr().unwrap());
    proxy.add(Toxic::cut(0).first(1));
    let (mut client, mut server) = connect(&proxy, &listener).await;
    server.write_all(b"x").await.unwrap();
    assert_eq!(rest(&mut client).await.0, b"");
    let (mut client, mut server) = connect(&proxy, &listener).await;
    server.write_all(b"x").await.unwrap();
    assert_eq!(read(&mut client, 1).await, "x");
    // Added to an open connection: if its byte has passed, it is applied at the next one.
    proxy.add(Toxic::half_close(0));
    server.write_all(b"y").await.unwrap();
    assert_eq!(rest(&mut client).await.0, b"");
    proxy.clear();
    let (mut client, mut server) = connect(&proxy, &listener).await;
    server.write_all(b"z").await.unwrap();
    assert_eq!(read(&mut client, 1).await, "z");
    proxy.reset_all();
    assert_eq!(rest(&mut client).await.1, Some(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_simulator_behind_proxies_of_its_own() {
    let (api, sockets, results) = tokio::join!(FaultProxy::start(), FaultProxy::start(), FaultProxy::start());
    let (api, sockets, results) = (api.unwrap(), sockets.unwrap(), results.unwrap());
    let sim = Sim::builder()
        .scenario(crate::common::small())
        .speed(f64::INFINITY)
        .wait_for_socket(ms(60_000))
        .ticket("a ticket/of ours")
        .sockets_at(format!("ws://{}", sockets.address()))
        .results_at(format!("http://{}", results.address()))
        .start()
        .await
        .unwrap();
    let there = sim.base_url().strip_prefix("http://").unwrap().parse().unwrap();
    for proxy in [&api, &sockets, &results] {
        proxy.forward_to(there);
    }
    api.add(Toxic::reset(0).on_path("/task/openapi/status"));
    let client = Client { base_url: format!("http://{}", api.address()), key: Sim::DEMO_KEY.to_owned() };
    let task = client.task("small").await;
    let url = client.address(&task).await;
    assert!(url.contains("of%20ours") || url.contains("of ours"), "{url}");
    let url = url.replace(' ', "%20");
    Socket::open(&url).await.rest().await;
    let end = client.end(&task).await;
    let file = get(end["data"][0]["fileUrl"].as_str().unwrap(), &[]).await;
    let scenario: Scenario = crate::common::small();
    assert_eq!(scenario.results().next().unwrap().2, file.body);
    assert_eq!((sockets.seen().connections, results.seen().connections), (1, 1));
    let status = client.try_post("/task/openapi/status", serde_json::json!({"taskId": task})).await;
    assert!(status.is_none(), "the status is reset, and only it");
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn encryption_ends_at_the_proxy() {
    use runninghub_sim::{Authority, Certificate};
    let authority = Authority::new().unwrap();
    let sim = Sim::builder().start().await.unwrap();
    let proxy = FaultProxy::with_tls(&authority, Certificate::Good).await.unwrap();
    proxy.forward_to(sim.base_url().strip_prefix("http://").unwrap().parse().unwrap());
    assert!(authority.pem().starts_with("-----BEGIN CERTIFICATE-----\nMII"));
    // Plain HTTP fails in the handshake.
    let mut plain = TcpStream::connect(proxy.address()).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let (answer, _) = rest(&mut plain).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert_eq!(proxy.wait(|seen| seen.open == 0).await.bytes_up, 0);
}

/// A client with a TLS session cannot decrypt the garbage record, and understands the alert.
#[cfg(feature = "tls")]
#[tokio::test]
async fn encryption_breaks_where_it_has_to() {
    use runninghub_sim::{Authority, Certificate};
    for (toxic, expected) in [(Toxic::garbage(3), "DecryptError"), (Toxic::alert(3), "AlertReceived")] {
        let authority = Authority::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = FaultProxy::with_tls(&authority, Certificate::Good).await.unwrap();
        proxy.forward_to(listener.local_addr().unwrap());
        proxy.add(toxic);
        let mut roots = rustls::RootCertStore::empty();
        let pem = authority.pem();
        let root =
            <rustls::pki_types::CertificateDer<'_> as rustls::pki_types::pem::PemObject>::from_pem_slice(
                pem.as_bytes(),
            );
        roots.add(root.unwrap()).unwrap();
        let config =
            rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
        let tcp = TcpStream::connect(proxy.address()).await.unwrap();
        let name = "api.example".try_into().unwrap();
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
        let mut client = connector.connect(name, tcp).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        server.write_all(b"abcdef").await.unwrap();
        let mut read = Vec::new();
        let error = timeout(HANG, client.read_to_end(&mut read)).await.unwrap().unwrap_err();
        assert!(b"abc".starts_with(&read), "{read:?}");
        assert!(format!("{error:?}").contains(expected), "{error:?}");
    }
}

/// Leaked tasks would keep a port open.
#[tokio::test]
async fn a_dropped_proxy_ends_its_connections() {
    let (proxy, mut client, _server) = through([]).await;
    let ended: JoinHandle<_> = tokio::spawn(async move { rest(&mut client).await });
    drop(proxy);
    timeout(HANG, ended).await.unwrap().unwrap();
}
