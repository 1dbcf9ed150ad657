//! Tests against real sockets on this machine, in real time.

mod faults;
mod handshake;
mod peers;
mod proxy;
mod server;
#[cfg(any(feature = "aws-lc", feature = "ring"))]
mod tls;

use std::{error::Error as StdError, time::Duration};

use runninghub_core::SocketUrl;
use server::{Plain, accept, serve, socket};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;

use super::{Live, LiveOptions};
use crate::{Body, Connect as _, Error, ErrorKind, FrameSource, frame_source_conformance};

/// Every URL in these tests contains it, and no error may show it.
const TICKET: &str = "c2VjcmV0IHRpY2tldA%3D%3D";

/// Shorter than in production, long enough for a busy machine.
fn options() -> LiveOptions {
    LiveOptions::new().ping_interval(Duration::from_millis(700)).pong_timeout(Duration::from_millis(700))
}

async fn connect(options: LiveOptions, port: u16) -> Result<Box<dyn FrameSource>, Error> {
    Live::new(options).connect(&address(port)).await
}

fn address(port: u16) -> SocketUrl {
    SocketUrl::new(format!("ws://127.0.0.1:{port}/ws?Rh-Comfy-Auth={TICKET}&clientId=x"))
}

/// The kind of an error, after checking that its texts contain no ticket.
fn kind_of<T>(result: Result<T, Error>) -> ErrorKind {
    let Err(error) = result else { panic!("no error") };
    let mut text = format!("{error:?} {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text += &cause.to_string();
        source = cause.source();
    }
    assert!(!text.contains("c2Vjc") && !text.contains("hunter2"), "{text}");
    error.kind()
}

/// A source whose server sends these messages and then closes.
async fn live(messages: Vec<Body>) -> Box<dyn FrameSource> {
    let port = serve(async |stream| {
        let mut socket = accept(stream).await;
        for message in messages {
            let message = match message {
                Body::Text(text) => Message::text(&*text),
                Body::Binary(bytes) => Message::binary(bytes),
            };
            // The client may close before it has received everything.
            if socket::send(&mut socket, message).await.is_err() {
                return;
            }
        }
        socket::finish(socket).await;
    })
    .await;
    connect(options(), port).await.unwrap()
}

frame_source_conformance!(conformance, live);

#[tokio::test]
async fn a_peer_that_answers_pings_is_alive() {
    let port = serve(async |stream| {
        let mut socket = accept(stream).await;
        for _ in 0..2 {
            assert!(matches!(socket::next(&mut socket).await, Some(Message::Ping(_))));
        }
        socket::send(&mut socket, Message::text("still here")).await.unwrap();
        socket::finish(socket).await;
    })
    .await;
    let mut source = connect(options(), port).await.unwrap();
    let frame = source.next_frame().await.unwrap().unwrap();
    assert_eq!(frame.body, Body::Text("still here".into()));
    assert!(frame.at >= options().ping_interval * 2, "pings came too soon: {:?}", frame.at);
}

#[tokio::test]
async fn preview_metadata_is_negotiated_first_and_only_if_wanted() {
    for wanted in [true, false] {
        let port = serve(async move |stream| {
            let mut socket = accept(stream).await;
            let first = socket::next(&mut socket).await;
            let answer = match first {
                Some(Message::Text(text)) => text.to_string(),
                other => format!("{other:?}"),
            };
            socket::send(&mut socket, Message::text(answer)).await.unwrap();
            socket::finish(socket).await;
        })
        .await;
        let mut source = connect(options().preview_metadata(wanted), port).await.unwrap();
        let Body::Text(first) = source.next_frame().await.unwrap().unwrap().body else { panic!("no text") };
        if wanted {
            let flags: serde_json::Value = serde_json::from_str(&first).unwrap();
            assert_eq!(flags["type"], "feature_flags");
            assert_eq!(flags["data"]["supports_preview_metadata"], true);
        } else {
            assert!(first.contains("Ping"), "{first}");
        }
    }
}

#[tokio::test]
async fn close_returns_when_the_peer_has_let_go() {
    let (gone, mut is_gone) = oneshot::channel();
    let port = serve(async |stream| {
        let mut socket = accept(stream).await;
        assert!(matches!(socket::next(&mut socket).await, Some(Message::Close(_))));
        // The server updates its client registration before it closes the connection.
        gone.send(()).unwrap();
        socket::finish(socket).await;
    })
    .await;
    let mut source = connect(options(), port).await.unwrap();
    source.close().await;
    assert_eq!(is_gone.try_recv(), Ok(()));
}

#[tokio::test]
async fn close_does_not_wait_for_ever() {
    let Plain { port, hold } = server::silent_after_handshake(Vec::new()).await;
    let mut source = connect(options(), port).await.unwrap();
    source.close().await;
    assert_eq!(source.next_frame().await.unwrap(), None);
    drop(hold);
}

#[tokio::test]
async fn goodbye_is_an_end_even_if_the_connection_stays_open() {
    // A close frame with code 1000, and then nothing: the stream stays open.
    let Plain { port, hold } = server::silent_after_handshake(vec![0x88, 0x02, 0x03, 0xe8]).await;
    let mut source = connect(LiveOptions::new(), port).await.unwrap();
    for _ in 0..2 {
        assert_eq!(source.next_frame().await.unwrap(), None);
    }
    drop(hold);
    source.close().await;
}

#[test]
fn a_quiet_connection_is_small() {
    let size = size_of::<super::socket::Socket<tokio::net::TcpStream>>();
    assert!(size <= 768, "{size} bytes beside the read buffer");
}
