//! A prompt over a TLS connection that breaks: it counts as unsent only if the handshake failed.

use std::sync::Arc;

use runninghub_comfyui::{Client, Error, net::NetOptions};
use runninghub_sim::{Authority, Certificate, FaultProxy, Native, Toxic};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

const PROMPT: &str = r#"{"1":{"class_type":"EmptyLatentImage","inputs":{"width":64,"height":64,"batch_size":1}},
    "2":{"class_type":"PreviewAny","inputs":{"source":["1",0]}}}"#;

fn trusting(authority: &Authority) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).expect("PEM")).expect("a root");
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Sends a prompt with one fault: on the wire, or at the endpoint of TLS. Also returns the number of bytes read.
async fn sent(wire_toxic: Option<Toxic>, end_toxic: Option<Toxic>) -> (Error, u64) {
    let authority = Authority::new().expect("an authority");
    let native = Native::builder().start().await.expect("a server");
    let end = FaultProxy::with_tls(&authority, Certificate::Good).await.expect("a port");
    let wire = FaultProxy::start().await.expect("a port");
    wire.forward_to(end.address());
    end.forward_to(native.base_url().trim_start_matches("http://").parse().expect("an address"));
    if let Some(toxic) = wire_toxic {
        wire.add(toxic);
    }
    if let Some(toxic) = end_toxic {
        end.add(toxic);
    }
    let url = format!("https://localhost:{}", wire.address().port());
    let client = Client::builder(url)
        .net(NetOptions::default().tls(Arc::new(trusting(&authority))))
        .build()
        .expect("a client");
    let error =
        client.prompt(PROMPT, &"me".into(), None, &serde_json::Map::new()).await.expect_err("it broke");
    (error, end.seen().bytes_up)
}

#[tokio::test]
async fn a_prompt_is_unsent_only_if_its_handshake_failed() {
    let garbage = vec![23, 3, 3, 0, 4, 1, 2, 3, 4];
    for toxic in [Toxic::insert(0, garbage), Toxic::cut(50), Toxic::reset(0).up(), Toxic::refuse()] {
        let (error, read) = sent(Some(toxic.clone()), None).await;
        assert!(error.is_unsent() && read == 0, "{toxic:?}: {error:?}");
    }
    for toxic in [Toxic::garbage(0), Toxic::alert(0), Toxic::cut(0), Toxic::reset(0)] {
        for toxic in [toxic.clone(), toxic.up()] {
            let (error, read) = sent(None, Some(toxic.clone())).await;
            assert!(!error.is_unsent() && read > 0, "{toxic:?}: {error:?}");
        }
    }
}
