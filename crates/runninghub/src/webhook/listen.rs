//! The receiver with its own server.

use std::{
    collections::VecDeque,
    fmt,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use futures_util::StreamExt as _;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use runninghub_core::{Fact, say};
use runninghub_ledger::Entry;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinHandle, JoinSet},
    time::sleep,
};
use tower_service::Service as _;

use super::service::{Deliveries, WebhookService};
use crate::{Error, ErrorKind, RunningHub};

/// Maximum connections: half of the file descriptors of a process on most systems. The next connection replaces one
/// that has sent nothing yet.
const CONNECTIONS: usize = 512;
/// Timeout for the head of a request.
const HEAD: Duration = Duration::from_secs(5);
/// Pause after a failed accept, to avoid a busy loop.
const BREATH: Duration = Duration::from_millis(50);

/// Deliveries that were received and confirmed by the platform, as a stream. Dropping it stops the server.
pub struct Webhooks {
    address: SocketAddr,
    server: JoinHandle<()>,
    deliveries: Deliveries,
}

impl RunningHub {
    /// Listens for webhooks with its own server around [`RunningHub::webhook_service`]. It uses plain HTTP: put a
    /// gateway with a certificate in front of it.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] without a ledger; [`ErrorKind::Network`] if it cannot listen on the address.
    pub async fn webhooks(&self, listen: SocketAddr) -> Result<Webhooks, Error> {
        let (service, deliveries) = self.webhook_service()?;
        let cannot = |error| {
            Error::new(ErrorKind::Network, say!("cannot listen on {address}", address = Fact::of(listen)))
                .with_hint(say!("another program may be using the port; port 0 picks a free one"))
                .with_source(error)
        };
        let listener = TcpListener::bind(listen).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let server = tokio::spawn(accept(listener, service));
        Ok(Webhooks { address, server, deliveries })
    }
}

/// Serves until dropped; that also closes all connections.
async fn accept(listener: TcpListener, service: WebhookService) {
    let mut connections = JoinSet::new();
    let mut open = VecDeque::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = accepted else {
            // An error here concerns one connection, or the process has run out of file descriptors.
            if !make_room(&mut open) {
                sleep(BREATH).await;
            }
            continue;
        };
        if open.len() >= CONNECTIONS {
            open.retain(|connection: &Connection| !connection.task.is_finished());
        }
        if open.len() >= CONNECTIONS && !make_room(&mut open) {
            connections.join_next().await;
        }
        let has_request = Arc::new(AtomicBool::new(false));
        let task = connections.spawn(serve(stream, service.clone(), Arc::clone(&has_request)));
        open.push_back(Connection { task, has_request });
    }
}

/// A connection.
struct Connection {
    task: AbortHandle,
    /// Whether the head of its request has arrived. A connection has only one request.
    has_request: Arc<AtomicBool>,
}

/// Closes the connection that has been silent for the longest time. Returns false if there is none.
fn make_room(open: &mut VecDeque<Connection>) -> bool {
    let is_idle = |connection: &Connection| {
        !connection.has_request.load(Ordering::Relaxed) && !connection.task.is_finished()
    };
    let idle = open.iter().position(is_idle).and_then(|at| open.remove(at));
    if let Some(connection) = &idle {
        connection.task.abort();
    }
    idle.is_some()
}

async fn serve(stream: TcpStream, service: WebhookService, has_request: Arc<AtomicBool>) {
    let service = service_fn(move |request| {
        has_request.store(true, Ordering::Relaxed);
        service.clone().call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        // Deliveries are rare, so a persistent connection would be idle between them.
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection ended early");
    }
}

impl Webhooks {
    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Stream for Webhooks {
    type Item = Result<Entry, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.deliveries.poll_next_unpin(context)
    }
}

impl Drop for Webhooks {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").field("address", &self.address).finish_non_exhaustive()
    }
}
