//! Checked options, and the state built from them once for all clients.

use std::{
    fmt,
    sync::{Arc, LazyLock, OnceLock},
};

use rustls::{ClientConfig, pki_types::CertificateDer};
use url::Url;

use crate::{
    Error, Exchange, FileProgress, Login, NetOptions,
    proxy::Route,
    tls::{roots, trusting},
};

/// Default maximum file size, bytes: several times the longest video, but less than a disk holds.
const MAX_FILE_SIZE: u64 = 32 << 30;

/// Checked network settings. Cheap to clone; clones share the TLS configuration.
#[derive(Clone)]
pub struct Net(Arc<Inner>);

struct Inner {
    options: NetOptions,
    route: Route,
    roots: Vec<CertificateDer<'static>>,
    tls: OnceLock<Arc<ClientConfig>>,
}

impl Net {
    /// Checks the options. Nothing is sent, and the system's certificates are not read before the first encrypted
    /// connection.
    ///
    /// # Errors
    /// [`ErrorKind::Proxy`](crate::ErrorKind::Proxy) for an invalid proxy,
    /// [`ErrorKind::CaFile`](crate::ErrorKind::CaFile) for a file without certificates.
    pub fn new(options: NetOptions) -> Result<Self, Error> {
        let route = Route::new(&options.proxy)?;
        let roots = options.ca_file.as_deref().map(roots).transpose()?.unwrap_or_default();
        Ok(Self(Arc::new(Inner { options, route, roots, tls: OnceLock::new() })))
    }

    /// The TLS configuration, without ALPN.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`](crate::ErrorKind::Setup) if no provider is compiled in,
    /// [`ErrorKind::Tls`](crate::ErrorKind::Tls) if the system's certificates cannot be used.
    pub fn tls(&self) -> Result<Arc<ClientConfig>, Error> {
        match &self.0.options.tls {
            Some(given) => Ok(Arc::clone(given)),
            None => once(&self.0.tls, || trusting(&self.0.roots).map(Arc::new)),
        }
    }

    /// Whether files and sockets may be at private addresses.
    pub fn allows_private_hosts(&self) -> bool {
        self.0.options.private_hosts
    }

    /// Reports a finished request.
    pub fn finished(&self, exchange: &Exchange<'_>) {
        for observer in &self.0.options.observers {
            observer(exchange);
        }
    }

    /// The login for a URL, if its server requires one.
    pub fn login(&self, url: &Url) -> Option<&Login> {
        self.login_at(url.host_str()?, url.port_or_known_default(), url.scheme() == "https")
    }

    /// The login for a server, if it requires one.
    pub fn login_at(&self, host: &str, port: Option<u16>, is_tls: bool) -> Option<&Login> {
        self.0.options.login.as_ref()?.at(host, port, is_tls)
    }

    pub(crate) fn file_progress(&self, progress: FileProgress<'_>) {
        if let Some(watcher) = &self.0.options.watcher {
            watcher(progress);
        }
    }

    pub(crate) fn max_file_size(&self) -> u64 {
        self.0.options.max_file_size.unwrap_or(MAX_FILE_SIZE)
    }

    pub(crate) fn has_own_tls(&self) -> bool {
        self.0.options.tls.is_some()
    }

    pub(crate) fn route(&self) -> &Route {
        &self.0.route
    }
}

/// The environment's proxy and the system's root certificates, which are read once per process.
impl Default for Net {
    fn default() -> Self {
        static DEFAULT: LazyLock<Net> = LazyLock::new(|| {
            let options = NetOptions::default();
            // The environment's proxies are used unchecked.
            let route = Route::environment();
            Net(Arc::new(Inner { options, route, roots: Vec::new(), tls: OnceLock::new() }))
        });
        DEFAULT.clone()
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Net").field(&self.0.options).finish()
    }
}

/// `OnceLock::get_or_try_init` is not stable yet. Two racing threads both build; one of the two is kept.
pub(crate) fn once<T: Clone>(
    cell: &OnceLock<T>,
    build: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    match cell.get() {
        Some(value) => Ok(value.clone()),
        None => build().map(|value| cell.get_or_init(|| value).clone()),
    }
}
