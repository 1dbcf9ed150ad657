//! The server, in a separate process.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use runninghub_sim::{Scenario, ScriptNode, Sim, SimBuilder};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite},
    net::TcpListener,
    runtime,
    time::{MissedTickBehavior, interval},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer},
};
use tokio_tungstenite::{
    accept_async_with_config,
    tungstenite::{Message, Utf8Bytes, protocol::WebSocketConfig},
};

use crate::{Result, usage};

/// The workflow of [`run`].
pub(crate) const WORKFLOW: &str = "1979026379880697857";
/// Ten frames a second on each connection.
const TICK: Duration = Duration::from_millis(100);
/// How long each task of the simulator is queued and runs.
const QUEUE: Duration = Duration::from_secs(2);
const RUN: Duration = Duration::from_secs(20);

/// A server process; it ends when this is dropped.
pub(crate) struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    pub(crate) hello: Hello,
}

/// The first line that a server prints.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Hello {
    pub(crate) address: String,
    /// The certificate to trust, in DER.
    pub(crate) certificate: Vec<u8>,
}

/// The last line that the simulator prints.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Seen {
    /// When outputs became available, by task, in nanoseconds of the shared clock.
    pub(crate) ready: BTreeMap<String, u64>,
    pub(crate) calls: u64,
    pub(crate) frames: u64,
}

impl Server {
    pub(crate) fn start(what: &str, tasks: usize) -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(["serve", what, &tasks.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        Ok(Self { hello: serde_json::from_str(&line)?, child, stdin, stdout })
    }

    /// Ends the server; returns its last line.
    pub(crate) fn finish(mut self) -> Result<Seen> {
        self.stdin = None;
        let mut text = String::new();
        self.stdout.read_to_string(&mut text)?;
        Ok(serde_json::from_str(&text)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stdin = None;
        // Its standard input is closed, so it exits.
        _ = self.child.wait();
    }
}

/// A simulator on a separate thread, so that its work does not delay the client.
pub(crate) fn on_thread(builder: SimBuilder) -> Result<Sim> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let Ok(runtime) = runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            if sender.send(builder.start().await).is_ok() {
                std::future::pending::<()>().await;
            }
        });
    });
    Ok(receiver.recv()??)
}

/// Serves until the end of standard input.
pub(crate) async fn serve(what: &str, tasks: usize) -> Result {
    let seen = match what {
        "sim" => simulate(tasks).await?,
        _ => tick(what == "tls").await?,
    };
    println!("{}", serde_json::to_string(&seen)?);
    Ok(())
}

async fn simulate(tasks: usize) -> Result<Seen> {
    let sim = Sim::builder()
        .scenario_named(WORKFLOW, scenario())
        .concurrency(tasks)
        .queue_delay(QUEUE)
        .start()
        .await?;
    hello(sim.base_url().to_owned(), Vec::new())?;
    closed().await?;
    let (stats, now, clock) = (sim.stats(), Instant::now(), usage::shared_clock());
    let on_clock = |at: &Instant| clock.saturating_sub(now.saturating_duration_since(*at)).as_nanos();
    let ready = stats.ready.iter().map(|(task, at)| Ok((task.clone(), u64::try_from(on_clock(at))?)));
    Ok(Seen { ready: ready.collect::<Result<_>>()?, calls: stats.api_calls(), frames: stats.frames_sent })
}

/// 2.7 frames a second for 20 s.
fn scenario() -> Scenario {
    let sampler = ScriptNode::new("3", "KSampler").link("model", "4", 0).takes(RUN).steps(20);
    Scenario::script("many")
        .node(ScriptNode::new("4", "CheckpointLoaderSimple"))
        .node(sampler)
        .node(ScriptNode::new("9", "SaveImage").link("images", "3", 0).saves("a_00001_.png"))
        .build()
}

/// Sends ten `progress` frames a second to every connection.
async fn tick(tls: bool) -> Result<Seen> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let (acceptor, certificate) = if tls {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())?;
        (Some(TlsAcceptor::from(Arc::new(config))), made.cert.der().to_vec())
    } else {
        (None, Vec::new())
    };
    hello(format!("{}://localhost:{port}/ws", if tls { "wss" } else { "ws" }), certificate)?;
    let accept = async {
        while let Ok((stream, _)) = listener.accept().await {
            _ = stream.set_nodelay(true);
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                match acceptor {
                    Some(acceptor) => send(acceptor.accept(stream).await?).await,
                    None => send(stream).await,
                }
            });
        }
    };
    tokio::select! {
        () = accept => {}
        closed = closed() => closed?,
    }
    Ok(Seen::default())
}

async fn send(stream: impl AsyncRead + AsyncWrite + Unpin) -> Result {
    use futures_util::SinkExt as _;
    let config = WebSocketConfig::default().read_buffer_size(1 << 10).write_buffer_size(0);
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    let texts: Vec<Utf8Bytes> = (1..=20).map(|step| progress(step, 20).into()).collect();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for text in texts.iter().cycle() {
        ticks.tick().await;
        socket.send(Message::Text(text.clone())).await?;
    }
    Ok(())
}

/// A `progress` message as ComfyUI writes it.
pub(crate) fn progress(value: u32, max: u32) -> String {
    format!(
        r#"{{"type": "progress", "data": {{"value": {value}, "max": {max}, "prompt_id": "{PROMPT}", "node": "3"}}}}"#
    )
}

pub(crate) const PROMPT: &str = "8c1d33f5-7f44-4b1c-8a52-0d5a3c0f6b1e";

fn hello(address: String, certificate: Vec<u8>) -> Result {
    println!("{}", serde_json::to_string(&Hello { address, certificate })?);
    Ok(())
}

async fn closed() -> Result {
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}
