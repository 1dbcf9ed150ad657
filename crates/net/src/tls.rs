//! The TLS configuration, with an explicit provider.
//!
//! By default, rustls uses the only provider that is compiled in, and panics if another crate in the build adds a
//! second one, or if there is none.

use std::{fs::File, io::Read as _, path::Path, sync::Arc};

use runninghub_core::say;
use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;

use crate::{Error, ErrorKind, pinned::Pinned};

/// Maximum certificate file size, bytes. The system's file, with all public authorities, has 220 KiB.
const CA_FILE: u64 = 4 << 20;

/// In order of preference.
const PROVIDERS: &[fn() -> CryptoProvider] = &[
    #[cfg(feature = "ring")]
    rustls::crypto::ring::default_provider,
    #[cfg(feature = "aws-lc")]
    rustls::crypto::aws_lc_rs::default_provider,
];

/// Trusts the system's certificates and these roots. Reading the system's takes milliseconds.
pub(crate) fn trusting(roots: &[CertificateDer<'static>]) -> Result<ClientConfig, Error> {
    configure(|builder| {
        let provider = Arc::clone(builder.crypto_provider());
        let verifier = Pinned::new(Verifier::new_with_extra_roots(roots.iter().cloned(), provider)?, roots);
        // `dangerous` only refers to custom verifiers; this one performs all checks.
        Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
    })
}

/// Trusts nothing and reads nothing: reqwest requires a configuration even without encryption.
pub(crate) fn trusting_nothing() -> Result<ClientConfig, Error> {
    configure(|builder| Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()))
}

fn configure(
    finish: impl FnOnce(ConfigBuilder<ClientConfig, WantsVerifier>) -> Result<ClientConfig, rustls::Error>,
) -> Result<ClientConfig, Error> {
    let provider = PROVIDERS.first().ok_or_else(|| {
        let problem = say!(
            "this build has no TLS provider: enable the feature `ring` or `aws-lc`, or pass a configuration"
        );
        Error::new(ErrorKind::Setup { problem })
    })?;
    ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .and_then(finish)
        .map_err(|error| Error::new(ErrorKind::Tls).because(error))
}

/// Parses the certificates of a file.
pub(crate) fn roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let wrong = |problem| Error::new(ErrorKind::CaFile { problem }).about(say!("CA file"));
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(CA_FILE + 1).read_to_end(&mut text))
        .map_err(|error| wrong(say!("it cannot be read")).because(error))?;
    if text.len() as u64 > CA_FILE {
        return Err(wrong(say!("it is too large for a certificate file")));
    }
    let roots = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(say!("it is not PEM")).because(error))?;
    // The verifier ignores invalid certificates, and then there would be no error that explains why the server isn't
    // trusted.
    let mut store = RootCertStore::empty();
    let (_, ignored) = store.add_parsable_certificates(roots.iter().cloned());
    match (roots.len(), ignored) {
        (0, _) => Err(wrong(say!("it contains no certificate"))),
        (_, 0) => Ok(roots),
        _ => Err(wrong(say!("one of its certificates cannot be read"))),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_ca_file_without_usable_certificates_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("ca.pem");
        let text = |text: &str| {
            fs::write(&path, text).expect("a file");
            roots(&path).expect_err("not to be used").to_string()
        };
        assert_eq!(text("").as_str(), "CA file: it contains no certificate");
        assert_eq!(text("hello").as_str(), "CA file: it contains no certificate");
        let key = "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n";
        assert_eq!(text(key).as_str(), "CA file: it contains no certificate");
        let nonsense = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        assert_eq!(text(nonsense).as_str(), "CA file: one of its certificates cannot be read");
        assert_eq!(text("-----BEGIN CERTIFICATE-----\n???\n").as_str(), "CA file: it is not PEM");
        let long = "x".repeat(usize::try_from(CA_FILE).expect("small") + 1);
        assert_eq!(text(&long).as_str(), "CA file: it is too large for a certificate file");
        let missing = roots(&dir.path().join("none.pem")).expect_err("no file");
        assert_eq!(missing.to_string(), "CA file: it cannot be read");
        assert!(missing.kind().hint().is_some());
    }

    #[test]
    fn with_one_provider_or_two_there_is_a_configuration_and_with_none_a_hint_what_to_do() {
        let config = trusting(&[]);
        if cfg!(any(feature = "aws-lc", feature = "ring")) {
            assert!(config.expect("a configuration").alpn_protocols.is_empty());
        } else {
            let error = config.expect_err("no provider");
            assert!(error.to_string().contains("`ring`"), "{error}");
        }
    }
}
