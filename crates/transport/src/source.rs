//! The two traits shared by all backends.

use std::sync::Arc;

use async_trait::async_trait;
use runninghub_core::SocketUrl;
use tokio::time::Instant;

use crate::{Error, Frame};

/// One connection's frames, in order.
#[async_trait]
pub trait FrameSource: Send {
    /// Returns the next frame; `None` permanently after the stream has ended normally or broken off.
    ///
    /// Cancel-safe: dropping the future loses no frame.
    ///
    /// # Errors
    /// The peer is dead, violated the protocol or exceeded a limit; the tape can't be read. After an error the result
    /// is `None`.
    async fn next_frame(&mut self) -> Result<Option<Frame>, Error>;

    /// Closes the connection and returns when it is closed, after a second at most.
    ///
    /// ComfyUI registers sockets by client id, and a socket that closes late removes its successor's registration:
    /// close before reconnecting. Further calls do nothing.
    async fn close(&mut self);

    /// The origin of [`Frame::at`], for a source whose frames follow this machine's clock.
    fn opened(&self) -> Option<Instant> {
        None
    }
}

/// Opens connections.
#[async_trait]
pub trait Connect: Send + Sync {
    /// Opens one connection.
    ///
    /// # Errors
    /// The connection can't be opened; see [`ErrorKind`](crate::ErrorKind).
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
