//! The two traits that all backends share.

use std::sync::Arc;

use async_trait::async_trait;
use runninghub_core::SocketUrl;
use tokio::time::Instant;

use crate::{Error, Frame};

/// One connection's frames, in order.
#[async_trait]
pub trait FrameSource: Send {
    /// The next frame; `None` for ever after the stream ended in good order or broke off.
    ///
    /// Cancel-safe: dropping the future loses no frame.
    ///
    /// # Errors
    /// The peer is dead, broke the protocol or sent too much; the tape cannot be read. After an error comes `None`.
    async fn next_frame(&mut self) -> Result<Option<Frame>, Error>;

    /// Ends the connection and returns when it is gone, after a second at most.
    ///
    /// ComfyUI files sockets by client id, and one that closes late takes its successor's registration with it:
    /// close before connecting anew. Further calls do nothing.
    async fn close(&mut self);

    /// The moment from which [`Frame::at`] counts, for a source whose frames come on the machine's clock.
    fn opened(&self) -> Option<Instant> {
        None
    }
}

/// Something that opens connections.
#[async_trait]
pub trait Connect: Send + Sync {
    /// Opens one connection.
    ///
    /// # Errors
    /// There is no connection to be had; see [`ErrorKind`](crate::ErrorKind).
    async fn connect(&self, address: &SocketUrl) -> Result<Box<dyn FrameSource>, Error>;
}

#[async_trait]
impl<S: FrameSource + ?Sized> FrameSource for Box<S> {
    async fn next_frame(&mut self) -> Result<Option<Frame>, Error> {
        (**self).next_frame().await
    }

    async fn close(&mut self) {
        (**self).close().await;
    }

    fn opened(&self) -> Option<Instant> {
        (**self).opened()
    }
}

#[async_trait]
impl<C: Connect + ?Sized> Connect for Arc<C> {
    async fn connect(&self, address: &SocketUrl) -> Result<Box<dyn FrameSource>, Error> {
        (**self).connect(address).await
    }
}
