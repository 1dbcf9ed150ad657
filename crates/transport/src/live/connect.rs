//! Opening a live connection.

use std::{error::Error as StdError, fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::SinkExt as _;
use runninghub_core::SocketUrl;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::tungstenite::Message;

use super::{LiveOptions, address::Address, dial::dial, handshake::shake_hands, socket::Socket};
use crate::{Connect, Error, ErrorKind, FrameSource, tls};

/// What makes the server send previews with metadata; it reads this as a connection's first text frame only.
const FEATURE_FLAGS: &str = r#"{"type":"feature_flags","data":{"supports_preview_metadata":true}}"#;

/// Opens a WebSocket for each connection.
#[derive(Clone, Default)]
pub struct Live {
    options: LiveOptions,
    tls: Option<Arc<MakeTls>>,
}

type MakeTls = dyn Fn() -> Result<Arc<ClientConfig>, Box<dyn StdError + Send + Sync>> + Send + Sync;

impl Live {
    /// With [`tls::client_config`], which is loaded only when the first `wss` address is dialled.
    pub fn new(options: LiveOptions) -> Self {
        Self { options, tls: None }
    }

    /// With the caller's own TLS configuration. Its ALPN protocols are left out: a WebSocket needs HTTP/1.1.
    #[must_use]
    pub fn with_tls(self, mut config: Arc<ClientConfig>) -> Self {
        if !config.alpn_protocols.is_empty() {
            Arc::make_mut(&mut config).alpn_protocols.clear();
        }
        self.with_tls_from(move || Ok(config.clone()))
    }

    /// With a TLS configuration that is asked for whenever a `wss` address is dialled. It must not name ALPN protocols.
    #[must_use]
    pub fn with_tls_from<F>(mut self, make: F) -> Self
    where
        F: Fn() -> Result<Arc<ClientConfig>, Box<dyn StdError + Send + Sync>> + Send + Sync + 'static,
    {
        self.tls = Some(Arc::new(make));
        self
    }

    async fn open(&self, address: &Address<'_>, public_only: bool) -> Result<Box<dyn FrameSource>, Error> {
        if address.tls {
            let config = match &self.tls {
                Some(make) => make().map_err(|error| {
                    Error::new(ErrorKind::Tls, "no TLS configuration can be made").with_source(error)
                })?,
                None => tls::client_config()?,
            };
            let stream = dial(address, public_only, &self.options).await?;
            // On the heap by itself: a session is twenty times the size of a plain stream.
            let stream = Box::new(encrypt(address, config, stream).await?);
            self.upgrade(address, stream).await
        } else {
            self.upgrade(address, dial(address, public_only, &self.options).await?).await
        }
    }

    async fn upgrade<S>(&self, address: &Address<'_>, stream: S) -> Result<Box<dyn FrameSource>, Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut socket = shake_hands(address, stream, self.options.socket()).await?;
        if self.options.preview_metadata {
            socket.send(Message::text(FEATURE_FLAGS)).await.map_err(|error| {
                Error::new(ErrorKind::Connect, "the connection broke off after the handshake")
                    .with_source(error)
            })?;
        }
        Ok(Box::new(Socket::new(socket, &self.options)))
    }
}

/// `async_trait` boxes this future, and it has to stay boxed: its 9 KiB of TLS and handshake are given back when the
/// connection stands, and the socket that is left is small.
#[async_trait]
impl Connect for Live {
    async fn connect(&self, url: &SocketUrl) -> Result<Box<dyn FrameSource>, Error> {
        let address = Address::parse(url)?;
        if !address.tls && !self.options.allow_insecure && !address.is_loopback() {
            let what = format!("refused to connect to {} without encryption (ws://)", address.authority);
            return Err(Error::new(ErrorKind::InsecureAddress, what));
        }
        let public_only = match &self.options.hosts {
            Some(hosts) => hosts.check(&address)?,
            None => false,
        };
        let wait = self.options.connect_timeout;
        timeout(wait, self.open(&address, public_only)).await.unwrap_or_else(|_| {
            let what = format!("no connection to {} within {wait:?}", address.authority);
            Err(Error::new(ErrorKind::Timeout, what))
        })
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("options", &self.options).finish_non_exhaustive()
    }
}

async fn encrypt(
    address: &Address<'_>,
    config: Arc<ClientConfig>,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Error> {
    let name = ServerName::try_from(address.host.to_owned()).map_err(|error| {
        Error::new(ErrorKind::Address, "the host of the WebSocket address is no host").with_source(error)
    })?;
    TlsConnector::from(config).connect(name, stream).await.map_err(|error| {
        // Only rustls' own refusal is final; the rest is the network.
        if error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some() {
            Error::new(ErrorKind::Tls, format!("no TLS session with {}", address.authority))
                .with_source(error)
        } else {
            Error::new(ErrorKind::Connect, "the connection broke off in the TLS handshake").with_source(error)
        }
    })
}
