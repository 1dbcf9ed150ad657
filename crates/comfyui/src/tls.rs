//! The configuration of encrypted connections, with a named provider.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::CryptoProvider};
use rustls_platform_verifier::Verifier;

use crate::{Error, ErrorKind};

/// By preference.
const PROVIDERS: &[fn() -> CryptoProvider] = &[
    #[cfg(feature = "ring")]
    rustls::crypto::ring::default_provider,
    #[cfg(feature = "aws-lc")]
    rustls::crypto::aws_lc_rs::default_provider,
];

/// Trusts what the system trusts; nobody, and without reading anything, where nothing is encrypted.
pub(crate) fn configuration(is_plain: bool) -> Result<ClientConfig, Error> {
    let failed = |error| Error::new("client", ErrorKind::Tls).because(error);
    let provider = PROVIDERS
        .first()
        .ok_or_else(|| Error::usage("client", "this build has no TLS provider: enable `ring` or `aws-lc`"))?;
    let provider = Arc::new(provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    if is_plain {
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let verifier = Verifier::new(provider).map_err(failed)?;
    // Dangerous is what the name of the method is for; the verifier checks all that there is to check.
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}
