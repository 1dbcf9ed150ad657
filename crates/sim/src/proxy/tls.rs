//! Valid and invalid certificates for a proxy that terminates TLS.

use std::{fmt, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncWriteExt as _, copy, sink},
    net::TcpStream,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::toxic::Break;
use crate::{Error, ErrorKind};

/// A record of data that isn't encrypted with any key.
const GARBAGE: [u8; 37] = {
    let mut record = [0x5a; 37];
    [record[0], record[1], record[2], record[3], record[4]] = [23, 3, 3, 0, 32];
    record
};

/// A certificate authority; clients that trust [`Authority::pem`] accept its certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

/// The certificate of a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Certificate {
    /// For `localhost`, 127.0.0.1 and `api.example`, valid for years.
    Good,
    /// The same, but expired in 2001.
    Expired,
    /// For a different host name.
    WrongName,
    /// Self-signed.
    SelfSigned,
    /// The authority's own certificate, which is a CA and names no host, as created by `openssl req -x509`.
    Authority,
}

impl Authority {
    /// Creates an authority with a new key.
    ///
    /// # Errors
    /// [`ErrorKind::Listen`] if no certificate can be created.
    pub fn new() -> Result<Self, Error> {
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).map_err(failed)?.der().clone();
        let secret = key.serialize_der();
        Ok(Self { issuer: Issuer::new(params, key), certificate, key: secret })
    }

    /// The certificate of the authority itself, in PEM.
    pub fn pem(&self) -> String {
        pem(&self.certificate)
    }

    pub(super) fn acceptor(&self, kind: Certificate) -> Result<Acceptor, Error> {
        let key = KeyPair::generate().map_err(failed)?;
        let names = match kind {
            Certificate::WrongName => vec!["elsewhere.example".to_owned()],
            _ => ["localhost", "127.0.0.1", "api.example"].map(str::to_owned).to_vec(),
        };
        let mut params = CertificateParams::new(names).map_err(failed)?;
        if kind == Certificate::Expired {
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2001, 1, 1);
        }
        let signed = match kind {
            Certificate::SelfSigned => params.self_signed(&key),
            _ => params.signed_by(&key, &self.issuer),
        };
        let (certificate, key) = match kind {
            Certificate::Authority => (self.certificate.clone(), self.key.clone()),
            _ => (signed.map_err(failed)?.der().clone(), key.serialize_der()),
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![certificate], key))
            .map_err(failed)?;
        Ok(Acceptor(TlsAcceptor::from(Arc::new(config))))
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

pub(super) struct Acceptor(TlsAcceptor);

impl Acceptor {
    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.0.accept(stream).await
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").finish_non_exhaustive()
    }
}

/// Ends a connection with a record that breaks TLS.
pub(super) async fn break_off(mut stream: TlsStream<TcpStream>, how: Break) -> std::io::Result<()> {
    let (tcp, session) = stream.get_mut();
    let mut record = Vec::new();
    match how {
        Break::Garbage => record.extend(GARBAGE),
        Break::Alert => {
            // A session sends an alert when it cannot read a record.
            session.read_tls(&mut &GARBAGE[..])?;
            _ = session.process_new_packets();
            while session.wants_write() {
                session.write_tls(&mut record)?;
            }
        }
    }
    tcp.write_all(&record).await?;
    tcp.shutdown().await?;
    // A reset because of unread data would overtake the record.
    copy(tcp, &mut sink()).await.map(drop)
}

/// Base64 in lines of 64 characters, which old parsers require.
fn pem(certificate: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(certificate);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Listen, "the certificate cannot be made").caused_by(error)
}
