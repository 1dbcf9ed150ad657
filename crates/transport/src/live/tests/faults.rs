//! What a peer can do wrong.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpListener,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};

use super::{
    Plain, accept, address, connect, kind_of, options, serve,
    server::{read_head, silent_after_handshake, switching},
    socket,
};
use crate::{
    Body, ErrorKind, FrameSource as _,
    live::{LiveOptions, socket::Socket},
};

#[tokio::test]
async fn a_silent_peer_is_dead() {
    let Plain { port, hold } = silent_after_handshake(Vec::new()).await;
    let mut source = connect(LiveOptions::new().scaled(0.01), port).await.unwrap();
    assert_eq!(kind_of(source.next_frame().await), ErrorKind::DeadPeer);
    assert_eq!(source.next_frame().await.unwrap(), None);
    drop(hold);
}

#[tokio::test]
async fn frames_that_wait_to_be_read_are_signs_of_life() {
    let Plain { port, hold } = silent_after_handshake(b"\x81\x02hi".to_vec()).await;
    let options = LiveOptions::new().scaled(0.01);
    let long = (options.ping_interval + options.pong_timeout) * 2;
    let mut source = connect(options, port).await.unwrap();
    // Not for an event: this is the time in which nobody reads.
    tokio::time::sleep(long).await;
    assert_eq!(source.next_frame().await.unwrap().unwrap().body, Body::Text("hi".into()));
    drop(hold);
}

#[tokio::test]
async fn frames_that_break_the_rules_are_errors_and_then_the_end() {
    let large = [&[0x82, 127][..], &(5_u64 << 20).to_be_bytes()].concat();
    let cases: [(&str, Vec<u8>, ErrorKind); 7] = [
        ("text that is not UTF-8", b"\x81\x03\xff\xfe\xfd".to_vec(), ErrorKind::Protocol),
        ("text with a surrogate", b"\x81\x03\xed\xa0\x80".to_vec(), ErrorKind::Protocol),
        ("an unknown opcode", b"\x83\x00".to_vec(), ErrorKind::Protocol),
        ("a compressed frame", b"\xc1\x01a".to_vec(), ErrorKind::Protocol),
        ("an end without a beginning", b"\x80\x01a".to_vec(), ErrorKind::Protocol),
        ("a frame above the limit", large, ErrorKind::TooLarge),
        (
            "a length beyond all memory",
            b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec(),
            ErrorKind::TooLarge,
        ),
    ];
    for (what, bytes, kind) in cases {
        let Plain { port, hold } = silent_after_handshake(bytes).await;
        let mut source = connect(LiveOptions::new(), port).await.unwrap();
        assert_eq!(kind_of(source.next_frame().await), kind, "{what}");
        assert_eq!(source.next_frame().await.unwrap(), None, "{what}");
        drop(hold);
    }
}

