//! The HTTP clients for one server, each built on first use.

use std::{
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use reqwest::{header::HeaderMap, redirect};
use runninghub_core::say;
use url::Url;

use crate::{Error, ErrorKind, Files, Login, Net, net::once, proxy::is_loopback, tls::trusting_nothing};

/// Timeout of connecting.
const CONNECT: Duration = Duration::from_secs(10);

/// The HTTP clients for one server. They neither follow redirects nor retry.
pub struct HttpClients {
    net: Net,
    /// Whether the server is on this machine.
    is_loopback: bool,
    /// Whether the server is reached without encryption.
    is_plain: bool,
    headers: HeaderMap,
    pooled: Mutex<Option<reqwest::Client>>,
    fresh: OnceLock<reqwest::Client>,
}

impl HttpClients {
    /// Clients for the server of a URL.
    pub fn new(net: Net, base: &Url) -> Self {
        let is_loopback = is_loopback(base.host_str().unwrap_or_default());
        let is_plain = base.scheme() == "http";
        let login = net.login(base).and_then(Login::as_header);
        let headers = login.map(|(name, value)| (name.clone(), value.clone())).into_iter().collect();
        Self { net, is_loopback, is_plain, headers, pooled: Mutex::default(), fresh: OnceLock::new() }
    }

    /// For requests that may be sent twice: connections are pooled and shared.
    ///
    /// # Errors
    /// Those of [`Net::tls`].
    pub fn pooled(&self) -> Result<reqwest::Client, Error> {
        let mut pooled = self.pooled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*pooled {
            return Ok(client.clone());
        }
        let client = self.build(reqwest::ClientBuilder::new())?;
        Ok(pooled.insert(client).clone())
    }

    /// For requests that cost money: each gets a new connection, because a pooled one may have just died, and then
    /// it is unknown whether the server has read the request.
    ///
    /// # Errors
    /// Those of [`Net::tls`].
    pub fn fresh(&self) -> Result<reqwest::Client, Error> {
        once(&self.fresh, || self.build(reqwest::ClientBuilder::new().pool_max_idle_per_host(0)))
    }

    /// Drops pooled connections, which are dead after a suspend. Pending requests keep theirs.
    pub fn renew(&self) {
        self.pooled.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// A downloader for the files of this server. `time_scale` multiplies its pauses, and how long downloads may be
    /// slow.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`](crate::ErrorKind::Setup) if the scale is not between 0 and 1000.
    pub fn files(&self, time_scale: f64) -> Result<Files, Error> {
        if !(0.0..=1000.0).contains(&time_scale) {
            return Err(Error::new(ErrorKind::Setup { problem: say!("it is not between 0 and 1000") })
                .about(say!("time scale")));
        }
        Ok(Files::new(self.net.clone(), self.is_loopback, time_scale))
    }

    /// The network settings.
    pub fn net(&self) -> &Net {
        &self.net
    }

    fn build(&self, builder: reqwest::ClientBuilder) -> Result<reqwest::Client, Error> {
        self.net.http_client(self.is_plain, self.is_loopback, builder.default_headers(self.headers.clone()))
    }
}

impl std::fmt::Debug for HttpClients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpClients").field("net", &self.net).finish_non_exhaustive()
    }
}

impl Net {
    /// A client for URLs with or without encryption (`is_plain`), and for this machine (`is_loopback`) or others.
    pub(crate) fn http_client(
        &self,
        is_plain: bool,
        is_loopback: bool,
        builder: reqwest::ClientBuilder,
    ) -> Result<reqwest::Client, Error> {
        let mut tls =
            if is_plain && !self.has_own_tls() { trusting_nothing()? } else { self.tls()?.as_ref().clone() };
        // reqwest sets this only on configurations that it builds itself.
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let builder = builder
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("runninghub/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never());
        // Unencrypted URLs are on this machine or in a lab network, where a proxy is not used.
        let builder = if is_plain || is_loopback { builder.no_proxy() } else { self.route().apply(builder) };
        builder.build().map_err(Error::request)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use http::Uri;
    use reqwest::dns::{Addrs, Name, Resolve, Resolving};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;
    use crate::proxy::Route;

    const TABLE: &str = include_str!("../../../fixtures/no-proxy.txt");

    /// Resolves every name to this machine, so that direct connections end here.
    struct Here;

    impl Resolve for Here {
        fn resolve(&self, _: Name) -> Resolving {
            let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            Box::pin(async move { Ok(Box::new([here].into_iter()) as Addrs) })
        }
    }

    #[tokio::test]
    async fn http_and_sockets_make_the_same_exceptions_from_the_proxy() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        // Refuses every connection, in a way that shows whether it was meant for a proxy.
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut first = [0; 7];
                let is_proxied = stream.read_exact(&mut first).await.is_ok() && &first == b"CONNECT";
                let answer = if is_proxied { "HTTP/1.1 502 X\r\n\r\n" } else { "no" };
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let [way, host, except] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let route =
                Route::through(&format!("http://me:hunter2@127.0.0.1:{port}"), except).expect("a proxy");
            let target: Uri = format!("https://{host}:{port}/").parse().expect("a URL");
            assert_eq!(route.find(&target).is_some(), way == "proxy", "{line}");
            // IP addresses would be dialed directly, outside this machine: those without a proxy are only checked with
            // the socket's rule.
            if way == "direct" && (host.starts_with('[') || !host.contains(char::is_alphabetic)) {
                continue;
            }
            let builder = route.apply(reqwest::ClientBuilder::new().dns_resolver(Here));
            let tls = trusting_nothing().expect("a configuration");
            let client = builder.tls_backend_preconfigured(tls).build().expect("a client");
            let error = client.get(target.to_string()).send().await.expect_err("refused");
            let error = Error::request(error);
            // The proxy refuses to connect; a direct connection succeeds and then fails TLS.
            let seen =
                if matches!(error.kind(), ErrorKind::Tls | ErrorKind::NotTls) { "direct" } else { "proxy" };
            assert_eq!(seen, way, "{line}: {error:?}");
        }
    }
}
