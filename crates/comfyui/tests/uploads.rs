//! Files that a server, or a gateway in front of it, does not accept.

use std::fs::File;

use runninghub_comfyui::{Client, Error, ErrorKind};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// The error for a file of this size, from a server with this response to every request.
async fn refused(length: u64, status: &'static str, body: &'static str) -> Error {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let client = Client::builder(format!("http://{}", listener.local_addr().expect("an address")));
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut seen = Vec::new();
            // A small request comes whole: a file's form ends so, and a question has no body.
            while !(seen.ends_with(b"--\r\n") || seen.starts_with(b"GET") && seen.ends_with(b"\r\n\r\n")) {
                if stream.read_buf(&mut seen).await.expect("a request") == 0 {
                    break;
                }
            }
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.expect("an answer");
        }
    });
    let dir = TempDir::new().expect("a folder");
    let path = dir.path().join("a.png");
    File::create(&path).and_then(|file| file.set_len(length)).expect("a file");
    let error = client.build().expect("a client").upload(&path).await.expect_err("too large");
    server.abort();
    error
}

#[tokio::test]
async fn a_file_that_is_too_large_has_a_cure() {
    let page = refused(3_000_000, "413 Request Entity Too Large", "<html><title>413</title>").await;
    assert_eq!(page.to_string(), "the file has 3 MB, more than the server accepts");
    let limit = refused(110 << 20, "200 OK", r#"{"max_upload_size": 104857600}"#).await;
    assert_eq!(limit.to_string(), "the file has 116 MB, and the server accepts up to 105 MB");
    for error in [page, limit] {
        assert!(matches!(error.kind(), ErrorKind::FileTooLarge { .. }), "{error:?}");
        assert!(error.hint().is_some_and(|hint| hint.text().contains("raise the limit")), "{error:?}");
    }
}
