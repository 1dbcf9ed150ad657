//! Test servers, each for one connection.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tokio_tungstenite::{WebSocketStream, tungstenite::handshake::derive_accept_key};

/// A server that runs until `hold` is dropped.
pub(super) struct Plain {
    pub(super) port: u16,
    pub(super) hold: oneshot::Sender<()>,
}

/// Passes the first connection to `handle`; returns the port. The result of `handle` is ignored: the tests check what
/// the client observes.
pub(super) async fn serve<F>(handle: impl FnOnce(TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        handle(stream).await;
    });
    port
}

pub(super) async fn accept(stream: TcpStream) -> WebSocketStream<TcpStream> {
    tokio_tungstenite::accept_async(stream).await.unwrap()
}

/// Sends these bytes as the response to any request, then keeps the connection open and silent.
pub(super) async fn answer(bytes: Vec<u8>) -> Plain {
    let (hold, held) = oneshot::channel();
    let port = serve(async move |mut stream| {
        read_head(&mut stream).await;
        stream.write_all(&bytes).await.unwrap();
        held.await.ok();
    })
    .await;
    Plain { port, hold }
}

/// A valid handshake with `first` in the same segment, then silence: not even pings get a response.
pub(super) async fn silent_after_handshake(first: Vec<u8>) -> Plain {
    let (hold, held) = oneshot::channel();
    let port = serve(async move |mut stream| {
        let head = read_head(&mut stream).await;
        let answer = [switching(&head, "Upgrade").as_bytes(), &first].concat();
        stream.write_all(&answer).await.unwrap();
        held.await.ok();
    })
    .await;
    Plain { port, hold }
}

/// The correct handshake response.
pub(super) fn switching(head: &str, connection: &str) -> String {
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let accept = derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: {connection}\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

/// Reads a request up to its empty line.
pub(super) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// The server's end of a WebSocket.
pub(super) mod socket {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio::net::TcpStream;
    use tokio_tungstenite::{
        WebSocketStream,
        tungstenite::{Error, Message},
    };

    pub(in super::super) async fn send(
        socket: &mut WebSocketStream<TcpStream>,
        message: Message,
    ) -> Result<(), Error> {
        socket.send(message).await
    }

    pub(in super::super) async fn next(socket: &mut WebSocketStream<TcpStream>) -> Option<Message> {
        socket.next().await.and_then(Result::ok)
    }

    /// Sends a close frame and waits for the client's.
    pub(in super::super) async fn finish(mut socket: WebSocketStream<TcpStream>) {
        socket.close(None).await.ok();
        while next(&mut socket).await.is_some() {}
    }
}
