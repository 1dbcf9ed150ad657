//! A publicly reachable port: clients without a secret delay neither deliveries nor submits.
#![cfg(all(feature = "webhook", feature = "sqlite", unix))]

mod common;

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use common::{WORKFLOW, key, post, sim};
use futures_util::StreamExt as _;
use runninghub::{
    ErrorKind, RunningHub, Service as _, Submit,
    ledger::{SqliteLedger, State},
};
use runninghub_sim::{Fault, Rate, Sim};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};

/// Submits in the ledger.
const ROWS: u32 = 100_000;
/// Idle connections.
const IDLE: usize = 2000;
/// Number of concurrent clients that guess secrets.
const GUESSING: usize = 16;
/// Longer than anything takes, even on a busy machine.
const LONG: Duration = Duration::from_mins(1);

/// Many submits, each with a secret; every other one is over.
fn fill(folder: &Path) {
    drop(SqliteLedger::open(folder).expect("a ledger"));
    let ledger = rusqlite::Connection::open(folder.join("ledger.sqlite3")).expect("a file");
    let sql = format!(
        "BEGIN;
        WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < {ROWS})
        INSERT INTO attempt (id, owner, created, changed, site, base_url, key, kind, body, secret, state)
        SELECT printf('z%07d', i), '1', i, i, 'cn', 'http://h', '0123abcd', 'workflow',
            printf('%064x', i), printf('%064x', i), iif(i % 2, 'unknown', 'done') FROM number;
        INSERT INTO task (base_url, id, attempt) SELECT base_url, n, n FROM attempt WHERE state = 'done';
        COMMIT;"
    );
    ledger.execute_batch(&sql).expect("filled");
}

fn hub(sim: &Sim, folder: &Path) -> RunningHub {
    let ledger = SqliteLedger::open(folder).expect("a ledger");
    let hub = RunningHub::builder(key()).base_url(sim.base_url()).ledger(Arc::new(ledger));
    hub.time_scale(0.01).build().expect("a hub")
}

/// Guesses secrets forever, and counts the refusals.
async fn guess(address: SocketAddr, refused: Arc<AtomicU64>) {
    loop {
        let request =
            "POST /0123456789abcdef0123456789abcdef HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
        let mut answer = String::new();
        // The server may close a connection to make room for others.
        if let Ok(mut stream) = TcpStream::connect(address).await
            && stream.write_all(request.as_bytes()).await.is_ok()
            && stream.read_to_string(&mut answer).await.is_ok()
            && answer.contains(" 404 ")
        {
            refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_without_a_secret_block_nothing() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("more files at once");
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path());
    let sim = sim().fault(Fault::LostCreateAnswer(Rate::First(1))).speed(20.0);
    let sim = sim.start().await.expect("the simulator starts");
    let listener = hub(&sim, folder.path());
    let mut webhooks =
        listener.webhooks("127.0.0.1:0".parse().expect("an address")).await.expect("listening");
    let address = webhooks.address();
    let submit = Submit::workflow(WORKFLOW).webhook("http://127.0.0.1:9/{secret}");
    assert_eq!(listener.submit(submit).await.expect_err("nobody knows").kind(), ErrorKind::SubmitUnknown);
    let task = sim.tasks().swap_remove(0);
    let url = task.webhook_url.expect("it was sent");
    let path = format!("/{}", url.rsplit('/').next().expect("a secret"));
    while !listener.status(&task.task_id.as_str().into()).await.expect("known").status.is_over() {}

    let mut idle = Vec::new();
    for number in 0..IDLE {
        let mut stream =
            timeout(LONG, TcpStream::connect(address)).await.expect("in time").expect("connected");
        if number % 2 == 0 {
            // The server may have closed it to make room.
            let _ = stream.write_all(b"POST /0123").await;
        }
        idle.push(stream);
    }
    let (refused, mut guessing) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
    for _ in 0..GUESSING {
        guessing.spawn(guess(address, Arc::clone(&refused)));
    }
    let many = async {
        while refused.load(Ordering::Relaxed) < 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, many).await.expect("secrets are refused");

    let delivered = async {
        let body = format!(r#"{{"event":"TASK_END","taskId":"{}"}}"#, task.task_id);
        assert_eq!(post(address, &path, &body).await, 200);
        webhooks.next().await.expect("a delivery").expect("confirmed")
    };
    let settled = timeout(LONG, delivered).await.expect("a delivery is taken and settled");
    assert_eq!((settled.state, settled.task), (State::Done, Some(task.task_id.as_str().into())));
    // Simulates another process.
    let other = hub(&sim, folder.path());
    timeout(LONG, other.submit(Submit::workflow(WORKFLOW))).await.expect("in time").expect("accepted");
    assert!(guessing.try_join_next().is_none(), "it went on all the time");
    drop(idle);
}
