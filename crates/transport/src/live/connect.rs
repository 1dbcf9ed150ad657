//! Opening a live connection.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::SinkExt as _;
use runninghub_core::{Fact, SocketUrl, say};
use runninghub_net::{ErrorKind as NetErrorKind, Login};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{self, ClientConfig, pki_types::ServerName},
};
use tokio_tungstenite::tungstenite::{Message, http::Uri};

use super::{LiveOptions, address::Address, handshake::shake_hands, hosts::forbidden, socket::Socket};
use crate::{Connect, Error, ErrorKind, FrameSource};

/// Makes the server send previews with metadata; the server reads it only as a connection's first text frame.
const FEATURE_FLAGS: &str = r#"{"type":"feature_flags","data":{"supports_preview_metadata":true}}"#;

/// Opens a WebSocket for each connection.
#[derive(Clone, Debug, Default)]
pub struct Live(LiveOptions);

impl Live {
    /// The system's certificates are read when the first `wss` URL is dialed.
    pub fn new(options: LiveOptions) -> Self {
        Self(options)
    }

    async fn open(&self, address: &Address<'_>, public_only: bool) -> Result<Box<dyn FrameSource>, Error> {
        if address.tls {
            let config = self.0.net.tls().map_err(|error| {
                Error::new(ErrorKind::Tls, say!("cannot create a TLS configuration")).with_source(error)
            })?;
            let stream = self.dial(address, public_only).await?;
            // Boxed, because a TLS session is twenty times the size of a plain stream.
            let stream = Box::new(encrypt(address, config, stream).await?);
            self.upgrade(address, stream).await
        } else {
            self.upgrade(address, self.dial(address, public_only).await?).await
        }
    }

    async fn dial(&self, address: &Address<'_>, public_only: bool) -> Result<TcpStream, Error> {
        let target = address.http().parse::<Uri>().map_err(|error| {
            Error::new(ErrorKind::Address, say!("the WebSocket URL has an invalid host")).with_source(error)
        })?;
        let dialled = self.0.net.dial(target, public_only, self.0.connect_timeout).await;
        dialled.map_err(|error| {
            let (_, net, source) = error.into_parts();
            let (kind, what) = match net {
                NetErrorKind::Forbidden { .. } => return forbidden(address, say!("a private address")),
                NetErrorKind::Proxy { .. } | NetErrorKind::ProxyRefused { .. } => {
                    (ErrorKind::Proxy, net.sentence())
                }
                _ => (ErrorKind::Connect, say!("cannot connect to {host}", host = address.authority)),
            };
            let error = Error::new(kind, what);
            match source {
                Some(source) => error.with_source(source),
                None => error,
            }
        })
    }

    /// The line of the login, if the server requires a header.
    fn login(&self, address: &Address<'_>) -> String {
        let login = self.0.net.login_at(address.host, Some(address.port), address.tls);
        let header = login.and_then(Login::as_header);
        header
            .and_then(|(name, value)| Some(format!("{name}: {}\r\n", value.to_str().ok()?)))
            .unwrap_or_default()
    }

    async fn upgrade<S>(&self, address: &Address<'_>, stream: S) -> Result<Box<dyn FrameSource>, Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut socket = shake_hands(address, &self.login(address), stream, self.0.socket()).await?;
        if self.0.preview_metadata {
            socket.send(Message::text(FEATURE_FLAGS)).await.map_err(|error| {
                Error::new(ErrorKind::Connect, say!("the connection broke after the handshake"))
                    .with_source(error)
            })?;
        }
        Ok(Box::new(Socket::new(socket, &self.0)))
    }
}

/// `async_trait` boxes this future, and it must stay boxed: its 9 KiB of TLS and handshake state are freed once the
/// connection is open, and the remaining socket is small.
#[async_trait]
impl Connect for Live {
    async fn connect(&self, url: &SocketUrl) -> Result<Box<dyn FrameSource>, Error> {
        let address = Address::parse(url)?;
        if !address.tls && !self.0.allow_insecure && !address.is_loopback() {
            let what =
                say!("refused to connect to {host} without encryption (ws://)", host = address.authority);
            return Err(Error::new(ErrorKind::InsecureAddress, what));
        }
        let public_only = match &self.0.hosts {
            Some(hosts) => hosts.check(&address)?,
            None => false,
        };
        let wait = self.0.connect_timeout;
        timeout(wait, self.open(&address, public_only)).await.unwrap_or_else(|_| {
            let wait = Fact::of(format_args!("{wait:?}"));
            let what = say!("no connection to {host} within {wait}", host = address.authority, wait);
            Err(Error::new(ErrorKind::Timeout, what))
        })
    }
}

async fn encrypt(
    address: &Address<'_>,
    config: Arc<ClientConfig>,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Error> {
    let name = ServerName::try_from(address.host.to_owned()).map_err(|error| {
        Error::new(ErrorKind::Address, say!("the WebSocket URL has an invalid host")).with_source(error)
    })?;
    TlsConnector::from(config).connect(name, stream).await.map_err(|error| {
        // Only an error of rustls is final; other errors come from the network.
        if error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some() {
            Error::new(ErrorKind::Tls, say!("no TLS session with {host}", host = address.authority))
                .with_source(error)
        } else {
            Error::new(ErrorKind::Connect, say!("the connection broke during the TLS handshake"))
                .with_source(error)
        }
    })
}
