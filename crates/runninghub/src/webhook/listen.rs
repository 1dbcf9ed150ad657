//! The receiver.

use std::{
    fmt,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{StatusCode, Uri},
    routing::post,
};
use futures_core::Stream;
use futures_util::StreamExt as _;
use runninghub_core::TaskId;
use runninghub_ledger::{Digest, Entry, Filter};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};

use super::delivery;
use crate::{Error, ErrorKind, RunningHub};

/// Longest delivery that is read; the largest seen have some KiB.
const BODY: usize = 1 << 20;
/// Deliveries that wait to be looked into. More are refused, and come again.
const WAITING: usize = 256;

/// Deliveries that were received and confirmed by the platform, as a stream. Dropping it stops to listen.
pub struct Webhooks {
    address: SocketAddr,
    server: JoinHandle<()>,
    confirmed: Pin<Box<dyn Stream<Item = Result<Entry, Error>> + Send>>,
}

struct Receiver {
    hub: RunningHub,
    received: mpsc::Sender<(String, TaskId)>,
}

impl RunningHub {
    /// Listens for webhooks of tasks that were submitted with `{secret}` in their webhook's address.
    ///
    /// The last part of a request's path is taken for the secret. What does not belong to a submit of the ledger is
    /// answered with 404 and changes nothing; the rest is answered at once, and then the platform is asked about the
    /// task, as in [`RunningHub::settle`]. Plain HTTP: let a gateway with a certificate stand before it.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] without a ledger; [`ErrorKind::Network`] where the address cannot be listened on.
    pub async fn webhooks(&self, listen: SocketAddr) -> Result<Webhooks, Error> {
        self.book()?;
        let cannot = |error| {
            Error::new(ErrorKind::Network, format!("cannot listen on {listen}"))
                .with_hint("another program may listen there; port 0 takes a free one")
                .because(error)
        };
        let listener = TcpListener::bind(listen).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let (received, waiting) = mpsc::channel(WAITING);
        let app = Router::new()
            .fallback(post(receive))
            .layer(DefaultBodyLimit::max(BODY))
            .with_state(std::sync::Arc::new(Receiver { hub: self.clone(), received }));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::warn!(%error, "no webhooks are received any more");
            }
        });
        let confirmed = futures_util::stream::unfold((self.clone(), waiting), async |(hub, mut waiting)| {
            let (secret, task): (String, TaskId) = waiting.recv().await?;
            Some((hub.settle(&secret, &task).await, (hub, waiting)))
        });
        Ok(Webhooks { address, server, confirmed: confirmed.boxed() })
    }
}

async fn receive(State(receiver): State<std::sync::Arc<Receiver>>, uri: Uri, body: Bytes) -> StatusCode {
    let secret = uri.path().rsplit('/').next().unwrap_or_default();
    let Ok(book) = receiver.hub.book() else { return StatusCode::NOT_FOUND };
    // What is compared is a digest, so the time it takes says nothing about the secret.
    match book.ledger().entries(Filter::all().secret(Digest::of(secret)).limit(1)).await {
        Ok(entries) if entries.is_empty() => return StatusCode::NOT_FOUND,
        Ok(_) => {}
        Err(_) => return StatusCode::SERVICE_UNAVAILABLE,
    }
    let Some(task) = delivery::task(&body) else { return StatusCode::BAD_REQUEST };
    match receiver.received.try_send((secret.to_owned(), task)) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
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
        self.confirmed.as_mut().poll_next(context)
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
