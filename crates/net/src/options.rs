//! Network options, shared by all clients.

use std::{fmt, path::PathBuf, sync::Arc};

use rustls::ClientConfig;

use url::Url;

use crate::{Exchange, FileProgress, Login, Proxy, login::Bound};

type Observer = dyn Fn(&Exchange<'_>) + Send + Sync;
type Watcher = dyn Fn(FileProgress<'_>) + Send + Sync;

/// Network options: proxy, certificates, limits and observers. Cheap to clone.
///
/// ```
/// use runninghub_net::NetOptions;
///
/// let options = NetOptions::default().proxy("socks5://127.0.0.1:1080").max_file_size(1 << 30);
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct NetOptions {
    pub(crate) proxy: Proxy,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) private_hosts: bool,
    pub(crate) login: Option<Bound>,
    pub(crate) max_file_size: Option<u64>,
    pub(crate) observers: Vec<Arc<Observer>>,
    pub(crate) watcher: Option<Arc<Watcher>>,
}

impl NetOptions {
    /// The proxy for HTTP and sockets: `http://host:port` or `socks5://host:port`, with `user:password@` if it
    /// requires them. By default the environment's proxy. `NO_PROXY` is respected; this machine and HTTP servers
    /// without encryption are reached directly.
    pub fn proxy(self, proxy: impl Into<Proxy>) -> Self {
        Self { proxy: proxy.into(), ..self }
    }

    /// A file of certificates (PEM) to trust in addition to the system's: for a gateway or a proxy with its own
    /// certificate authority. Ignored together with [`NetOptions::tls`].
    pub fn ca_file(self, path: impl Into<PathBuf>) -> Self {
        Self { ca_file: Some(path.into()), ..self }
    }

    /// Replaces the default TLS configuration, which trusts the system's certificates. Its ALPN protocols are not
    /// used.
    pub fn tls(mut self, mut config: Arc<ClientConfig>) -> Self {
        if !config.alpn_protocols.is_empty() {
            Arc::make_mut(&mut config).alpn_protocols.clear();
        }
        self.tls = Some(config);
        self
    }

    /// Allows files and sockets at private addresses, and files without encryption. Always allowed if the API is on
    /// this machine.
    pub fn allow_private_hosts(self, allow: bool) -> Self {
        Self { private_hosts: allow, ..self }
    }

    /// Logs in at one server: requests to `base`, its files and its socket carry the login, and no others do.
    pub fn login(self, base: &Url, login: Login) -> Self {
        Self { login: Some(Bound::new(base, login)), ..self }
    }

    /// Maximum file size of a download, bytes; 32 GiB by default. A larger file fails with
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) and leaves nothing behind.
    pub fn max_file_size(self, bytes: u64) -> Self {
        Self { max_file_size: Some(bytes), ..self }
    }

    /// Adds a function that is called for every finished request. Downloads are not reported: they are not API
    /// requests. It is called where the request is made: it must be quick and must not panic.
    pub fn observer(mut self, observer: impl Fn(&Exchange<'_>) + Send + Sync + 'static) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Sets the function that reports the progress of uploads and downloads: when one starts, when it restarts, and
    /// with each piece. It has to be quick, since the transfer waits for it.
    pub fn on_file_progress(self, watcher: impl Fn(FileProgress<'_>) + Send + Sync + 'static) -> Self {
        Self { watcher: Some(Arc::new(watcher)), ..self }
    }

    /// The URL of the proxy, if one was set: to redact its password in a recording.
    pub fn proxy_url(&self) -> Option<&str> {
        match &self.proxy {
            Proxy::Url(url) => Some(url),
            _ => None,
        }
    }
}

impl fmt::Debug for NetOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetOptions")
            .field("proxy", &self.proxy)
            .field("ca_file", &self.ca_file)
            .field("private_hosts", &self.private_hosts)
            .field("max_file_size", &self.max_file_size)
            .finish_non_exhaustive()
    }
}
