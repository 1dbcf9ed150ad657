use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::IpAddr,
    task::{Context, Poll},
    time::Instant,
    vec,
};

use tokio::{
    net::{TcpListener, TcpSocket},
    time::timeout,
};

use super::*;

/// Resolves every name to these addresses.
#[derive(Clone)]
struct Fixed(Vec<IpAddr>);

impl Service<Name> for Fixed {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        let addresses: Vec<_> = self.0.iter().map(|ip| SocketAddr::new(*ip, 0)).collect();
        ready(Ok(addresses.into_iter()))
    }
}

const V4: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

/// Longer than any other step takes on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(2);

/// An address that never responds: the accept queue of its listener is full, and the kernel drops later connections.
/// Active until the returned value is dropped.
async fn black_hole(address: SocketAddr) -> (TcpListener, Vec<TcpStream>) {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.unwrap();
    socket.bind(address).unwrap();
    let listener = socket.listen(1).unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        queued.push(stream.unwrap());
        assert!(queued.len() < 100, "the queue has no end");
    }
    (listener, queued)
}

async fn connect(port: u16, addresses: &[IpAddr]) -> Result<TcpStream, Error> {
    direct(connector(Fixed(addresses.to_vec()), TIMEOUT), url(&format!("comfy.invalid:{port}"))).await
}

fn url(authority: &str) -> Uri {
    format!("http://{authority}/").parse().unwrap()
}

#[tokio::test]
async fn a_dead_address_family_does_not_cost_the_connect_timeout() {
    for (hole, good) in [(V6, V4), (V4, V6)] {
        let listener = TcpListener::bind((good, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let held = black_hole((hole, port).into()).await;
        let start = Instant::now();
        let stream = connect(port, &[hole, good]).await.unwrap();
        let took = start.elapsed();
        assert_eq!(stream.peer_addr().unwrap().ip(), good);
        assert!(took < TIMEOUT / 2, "{took:?} by way of {hole}");
        assert!(took >= Duration::from_millis(250), "{took:?}: {hole} was no black hole");
        drop(held);
    }
}

#[tokio::test]
async fn a_black_hole_is_given_up_after_the_connect_timeout() {
    let listener = TcpListener::bind((V4, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let held = black_hole(address).await;
    let start = Instant::now();
    let target = url(&address.to_string());
    let error = Net::default().dial(target, false, Duration::from_millis(400)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Connect), "{error:?}");
    assert!(start.elapsed() >= Duration::from_millis(400));
    drop(held);
}

#[tokio::test]
async fn names_that_resolve_to_private_addresses_are_not_dialled() {
    let listener = TcpListener::bind((V4, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let error = Net::default().dial(url(&format!("localhost:{port}")), true, TIMEOUT).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Forbidden { .. }), "{error:?}");
    assert!(timeout(Duration::ZERO, listener.accept()).await.is_err(), "nobody came");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn tcp_keepalive_is_enabled() {
    use rustix::net::sockopt;

    let listener = TcpListener::bind((V4, 0)).await.unwrap();
    let stream = connect(listener.local_addr().unwrap().port(), &[V4]).await.unwrap();
    assert_eq!(sockopt::tcp_user_timeout(&stream).unwrap(), 30_000);
    assert!(sockopt::socket_keepalive(&stream).unwrap());
    assert_eq!(sockopt::tcp_keepidle(&stream).unwrap(), Duration::from_secs(15));
    assert!(stream.nodelay().unwrap());
}
