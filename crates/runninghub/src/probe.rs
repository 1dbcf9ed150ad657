//! Small requests that check the setup.

use runninghub_api::{QueueStatus, base_url, probe};
use runninghub_core::{SocketUrl, say};
use runninghub_net::{HttpClients, Net, NetOptions};
use runninghub_transport::{Connect as _, ErrorKind as Transport, LiveOptions};
use url::Url;

use crate::{Error, ErrorKind, RunningHub, live::live};

/// Probes the platform without a key, with the same proxy and root certificates as a client.
#[derive(Debug)]
pub struct Probe {
    base_url: Url,
    http: HttpClients,
}

impl Probe {
    /// A probe of the API at a URL, such as a [`Site`](crate::Site)'s.
    ///
    /// # Errors
    /// When the URL or the options are invalid.
    pub fn new(url: &str, net: NetOptions) -> Result<Self, Error> {
        let base_url = base_url(url).map_err(unreachable)?;
        let net = Net::new(net).map_err(|error| unreachable(error.into()))?;
        Ok(Self { http: HttpClients::new(net, &base_url), base_url })
    }

    /// Checks that the API responds. Returns the seconds by which this machine's clock is ahead of the server's,
    /// negative if it is behind; `None` if the server does not send the time.
    ///
    /// # Errors
    /// [`ErrorKind::Network`] if it cannot be reached.
    pub async fn http(&self) -> Result<Option<i64>, Error> {
        probe(&self.http, &self.base_url).await.map_err(unreachable)
    }

    /// Checks that a socket can be opened to the API's host. A server that declines, since there is no ticket, has
    /// been reached.
    ///
    /// # Errors
    /// [`ErrorKind::Network`] if it cannot be reached.
    pub async fn socket(&self) -> Result<(), Error> {
        let base_url = self.base_url.as_str().trim_end_matches('/');
        let address = SocketUrl::new(format!("{}/ws", base_url.replacen("http", "ws", 1)));
        match live(base_url, self.http.net(), LiveOptions::default()).connect(&address).await {
            Ok(mut source) => {
                source.close().await;
                Ok(())
            }
            Err(error) if matches!(error.kind(), Transport::Handshake { .. }) => Ok(()),
            Err(error) => {
                Err(Error::new(ErrorKind::Network, say!("no socket can be opened")).with_source(error))
            }
        }
    }
}

fn unreachable(error: runninghub_api::Error) -> Error {
    Error::api(say!("cannot reach the platform"), error)
}

impl RunningHub {
    /// The key's kind and its load. The cheapest way to check a key on a site.
    ///
    /// # Errors
    /// When the key is refused, or there is no response.
    pub async fn queue(&self) -> Result<QueueStatus, Error> {
        self.0
            .client
            .queue_status()
            .await
            .map_err(|error| Error::api(say!("cannot get information about the key"), error))
    }
}
