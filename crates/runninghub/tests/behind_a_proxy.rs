//! A whole run through a proxy that intercepts TLS with its own certificate, as in many companies: HTTP and the
//! socket use the same proxy and trust the same file, and neither key, ticket nor password is logged at any level.
//!
//! A separate test binary: another thread that reaches a log statement first would disable it for the whole process.

mod common;

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use common::{key, watch};
use futures_util::{SinkExt as _, StreamExt as _};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use runninghub::{ConnectionState, ErrorKind, Event, Follow, NetOptions, Phase, RunningHub, Service as _};
use runninghub_sim::Sim;
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{handshake::derive_accept_key, protocol::Role},
};

const HOST: &str = "www.runninghub.cn";
const TICKET: &str = "eyJ0aWNrZXQiOjF9";
const PASSWORD: &str = "secret-word";
const TASK: &str = "2000000000000000001";

/// The CA's certificate in PEM, and a server with a certificate from it.
fn ca() -> (String, Arc<ServerConfig>) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let der = params.self_signed(&key).expect("a certificate").der().to_vec();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec![HOST.to_owned()]).expect("parameters");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate").der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a configuration");
    (pem(&der), Arc::new(server))
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

/// Recorded by the proxy: the heads of its own requests, and the first lines of those inside.
#[derive(Default)]
struct Seen {
    connects: Mutex<Vec<String>>,
    inside: Mutex<Vec<String>>,
    over: AtomicBool,
}

async fn proxy(tls: Arc<ServerConfig>, seen: Arc<Seen>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (tls, seen) = (Arc::clone(&tls), Arc::clone(&seen));
            tokio::spawn(async move {
                let head = read_head(&mut stream).await;
                seen.connects.lock().expect("not poisoned").push(head);
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("it listens");
                if let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await {
                    answer(stream, &seen).await;
                }
            });
        }
    });
    port
}

async fn answer(mut stream: TlsStream<TcpStream>, seen: &Seen) {
    let head = read_head(&mut stream).await;
    let first = head.lines().next().unwrap_or_default().to_owned();
    seen.inside.lock().expect("not poisoned").push(first);
    if let Some(key) = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")) {
        let accept = derive_accept_key(key.as_bytes());
        let switching = format!(
            "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        stream.write_all(switching.as_bytes()).await.expect("it listens");
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        for (kind, data) in [("executing", r#","node":"1""#), ("execution_success", "")] {
            let text = format!(r#"{{"type":"{kind}","data":{{"prompt_id":"p"{data}}}}}"#);
            seen.over.store(kind == "execution_success", Ordering::Relaxed);
            socket.send(text.into()).await.expect("it listens");
        }
        while let Some(Ok(_)) = socket.next().await {}
        return;
    }
    let body = if seen.over.load(Ordering::Relaxed) {
        r#"{"code":0,"msg":"success","data":[{"fileUrl":"https://h.example/a.png","fileType":"png","nodeId":"1"}]}"#
            .to_owned()
    } else {
        let url = format!("wss://{HOST}:443/ws/c_instance?c_port=80&Rh-Comfy-Auth={TICKET}%3D");
        format!(r#"{{"code":804,"msg":"APIKEY_TASK_IS_RUNNING","data":{{"netWssUrl":"{url}"}}}}"#)
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all((head + &body).as_bytes()).await;
    let _ = stream.shutdown().await;
    // Drain the request's body: closing with unread input would reset the connection and lose the response.
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n")
        && let Ok(byte) = stream.read_u8().await
    {
        head.push(byte);
    }
    String::from_utf8_lossy(&head).into_owned()
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn http_and_socket_go_the_same_way_and_nothing_leaks() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing_subscriber::util::SubscriberInitExt::set_default(subscriber);

    let (pem, tls) = ca();
    let seen = Arc::new(Seen::default());
    let port = proxy(tls, Arc::clone(&seen)).await;
    let dir = tempfile::tempdir().expect("a directory");
    let ca_file = dir.path().join("ca.pem");
    std::fs::write(&ca_file, pem).expect("a file");
    let builder = |net: NetOptions| {
        RunningHub::builder(key())
            .net(net.proxy(&format!("http://me:{PASSWORD}@127.0.0.1:{port}")))
            .time_scale(0.1)
    };

    let stranger = builder(NetOptions::default()).build().expect("a hub");
    let error = stranger.status(&TASK.into()).await.expect_err("nobody vouches for this one");
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(format!("{error:?}").contains("Tls"), "{error:?}");
    assert!(seen.inside.lock().expect("not poisoned").is_empty(), "not a word before there is trust");

    let hub = builder(NetOptions::default().ca_file(&ca_file)).build().expect("a hub");
    let mut run = hub.follow(Follow::task(TASK)).await.expect("a run");
    let watched = watch(&mut run).await;
    assert_eq!((watched.end.phase, watched.end.outputs.len()), (Phase::Success, 1));
    let live = |event: &Event| matches!(event, Event::Connection(it) if it.state == ConnectionState::Live);
    assert!(watched.events.iter().any(live), "{:?}", watched.events);

    let inside = seen.inside.lock().expect("not poisoned").clone();
    assert!(
        inside.iter().any(|line| line.ends_with(&format!("&Rh-Comfy-Auth={TICKET}%3D HTTP/1.1"))),
        "{inside:?}"
    );
    let connects = seen.connects.lock().expect("not poisoned").clone();
    assert!(connects.len() >= 3, "{connects:?}");
    for head in &connects {
        assert!(head.starts_with(&format!("CONNECT {HOST}:443 HTTP/1.1\r\n")), "{head}");
        // me:secret-word
        assert!(head.to_ascii_lowercase().contains("proxy-authorization: basic "), "{head}");
        assert!(head.contains("bWU6c2VjcmV0LXdvcmQ="), "{head}");
    }

    let text = String::from_utf8_lossy(&log.0.lock().expect("not poisoned")).into_owned();
    assert!(text.contains("responded") && text.contains(HOST), "the log works");
    for secret in [TICKET, PASSWORD, "bWU6c2VjcmV0LXdvcmQ", Sim::DEMO_KEY] {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}
