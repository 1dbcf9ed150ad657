//! A thousand open sockets, each with a machine that applies its messages: memory and time of this process alone.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, future::LocalBoxFuture};
use runninghub::{Confirm, Graph, Machine, Plan, SocketUrl};
use runninghub_net::{Net, NetOptions};
use runninghub_transport::{Body, Connect as _, Live, LiveOptions};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::{LocalSet, spawn_local},
    time::{interval, sleep},
};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::{Result, server::Server, usage};

/// Delay between connections, so that only a handful are being opened at a time.
const APART: Duration = Duration::from_millis(2);
/// Frames flow for this long before anything is measured.
const WARM_UP: Duration = Duration::from_secs(2);

/// Number of connections that are opened before memory is measured.
const FIRST: u32 = 50;

/// The cost of holding them.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Held {
    /// KiB of resident memory per connection.
    pub(crate) memory: f64,
    /// Microseconds of CPU time per frame.
    pub(crate) frame: f64,
}

/// How sockets are held: `live` and `tls` as in this project, `default` with the library's default settings, and
/// `floor` by only reading the bytes.
pub(crate) async fn hold(how: &str, tasks: u32, seconds: f64) -> Result {
    let server = Server::start(if how == "tls" { "tls" } else { "plain" }, 0)?;
    let (address, frames) = (server.hello.address.clone(), Rc::new(Cell::new(0_u64)));
    let plan = Arc::new(Plan::new(&Graph::parse(crate::memory::WORKFLOW)?, &[]));
    let live = Rc::new(live(&server.hello.certificate)?);
    let buffer = Rc::new(RefCell::new(vec![0; 64 << 10]));
    let open = async |tasks: u32| {
        let mut ticks = interval(APART);
        for _ in 0..tasks {
            ticks.tick().await;
            let machine = Machine::new(Some(Arc::clone(&plan)), Confirm::Http);
            let (address, frames) = (address.clone(), Rc::clone(&frames));
            let (live, buffer) = (Rc::clone(&live), Rc::clone(&buffer));
            // Boxed, so that the size of one variant doesn't count for the others.
            let held: LocalBoxFuture<Result> = match how {
                "default" => as_it_comes(address, machine, frames).boxed_local(),
                "floor" => floor(address, buffer, frames).boxed_local(),
                _ => ours(live, address, machine, frames).boxed_local(),
            };
            spawn_local(async { held.await.inspect_err(|error| eprintln!("{error}")).is_ok() });
        }
    };
    let held = async {
        // One-time allocations of the first connections are not counted.
        open(FIRST).await;
        sleep(WARM_UP).await;
        let before = usage::resident()?;
        open(tasks).await;
        sleep(WARM_UP).await;
        let (cpu, seen) = (usage::process_time(), frames.get());
        sleep(Duration::from_secs_f64(seconds)).await;
        let (cpu, seen) = (usage::process_time() - cpu, frames.get() - seen);
        if (seen as f64) < 9.0 * f64::from(tasks + FIRST) * seconds {
            return Err(format!("only {seen} frames came: the server is the limit").into());
        }
        Ok(Held { memory: (usage::resident()? - before) / f64::from(tasks), frame: cpu * 1e6 / seen as f64 })
    };
    let held: Result<Held> = LocalSet::new().run_until(held).await;
    println!("{}", serde_json::to_string(&held?)?);
    Ok(())
}

fn live(certificate: &[u8]) -> Result<Live> {
    let mut roots = RootCertStore::empty();
    if !certificate.is_empty() {
        roots.add(CertificateDer::from(certificate.to_vec()))?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let net = Net::new(NetOptions::default().tls(Arc::new(config)))?;
    Ok(Live::new(LiveOptions::default().net(net)))
}

async fn ours(live: Rc<Live>, address: String, mut machine: Machine, frames: Rc<Cell<u64>>) -> Result {
    let mut socket = live.connect(&SocketUrl::new(address)).await?;
    spawn_local(async move {
        while let Ok(Some(frame)) = socket.next_frame().await {
            if let Body::Text(text) = &frame.body {
                machine.text(frame.at, text);
                while machine.next_event().is_some() {}
                frames.set(frames.get() + 1);
            }
        }
    });
    Ok(())
}

async fn as_it_comes(address: String, mut machine: Machine, frames: Rc<Cell<u64>>) -> Result {
    let (mut socket, _) = connect_async(address).await?;
    while let Some(message) = socket.next().await {
        if let Message::Text(text) = message? {
            machine.text(Duration::ZERO, &text);
            while machine.next_event().is_some() {}
            frames.set(frames.get() + 1);
        }
    }
    Ok(())
}

/// Every frame is a separate write here, so a read is a frame.
async fn floor(address: String, buffer: Rc<RefCell<Vec<u8>>>, frames: Rc<Cell<u64>>) -> Result {
    let host = address.trim_start_matches("ws://").trim_end_matches("/ws");
    let mut stream = TcpStream::connect(host).await?;
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    _ = stream.read(&mut [0; 1024]).await?;
    loop {
        stream.readable().await?;
        match stream.try_read(&mut buffer.borrow_mut()) {
            Ok(0) => return Ok(()),
            Ok(_) => frames.set(frames.get() + 1),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
}
