//! From an address to a TCP stream, directly or through a proxy.

use std::{error::Error as StdError, net::SocketAddr, time::Duration};

use hyper_util::{
    client::{
        legacy::connect::{
            HttpConnector,
            dns::Name,
            proxy::{SocksV5, Tunnel},
        },
        proxy::matcher::Intercept,
    },
    rt::TokioIo,
};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::http::Uri;
use tower_service::Service;

use super::{
    LiveOptions,
    address::Address,
    hosts::{Private, Resolver, forbidden},
};
use crate::{Error, ErrorKind};

/// When the kernel starts asking a silent peer for itself: pings notice sooner, but only while somebody reads.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// How long the kernel waits for the peer to confirm what was written. Without it a write into a dead connection is
/// repeated for a quarter of an hour.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const UNCONFIRMED: Duration = Duration::from_secs(30);

/// Connects, to public addresses only if so wanted.
pub(super) async fn dial(
    address: &Address<'_>,
    public_only: bool,
    options: &LiveOptions,
) -> Result<TcpStream, Error> {
    let target = address.http().parse::<Uri>().map_err(|error| {
        Error::new(ErrorKind::Address, "the host of the WebSocket address is no host").with_source(error)
    })?;
    match options.proxy.find(address, &target)? {
        None => direct(address, target, connector(Resolver { public_only }, options)).await,
        // The proxy itself is what people have in their own network.
        Some(proxy) => through(&proxy, connector(Resolver { public_only: false }, options), target).await,
    }
}

/// Addresses that lead nowhere cost 300 ms: then those of the other family are tried beside them (the connector's happy
/// eyeballs).
fn connector<R>(resolver: R, options: &LiveOptions) -> HttpConnector<R> {
    let mut connector = HttpConnector::new_with_resolver(resolver);
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(KEEPALIVE));
    connector.set_keepalive_interval(Some(KEEPALIVE));
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    connector.set_tcp_user_timeout(Some(UNCONFIRMED));
    connector.set_connect_timeout(Some(options.connect_timeout));
    connector
}

async fn direct<R>(
    address: &Address<'_>,
    target: Uri,
    mut connector: HttpConnector<R>,
) -> Result<TcpStream, Error>
where
    R: Service<Name> + Clone + Send + Sync + 'static,
    R::Response: Iterator<Item = SocketAddr>,
    R::Future: Send,
    R::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    match connector.call(target).await {
        Ok(stream) => Ok(stream.into_inner()),
        Err(error) if Private::is_cause_of(&error) => Err(forbidden(address, "a private address")),
        Err(error) => {
            let what = format!("cannot connect to {}", address.authority);
            Err(Error::new(ErrorKind::Connect, what).with_source(error))
        }
    }
}

async fn through(
    proxy: &Intercept,
    connector: HttpConnector<Resolver>,
    target: Uri,
) -> Result<TcpStream, Error> {
    let uri = proxy.uri().clone();
    // Only the host: user and password stand before it.
    let host = uri.host().unwrap_or_default().to_owned();
    let stream: Result<TokioIo<TcpStream>, Error> = match uri.scheme_str() {
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
    };
    Ok(stream?.into_inner())
}

fn refused(host: &str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Proxy, format!("no connection through the proxy {host}")).with_source(source)
}

#[cfg(test)]
mod tests;
