//! A simulator, a hub that is connected to it, and a run of a small workflow.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use runninghub::{ApiKey, End, Event, NetOptions, Run, RunningHub, conformance};
use runninghub_sim::{Scenario, ScriptNode, Sim, SimBuilder};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

pub(crate) const WORKFLOW: &str = "1979026379880697857";

/// A text-to-image run of about a second, with a sampler that reports steps.
pub(crate) fn scenario() -> Scenario {
    let ms = Duration::from_millis;
    Scenario::script("text-to-image")
        .node(ScriptNode::new("4", "CheckpointLoaderSimple").cached())
        .node(
            ScriptNode::new("6", "CLIPTextEncode")
                .title("Prompt")
                .input("text", "a cat")
                .link("clip", "4", 1)
                .takes(ms(50)),
        )
        .node(
            ScriptNode::new("3", "KSampler")
                .input("seed", 1)
                .link("model", "4", 0)
                .link("positive", "6", 0)
                .takes(ms(700))
                .steps(20),
        )
        .node(ScriptNode::new("8", "VAEDecode").link("samples", "3", 0).takes(ms(150)))
        .node(ScriptNode::new("9", "SaveImage").link("images", "8", 0).takes(ms(50)).saves("cat_00001_.png"))
        .build()
}

pub(crate) fn sim() -> SimBuilder {
    Sim::builder().scenario_named(WORKFLOW, scenario())
}

pub(crate) fn key() -> ApiKey {
    ApiKey::new(Sim::DEMO_KEY).expect("a key")
}

pub(crate) fn hub(sim: &Sim) -> RunningHub {
    RunningHub::builder(key()).base_url(sim.base_url()).build().expect("a hub")
}

/// The bodies of the requests to a path, and options that collect them.
pub(crate) fn bodies_to(path: &'static str) -> (NetOptions, Arc<Mutex<Vec<String>>>) {
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&bodies);
    let net = NetOptions::default().observer(move |exchange| {
        if exchange.path == path {
            seen.lock().expect("not poisoned").push(exchange.request.unwrap_or_default().to_owned());
        }
    });
    (net, bodies)
}

/// The events and the end of a run.
pub(crate) struct Watched {
    pub(crate) events: Vec<Event>,
    pub(crate) end: End,
}

/// Follows a run to its end, checking what must hold of every snapshot.
pub(crate) async fn watch(run: &mut Run) -> Watched {
    let (events, end) = conformance::watch(run).await;
    Watched { events, end }
}

/// Posts without authentication, and returns the status.
pub(crate) async fn post(address: SocketAddr, path: &str, body: &str) -> u16 {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}
