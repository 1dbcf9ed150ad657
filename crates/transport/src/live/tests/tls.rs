//! TLS against a server with a private CA.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use runninghub_core::SocketUrl;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio_rustls::TlsAcceptor;

use super::{TICKET, kind_of, options, serve};
use crate::{
    Body, Connect as _, ErrorKind, Live, LiveOptions,
    net::{Net, NetOptions},
};

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn with(config: Arc<ClientConfig>) -> LiveOptions {
    options().net(Net::new(NetOptions::default().tls(config)).unwrap())
}

struct Ca {
    root: CertificateDer<'static>,
    server: ServerConfig,
}

/// A CA, and a server for `localhost` with a certificate from it.
fn ca() -> Ca {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&key).unwrap().der().clone();
    let issuer = Issuer::new(params, key);

    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap().der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut server = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    server.alpn_protocols = vec![b"h2".to_vec()];
    Ca { root, server }
}

/// The caller's configuration: its own roots, and ALPN as for HTTP.
fn trusting(root: CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(root).unwrap();
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

async fn greet(server: ServerConfig) -> SocketUrl {
    let port = serve(async move |stream| {
        let Ok(stream) = TlsAcceptor::from(Arc::new(server)).accept(stream).await else { return };
        assert_eq!(stream.get_ref().1.alpn_protocol(), None, "the socket must not offer h2");
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        futures_util::SinkExt::send(&mut socket, "hello".into()).await.unwrap();
        socket.close(None).await.ok();
        while let Some(Ok(_)) = futures_util::StreamExt::next(&mut socket).await {}
    })
    .await;
    SocketUrl::new(format!("wss://localhost:{port}/ws?Rh-Comfy-Auth={TICKET}"))
}

#[tokio::test]
async fn the_callers_configuration_is_used_without_h2() {
    let Ca { root, server } = ca();
    let url = greet(server).await;
    let config = trusting(root);
    let mut source = Live::new(with(config.clone())).connect(&url).await.unwrap();
    assert_eq!(source.next_frame().await.unwrap().unwrap().body, Body::Text("hello".into()));
    assert_eq!(source.next_frame().await.unwrap(), None);
    source.close().await;
    assert_eq!(config.alpn_protocols.len(), 2, "the caller's own is left alone");
}

#[tokio::test]
async fn an_untrusted_certificate_is_refused() {
    let url = greet(ca().server).await;
    let live = Live::new(with(trusting(ca().root)));
    assert_eq!(kind_of(live.connect(&url).await), ErrorKind::Tls);
}

/// With one provider or both in the build (`--all-features`) the configuration is the same, and nothing panics: rustls
/// alone would, because it can't choose between two.
#[tokio::test]
async fn the_default_configuration_trusts_the_platform_only() {
    let url = greet(ca().server).await;
    assert_eq!(kind_of(Live::new(options()).connect(&url).await), ErrorKind::Tls);
    let (one, other) = (Net::default().tls().unwrap(), Net::default().tls().unwrap());
    assert!(Arc::ptr_eq(&one, &other), "the roots are loaded once");
    assert!(one.alpn_protocols.is_empty());
}
