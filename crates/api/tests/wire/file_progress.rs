//! Progress reports of uploads and downloads.

use std::{
    fs, mem,
    sync::{Arc, Mutex},
};

use runninghub_api::{
    ClientBuilder, UploadSource,
    net::{Direction, NetOptions},
};
use runninghub_sim::Sim;

use crate::{
    sim::{builder, simulator},
    support::{Reply, Server},
};

type Reports = Arc<Mutex<Vec<(Direction, String, u64, Option<u64>)>>>;

fn watched(builder: ClientBuilder) -> (ClientBuilder, Reports) {
    let reports = Reports::default();
    let seen = Arc::clone(&reports);
    let options = NetOptions::default().on_file_progress(move |file| {
        let line = (file.direction, file.name.to_owned(), file.bytes, file.total);
        seen.lock().expect("not poisoned").push(line);
    });
    (builder.net(options), reports)
}

/// The reported positions of a file; removes them from the list.
fn bytes(reports: &Reports, direction: Direction, name: &str, total: Option<u64>) -> Vec<u64> {
    let reports = mem::take(&mut *reports.lock().expect("not poisoned"));
    assert!(reports.iter().all(|one| (one.0, &*one.1, one.3) == (direction, name, total)), "{reports:?}");
    reports.into_iter().map(|one| one.2).collect()
}

#[tokio::test]
async fn upload_progress_restarts_when_the_upload_is_retried() {
    let uploaded = r#"{"code":0,"data":{"fileName":"openapi/ab.png","download_url":"https://h/a?s"}}"#;
    let refused = Reply::status(401, "", r#"{"code":-1,"msg":"ApiKey verification failed"}"#);
    let content = vec![b'x'; 150_000];
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cat.png");
    fs::write(&path, &content).expect("written");
    for source in [UploadSource::path(&path), UploadSource::bytes("cat.png", content)] {
        let server = Server::start(vec![refused.clone(), Reply::json(uploaded)]).await;
        let (builder, reports) = watched(server.builder());
        builder.build().expect("a client").upload(source).await.expect("uploaded");
        let bytes = bytes(&reports, Direction::Up, "cat.png", Some(150_000));
        let attempts: Vec<_> = bytes.chunk_by(|before, after| before <= after).collect();
        assert_eq!(attempts.len(), 2, "{bytes:?}");
        for attempt in attempts {
            assert!(attempt.len() > 3, "in pieces: {attempt:?}");
            assert_eq!((attempt.first(), attempt.last()), (Some(&0), Some(&150_000)));
        }
    }
}

#[tokio::test]
async fn uploads_that_are_skipped_are_not_reported() {
    let sim = simulator().start().await.expect("started");
    let directory = tempfile::tempdir().expect("a directory");
    let (builder, reports) = watched(builder(&sim, Sim::DEMO_KEY).uploads(directory.path().join("uploads")));
    let client = builder.build().expect("a client");
    let file = |name: &str| {
        let path = directory.path().join(name);
        fs::write(&path, "meow").expect("written");
        path
    };
    let picture = UploadSource::path(file("a.png"));
    client.upload(picture.clone()).await.expect("uploaded");
    assert_eq!(bytes(&reports, Direction::Up, "a.png", Some(4)), [0, 4]);
    client.upload(picture).await.expect("known");
    client.upload_lora(file("a.safetensors")).await.expect("uploaded");
    assert_eq!(bytes(&reports, Direction::Up, "a.safetensors", Some(4)), [0, 4]);
    client.upload_lora(file("a.safetensors")).named("b").await.expect("known");
    assert!(reports.lock().expect("not poisoned").is_empty());
}
