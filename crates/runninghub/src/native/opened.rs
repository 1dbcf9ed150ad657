//! A socket that was opened in advance.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use runninghub_core::SocketUrl;
use runninghub_transport::{Connect, Error, FrameSource};

/// Returns the open socket first, and dials from then on, so that messages sent before the prompt's response are not
/// missed.
pub(super) struct Opened {
    first: Mutex<Option<Box<dyn FrameSource>>>,
    then: Arc<dyn Connect>,
}

impl Opened {
    pub(super) fn new(first: Box<dyn FrameSource>, then: Arc<dyn Connect>) -> Self {
        Self { first: Mutex::new(Some(first)), then }
    }
}

#[async_trait]
impl Connect for Opened {
    async fn connect(&self, address: &SocketUrl) -> Result<Box<dyn FrameSource>, Error> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        match first {
            Some(first) => Ok(first),
            None => self.then.connect(address).await,
        }
    }
}
