//! Neither the key nor the query of a URL appears in any error or log line, at any level.
//!
//! A separate test binary: another thread that reaches a log statement first would disable it for the whole process.

#[path = "wire/support.rs"]
mod support;

use std::{
    error::Error as StdError,
    fmt::Write as _,
    io,
    sync::{Arc, Mutex},
};

use runninghub_net::{Exchange, NetOptions};
use support::{KEY, Reply, Server};

const SIGNED: &str = "S1GNATURE";
const WEBHOOK: &str = "w3bh00k-p4th";
const PASSWORD: &str = "acc3ss-p4ssword";

/// Collects the data that recordings are made from.
struct Seen(Mutex<String>);

impl Seen {
    fn finished(&self, exchange: &Exchange<'_>) {
        // The response is the server's text; the recorder redacts it.
        let _ = write!(self.0.lock().expect("not poisoned"), "{} {:?} ", exchange.path, exchange.request);
    }
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn everything(error: &(dyn StdError + 'static)) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    if let Some(error) = error.downcast_ref::<runninghub_api::Error>() {
        let _ = write!(text, "{:?} {:?} {:?}", error.hint(), error.message(), error.code());
    }
    let mut next = error.source();
    while let Some(source) = next {
        let _ = write!(text, " {source} {source:?}");
        next = source.source();
    }
    text
}

fn secret(webhook: impl Into<String>) -> runninghub_api::RunOptions {
    let mut options = runninghub_api::RunOptions::default();
    options.webhook_url = Some(webhook.into());
    options.access_password = Some(PASSWORD.to_owned());
    options
}

#[tokio::test]
async fn the_canaries_do_not_sing() {
    let captured = Captured::default();
    let writer = captured.clone();
    let _guard = tracing::subscriber::set_default(
        tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_writer(move || writer.clone())
            .finish(),
    );
    let directory = tempfile::tempdir().expect("a directory");
    let mut texts = String::new();
    for reply in [
        Reply::Close,
        Reply::Reset,
        Reply::Bytes(b"nonsense\r\n\r\n".to_vec()),
        Reply::status(307, &format!("Location: https://h.invalid/?{SIGNED}&{KEY}\r\n"), ""),
        Reply::status(502, "", &format!("<html>{KEY} https://h/?{SIGNED}</html>")),
        Reply::status(200, "", &format!("<html><title>{KEY} https://h/?{SIGNED}</title></html>")),
        Reply::json(&format!(r#"{{"code":1,"msg":"{KEY} https://h/?{SIGNED}"}}"#)),
        Reply::json(&format!(r#"{{"errorCode":"{KEY}","errorMessage":"wss://h/?a={SIGNED}"}}"#)),
        Reply::json(&format!(r#"{{"code":0,"data":["https://h/?{SIGNED}","{KEY}"]}}"#)),
        Reply::json(&format!(r#"{{"code":0,"data":{{"netWssUrl":"wss://h/?{SIGNED}","{KEY}":"{KEY}"}}}}"#)),
    ] {
        let server = Server::start(vec![reply]).await;
        let seen = Arc::new(Seen(Mutex::default()));
        let client = server
            .builder()
            .net(NetOptions::default().observer({
                let seen = Arc::clone(&seen);
                move |exchange| seen.finished(exchange)
            }))
            .build()
            .expect("a client");
        let create = client.create(None).options(secret(WEBHOOK));
        let _ = write!(texts, "{client:?} {create:?}");
        let id = "7".into();
        let errors = [
            client.create(Some("5".into())).options(secret(format!("https://h/{WEBHOOK}"))).await.err(),
            client.outputs(&"7".into()).once().await.err(),
            client.query(&id).once().await.err(),
            client.workflow(&"5".into()).await.err(),
            client.account().await.err(),
        ];
        for error in errors.iter().flatten() {
            texts += &everything(error);
        }
        let url = format!("{}/a.png?{SIGNED}", server.url());
        if let Err(error) = client.files().download(&url, directory.path(), "a.png").await {
            texts += &everything(&error);
        }
        texts += &seen.0.lock().expect("not poisoned");
    }
    assert!(texts.contains("webhookUrl") && texts.contains("accessPassword"), "the body was seen");
    let server = Server::start(vec![Reply::Close]).await;
    let nowhere = format!("http://127.0.0.1:1/a?{SIGNED}");
    for url in [nowhere.as_str(), "file:///a?S1GNATURE", "https://[::/?S1GNATURE"] {
        let request = server.client().files().download(url, directory.path(), "a");
        let _ = write!(texts, "{request:?}");
        texts += &everything(&request.await.expect_err("no such file"));
    }
    let logged = String::from_utf8_lossy(&captured.0.lock().expect("not poisoned")).into_owned();
    assert!(logged.contains("TRACE") && logged.contains("outputs"), "the log was captured");
    for canary in [KEY, SIGNED, WEBHOOK, PASSWORD] {
        for text in [&texts, &logged] {
            let found = text.find(canary).map(|at| text.get(at.saturating_sub(300)..at + 80));
            assert!(found.is_none(), "{found:?}");
        }
    }
}
