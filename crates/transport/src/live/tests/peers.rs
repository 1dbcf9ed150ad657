//! Peers without a network, whose actions complete immediately.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

use super::kind_of;
use crate::{
    ErrorKind, FrameSource as _,
    live::{LiveOptions, socket::Socket},
};

/// A peer that sends a mebibyte of pings, reads nothing, and then hangs up.
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
async fn a_flood_of_pings_does_not_starve_frames() {
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

/// A peer that responds to this many pings and then disappears silently, like an unplugged cable.
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
        // The last message was the response to its last ping.
        let last = options.ping_interval * answers;
        let noticed = start.elapsed().checked_sub(last).unwrap();
        assert!(noticed <= std::time::Duration::from_millis(30_010), "{noticed:?} after {answers} answers");
    }
}
