//! Downloads over real connections: complete or absent, and only from permitted hosts.

use std::{fs, path::Path};

use futures_util::StreamExt;
use runninghub_net::{ErrorKind, NetOptions};

use crate::{
    server::{Reply, Server},
    support::files_of,
};

fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_file_arrives_whole() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(vec![Reply::status(200, "", "picture")]).await;
    let url = format!("{}/out/a.png?sign=1", server.url());
    let from = server.files();
    for _ in ["fetched", "fetched again"] {
        let saved = from.download(&url, directory.path(), "a.png").await.expect("saved");
        assert_eq!(saved.path, directory.path().join("a.png"));
        assert_eq!(
            (saved.bytes, fs::read_to_string(&saved.path).expect("readable").as_str()),
            (7, "picture")
        );
        assert_eq!(saved.sha256, "2cea274d0bedc39ec4ab6ba9e59ec889e3ed6fb56a1cf088a64d9b383378dc97");
    }
    let request = &server.requests()[0];
    assert!(request.starts_with("GET /out/a.png?sign=1 HTTP/1.1"), "the URL is used to the letter");
    assert!(request.to_lowercase().contains("accept-encoding: identity"), "{request}");
    assert_eq!(files(directory.path()), ["a.png"], "the same content is the same result");
}

#[tokio::test]
async fn the_server_does_not_choose_the_place() {
    let home = tempfile::tempdir().expect("a directory");
    let directory = home.path().join("out");
    let headers = "Content-Disposition: attachment; filename=\"../../evil\"\r\n";
    let server = Server::start(vec![Reply::status(200, headers, "x")]).await;
    let from = server.files();
    from.download(&format!("{}/../../evil", server.url()), &directory, "../evil.png").await.expect("saved");
    assert_eq!(
        (files(home.path()), files(&directory)),
        (vec!["out".to_owned()], vec!["_evil.png".to_owned()])
    );
}

#[tokio::test]
async fn half_a_file_is_not_a_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let half = Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npic".to_vec());
    let server = Server::start(vec![half.clone()]).await;
    let error = server.files().download(&server.url(), directory.path(), "a.png").await.expect_err("cut");
    assert!(matches!(error.kind(), ErrorKind::Network), "{error}");
    assert_eq!(server.requests().len(), 3, "tried again");
    assert!(files(directory.path()).is_empty());

    let server = Server::start(vec![half, Reply::status(200, "", "picture")]).await;
    let saved = server.files().download(&server.url(), directory.path(), "a.png").await.expect("saved");
    assert_eq!((saved.bytes, files(directory.path())), (7, vec!["a.png".to_owned()]));
}

#[tokio::test]
async fn a_web_page_is_not_an_image() {
    let directory = tempfile::tempdir().expect("a directory");
    let page = Reply::status(200, "Content-Type: text/html\r\n", "<html>expired</html>");
    let server = Server::start(vec![page]).await;
    let error = server.files().download(&server.url(), directory.path(), "a.png").await.expect_err("a page");
    assert!(matches!(error.kind(), ErrorKind::Page), "{error}");
    assert!(files(directory.path()).is_empty());
}

#[tokio::test]
async fn an_expired_link_is_recognized() {
    let directory = tempfile::tempdir().expect("a directory");
    for status in [403, 404, 410] {
        let server = Server::start(vec![Reply::status(status, "", "<Error/>")]).await;
        let error = server.files().download(&server.url(), directory.path(), "a.png").await.expect_err("old");
        assert!(matches!(error.kind(), ErrorKind::Expired { .. }), "{error}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn redirects_are_followed_a_little() {
    let directory = tempfile::tempdir().expect("a directory");
    let target = Server::start(vec![Reply::status(200, "", "x")]).await;
    let there = Reply::status(302, &format!("Location: {}/b\r\n", target.url()), "");
    let server = Server::start(vec![Reply::status(301, "Location: /a\r\n", ""), there]).await;
    server.files().download(&server.url(), directory.path(), "a.png").await.expect("saved");
    assert!(target.requests()[0].starts_with("GET /b "));

    let server = Server::start(vec![Reply::status(302, "Location: /again\r\n", "")]).await;
    let error =
        server.files().download(&server.url(), directory.path(), "a.png").await.expect_err("a circle");
    assert!(matches!(error.kind(), ErrorKind::Forbidden { .. }), "{error}");
    assert_eq!(server.requests().len(), 6);
}

/// A public site must not lead to this machine, whether by IP address or by name.
#[tokio::test]
async fn private_addresses_are_not_contacted() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(vec![Reply::status(200, "", "secret")]).await;
    let port = server.address.port();
    let files = |options| files_of("https://www.runninghub.cn", options);
    let from = files(NetOptions::default());
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{port}/a");
            let error = from.download(&url, directory.path(), "a").await.expect_err(&url);
            assert!(matches!(error.kind(), ErrorKind::Forbidden { .. }), "{url}: {error}");
        }
    }
    assert!(server.requests().is_empty());
    let lab = files(NetOptions::default().allow_private_hosts(true));
    lab.download(&server.url(), directory.path(), "a").await.expect("allowed");
}

