//! The separate HTTP clients, each built when it is first needed.
//!
//! Creates have their own without a pool, so that no request is ever written to a connection that just died.
//! Downloads have their own without the API's headers. Reading the system's certificates takes milliseconds, so it
//! is done once and only for an encrypted address.

use std::{
    fs::File,
    io::Read as _,
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use reqwest::redirect;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;
use url::Url;

use crate::{Error, ErrorKind, client::is_loopback, download::guard};

/// Longest time to get a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest wait for the head of a download's answer. Its body may take as long as it likes, but not trickle.
const STALL: Duration = Duration::from_mins(1);

/// The name in errors.
pub(crate) const CA: &str = "CA file";
/// Longest file of certificates that is read. The system's own, with all of the world's authorities, has 220 KiB.
const CA_FILE: u64 = 4 << 20;

/// What the clients have in common.
pub(crate) struct Lanes {
    /// A configuration given by the caller.
    given: Option<ClientConfig>,
    /// Trusted besides those of the system.
    roots: Vec<CertificateDer<'static>>,
    /// Instead of the one that the environment names.
    proxy: Option<reqwest::Proxy>,
    /// Whether the API is on this machine.
    is_loopback: bool,
    /// Whether the API is reached without encryption.
    is_plain: bool,
    /// Whether downloads must not come from private addresses.
    public_only: bool,
    built: OnceLock<ClientConfig>,
    questions: Mutex<Option<reqwest::Client>>,
    creates: OnceLock<reqwest::Client>,
    downloads: OnceLock<reqwest::Client>,
    plain_downloads: OnceLock<reqwest::Client>,
}

impl Lanes {
    pub(crate) fn new(
        base: &Url,
        given: Option<ClientConfig>,
        roots: Vec<CertificateDer<'static>>,
        proxy: Option<reqwest::Proxy>,
        allow_private_hosts: bool,
    ) -> Self {
        let is_loopback = is_loopback(base);
        Self {
            given,
            roots,
            proxy,
            is_loopback,
            is_plain: base.scheme() == "http",
            public_only: !(is_loopback || allow_private_hosts),
            built: OnceLock::new(),
            questions: Mutex::default(),
            creates: OnceLock::new(),
            downloads: OnceLock::new(),
            plain_downloads: OnceLock::new(),
        }
    }

    pub(crate) fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    pub(crate) fn public_only(&self) -> bool {
        self.public_only
    }

    /// Everything that may be asked twice: connections are kept and shared.
    pub(crate) fn questions(&self) -> Result<reqwest::Client, Error> {
        let mut questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*questions {
            return Ok(client.clone());
        }
        let client = self.build(self.is_plain, reqwest::ClientBuilder::new())?;
        Ok(questions.insert(client).clone())
    }

    /// The next question gets a new connection. Requests that are under way keep theirs.
    pub(crate) fn renew(&self) {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Creates only: a fresh connection each.
    pub(crate) fn creates(&self) -> Result<reqwest::Client, Error> {
        once(&self.creates, || {
            self.build(self.is_plain, reqwest::ClientBuilder::new().pool_max_idle_per_host(0))
        })
    }

    /// Results. `is_plain` tells that the address is an `http` one.
    pub(crate) fn downloads(&self, is_plain: bool) -> Result<reqwest::Client, Error> {
        once(if is_plain { &self.plain_downloads } else { &self.downloads }, || {
            // Other users of reqwest in the same program may have switched these on.
            let mut builder = reqwest::ClientBuilder::new()
                .read_timeout(STALL)
                .no_gzip()
                .no_brotli()
                .no_deflate()
                .no_zstd();
            if self.public_only {
                builder = builder.dns_resolver(guard::PublicOnly);
            }
            self.build(is_plain, builder)
        })
    }

    /// The configuration for encrypted connections, without ALPN.
    pub(crate) fn tls(&self) -> Result<ClientConfig, Error> {
        if let Some(given) = &self.given {
            return Ok(given.clone());
        }
        once(&self.built, || {
            configure(|builder| {
                let provider = Arc::clone(builder.crypto_provider());
                let verifier = Verifier::new_with_extra_roots(self.roots.iter().cloned(), provider)?;
                // Dangerous is what the name of the method is for; the verifier checks all that there is to check.
                Ok(builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(verifier))
                    .with_no_client_auth())
            })
        })
    }

    fn build(&self, is_plain: bool, builder: reqwest::ClientBuilder) -> Result<reqwest::Client, Error> {
        let mut tls = match &self.given {
            // reqwest wants a configuration for plain addresses too.
            None if is_plain => nobody()?,
            _ => self.tls()?,
        };
        // reqwest sets this only on configurations of its own.
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut builder = builder
            .tls_backend_preconfigured(tls)
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never());
        // Addresses without encryption are on this machine or in a lab: no proxy reaches those.
        if self.is_loopback || is_plain {
            builder = builder.no_proxy();
        } else if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy.clone());
        }
        builder.build().map_err(|error| Error::transport("client", error))
    }
}

/// The certificates of a file.
pub(crate) fn roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(CA_FILE + 1).read_to_end(&mut text))
        .map_err(|error| Error::usage(CA, "it cannot be read").because(error))?;
    if text.len() as u64 > CA_FILE {
        return Err(Error::usage(CA, "it is too long for a list of certificates"));
    }
    let roots = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Error::usage(CA, "it is not PEM").because(error))?;
    // The verifier passes over what is no certificate, and then nobody would know why nothing is trusted.
    let mut store = RootCertStore::empty();
    let (_, ignored) = store.add_parsable_certificates(roots.iter().cloned());
    match (roots.len(), ignored) {
        (0, _) => Err(Error::usage(CA, "there is no certificate in it")),
        (_, 0) => Ok(roots),
        _ => Err(Error::usage(CA, "one of its certificates cannot be read")),
    }
}

/// Trusts nobody and loads nothing.
pub(crate) fn nobody() -> Result<ClientConfig, Error> {
    configure(|builder| Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()))
}

/// `OnceLock::get_or_try_init` is not stable yet. Two racing threads both build; one of the two is kept.
fn once<T: Clone>(cell: &OnceLock<T>, build: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    match cell.get() {
        Some(value) => Ok(value.clone()),
        None => build().map(|value| cell.get_or_init(|| value).clone()),
    }
}

/// By preference.
const PROVIDERS: &[fn() -> CryptoProvider] = &[
    #[cfg(feature = "ring")]
    rustls::crypto::ring::default_provider,
    #[cfg(feature = "aws-lc")]
    rustls::crypto::aws_lc_rs::default_provider,
];

type Verified = rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>;

/// Names the provider: with two in the build rustls would not choose, and a library must not choose for the process.
fn configure(
    finish: impl FnOnce(Verified) -> Result<ClientConfig, rustls::Error>,
) -> Result<ClientConfig, Error> {
    let provider = PROVIDERS
        .first()
        .ok_or_else(|| Error::usage("client", "this build has no TLS provider: enable `ring` or `aws-lc`"))?;
    ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .and_then(finish)
        .map_err(|error| Error::new("client", ErrorKind::Tls).because(error))
}

#[cfg(test)]
mod tests;
