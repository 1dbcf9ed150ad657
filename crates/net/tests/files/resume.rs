//! Interrupted downloads: resumed, and never assembled from two versions.

use std::{fs, path::Path};

use crate::server::{Reply, Server};
use runninghub_net::{Error, ErrorKind, NetOptions, SavedFile};

const TAGGED: &str = "ETag: \"1\"\r\n";

/// The beginning of a response that announces more bytes than it has.
fn cut(headers: &str, length: usize, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

fn rest(range: &str, body: &str) -> Reply {
    Reply::status(206, &format!("Content-Range: bytes {range}\r\n{TAGGED}"), body)
}

async fn fetch(replies: Vec<Reply>, directory: &Path) -> (Result<SavedFile, Error>, Vec<String>) {
    let server = Server::start(replies).await;
    let saved = server.files().download(&server.url(), directory, "a.png").await;
    (saved, server.requests().iter().map(|request| request.to_lowercase()).collect())
}

fn content(directory: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry"))
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .map(|(name, path)| (name, fs::read_to_string(path).expect("text")))
        .collect();
    files.sort();
    files
}

fn only(name: &str, text: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), text.to_owned())]
}

#[tokio::test]
async fn a_broken_download_resumes_where_it_stopped() {
    let directory = tempfile::tempdir().expect("a directory");
    let replies = vec![
        Reply::Bytes(cut(TAGGED, 7, "pic")),
        Reply::Reset,
        Reply::Bytes(b"HTTP/1.1 206 X\r\nContent-Range: bytes 3-6/7\r\nContent-Length: 4\r\n\r\ntu".to_vec()),
        rest("5-6/7", "re"),
    ];
    let (saved, requests) = fetch(replies.clone(), directory.path()).await;
    // Only three attempts, since none of them makes enough progress.
    assert!(matches!(saved.expect_err("three attempts").kind(), ErrorKind::Network));
    assert_eq!(requests.len(), 3);

    let (saved, requests) = fetch([&replies[..1], &replies[2..]].concat(), directory.path()).await;
    let saved = saved.expect("saved");
    assert_eq!(saved.sha256, "2cea274d0bedc39ec4ab6ba9e59ec889e3ed6fb56a1cf088a64d9b383378dc97");
    assert_eq!(content(directory.path()), only("a.png", "picture"));
    assert!(!requests[0].contains("range:"), "{}", requests[0]);
    for (request, range) in [(&requests[1], "range: bytes=3-\r"), (&requests[2], "range: bytes=5-\r")] {
        assert!(request.contains(range) && request.contains("if-range: \"1\"\r"), "{request}");
    }
}

#[tokio::test]
async fn a_date_is_a_validator_if_it_is_old_enough() {
    let date = "Date: Wed, 21 Oct 2026 07:28:01 GMT\r\n";
    let directory = tempfile::tempdir().expect("a directory");
    for (second, is_resumed) in [(0, true), (1, false)] {
        let modified = format!("Wed, 21 Oct 2026 07:28:0{second} GMT");
        let first = Reply::Bytes(cut(&format!("{date}Last-Modified: {modified}\r\n"), 7, "pic"));
        let second = if is_resumed { rest("3-6/7", "ture") } else { Reply::status(200, "", "picture") };
        let (saved, requests) = fetch(vec![first, second], directory.path()).await;
        saved.expect("saved");
        assert_eq!(requests[1].contains(&format!("if-range: {modified}\r").to_lowercase()), is_resumed);
    }
}

#[tokio::test]
async fn two_versions_are_never_mixed() {
    let whole = || Reply::status(200, "ETag: \"2\"\r\n", "another");
    for (what, answers) in [
        ("a new version", vec![whole()]),
        ("a range that was not asked for", vec![rest("2-6/7", "cture"), whole()]),
        ("a range without a place", vec![Reply::status(206, TAGGED, "ture"), whole()]),
        ("another total", vec![rest("3-6/8", "ture"), whole()]),
        ("an unknown total", vec![rest("3-6/*", "ture"), whole()]),
        ("a body of another length", vec![rest("3-6/7", "tur"), whole()]),
        (
            "another tag",
            vec![Reply::status(206, "Content-Range: bytes 3-6/7\r\nETag: \"2\"\r\n", "ther"), whole()],
        ),
        ("412", vec![Reply::status(412, "", ""), whole()]),
        ("416", vec![Reply::status(416, "Content-Range: bytes */2\r\n", ""), whole()]),
    ] {
        let directory = tempfile::tempdir().expect("a directory");
        let begin = Reply::Bytes(cut(TAGGED, 7, "pic"));
        let (saved, requests) = fetch([vec![begin], answers.clone()].concat(), directory.path()).await;
        saved.expect(what);
        assert_eq!(content(directory.path()), only("a.png", "another"), "{what}");
        assert_eq!(requests.len(), answers.len() + 1, "{what}");
        let last = requests.last().expect("a request");
        assert_eq!(last.contains("range:"), answers.len() == 1, "{what}: {last}");
    }
}

