use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;
use crate::client::proxy;

/// The same table is held against the socket: both have to go the same way.
const TABLE: &str = include_str!("../../../../fixtures/no-proxy.txt");

/// Leads every name to this machine, where a direct way would end.
struct Here;

impl Resolve for Here {
    fn resolve(&self, _: Name) -> Resolving {
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Box::pin(async move { Ok(Box::new([here].into_iter()) as Addrs) })
    }
}

fn lanes(proxy: reqwest::Proxy) -> Lanes {
    let base = Url::parse("https://www.runninghub.cn").expect("a URL");
    Lanes::new(&base, Some(nobody().expect("a configuration")), Vec::new(), Some(proxy), false)
}

#[tokio::test]
async fn exceptions_from_the_proxy_are_what_they_are_for_the_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    // Whoever comes is told no, and which way it came.
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut first = [0; 7];
            let is_proxied = stream.read_exact(&mut first).await.is_ok() && &first == b"CONNECT";
            let answer = if is_proxied { "HTTP/1.1 502 X\r\n\r\n" } else { "no" };
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let [way, host, except] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        // Numbers would be dialled as they are, off this machine: those that go directly are left to the socket's test.
        if way == "direct" && (host.starts_with('[') || !host.contains(char::is_alphabetic)) {
            continue;
        }
        let named = format!("http://127.0.0.1:{port}");
        let proxy = proxy(&named, reqwest::NoProxy::from_string(except)).expect("a proxy");
        let lanes = lanes(proxy);
        let client = lanes.build(false, reqwest::ClientBuilder::new().dns_resolver(Here)).expect("a client");
        let error = client.get(format!("https://{host}:{port}/")).send().await.expect_err("nobody is there");
        let error = Error::transport("test", error);
        // Behind the proxy there was no connection; without it there was one that spoke no TLS.
        let seen = if matches!(error.kind(), ErrorKind::Tls) { "direct" } else { "proxy" };
        assert_eq!(seen, way, "{line}: {error:?}");
    }
}

#[test]
fn a_file_of_certificates_has_some() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("ca.pem");
    let text = |text: &str| {
        fs::write(&path, text).expect("a file");
        roots(&path).expect_err("not to be used").to_string()
    };
    assert_eq!(text("").as_str(), "CA file: there is no certificate in it");
    assert_eq!(text("hello").as_str(), "CA file: there is no certificate in it");
    let key = "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n";
    assert_eq!(text(key).as_str(), "CA file: there is no certificate in it");
    let nonsense = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    assert_eq!(text(nonsense).as_str(), "CA file: one of its certificates cannot be read");
    assert_eq!(text("-----BEGIN CERTIFICATE-----\n???\n").as_str(), "CA file: it is not PEM");
    let long = "x".repeat(usize::try_from(CA_FILE).expect("small") + 1);
    assert_eq!(text(&long).as_str(), "CA file: it is too long for a list of certificates");
    let missing = roots(&dir.path().join("none.pem")).expect_err("no file");
    assert_eq!(missing.to_string(), "CA file: it cannot be read");
    assert!(missing.hint().is_some());
}
