//! Runs the examples as a reader would: with a key in the environment, against a simulator.

mod common;

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
};

use common::{WORKFLOW, sim};
use runninghub_sim::Sim;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    process::{Child, Command},
};

/// An example's binary. `cargo test` builds all of them, except when one test target is selected.
async fn built(name: &str) -> PathBuf {
    let this = env::current_exe().expect("a path");
    let target = this.ancestors().nth(2).expect("the folder of the profile");
    let path = target.join("examples").join(name).with_extension(env::consts::EXE_EXTENSION);
    if !path.is_file() {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "build",
            "--quiet",
            "--package",
            "runninghub",
            "--features",
            "webhook",
            "--example",
            name,
        ]);
        assert!(cargo.status().await.expect("cargo runs").success());
    }
    path
}

async fn example(name: &str, sim: &Sim, dir: &Path, arguments: &[&str]) -> Child {
    Command::new(built(name).await)
        .args(arguments)
        .current_dir(dir)
        .env("RUNNINGHUB_API_KEY", Sim::DEMO_KEY)
        .env("RUNNINGHUB_BASE_URL", sim.base_url())
        .env_remove("RUNNINGHUB_SITE")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts")
}

async fn output(name: &str, sim: &Sim, arguments: &[&str]) -> (String, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a folder");
    let ended = example(name, sim, dir.path(), arguments).await.wait_with_output().await.expect("it ends");
    let text = String::from_utf8(ended.stdout).expect("text");
    assert!(ended.status.success(), "{text}");
    (text, dir)
}

fn results(dir: &Path) -> usize {
    let names = dir.join("results").read_dir().expect("a folder");
    names
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().extension() == Some("png".as_ref())))
        .count()
}

#[tokio::test]
async fn from_env_runs_a_workflow() {
    let sim = sim().speed(20.0).start().await.expect("the simulator starts");
    let (text, dir) = output("from_env", &sim, &[WORKFLOW, "6.text=a dog"]).await;
    assert!(text.contains("100.0 %"), "{text}");
    assert_eq!((results(dir.path()), sim.stats().creates), (1, 1));
}

#[tokio::test]
async fn forty_runs_go_over_three_slots() {
    let sim = sim().concurrency(3).speed(50.0).start().await.expect("the simulator starts");
    let (text, dir) = output("many", &sim, &[WORKFLOW, "3.seed"]).await;
    assert_eq!((sim.stats().creates, results(dir.path())), (40, 40));
    assert_eq!(text.matches(r#""event":"result""#).count(), 40);
    let lines = text.lines().map(|line| serde_json::from_str::<runninghub::Line>(line).expect("a line"));
    assert!(lines.into_iter().all(|line| line.task_id.is_some()));
}

#[tokio::test]
async fn a_delivery_brings_the_results() {
    let sim = sim().speed(20.0).start().await.expect("the simulator starts");
    let (text, dir) = output("webhook", &sim, &[WORKFLOW]).await;
    assert!(text.contains("is done"), "{text}");
    assert_eq!((results(dir.path()), sim.stats().creates), (1, 1));
}

async fn request(address: &str, text: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(text.as_bytes()).await.expect("sent");
    BufReader::new(stream)
}

#[tokio::test]
async fn a_board_starts_a_run_and_shows_it_to_its_end() {
    let sim = sim().speed(4.0).start().await.expect("the simulator starts");
    let dir = tempfile::tempdir().expect("a folder");
    let mut board = example("board", &sim, dir.path(), &["127.0.0.1:0"]).await;
    let mut lines = BufReader::new(board.stdout.take().expect("a pipe")).lines();
    let url = lines.next_line().await.expect("read").expect("its URL");
    let address = url.trim_start_matches("http://").split('/').next().expect("a host").to_owned();
    let mut events = request(&address, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n").await.lines();
    let post = |body: &str| {
        let length = body.len();
        format!(
            "POST /tasks HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
    };
    for (body, status, expected) in [
        (format!(r#"{{"workflow": "{WORKFLOW}", "set": {{"6.text": "a dog"}}}}"#), "201", "task_id"),
        (format!(r#"{{"workflow": "{WORKFLOW}", "set": {{"66.text": "a dog"}}}}"#), "400", "no node"),
    ] {
        let mut answer = String::new();
        request(&address, &post(&body)).await.read_to_string(&mut answer).await.expect("answered");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(expected), "{answer}");
    }
    let mut seen = Vec::new();
    while !seen.iter().any(|line: &String| line.contains(r#""event":"result""#)) {
        seen.push(events.next_line().await.expect("read").expect("it goes on"));
    }
    for name in ["submitted", "progress", "output"] {
        assert!(seen.iter().any(|line| line.contains(&format!(r#""event":"{name}""#))), "{name}");
    }
    assert_eq!(sim.stats().creates, 1);
}
