//! Small questions that tell whether all is in place.

use runninghub_api::QueueStatus;
use runninghub_core::SocketUrl;
use runninghub_transport::ErrorKind as Transport;

use crate::{Error, ErrorKind, RunningHub};

impl RunningHub {
    /// What the key is, and how busy. The cheapest way to try a key on a site.
    ///
    /// # Errors
    /// When the key is refused, or there is no answer.
    pub async fn queue(&self) -> Result<QueueStatus, Error> {
        self.0.client.queue_status().await.map_err(|error| Error::api("cannot ask about the key", error))
    }

    /// Seconds by which this machine's clock was ahead of the server's when it answered last; negative where it is behind.
    /// `None` before the first answer, or where the server does not tell the time.
    pub fn clock_ahead(&self) -> Option<i64> {
        self.0.client.clock_ahead()
    }

    /// Whether a socket can be opened to the API's own host: over the same proxy, with the same roots. A server that
    /// declines, since nobody has a ticket, has been reached.
    ///
    /// # Errors
    /// [`ErrorKind::Network`] where it cannot be reached.
    pub async fn probe_socket(&self) -> Result<(), Error> {
        let base_url = self.0.client.base_url();
        let address = format!("ws{}/ws", base_url.strip_prefix("http").unwrap_or(base_url));
        let what = "no socket can be opened";
        match self.0.connect.connect(&SocketUrl::new(address)).await {
            Ok(mut source) => {
                source.close().await;
                Ok(())
            }
            Err(error) if matches!(error.kind(), Transport::Handshake { .. }) => Ok(()),
            Err(error) => Err(Error::new(ErrorKind::Network, what).with_source(error)),
        }
    }
}
