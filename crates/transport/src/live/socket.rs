//! A live connection.

use std::{
    future::{Future as _, poll_fn},
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use bytestring::ByteString;
use futures_util::{SinkExt as _, StreamExt as _};
use runninghub_core::say;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, Sleep, sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error as SocketError, Message, error::ProtocolError},
};

use super::LiveOptions;
use crate::{Body, Error, ErrorKind, Frame, FrameSource};

/// The maximum number of consecutive messages that aren't frames (pings, pongs) before yielding: a server that pings
/// endlessly must not starve the timers.
const MOST_IN_A_ROW: u32 = 32;

/// A WebSocket as a frame source.
///
/// It owns the stream and its buffer directly and uses one timer for everything: about 10 KiB with the read buffer.
pub(super) struct Socket<S> {
    /// `None` once the connection is closed.
    stream: Option<WebSocketStream<S>>,
    /// The peer sent a close frame, even if its end of the connection is still open.
    ended: bool,
    /// A ping has not been flushed yet.
    flushing: bool,
    opened: Instant,
    keepalive: Keepalive,
    close_timeout: Duration,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(super) fn new(stream: WebSocketStream<S>, options: &LiveOptions) -> Self {
        Self {
            stream: Some(stream),
            ended: false,
            flushing: false,
            opened: Instant::now(),
            keepalive: Keepalive::new(options.ping_interval, options.pong_timeout),
            close_timeout: options.close_timeout,
        }
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Body>, Error>> {
        let Some(stream) = self.stream.as_mut().filter(|_| !self.ended) else { return Poll::Ready(Ok(None)) };
        // Read everything that has arrived before checking the timer: after a long time without reads, the peer must
        // not look silent.
        let mut in_a_row = 0;
        while let Poll::Ready(message) = stream.poll_next_unpin(cx) {
            self.keepalive.heard = true;
            match message {
                Some(Ok(Message::Text(text))) => {
                    let text = ByteString::try_from(Bytes::from(text)).map_err(|error| {
                        Error::new(ErrorKind::Protocol, say!("a text frame is not UTF-8")).with_source(error)
                    });
                    return Poll::Ready(text.map(|text| Some(Body::Text(text))));
                }
                Some(Ok(Message::Binary(bytes))) => return Poll::Ready(Ok(Some(Body::Binary(bytes)))),
                Some(Ok(Message::Close(_))) => {
                    self.ended = true;
                    return Poll::Ready(Ok(None));
                }
                Some(Ok(_)) if in_a_row < MOST_IN_A_ROW => in_a_row += 1,
                Some(Ok(_)) => {
                    cx.waker().wake_by_ref();
                    break;
                }
                Some(Err(error)) => return Poll::Ready(ended_by(error)),
                None => return Poll::Ready(Ok(None)),
            }
        }
        while let Poll::Ready(beat) = self.keepalive.poll(cx) {
            match beat {
                Beat::Dead => {
                    return Poll::Ready(Err(Error::new(ErrorKind::DeadPeer, say!("the server is silent"))));
                }
                Beat::Ping => match stream.start_send_unpin(Message::Ping(Bytes::new())) {
                    Ok(()) => self.flushing = true,
                    Err(error) => return Poll::Ready(ended_by(error)),
                },
            }
        }
        if self.flushing {
            match stream.poll_flush_unpin(cx) {
                Poll::Ready(Ok(())) => self.flushing = false,
                Poll::Ready(Err(error)) => return Poll::Ready(ended_by(error)),
                Poll::Pending => {}
            }
        }
        Poll::Pending
    }
}

#[async_trait]
impl<S: AsyncRead + AsyncWrite + Send + Unpin> FrameSource for Socket<S> {
    async fn next_frame(&mut self) -> Result<Option<Frame>, Error> {
        let body = poll_fn(|cx| self.poll_body(cx)).await;
        if let Ok(Some(body)) = body {
            return Ok(Some(Frame { at: self.opened.elapsed(), body }));
        }
        if !self.ended {
            self.stream = None;
        }
        body.map(|_| None)
    }

    async fn close(&mut self) {
        self.ended = true;
        // Taken out of `self` first: if this future is dropped, the connection is closed with it.
        let Some(mut stream) = self.stream.take() else { return };
        let goodbye = async {
            // Whether or not the close frame is sent, wait for the peer to close its end.
            if stream.close(None).await.is_ok() {
                while let Some(Ok(_)) = stream.next().await {}
            }
        };
        if timeout(self.close_timeout, goodbye).await.is_err() {
            tracing::debug!("the server did not end the connection in time");
        }
    }

    fn opened(&self) -> Option<Instant> {
        Some(self.opened)
    }
}

/// Decides when to ping the peer, and when to stop waiting for a sign of life.
struct Keepalive {
    timer: Pin<Box<Sleep>>,
    interval: Duration,
    patience: Duration,
    /// A ping was sent.
    pinged: bool,
    /// A message arrived since the last ping.
    heard: bool,
}

enum Beat {
    Ping,
    Dead,
}

impl Keepalive {
    fn new(interval: Duration, patience: Duration) -> Self {
        Self { timer: Box::pin(sleep(interval)), interval, patience, pinged: false, heard: false }
    }

    /// Poll until it returns pending: each beat sets the timer for the next.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Beat> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let (wait, beat) = match (self.pinged, self.heard) {
                (true, false) => return Poll::Ready(Beat::Dead),
                (true, true) => (self.interval.saturating_sub(self.patience), None),
                (false, _) => (self.patience, Some(Beat::Ping)),
            };
            self.timer.as_mut().reset(Instant::now() + wait);
            self.pinged = beat.is_some();
            if let Some(beat) = beat {
                self.heard = false;
                return Poll::Ready(beat);
            }
        }
    }
}

/// A broken connection is a normal end: these servers never send a close frame.
fn ended_by(error: SocketError) -> Result<Option<Body>, Error> {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let (kind, what) = match &error {
        SocketError::ConnectionClosed
        | SocketError::AlreadyClosed
        | SocketError::Protocol(
            ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing,
        ) => return Ok(None),
        SocketError::Io(cause) => match cause.kind() {
            BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof => {
                tracing::debug!(%cause, "the connection broke off");
                return Ok(None);
            }
            _ => (ErrorKind::Io, say!("reading from the server failed")),
        },
        SocketError::Capacity(_) => {
            (ErrorKind::TooLarge, say!("the server sent a message over the size limit"))
        }
        SocketError::Utf8(_) => (ErrorKind::Protocol, say!("the server sent text that is not UTF-8")),
        _ => (ErrorKind::Protocol, say!("the server violated the WebSocket protocol")),
    };
    Err(Error::new(kind, what).with_source(error))
}
