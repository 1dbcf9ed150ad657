//! The receiver with a server of its own.

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
use runninghub_ledger::Entry;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinHandle, JoinSet},
    time::sleep,
};
use tower_service::Service as _;

use super::service::{Deliveries, WebhookService};
use crate::{Error, ErrorKind, RunningHub};

/// Connections at once: half of what a process may have open on most systems. The next one takes the place of one that has
/// said nothing yet.
const CONNECTIONS: usize = 512;
/// The longest wait for the head of a request.
const HEAD: Duration = Duration::from_secs(5);
/// How long nothing is accepted where that failed, so that it does not fail all the time.
const BREATH: Duration = Duration::from_millis(50);

/// Deliveries that were received and confirmed by the platform, as a stream. Dropping it stops to listen.
pub struct Webhooks {
    address: SocketAddr,
    server: JoinHandle<()>,
    deliveries: Deliveries,
}

impl RunningHub {
    /// Listens for webhooks with a server of its own around [`RunningHub::webhook_service`]. Plain HTTP: let a gateway with
    /// a certificate stand before it.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] without a ledger; [`ErrorKind::Network`] where the address cannot be listened on.
    pub async fn webhooks(&self, listen: SocketAddr) -> Result<Webhooks, Error> {
        let (service, deliveries) = self.webhook_service()?;
        let cannot = |error| {
            Error::new(ErrorKind::Network, format!("cannot listen on {listen}"))
                .with_hint("another program may listen there; port 0 takes a free one")
                .with_source(error)
        };
        let listener = TcpListener::bind(listen).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let server = tokio::spawn(accept(listener, service));
        Ok(Webhooks { address, server, deliveries })
    }
}

/// Serves until it is dropped, and all connections with it.
async fn accept(listener: TcpListener, service: WebhookService) {
    let mut connections = JoinSet::new();
    let mut places = VecDeque::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = accepted else {
            // What fails here fails for one connection, or there are no descriptors left for more.
            if !make_room(&mut places) {
                sleep(BREATH).await;
            }
            continue;
        };
        if places.len() >= CONNECTIONS {
            places.retain(|place: &Place| !place.task.is_finished());
        }
        if places.len() >= CONNECTIONS && !make_room(&mut places) {
            connections.join_next().await;
        }
        let is_asked = Arc::new(AtomicBool::new(false));
        let task = connections.spawn(serve(stream, service.clone(), Arc::clone(&is_asked)));
        places.push_back(Place { task, is_asked });
    }
}

/// A connection.
struct Place {
    task: AbortHandle,
    /// Whether the head of its request has come. It has only one.
    is_asked: Arc<AtomicBool>,
}

/// Closes the connection that has said nothing for the longest time. Whether there is one.
fn make_room(places: &mut VecDeque<Place>) -> bool {
    let is_idle = |place: &Place| !place.is_asked.load(Ordering::Relaxed) && !place.task.is_finished();
    let idle = places.iter().position(is_idle).and_then(|at| places.remove(at));
    if let Some(place) = &idle {
        place.task.abort();
    }
    idle.is_some()
}

async fn serve(stream: TcpStream, service: WebhookService, is_asked: Arc<AtomicBool>) {
    let service = service_fn(move |request| {
        is_asked.store(true, Ordering::Relaxed);
        service.clone().call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        // Deliveries are rare, and a connection between two of them would be an idle one.
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection ended early");
    }
}

impl Webhooks {
    /// Where it listens.
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
