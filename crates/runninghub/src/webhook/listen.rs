//! The receiver with a server of its own.

use std::{
    fmt,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;
use futures_util::StreamExt as _;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use runninghub_ledger::Entry;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
};
use tower_service::Service as _;

use super::service::{Deliveries, PATIENCE, WebhookService};
use crate::{Error, ErrorKind, RunningHub};

/// Connections at once. Others wait to be accepted.
const CONNECTIONS: usize = 64;

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
                .because(error)
        };
        let listener = TcpListener::bind(listen).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let server = tokio::spawn(accept(listener, service));
        Ok(Webhooks { address, server, deliveries })
    }
}

/// Serves until it is dropped, and all connections with it.
async fn accept(listener: TcpListener, service: WebhookService) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        // What fails here fails for one connection, or passes.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let service = service.clone();
        connections.spawn(async move {
            serve(stream, service).await;
            drop(place);
        });
    }
}

async fn serve(stream: TcpStream, service: WebhookService) {
    let service = service_fn(move |request| service.clone().call(request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
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