#[tokio::test]
async fn several_files_come_side_by_side() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(vec![Reply::status(200, "", "picture")]).await;
    let gone = Server::start(vec![Reply::status(404, "", "")]).await;
    let other = Server::start(vec![Reply::status(200, "", "another")]).await;
    let from = server.files();
    let download = |server: &Server, name: &str| from.download(&server.url(), directory.path(), name);
    let downloads = vec![
        download(&server, "a.png"),
        download(&gone, "b.png"),
        download(&server, "c.png"),
        download(&other, "a.png"),
    ];
    let mut ended: Vec<_> = from.download_all(downloads).collect().await;
    ended.sort_by_key(|(place, _)| *place);
    let saved: Vec<bool> = ended.iter().map(|(_, result)| result.is_ok()).collect();
    assert_eq!(saved, [true, false, true, true]);
    assert_eq!(files(directory.path()), ["a-2.png", "a.png", "c.png"]);
}

/// More than the limits of concurrent downloads, flushes and renames.
#[tokio::test]
async fn each_of_many_files_is_reported_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start(vec![Reply::status(200, "", "picture")]).await;
    let from = server.files();
    let name = |number: usize| format!("{number:03}.png");
    let downloads = (0..150).map(|number| from.download(&server.url(), directory.path(), &name(number)));
    let ended: Vec<_> = from.download_all(downloads.collect()).collect().await;
    let mut places: Vec<_> = ended
        .iter()
        .map(|(place, saved)| {
            assert_eq!(saved.as_ref().expect("saved").path, directory.path().join(name(*place)));
            *place
        })
        .collect();
    places.sort_unstable();
    assert!(places.into_iter().eq(0..150));
    assert_eq!(files(directory.path()).len(), 150);
}

#[cfg(unix)]
#[tokio::test]
async fn a_full_disk_is_named() {
    let server = Server::start(vec![Reply::status(200, "", "x")]).await;
    let error =
        server.files().download(&server.url(), Path::new("/proc/nowhere"), "a").await.expect_err("no place");
    assert!(matches!(error.kind(), ErrorKind::Io { path } if path == Path::new("/proc/nowhere")), "{error}");
    assert_eq!((error.kind().is_transient(), server.requests().len()), (false, 1));
}

/// A proxy resolves the names of files, so a name that leads into the local network is refused before the proxy is
/// contacted.
#[cfg(unix)]
#[tokio::test]
async fn a_proxy_is_not_asked_for_a_name_that_is_private_here() {
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let found = tokio::net::lookup_host((&*machine, 0)).await.map(Iterator::collect::<Vec<_>>);
    let is_private = found.is_ok_and(|found| found.iter().all(|one| !runninghub_core::is_public(one.ip())));
    // A machine whose name resolves to no private address can't test this.
    if !is_private || machine == "localhost" {
        return;
    }
    let proxy = Server::start(vec![]).await;
    let from = files_of("https://www.runninghub.cn", NetOptions::default().proxy(&proxy.url()));
    let directory = tempfile::tempdir().expect("a directory");
    let error = from.download(&format!("https://{machine}/a.png"), directory.path(), "a.png").await;
    let error = error.expect_err("a private address");
    assert!(matches!(error.kind(), ErrorKind::Forbidden { .. }), "{error:?}");
    assert_eq!(proxy.requests().len(), 0);
    // A name that only the proxy knows is its business.
    let error = from.download("https://nowhere.invalid/a.png", directory.path(), "a.png").await;
    assert!(!matches!(error.expect_err("no such proxy").kind(), ErrorKind::Forbidden { .. }));
}

/// A million gigabytes fit on no disk: nothing is written, and the rest of the disk stays usable.
#[cfg(unix)]
#[tokio::test]
async fn a_file_for_which_there_is_no_room_is_not_begun() {
    let directory = tempfile::tempdir().expect("a directory");
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000\r\n\r\nthe beginning".to_vec();
    let server = Server::start(vec![Reply::Begin(head)]).await;
    let from = server.files_with(NetOptions::default().max_file_size(u64::MAX));
    let error = from.download(&format!("{}/a.png", server.url()), directory.path(), "a.png").await;
    let error = error.expect_err("no room");
    assert!(matches!(error.kind(), ErrorKind::Full { needed: 1_000_000_000_000_000, .. }), "{error:?}");
    assert!(error.to_string().contains("1000000000 MB are needed") && error.hint().is_some(), "{error}");
    assert_eq!(files(directory.path()).len(), 0);
    assert_eq!(server.requests().len(), 1, "it is not tried again");
}
