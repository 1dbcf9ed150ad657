//! The progress of a download.

use std::sync::{Arc, Mutex};

use runninghub_net::{Direction, NetOptions};

use crate::server::{Reply, Server};

#[tokio::test]
async fn a_resumed_download_reports_progress_from_its_offset() {
    let directory = tempfile::tempdir().expect("a directory");
    let cut = "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 7\r\n\r\npic";
    let rest = "Content-Range: bytes 3-6/7\r\nETag: \"1\"\r\n";
    let server =
        Server::start(vec![Reply::Bytes(cut.as_bytes().to_vec()), Reply::status(206, rest, "ture")]).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let options = NetOptions::default().on_file_progress(move |file| {
        assert_eq!((file.direction, file.name, file.total), (Direction::Down, "a.png", Some(7)));
        sink.lock().expect("not poisoned").push((file.bytes, file.is_over));
    });
    server.files_with(options).download(&server.url(), directory.path(), "a.png").await.expect("saved");
    let seen = seen.lock().expect("not poisoned").clone();
    assert_eq!(seen, [(0, false), (3, false), (3, false), (7, false), (7, true)]);
}
