//! Group C with a socket: one stream at full speed, compared with the platform's example script.

use std::{process::Command, time::Duration};

use futures_util::StreamExt as _;
use runninghub::{ApiKey, Event, Machine, Phase, RunningHub, Service as _, SocketUrl, Submit};
use runninghub_sim::{Fault, Scenario, ScriptNode, Sim};
use runninghub_transport::{Body, Connect as _, Live, LiveOptions};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use crate::{
    Result,
    memory::{self, ratio},
    row::{Row, median},
    server::{WORKFLOW, on_thread},
    usage,
};

#[path = "../../../sim/tests/python/mod.rs"]
mod python;

const SCRIPT: &str = include_str!("../../../sim/tests/data/platform_progress_example.py");
/// A run whose cost for the script is little more than the start-up.
const FEW: u32 = 500;
/// Its outputs are late, or the client would learn of the end from a poll before it has read all frames.
const WATCHED: &str = "1979026379880697859";
const FEW_WORKFLOW: &str = "1979026379880697858";
/// The read buffer of the transport.
const BUFFER: usize = 8 << 10;

pub(crate) async fn measure(quick: bool) -> Result {
    let events = if quick { 20_000 } else { 50_000 };
    let sim = on_thread(
        Sim::builder()
            .scenario_named(WORKFLOW, scenario(events))
            .scenario_named(FEW_WORKFLOW, scenario(FEW))
            .scenario_named(WATCHED, scenario(events))
            .fault_for(WATCHED, Fault::Settle(Duration::from_secs(1)))
            .concurrency(usize::MAX)
            .speed(f64::INFINITY)
            .wait_for_socket(Duration::from_mins(1)),
    )?;
    let hub = RunningHub::builder(ApiKey::new(Sim::DEMO_KEY)?).base_url(sim.base_url()).build()?;
    let (mut live, mut bare, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..if quick { 3 } else { 7 } {
        live.push(through_transport(&address(&hub).await?).await?);
        bare.push(through_tungstenite(&address(&hub).await?).await?);
        whole.push(through_facade(&hub).await?);
    }
    let each = |times: &[f64]| median(times) / f64::from(events);
    let speed = ratio(&bare, &live);
    let (live, whole) = (each(&live), each(&whole));
    Row::new("C4", "speed of one stream, against tungstenite and the machine", speed, "×")
        .at_least(0.8)
        .note(format!("{live:.2} µs an event"))
        .print()?;
    match script(&sim, events) {
        Ok(script) => {
            Row::new("C4", "CPU of one stream, against the example script", live / script, "×")
                .at_most(0.05)
                .note(format!("1/{:.0}: the script takes {script:.1} µs an event", script / live))
                .print()?;
            Row::new("C4", "the same through the whole facade", whole / script, "×")
                .at_most(0.05)
                .note(format!("{whole:.2} µs an event"))
                .print()
        }
        Err(why) => {
            Row::skipped("C4", "CPU of one stream, against the example script", why.to_string()).print()
        }
    }
}

fn scenario(events: u32) -> Scenario {
    Scenario::script(format!("stream of {events}"))
        .without_progress_state()
        .node(ScriptNode::new("4", "CheckpointLoaderSimple").cached())
        .node(
            ScriptNode::new("3", "KSampler")
                .link("model", "4", 0)
                .takes(Duration::from_secs(1))
                .steps(events),
        )
        .node(ScriptNode::new("9", "SaveImage").link("images", "3", 0).saves("a_00001_.png"))
        .build()
}

/// Submits a task, and detaches once its socket URL is known.
async fn address(hub: &RunningHub) -> Result<SocketUrl> {
    let mut run = hub.submit(Submit::workflow(WORKFLOW)).await?;
    while let Some(event) = run.next().await {
        if let Event::Socket { url: address } = event? {
            return Ok(address);
        }
    }
    Err("no socket".into())
}

/// Microseconds of this thread's CPU time from the first frame to the last.
async fn through_transport(address: &SocketUrl) -> Result<f64> {
    let mut socket = Live::new(LiveOptions::default()).connect(address).await?;
    let (start, mut machine) = (usage::thread_time(), memory::machine(memory::WORKFLOW)?);
    while let Some(frame) = socket.next_frame().await? {
        if let Body::Text(text) = &frame.body {
            machine.text(frame.at, text);
        }
        if is_over(&machine) {
            return Ok(since(start));
        }
    }
    Err("the stream broke off".into())
}

async fn through_tungstenite(address: &SocketUrl) -> Result<f64> {
    let host = address.expose().split('/').nth(2).ok_or("no host")?;
    let config = WebSocketConfig::default().read_buffer_size(BUFFER);
    let stream = TcpStream::connect(host).await?;
    let (mut socket, _) = client_async_with_config(address.expose(), stream, Some(config)).await?;
    let (start, mut machine) = (usage::thread_time(), memory::machine(memory::WORKFLOW)?);
    while let Some(message) = socket.next().await {
        if let Message::Text(text) = message? {
            machine.text(Duration::ZERO, &text);
        }
        if is_over(&machine) {
            return Ok(since(start));
        }
    }
    Err("the stream broke off".into())
}

/// The whole path: create, URL, socket, events, result.
async fn through_facade(hub: &RunningHub) -> Result<f64> {
    let start = usage::thread_time();
    let end = hub.submit(Submit::workflow(WATCHED)).await?.finish().await?;
    if end.phase == Phase::Success { Ok(since(start)) } else { Err("the task failed".into()) }
}

fn is_over(machine: &Machine) -> bool {
    machine.claim().is_some()
}

fn since(start: f64) -> f64 {
    (usage::thread_time() - start) * 1e6
}

/// Microseconds of the script for each event, excluding its start and its polls.
fn script(sim: &Sim, events: u32) -> Result<f64> {
    let packages = ["requests", "websocket-client"];
    let python =
        python::with_packages("seed-script", &packages).ok_or("Python or its packages are missing")?;
    let host = sim.base_url().trim_start_matches("http://");
    let run = |workflow: &str| -> Result<f64> {
        let text = SCRIPT
            .replace("\"****************************\"", &format!("\"{}\"", Sim::DEMO_KEY))
            .replace("\"*****************\"", &format!("\"{workflow}\""))
            .replace("\"Host\": \"www.runninghub.cn\"", &format!("\"Host\": \"{host}\""))
            .replace("https://www.runninghub.cn", sim.base_url());
        let before = usage::children_time()?;
        let output = Command::new(&python)
            .args(["-c", &text])
            .env("PYTHONIOENCODING", "utf-8")
            .env("NO_PROXY", "*")
            .output()?;
        let ended = String::from_utf8_lossy(&output.stdout).contains("All results obtained");
        if !ended {
            return Err("the example script did not get to its end".into());
        }
        Ok((usage::children_time()? - before) * 1e6)
    };
    let (few, all) = (run(FEW_WORKFLOW)?, run(WORKFLOW)?);
    Ok((all - few) / f64::from(events - FEW))
}
