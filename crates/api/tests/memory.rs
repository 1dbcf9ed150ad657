//! No response, however hostile, makes this process grow by more than 64 MiB.
//!
//! A separate test binary, since the memory of the whole process is measured.
#![cfg(target_os = "linux")]

use std::{fmt::Write as _, fs};

use runninghub_api::{ApiKey, Client, ErrorKind};
use runninghub_net::ErrorKind as NetErrorKind;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// The limit, KiB.
const GROWTH: u64 = 64 << 10;
/// Just below the limit of a response.
const FULL: usize = (16 << 20) - 4096;

/// A body that is generated while it is sent, so that the server does not store it.
#[derive(Clone, Copy)]
struct Body {
    head: &'static str,
    begin: &'static str,
    again: &'static str,
    times: usize,
    end: &'static str,
}

async fn serve(body: Body) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let mut text = format!("HTTP/1.1 {}\r\nConnection: close\r\n\r\n{}", body.head, body.begin);
            let piece = body.again.repeat(4096);
            for _ in 0..body.times / 4096 {
                text.push_str(&piece);
                // The client may have closed the connection.
                if stream.write_all(text.as_bytes()).await.is_err() {
                    break;
                }
                text.clear();
            }
            let _ = stream.write_all(body.end.as_bytes()).await;
        }
    });
    let key = ApiKey::new("c0ffee00c0ffee00c0ffee00c0ffee00").expect("a key");
    Client::builder(key).base_url(&url).time_scale(0.0).build().expect("a client")
}

/// Peak memory of this process, KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("the system tells");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("the line");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

#[tokio::test]
async fn bombs_are_cut_short() {
    let body = |head, begin, again: &'static str, bytes: usize, end| Body {
        head,
        begin,
        again,
        times: bytes / again.len(),
        end,
    };
    let before = peak();
    let mut summary = String::new();
    for (name, body) in [
        ("a list of nothing", body("200 OK", r#"{"code":0,"data":[0"#, ",0", FULL, "]}")),
        ("a list of results", body("200 OK", r#"{"code":0,"data":[{}"#, ",{}", FULL, "]}")),
        ("deep", body("200 OK", r#"{"code":0,"data":"#, "[", FULL, "")),
        ("a message", body("200 OK", r#"{"code":1,"msg":""#, "x?", FULL, r#""}"#)),
        (
            "a traceback",
            body(
                "200 OK",
                r#"{"code":805,"data":{"failedReason":{"traceback":[""#,
                r#"","#,
                FULL,
                r#""]}}}"#,
            ),
        ),
        (
            "a traceback in a string",
            body(
                "200 OK",
                r#"{"code":805,"data":{"failedReason":{"traceback":"[\"a\""#,
                r#",\"\""#,
                FULL,
                r#"]"}}}"#,
            ),
        ),
        ("NaN", body("200 OK", r#"{"code":0,"data":[NaN"#, ",NaN", FULL, "]}")),
        ("without end", body("200 OK", r#"{"code":0,"data":[0"#, ",0", 256 << 20, "]}")),
        ("an error page without end", body("502 Bad Gateway", "<html><title>", "x", 256 << 20, "</title>")),
        // The client did not request compression, so it does not decompress.
        ("compressed", body("200 OK\r\nContent-Encoding: gzip", "\u{1f}\u{8b}", "\0", 1 << 20, "")),
    ] {
        let client = serve(body).await;
        let answer = client.outputs(&"7".into()).once().await;
        let word = match &answer {
            Ok(seen) => format!("{}, {} results", seen.status.as_str(), seen.outputs.len()),
            Err(error) => match error.kind() {
                ErrorKind::Net(NetErrorKind::TooLarge { .. }) => "too large".to_owned(),
                ErrorKind::Http { status } => format!("HTTP {status}"),
                ErrorKind::Api { message, .. } => {
                    format!("code, {} characters", message.raw().chars().count())
                }
                _ => "not ours".to_owned(),
            },
        };
        let growth = peak() - before;
        assert!(growth < GROWTH, "{name}: {growth} KiB");
        let _ = writeln!(summary, "{name}: {word}");
    }
    insta::assert_snapshot!(summary, @r"
        a list of nothing: success, 10000 results
        a list of results: success, 10000 results
        deep: not ours
        a message: code, 3 characters
        a traceback: failed, 0 results
        a traceback in a string: failed, 0 results
        NaN: not ours
        without end: too large
        an error page without end: HTTP 502
        compressed: not ours
        ");
}
