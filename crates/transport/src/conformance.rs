//! Tests that every frame source must pass.
//!
//! [`frame_source_conformance!`](crate::frame_source_conformance) generates a module of tests from a function that
//! turns messages into a source, which yields them and then ends. The tests run on tokio, which the crate needs with
//! `macros` and `rt`.
#![expect(clippy::missing_panics_doc, reason = "these are tests")]

use std::{future::poll_fn, task::Poll};

use bytes::Bytes;

use crate::{Body, Frame, FrameSource};

/// Generates a module of tests for a source. The function is called as `make(Vec<Body>).await`.
#[macro_export]
macro_rules! frame_source_conformance {
    ($name:ident, $make:expr) => {
        mod $name {
            use super::*;

            #[tokio::test]
            async fn frames_come_whole_and_in_order() {
                $crate::conformance::frames_come_whole_and_in_order(
                    $make($crate::conformance::messages()).await,
                )
                .await;
            }

            #[tokio::test]
            async fn an_empty_stream_just_ends() {
                $crate::conformance::just_ends($make(Vec::new()).await).await;
            }

            #[tokio::test]
            async fn dropped_futures_lose_nothing() {
                $crate::conformance::dropped_futures_lose_nothing(
                    $make($crate::conformance::messages()).await,
                )
                .await;
            }

            #[tokio::test]
            async fn closed_in_the_middle_it_ends() {
                $crate::conformance::closed_in_the_middle_it_ends(
                    $make($crate::conformance::messages()).await,
                )
                .await;
            }

            #[tokio::test]
            async fn closing_again_does_nothing() {
                $crate::conformance::closing_again_does_nothing($make($crate::conformance::messages()).await)
                    .await;
            }
        }
    };
}

/// Small, large, empty and unusual messages, text and binary, and many of them.
pub fn messages() -> Vec<Body> {
    let mut messages = vec![
        Body::Text("".into()),
        Body::Text("{\"type\":\"采样\",\"data\":\"\\ud800 \u{1f3a8} \\u0000\"}\n".into()),
        Body::Binary(Bytes::new()),
        Body::Binary((0..=u8::MAX).collect()),
        Body::Binary(vec![0xd8; 200_000].into()),
        Body::Text("x".repeat(70_000).into()),
    ];
    messages.extend((0..500).map(|number| Body::Text(format!("{{\"value\":{number}}}").into())));
    messages
}

/// All messages arrive, then the stream ends permanently.
pub async fn frames_come_whole_and_in_order(mut source: impl FrameSource) {
    let mut last = None;
    for message in messages() {
        let frame = next(&mut source).await.expect("a frame");
        assert_eq!(frame.body, message);
        assert!(Some(frame.at) >= last, "time runs backwards");
        last = Some(frame.at);
    }
    just_ends(source).await;
}

/// An empty source reports only the end, on every call.
pub async fn just_ends(mut source: impl FrameSource) {
    for _ in 0..3 {
        assert_eq!(next(&mut source).await, None);
    }
    source.close().await;
    assert_eq!(next(&mut source).await, None);
}

/// Each frame's future is polled, dropped, and created again.
pub async fn dropped_futures_lose_nothing(mut source: impl FrameSource) {
    for message in messages() {
        let frame = match once(&mut source).await {
            Some(frame) => frame,
            None => next(&mut source).await,
        };
        assert_eq!(frame.expect("a frame").body, message);
    }
    just_ends(source).await;
}

/// After a close no further message arrives.
pub async fn closed_in_the_middle_it_ends(mut source: impl FrameSource) {
    assert!(next(&mut source).await.is_some());
    source.close().await;
    just_ends(source).await;
}

/// A second close does nothing, before and after the end.
pub async fn closing_again_does_nothing(mut source: impl FrameSource) {
    while next(&mut source).await.is_some() {}
    source.close().await;
    source.close().await;
    assert_eq!(next(&mut source).await, None);
}

async fn next(source: &mut impl FrameSource) -> Option<Frame> {
    source.next_frame().await.expect("no error")
}

/// Polls a fresh future once and drops it.
async fn once(source: &mut impl FrameSource) -> Option<Option<Frame>> {
    let mut future = source.next_frame();
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(result) => Poll::Ready(Some(result.expect("no error"))),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
