//! Encryption: a certificate is right or nothing is sent.

use runninghub_sim::{Certificate, Toxic};

use crate::{case::Case, pool};

#[test]
fn encryption() {
    let with = |name, certificate| {
        let case = Case { certificate: Some(certificate), ..Case::new(name) };
        case.env("RUNNINGHUB_BASE_URL", "{tls}").env("SSL_CERT_FILE", "{root}/case-ca.pem")
    };
    let refused = |case: Case| Case { posts: 0, ..case.refused(3) };
    let no_trust = "no trusted encrypted connection";
    pool::run(vec![
        with("certificate-good", Certificate::Good),
        with("certificate-of-a-ca-file", Certificate::Good)
            .env("SSL_CERT_FILE", "/dev/null")
            .arg("--ca-file")
            .arg("{root}/case-ca.pem"),
        refused(with("certificate-expired", Certificate::Expired)).says(no_trust),
        refused(with("certificate-of-another", Certificate::WrongName)).says(no_trust),
        refused(with("certificate-of-its-own", Certificate::SelfSigned)).says(no_trust),
        refused(with("certificate-of-a-stranger", Certificate::Good).env("SSL_CERT_FILE", "/dev/null")),
        Case { cipher: vec![Toxic::cut(40)], ..refused(with("handshake-of-tls-cut", Certificate::Good)) },
        Case {
            cipher: vec![Toxic::reset(0).up()],
            ..refused(with("handshake-of-tls-reset", Certificate::Good))
        },
        Case {
            cipher: vec![Toxic::corrupt(60)],
            ..refused(with("handshake-of-tls-corrupt", Certificate::Good))
        },
        // Corruption is noticed and the question asked again.
        Case {
            cipher: vec![Toxic::corrupt(3_000).first(1)],
            ..with("cipher-corrupt-once", Certificate::Good)
        },
        refused(Case::new("plain-on-an-encrypted-port").env("RUNNINGHUB_BASE_URL", "https://{port}")),
        Case { posts: 0, ..Case::new("plain-off-this-machine").refused(2) }
            .env("RUNNINGHUB_BASE_URL", "http://192.0.2.1:9"),
    ]);
}