#[tokio::test]
async fn the_limit_can_be_moved_and_covers_whole_messages() {
    let two_parts =
        [b"\x02\x7e\x03\xe8".to_vec(), vec![1; 1000], b"\x80\x7e\x03\xe8".to_vec(), vec![1; 1000]];
    for (limit, fits) in [(2000, true), (1999, false)] {
        let Plain { port, hold } = silent_after_handshake(two_parts.concat()).await;
        let mut source = connect(options().max_message(limit), port).await.unwrap();
        let frame = source.next_frame().await;
        if fits {
            assert_eq!(frame.unwrap().unwrap().body, Body::Binary(vec![1; 2000].into()));
        } else {
            assert_eq!(kind_of(frame), ErrorKind::TooLarge);
        }
        drop(hold);
    }
    let largest = LiveOptions::new().max_message(usize::MAX).socket();
    assert_eq!((largest.max_message_size, largest.max_frame_size), (Some(64 << 20), Some(64 << 20)));
    assert_eq!(LiveOptions::new().max_frame(9).socket().max_frame_size, Some(9));
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_an_end() {
    for reset in [false, true] {
        let port = serve(async move |stream| {
            let mut socket = accept(stream).await;
            socket::send(&mut socket, Message::text("last words")).await.unwrap();
            let Some(Message::Ping(_)) = socket::next(&mut socket).await else { panic!("no ping") };
            if reset {
                // With this, dropping the socket resets the connection.
                socket.get_ref().set_zero_linger().unwrap();
            }
        })
        .await;
        let mut source = connect(options(), port).await.unwrap();
        assert_eq!(source.next_frame().await.unwrap().unwrap().body, Body::Text("last words".into()));
        for _ in 0..2 {
            assert_eq!(source.next_frame().await.unwrap(), None);
        }
        source.close().await;
    }
}

#[tokio::test]
async fn a_frame_cut_in_half_by_the_end_is_no_frame() {
    let port = serve(async |mut stream| {
        let head = read_head(&mut stream).await;
        let answer = [switching(&head, "Upgrade").as_bytes(), b"\x81\x05hal"].concat();
        stream.write_all(&answer).await.unwrap();
    })
    .await;
    let mut source = connect(options(), port).await.unwrap();
    assert_eq!(source.next_frame().await.unwrap(), None);
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    assert_eq!(kind_of(connect(options(), port).await), ErrorKind::Connect);
    assert!(address(port).masked().ends_with("/ws?…"));
}

/// A peer that has sent a mebibyte of pings, reads nothing, and then hangs up.
struct Pings(usize);

impl AsyncRead for Pings {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let count = (buffer.remaining() / 2).min(self.0);
        buffer.put_slice(&b"\x89\x00".repeat(count));
        self.0 -= count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pings {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Pending
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_flood_of_pings_starves_nobody() {
    let options = LiveOptions::new();
    assert!(options.socket().max_write_buffer_size <= 16 << 10, "answers that nobody reads are bounded");
    let stream =
        WebSocketStream::from_raw_socket(Pings(512 << 10), Role::Client, Some(options.socket())).await;
    let mut source = Socket::new(stream, &options);
    let mut next = source.next_frame();
    let mut turns = 0;
    let end = std::future::poll_fn(|cx| match next.as_mut().poll(cx) {
        Poll::Pending => {
            turns += 1;
            Poll::Pending
        }
        end @ Poll::Ready(_) => end,
    });
    assert_eq!(end.await.unwrap(), None);
    assert!(turns > 1_000, "others had {turns} turns");
}

/// A peer that answers so many pings and is gone then, without a word: the cable was pulled.
struct Dying {
    answers: u32,
    waiting: Vec<u8>,
}

impl AsyncRead for Dying {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.waiting.is_empty() {
            return Poll::Pending;
        }
        buffer.put_slice(&std::mem::take(&mut self.waiting));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Dying {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        if let Some(left) = self.answers.checked_sub(1) {
            self.answers = left;
            self.waiting = b"\x8a\x00".to_vec();
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_gone_is_noticed_within_thirty_seconds() {
    for answers in 0..4_u32 {
        let options = LiveOptions::new();
        let peer = Dying { answers, waiting: Vec::new() };
        let stream = WebSocketStream::from_raw_socket(peer, Role::Client, Some(options.socket())).await;
        let mut source = Socket::new(stream, &options);
        let start = tokio::time::Instant::now();
        assert_eq!(kind_of(source.next_frame().await), ErrorKind::DeadPeer);
        // It was last heard when it answered its last ping.
        let last = options.ping_interval * answers;
        let noticed = start.elapsed().checked_sub(last).unwrap();
        assert!(noticed <= std::time::Duration::from_millis(30_010), "{noticed:?} after {answers} answers");
    }
}

#[tokio::test]
async fn a_flood_of_frames_is_read_no_faster_than_it_is_asked_for() {
    let (sent, mut count) = tokio::sync::watch::channel(0_usize);
    let port = serve(async move |stream| {
        let mut socket = accept(stream).await;
        let large = vec![1_u8; 1 << 20];
        while socket::send(&mut socket, Message::binary(large.clone())).await.is_ok() {
            sent.send_modify(|count| *count += 1);
        }
    })
    .await;
    let mut source = connect(LiveOptions::new(), port).await.unwrap();
    source.next_frame().await.unwrap().unwrap();
    // The kernel's buffers fill up, and that is all.
    while tokio::time::timeout(std::time::Duration::from_millis(200), count.changed()).await.is_ok() {}
    let waiting = *count.borrow();
    assert!(waiting <= 16, "{waiting} MiB are under way though nobody asked");
    source.close().await;
}
