//! Opens a TCP stream to a socket's host, directly or through a proxy.

use std::{net::SocketAddr, time::Duration};

use http::Uri;
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
use runninghub_core::say;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::{
    Error, ErrorKind, Net,
    error::{PRIVATE, Private, Source, stems_from},
    guard::Guard,
};

/// The name in errors.
/// Idle time before the kernel probes a silent peer: pings detect it sooner, but only while the socket is read.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// How long the kernel waits for the peer to acknowledge written data. Without this, a write to a dead connection is
/// retried for a quarter of an hour.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const UNCONFIRMED: Duration = Duration::from_secs(30);

impl Net {
    /// Connects to the host and port of an `http` or `https` URL, optionally to public addresses only. The stream is
    /// not encrypted. `timeout` applies to each address.
    ///
    /// # Errors
    /// [`ErrorKind::Connect`], [`ErrorKind::Forbidden`] for a private address, [`ErrorKind::Proxy`] and
    /// [`ErrorKind::ProxyRefused`] for errors of the proxy.
    pub async fn dial(&self, target: Uri, public_only: bool, timeout: Duration) -> Result<TcpStream, Error> {
        match self.route().find(&target) {
            None => direct(connector(Guard::new(public_only, &[]), timeout), target).await,
            // The proxy itself may be in the local network.
            Some(proxy) => through(&proxy, connector(Guard::new(false, &[]), timeout), target).await,
        }
    }
}

/// An unresponsive address costs 300 ms: then those of the other family are tried in parallel (the connector's happy
/// eyeballs).
fn connector<R>(resolver: R, timeout: Duration) -> HttpConnector<R> {
    let mut connector = HttpConnector::new_with_resolver(resolver);
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(KEEPALIVE));
    connector.set_keepalive_interval(Some(KEEPALIVE));
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    connector.set_tcp_user_timeout(Some(UNCONFIRMED));
    connector.set_connect_timeout(Some(timeout));
    connector
}

async fn direct<R>(mut connector: HttpConnector<R>, target: Uri) -> Result<TcpStream, Error>
where
    R: Service<Name> + Clone + Send + Sync + 'static,
    R::Response: Iterator<Item = SocketAddr>,
    R::Future: Send,
    R::Error: Into<Source>,
{
    let stream = connector.call(target).await.map_err(|error| {
        let is_private = stems_from::<Private>(&error);
        let kind = if is_private { ErrorKind::Forbidden { reason: PRIVATE } } else { ErrorKind::Connect };
        Error::new(kind).because(error)
    })?;
    Ok(stream.into_inner())
}

async fn through(
    proxy: &Intercept,
    connector: HttpConnector<Guard>,
    target: Uri,
) -> Result<TcpStream, Error> {
    let uri = proxy.uri().clone();
    // Only the host, without the user and password before it.
    let host = uri.host().unwrap_or_default().to_owned();
    let refused = |error: Source| Error::new(ErrorKind::ProxyRefused { host: host.clone() }).because(error);
    let stream: TokioIo<TcpStream> = match uri.scheme_str() {
        Some("http") => {
            let mut tunnel = Tunnel::new(uri, connector);
            if let Some(auth) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(auth.clone());
            }
            tunnel.call(target).await.map_err(|error| refused(error.into()))?
        }
        // Always let the proxy resolve the name: resolving it here would block the thread.
        Some("socks5" | "socks5h") => {
            // The connector's default would be port 80.
            let port = uri.port_u16().unwrap_or(1080);
            let uri = format!("socks5://{host}:{port}/").parse();
            let mut socks =
                SocksV5::new(uri.map_err(|error: http::uri::InvalidUri| refused(error.into()))?, connector);
            if let Some((user, password)) = proxy.raw_auth() {
                socks = socks.with_auth(user.to_owned(), password.to_owned());
            }
            socks.call(target).await.map_err(|error| refused(error.into()))?
        }
        _ => {
            let problem = say!("only http, socks5 and socks5h proxies are supported for WebSockets");
            return Err(Error::new(ErrorKind::Proxy { problem }).about(say!("proxy")));
        }
    };
    Ok(stream.into_inner())
}

#[cfg(test)]
mod tests;
