//! How the network is reached, given once for every client.

use std::{fmt, path::PathBuf, sync::Arc};

use rustls::ClientConfig;

use crate::{Exchange, FileProgress, Proxy};

type Observer = dyn Fn(&Exchange<'_>) + Send + Sync;
type Watcher = dyn Fn(FileProgress<'_>) + Send + Sync;

/// How the network is reached, what is accepted from it, and who watches. Cheap to clone.
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
    pub(crate) max_file_size: Option<u64>,
    pub(crate) observers: Vec<Arc<Observer>>,
    pub(crate) watcher: Option<Arc<Watcher>>,
}

impl NetOptions {
    /// The proxy for HTTP and sockets: `http://host:port` or `socks5://host:port`, with `user:password@` where it wants
    /// them. By default the one that the environment names. `NO_PROXY` is heeded; this machine is reached directly, and so
    /// are HTTP servers without encryption.
    pub fn proxy(mut self, proxy: impl Into<Proxy>) -> Self {
        self.proxy = proxy.into();
        self
    }

    /// A file of certificates (PEM) to trust besides those of the system: for a gateway or a proxy that signs by itself.
    /// Without effect together with [`NetOptions::tls`].
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// A configuration for encrypted connections instead of the default one, which trusts what the system trusts. Its ALPN
    /// protocols are not used.
    pub fn tls(mut self, mut config: Arc<ClientConfig>) -> Self {
        if !config.alpn_protocols.is_empty() {
            Arc::make_mut(&mut config).alpn_protocols.clear();
        }
        self.tls = Some(config);
        self
    }

    /// Lets files and sockets be at private addresses, and files without encryption. Always allowed if the API is on this
    /// machine.
    pub fn allow_private_hosts(mut self, allow: bool) -> Self {
        self.private_hosts = allow;
        self
    }

    /// Longest file that is fetched, bytes; 32 GiB by default. A longer one is
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) and leaves nothing behind.
    pub fn max_file_size(mut self, bytes: u64) -> Self {
        self.max_file_size = Some(bytes);
        self
    }

    /// Adds a function that sees every finished request. Downloads are not reported: they are not requests to an API. It
    /// runs where the request was made: it must be quick and must not panic.
    pub fn observer(mut self, observer: impl Fn(&Exchange<'_>) + Send + Sync + 'static) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Sets the function that sees how far uploads and downloads are: when one begins, begins again, and with each piece
    /// of it. It has to be quick, since the piece waits.
    pub fn on_file_progress(mut self, watcher: impl Fn(FileProgress<'_>) + Send + Sync + 'static) -> Self {
        self.watcher = Some(Arc::new(watcher));
        self
    }

    /// The URL of the proxy, if one was given: to keep its password out of a recording.
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
