//! A socket that plays back a script.

use std::{collections::VecDeque, time::Duration};

use async_trait::async_trait;
use runninghub::transport::{Body, Error, Frame, FrameSource};
use tokio::time::{Instant, sleep};

/// Returns its messages one after the other, with a pause before each.
pub struct Script {
    opened: Instant,
    pause: Duration,
    messages: VecDeque<Body>,
    on_frame: Box<dyn FnMut() -> bool + Send>,
}

impl Script {
    /// A script without pauses.
    pub fn new(messages: impl IntoIterator<Item = Body>) -> Self {
        Self {
            opened: Instant::now(),
            pause: Duration::ZERO,
            messages: messages.into_iter().collect(),
            on_frame: Box::new(|| true),
        }
    }

    /// Waits before each message, and calls `on_frame`; if that returns false, the script ends.
    pub fn paced(mut self, pause: Duration, on_frame: impl FnMut() -> bool + Send + 'static) -> Self {
        self.pause = pause;
        self.on_frame = Box::new(on_frame);
        self
    }
}

#[async_trait]
impl FrameSource for Script {
    async fn next_frame(&mut self) -> Result<Option<Frame>, Error> {
        // Before the message is taken, so that a dropped future loses none.
        if !self.pause.is_zero() && !self.messages.is_empty() {
            sleep(self.pause).await;
        }
        if !self.messages.is_empty() && !(self.on_frame)() {
            self.messages.clear();
        }
        Ok(self.messages.pop_front().map(|body| Frame { at: self.opened.elapsed(), body }))
    }

    async fn close(&mut self) {
        self.messages.clear();
    }
}
