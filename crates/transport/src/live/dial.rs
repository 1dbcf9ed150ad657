//! From an address to a TCP stream, directly or through a proxy.

use std::{error::Error as StdError, time::Duration};

use hyper_util::{
    client::{
        legacy::connect::{
            HttpConnector,
            proxy::{SocksV5, Tunnel},
        },
        proxy::matcher::Intercept,
    },
    rt::TokioIo,
};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::http::Uri;
use tower_service::Service as _;

use super::{LiveOptions, address::Address};
use crate::{Error, ErrorKind};

/// When the kernel starts asking a silent peer for itself: pings notice sooner, but only while somebody reads.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Connects; IPv6 that leads nowhere costs 300 ms, then IPv4 is tried beside it (the connector's happy eyeballs).
pub(super) async fn dial(address: &Address<'_>, options: &LiveOptions) -> Result<TcpStream, Error> {
    let target = address.http().parse::<Uri>().map_err(|error| {
        Error::new(ErrorKind::Address, "the host of the WebSocket address is no host").with_source(error)
    })?;
    let proxy = options.proxy.find(address, &target)?;
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(KEEPALIVE));
    connector.set_connect_timeout(Some(options.connect_timeout));
    let stream = match proxy {
        None => connector.call(target).await.map_err(|error| {
            let what = format!("cannot connect to {}", address.authority);
            Error::new(ErrorKind::Connect, what).with_source(error)
        })?,
        Some(proxy) => through(&proxy, connector, target).await?,
    };
    Ok(stream.into_inner())
}

async fn through(
    proxy: &Intercept,
    connector: HttpConnector,
    target: Uri,
) -> Result<TokioIo<TcpStream>, Error> {
    let uri = proxy.uri().clone();
    // Only the host: user and password stand before it.
    let host = uri.host().unwrap_or_default().to_owned();
    match uri.scheme_str() {
        Some("http") => {
            let mut tunnel = Tunnel::new(uri, connector);
            if let Some(auth) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(auth.clone());
            }
            tunnel.call(target).await.map_err(|error| refused(&host, error))
        }
        // Either way the proxy looks the name up: here it would be done by blocking the thread.
        Some("socks5" | "socks5h") => {
            // The connector would take port 80.
            let port = uri.port_u16().unwrap_or(1080);
            let uri = format!("socks5://{host}:{port}/").parse().map_err(|error| refused(&host, error))?;
            let mut socks = SocksV5::new(uri, connector);
            if let Some((user, password)) = proxy.raw_auth() {
                socks = socks.with_auth(user.to_owned(), password.to_owned());
            }
            socks.call(target).await.map_err(|error| refused(&host, error))
        }
        _ => {
            let what = "only http, socks5 and socks5h proxies are supported for WebSockets";
            Err(Error::new(ErrorKind::Proxy, what))
        }
    }
}

fn refused(host: &str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Proxy, format!("no connection through the proxy {host}")).with_source(source)
}
