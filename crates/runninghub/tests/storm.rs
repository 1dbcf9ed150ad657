//! Many followers with one key, and a server that is down for a minute.

mod common;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use common::key;
use futures_util::StreamExt as _;
use runninghub::{Follow, RunningHub, Service as _};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// As many as a busy machine can serve this fast; core's own test has 500 on a simulated clock.
const FOLLOWERS: usize = 100;
/// One second becomes 50 ms.
const SCALE: f64 = 0.05;

#[derive(Default)]
struct Platform {
    polls: Mutex<Vec<Instant>>,
    down: Mutex<bool>,
}

/// Responds that every task is running, or with HTTP 502 while the server is down.
async fn serve(stream: TcpStream, platform: Arc<Platform>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while stream.read_line(&mut line).await.ok()? > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            line.clear();
        }
        stream.read_exact(&mut vec![0; length]).await.ok()?;
        platform.polls.lock().ok()?.push(Instant::now());
        let down = *platform.down.lock().ok()?;
        let (status, body) = if down {
            (502, "")
        } else {
            (200, r#"{"code":804,"msg":"APIKEY_TASK_IS_RUNNING","data":null}"#)
        };
        let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovered_server_is_polled_at_most_twice_as_often() {
    let platform = Arc::new(Platform::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = Arc::clone(&platform);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&server)));
        }
    });
    let hub = RunningHub::builder(key()).base_url(&url).time_scale(SCALE).build().expect("a hub");
    let mut followers = JoinSet::new();
    for number in 0..FOLLOWERS {
        let hub = hub.clone();
        followers.spawn(async move {
            let task = format!("20000000000000{number:05}");
            let mut run = hub.follow(Follow::task(task.as_str())).await.expect("a run");
            while let Some(event) = run.next().await {
                event.expect("it goes on");
            }
        });
    }
    let start = Instant::now();
    // In the platform's seconds: all polls are at their slowest after 30, the server goes down after 60, for 60.
    let at = |seconds: f64| start + Duration::from_secs_f64(seconds * SCALE);
    sleep_until(at(60.0)).await;
    *platform.down.lock().expect("not poisoned") = true;
    sleep_until(at(120.0)).await;
    *platform.down.lock().expect("not poisoned") = false;
    let back = Instant::now();
    sleep_until(back + Duration::from_secs_f64(20.0 * SCALE)).await;
    assert_eq!(followers.try_join_next().map(|ended| ended.is_ok()), None, "all go on");
    drop(followers);

    let polls = platform.polls.lock().expect("not poisoned").clone();
    // One second of the platform's.
    let rate = |from: Instant, seconds: f64| {
        let until = from + Duration::from_secs_f64(seconds * SCALE);
        polls.iter().filter(|at| (from..until).contains(*at)).count() as f64 / seconds
    };
    let (steady, down, after) = (rate(at(40.0), 20.0), rate(at(90.0), 30.0), rate(back, 10.0));
    assert!(steady > FOLLOWERS as f64 / 12.0, "{steady} a second");
    assert!(down < steady, "{down} a second while it is down, {steady} before");
    assert!(after <= 2.0 * steady, "{after} a second just after, {steady} before");
    assert!(rate(back, 20.0) > 0.0, "they have come back");
}
