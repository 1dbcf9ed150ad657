//! Connections through proxies.

use runninghub_core::SocketUrl;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::TcpStream,
    sync::oneshot,
};

use super::{Plain, accept, kind_of, options, serve, server::answer, server::read_head, socket};
use crate::{
    Connect as _, ErrorKind, Live, LiveOptions,
    net::{Net, NetOptions},
};

/// A name that only the proxy can resolve.
const TARGET: &str = "ws://comfy.invalid:8188/ws?clientId=x";

fn through(proxy: &str) -> LiveOptions {
    options().allow_insecure(true).net(Net::new(NetOptions::default().proxy(proxy)).unwrap())
}

async fn target() -> u16 {
    serve(async |stream| socket::finish(accept(stream).await).await).await
}

#[tokio::test]
async fn http_connect_with_a_password() {
    let target = target().await;
    let (send, head) = oneshot::channel();
    let proxy = serve(async move |mut stream| {
        send.send(read_head(&mut stream).await).unwrap();
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
        let mut inner = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
        copy_bidirectional(&mut stream, &mut inner).await.ok();
    })
    .await;
    let live = Live::new(through(&format!("http://me:hunter2@127.0.0.1:{proxy}")));
    assert!(!format!("{live:?}").contains("hunter2"));
    let mut source = live.connect(&SocketUrl::new(TARGET)).await.unwrap();
    assert_eq!(source.next_frame().await.unwrap(), None);
    let head = head.await.unwrap();
    assert!(head.starts_with("CONNECT comfy.invalid:8188 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nProxy-Authorization: Basic bWU6aHVudGVyMg==\r\n"), "{head}");
}

#[tokio::test]
async fn socks5_resolves_at_the_proxy() {
    let target = target().await;
    let (send, name) = oneshot::channel();
    let proxy = serve(async move |mut stream| {
        let mut hello = [0; 3];
        stream.read_exact(&mut hello).await.unwrap();
        stream.write_all(&[5, 0]).await.unwrap();
        let mut request = [0; 5];
        stream.read_exact(&mut request).await.unwrap();
        let mut name = vec![0; usize::from(request[4]) + 2];
        stream.read_exact(&mut name).await.unwrap();
        send.send((hello, name)).unwrap();
        stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
        let mut inner = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
        copy_bidirectional(&mut stream, &mut inner).await.ok();
    })
    .await;
    let live = Live::new(through(&format!("socks5h://127.0.0.1:{proxy}")));
    let mut source = live.connect(&SocketUrl::new(TARGET)).await.unwrap();
    assert_eq!(source.next_frame().await.unwrap(), None);
    assert_eq!(name.await.unwrap(), ([5, 1, 0], b"comfy.invalid\x1f\xfc".to_vec()));
}

#[tokio::test]
async fn socks5_with_a_password() {
    let target = target().await;
    let (send, login) = oneshot::channel();
    let proxy = serve(async move |mut stream| {
        let mut hello = [0; 2];
        stream.read_exact(&mut hello).await.unwrap();
        let mut methods = vec![0; usize::from(hello[1])];
        stream.read_exact(&mut methods).await.unwrap();
        assert!(methods.contains(&2), "{methods:?}");
        stream.write_all(&[5, 2]).await.unwrap();
        let mut login = [0; 13];
        stream.read_exact(&mut login).await.unwrap();
        stream.write_all(&[1, 0]).await.unwrap();
        let mut request = vec![0; 5 + "comfy.invalid".len() + 2];
        stream.read_exact(&mut request).await.unwrap();
        send.send(login).unwrap();
        stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
        let mut inner = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
        copy_bidirectional(&mut stream, &mut inner).await.ok();
    })
    .await;
    let live = Live::new(through(&format!("socks5://me:hunter%32!@127.0.0.1:{proxy}")));
    let mut source = live.connect(&SocketUrl::new(TARGET)).await.unwrap();
    assert_eq!(source.next_frame().await.unwrap(), None);
    assert_eq!(&login.await.unwrap(), b"\x01\x02me\x08hunter2!");
}

#[tokio::test]
async fn a_socks_proxy_that_wants_another_password() {
    let proxy = serve(async move |mut stream| {
        let mut hello = [0; 2];
        stream.read_exact(&mut hello).await.unwrap();
        let mut methods = vec![0; usize::from(hello[1])];
        stream.read_exact(&mut methods).await.unwrap();
        stream.write_all(&[5, 2]).await.unwrap();
        let mut login = [0; 12];
        stream.read_exact(&mut login).await.unwrap();
        stream.write_all(&[1, 1]).await.unwrap();
    })
    .await;
    let live = Live::new(through(&format!("socks5h://me:hunter2@127.0.0.1:{proxy}")));
    assert_eq!(kind_of(live.connect(&SocketUrl::new(TARGET)).await), ErrorKind::Proxy);
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_without_its_password() {
    let Plain { port, hold } = answer(b"HTTP/1.1 407 Who are you\r\n\r\n".to_vec()).await;
    let live = Live::new(through(&format!("http://me:hunter2@127.0.0.1:{port}")));
    let error = live.connect(&SocketUrl::new(TARGET)).await.err().unwrap();
    assert_eq!(error.to_string(), "no connection through the proxy 127.0.0.1");
    assert_eq!(kind_of::<()>(Err(error)), ErrorKind::Proxy);
    drop(hold);
}
