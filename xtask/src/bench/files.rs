//! A server of large files, with just enough of the API for `rhub download` to find them.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// A task with one file of a gigabyte.
pub(super) const LARGE: &str = "2000000000000000001";
/// A task with fifty files of a megabyte.
pub(super) const MANY: &str = "2000000000000000002";

const GIGABYTE: usize = 1_000_000_000;
const MEGABYTE: usize = 1_000_000;
const CHUNK: usize = 256 << 10;

/// Serves until the process ends; returns the URL.
pub(super) fn serve() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let base = format!("http://{}", listener.local_addr()?);
    let own = base.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let base = own.clone();
            // A client that disconnects ends only its own connection.
            thread::spawn(move || answer(&stream, &base).ok());
        }
    });
    Ok(base)
}

/// The URLs of a task's files.
pub(super) fn links(base: &str, task: &str) -> Vec<String> {
    let (count, bytes) = if task == LARGE { (1, GIGABYTE) } else { (50, MEGABYTE) };
    (1..=count).map(|number| format!("{base}/{bytes}/{number}.bin")).collect()
}

/// Responds to one request after the other.
fn answer(stream: &TcpStream, base: &str) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).context("a request line")?.to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            if header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        match path.as_str() {
            "/task/openapi/outputs" => {
                let body: Value = serde_json::from_slice(&body)?;
                let links = links(base, body["taskId"].as_str().unwrap_or_default());
                let files: Vec<_> = links
                    .iter()
                    .map(|link| json!({"fileUrl": link, "fileType": "bin", "nodeId": "9"}))
                    .collect();
                tell(stream, &json!(files))?;
            }
            "/task/openapi/status" => tell(stream, &json!("SUCCESS"))?,
            path => send(stream, path.split('/').nth(1).unwrap_or_default().parse()?)?,
        }
    }
}

fn tell(mut stream: &TcpStream, data: &Value) -> Result<()> {
    let body = json!({"code": 0, "msg": "success", "data": data}).to_string();
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length:";
    Ok(stream.write_all(format!("{head} {length}\r\n\r\n{body}").as_bytes())?)
}

fn send(mut stream: &TcpStream, bytes: usize) -> Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length:";
    stream.write_all(format!("{head} {bytes}\r\n\r\n").as_bytes())?;
    let chunk = vec![0xa5; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let part = chunk.get(..left.min(CHUNK)).unwrap_or(&chunk);
        stream.write_all(part)?;
        left -= part.len();
    }
    Ok(())
}
