//! The one TLS configuration.
//!
//! It names its provider. Left to itself, rustls takes the only one that is compiled in, and panics when a crate
//! somewhere in the build brings a second one, or when there is none.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, crypto::CryptoProvider};

use crate::{Error, ErrorKind};

/// The TLS configuration for sockets and, with ALPN added to a clone, for HTTP: the platform's own roots and rules, and
/// the provider of the feature `ring` or else `aws-lc`.
///
/// The first call loads the roots, which takes 2.4 ms; all later ones return the same configuration.
///
/// # Errors
/// [`ErrorKind::Tls`] if no provider is compiled in or the roots cannot be loaded.
pub fn client_config() -> Result<Arc<ClientConfig>, Error> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    // Two threads that both come first both build one; either is as good.
    let config = Arc::new(build()?);
    Ok(CONFIG.get_or_init(|| config).clone())
}

fn build() -> Result<ClientConfig, Error> {
    let fail = |error: rustls::Error| {
        Error::new(ErrorKind::Tls, "no TLS configuration can be made").with_source(error)
    };
    Ok(ClientConfig::builder_with_provider(provider()?)
        .with_safe_default_protocol_versions()
        .and_then(rustls_platform_verifier::BuilderVerifierExt::with_platform_verifier)
        .map_err(fail)?
        .with_no_client_auth())
}

#[cfg(feature = "ring")]
#[expect(clippy::unnecessary_wraps, reason = "fails where no provider is compiled in")]
pub(crate) fn provider() -> Result<Arc<CryptoProvider>, Error> {
    Ok(Arc::new(rustls::crypto::ring::default_provider()))
}

#[cfg(all(feature = "aws-lc", not(feature = "ring")))]
#[expect(clippy::unnecessary_wraps, reason = "fails where no provider is compiled in")]
pub(crate) fn provider() -> Result<Arc<CryptoProvider>, Error> {
    Ok(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
}

#[cfg(not(any(feature = "aws-lc", feature = "ring")))]
pub(crate) fn provider() -> Result<Arc<CryptoProvider>, Error> {
    let what = "built without a TLS provider: give `Live::with_tls` a configuration, \
                or turn on the feature `ring` or `aws-lc`";
    Err(Error::new(ErrorKind::Tls, what))
}

#[cfg(all(test, not(any(feature = "aws-lc", feature = "ring"))))]
mod tests {
    use super::*;

    #[test]
    fn without_a_provider_the_error_says_what_to_do() {
        let error = client_config().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Tls);
        assert!(error.to_string().contains("`ring`"), "{error}");
    }
}