#[tokio::test]
async fn an_unrequested_range_is_an_error() {
    let directory = tempfile::tempdir().expect("a directory");
    for reply in [rest("0-6/7", "picture"), Reply::status(416, "", ""), Reply::status(412, "", "")] {
        let (saved, requests) = fetch(vec![reply], directory.path()).await;
        let error = saved.expect_err("no file");
        assert!(matches!(error.kind(), ErrorKind::Http { .. }), "{error}");
        assert_eq!((requests.len(), content(directory.path())), (1, vec![]));
    }
}

/// The speed window is two seconds when pauses have no length.
#[tokio::test]
async fn a_trickle_is_given_up_and_taken_up_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let slow = Reply::Begin(cut(TAGGED, 7, "pic"));
    let (saved, requests) = fetch(vec![slow.clone(), rest("3-6/7", "ture")], directory.path()).await;
    saved.expect("saved");
    assert_eq!((requests.len(), content(directory.path())), (2, only("a.png", "picture")));

    let directory = tempfile::tempdir().expect("a directory");
    let (saved, requests) = fetch(vec![slow], directory.path()).await;
    let error = saved.expect_err("too slow");
    assert_eq!(error.to_string(), "slower than 1024 bytes per second for 2 s");
    assert_eq!((requests.len(), error.kind().is_transient()), (3, true));
    assert_eq!(content(directory.path()), []);
}

#[tokio::test]
async fn a_file_without_end_is_cut_off() {
    let endless_head = cut("", 1_000_000_000_000, "pic");
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    let endless =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}", chunk.repeat(4)).into_bytes();
    for reply in [endless_head, endless] {
        let directory = tempfile::tempdir().expect("a directory");
        let server = Server::start(vec![Reply::Begin(reply)]).await;
        let files = server.files_with(NetOptions::default().max_file_size(100_000));
        let error = files.download(&server.url(), directory.path(), "a").await.expect_err("too long");
        assert_eq!(error.to_string(), "more than 100000 bytes");
        assert_eq!((error.kind().is_transient(), server.requests().len()), (false, 1));
        assert_eq!(content(directory.path()), []);
    }
}

#[tokio::test]
async fn compressed_files_are_saved_as_sent() {
    let directory = tempfile::tempdir().expect("a directory");
    let (saved, _) =
        fetch(vec![Reply::status(200, "Content-Encoding: gzip\r\n", "\u{1f}packed")], directory.path()).await;
    assert_eq!(saved.expect("saved").bytes, 7);
    assert_eq!(content(directory.path()), only("a.png.gz", "\u{1f}packed"));
}

/// A part that a killed or failed process leaves behind is resumed by the next one.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn another_process_continues() {
    let (head, tail) = ("x".repeat(2 << 20), "y".repeat(1 << 20));
    let length = head.len() + tail.len();
    let begin = Reply::Bytes(cut(TAGGED, length, &head));
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(vec![
        begin.clone(),
        Reply::Close,
        Reply::Close,
        Reply::Close,
        begin,
        rest(&format!("{}-{}/{length}", head.len(), length - 1), &tail),
    ])
    .await;
    server.files().download(&server.url(), directory.path(), "a").await.expect_err("three times nothing");
    let left = content(directory.path());
    assert!(
        matches!(left.as_slice(), [(name, text)] if name.starts_with(".rhub-") && *text == head),
        "one hidden part"
    );

    server.files().download(&server.url(), directory.path(), "a").await.expect("saved");
    assert_eq!(content(directory.path()), only("a", &(head + &tail)));
    let last = server.requests().last().expect("a request").to_lowercase();
    assert!(last.contains(&format!("range: bytes={}-\r", 2 << 20)), "{last}");
}

/// Each attempt gets a little further, so the usual three are not enough; but there is an end.
#[tokio::test]
async fn a_server_that_always_cuts_later_is_given_up() {
    const PIECE: usize = 64 << 10;
    let (piece, total) = ("x".repeat(PIECE), 1_u64 << 30);
    let head = |number: usize| {
        let from = number * PIECE;
        let range = format!("Content-Range: bytes {from}-{}/{total}\r\n", total - 1);
        let (status, range) = if number == 0 { ("200", String::new()) } else { ("206", range) };
        format!("HTTP/1.1 {status} X\r\n{TAGGED}{range}Content-Length: {}\r\n\r\n", total - from as u64)
    };
    let replies = (0..300).map(|number| Reply::Bytes((head(number) + &piece).into_bytes())).collect();
    let server = Server::start(replies).await;
    let directory = tempfile::tempdir().expect("a directory");
    let error = server.files().download(&format!("{}/a.png", server.url()), directory.path(), "a.png").await;
    assert!(matches!(error.expect_err("it never ends").kind(), ErrorKind::Network));
    assert_eq!(server.requests().len(), 200);
}
