//! The handshake request, and which responses are accepted.

use runninghub_core::{Sentence, SocketUrl};
use tokio::{io::AsyncWriteExt as _, sync::oneshot};

use super::{
    Plain, TICKET, accept, connect, kind_of, options, serve,
    server::{answer, read_head, switching},
    socket,
};
use crate::{Body, Connect as _, ErrorKind, Live, live::LiveOptions};

#[tokio::test]
async fn the_webhook_url_is_sent_unchanged() {
    let targets = [
        "/ws/c_instance?c_host=10.0.0.1&c_port=85&clientId=0f&workflowId=19&Rh-Comfy-Auth=eyJ1%3D%3D&target=https://a.b:11143",
        "/ws?z=1&a=2&z=3&&=&flag",
        "/ws?lower=%3d%3d&upper=%3D%3D&plus=+&space=%20&half=%&percent=%25",
        "/a/../b//c/./d;x?q=/?",
        "/ws?q={\"a\":[1]}|^`<>'~!*()",
        "/ws?q=采样",
        "?only=query",
        "",
    ];
    for target in targets {
        let (send, head) = oneshot::channel();
        let port = serve(async |mut stream| {
            let head = read_head(&mut stream).await;
            stream.write_all(switching(&head, "Upgrade").as_bytes()).await.unwrap();
            send.send(head).unwrap();
        })
        .await;
        let url = SocketUrl::new(format!("ws://LocalHost:{port}{target}#part"));
        Live::new(options()).connect(&url).await.unwrap();
        let head = head.await.unwrap();
        let slash = if target.starts_with('/') { "" } else { "/" };
        assert_eq!(head.lines().next().unwrap(), format!("GET {slash}{target} HTTP/1.1"));
        assert!(head.contains(&format!("\r\nHost: LocalHost:{port}\r\n")), "{head}");
        assert!(
            head.contains("\r\nUpgrade: websocket\r\n") && head.contains("\r\nSec-WebSocket-Version: 13\r\n")
        );
    }
}

#[tokio::test]
async fn unencrypted_urls_off_this_machine_are_not_dialled() {
    for host in ["10.255.255.1", "runninghub.cn", "localhost.runninghub.cn", "[2001:db8::1]"] {
        let url = SocketUrl::new(format!("ws://{host}/ws?Rh-Comfy-Auth={TICKET}"));
        assert_eq!(kind_of(Live::default().connect(&url).await), ErrorKind::InsecureAddress, "{host}");
    }
}

#[tokio::test]
async fn hosts_that_were_not_named_are_not_dialled() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let platform = || crate::Hosts::of(["runninghub.cn"]);
    for hosts in [platform(), platform().trusting("gateway.example")] {
        for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
            let url = SocketUrl::new(format!("ws://{host}:{port}/ws?Rh-Comfy-Auth={TICKET}"));
            let error = Live::new(options().hosts(hosts.clone())).connect(&url).await.err().unwrap();
            assert!(error.is_final());
            assert_eq!(kind_of::<()>(Err(error)), ErrorKind::ForbiddenHost, "{host}");
        }
    }
    let accepted = tokio::time::timeout(std::time::Duration::ZERO, listener.accept()).await;
    assert!(accepted.is_err(), "nobody came");
}

#[test]
fn permanent_and_transient_refusals_are_distinguished() {
    let is_final = |kind| crate::Error::new(kind, Sentence::default()).is_final();
    for status in [400, 401, 403, 404, 410] {
        assert!(is_final(ErrorKind::Handshake { status }), "{status}");
    }
    for status in [101, 200, 302, 408, 425, 429, 500, 502, 503] {
        assert!(!is_final(ErrorKind::Handshake { status }), "{status}");
    }
    assert!(is_final(ErrorKind::Tls) && is_final(ErrorKind::InsecureAddress) && is_final(ErrorKind::Address));
    for kind in [ErrorKind::Connect, ErrorKind::Timeout, ErrorKind::Proxy, ErrorKind::DeadPeer, ErrorKind::Io]
    {
        assert!(!is_final(kind), "{kind:?}");
    }
}

#[tokio::test]
async fn unencrypted_urls_are_dialled_when_allowed() {
    // Port 9 of a name that cannot exist: it must be refused before dialing.
    let url = SocketUrl::new(format!("ws://runninghub.invalid:9/ws?Rh-Comfy-Auth={TICKET}"));
    let direct = crate::net::NetOptions::default().proxy(crate::net::Proxy::Off);
    let options = options().allow_insecure(true).net(crate::net::Net::new(direct).unwrap());
    let kind = kind_of(Live::new(options).connect(&url).await);
    assert!(matches!(kind, ErrorKind::Connect | ErrorKind::Timeout), "{kind:?}");
}

#[tokio::test]
async fn handshake_responses_are_classified() {
    let wrong = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    let cases = [
        ("HTTP/1.1 403 Forbidden\r\n\r\n".to_owned(), ErrorKind::Handshake { status: 403 }),
        ("HTTP/1.1 200 OK\r\n\r\n<html>".to_owned(), ErrorKind::Handshake { status: 200 }),
        ("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n".to_owned(), ErrorKind::Handshake { status: 302 }),
        (format!("{wrong}\r\n"), ErrorKind::Handshake { status: 101 }),
        (format!("{wrong}Sec-WebSocket-Accept: bm90IGl0\r\n\r\n"), ErrorKind::Handshake { status: 101 }),
        ("SSH-2.0-OpenSSH_9.6\r\n\r\n".to_owned(), ErrorKind::Protocol),
        (format!("HTTP/1.1 101 X\r\nCookie: {}", "x".repeat(20 << 10)), ErrorKind::TooLarge),
    ];
    for (text, kind) in cases {
        let Plain { port, hold } = answer(text.clone().into_bytes()).await;
        assert_eq!(kind_of(connect(options(), port).await), kind, "{text:.60}");
        drop(hold);
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_or_never_responds() {
    let port = serve(async |mut stream| {
        read_head(&mut stream).await;
    })
    .await;
    assert_eq!(kind_of(connect(options(), port).await), ErrorKind::Connect);

    let Plain { port, hold } = answer(Vec::new()).await;
    assert_eq!(kind_of(connect(LiveOptions::new().scaled(0.01), port).await), ErrorKind::Timeout);
    drop(hold);
}

#[tokio::test]
async fn a_gateway_may_keep_alive_and_send_frames_along() {
    let port = serve(async |mut stream| {
        let head = read_head(&mut stream).await;
        let answer = [switching(&head, "keep-alive, upgrade").as_bytes(), b"\x81\x05first"].concat();
        // Sent byte by byte, so that the end of the head can fall anywhere.
        for byte in answer {
            stream.write_all(&[byte]).await.unwrap();
            stream.flush().await.unwrap();
        }
        read_head(&mut stream).await;
    })
    .await;
    let mut source = connect(options(), port).await.unwrap();
    assert_eq!(source.next_frame().await.unwrap().unwrap().body, Body::Text("first".into()));
}

#[tokio::test]
async fn ipv6_and_names_are_dialled() {
    let port = serve(async |stream| socket::finish(accept(stream).await).await).await;
    let url = SocketUrl::new(format!("ws://localhost:{port}/ws"));
    let mut source = Live::new(options()).connect(&url).await.unwrap();
    assert_eq!(source.next_frame().await.unwrap(), None);
}
