//! The receiver.

use std::{
    convert::Infallible,
    fmt,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use futures_util::StreamExt as _;
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use runninghub_core::TaskId;
use runninghub_ledger::{Digest, Entry, Filter};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use super::delivery;
use crate::{Error, ErrorKind, RunningHub};

/// Longest delivery that is read; the largest seen have some KiB.
const BODY: usize = 1 << 20;
/// Deliveries that wait to be looked into. More are refused, and come again.
const WAITING: usize = 256;
/// Connections at once. Others wait to be accepted.
const CONNECTIONS: usize = 64;
/// Who takes longer to say what is wanted wants nothing.
const HEAD: Duration = Duration::from_secs(30);

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
        let receiver = Arc::new(Receiver { hub: self.clone(), received });
        let server = tokio::spawn(accept(listener, receiver));
        let confirmed = futures_util::stream::unfold((self.clone(), waiting), async |(hub, mut waiting)| {
            let (secret, task): (String, TaskId) = waiting.recv().await?;
            Some((hub.settle(&secret, &task).await, (hub, waiting)))
        });
        Ok(Webhooks { address, server, confirmed: confirmed.boxed() })
    }
}

/// Serves until it is dropped, and all connections with it.
async fn accept(listener: TcpListener, receiver: Arc<Receiver>) {
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
        let receiver = Arc::clone(&receiver);
        connections.spawn(async move {
            serve(stream, receiver).await;
            drop(place);
        });
    }
}

async fn serve(stream: TcpStream, receiver: Arc<Receiver>) {
    let service = service_fn(move |request| {
        let receiver = Arc::clone(&receiver);
        async move {
            let mut response = Response::new(Empty::<Bytes>::new());
            *response.status_mut() = receive(&receiver, request).await;
            Ok::<_, Infallible>(response)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn receive(receiver: &Receiver, request: Request<Incoming>) -> StatusCode {
    if request.method() != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED;
    }
    let path = request.uri().path().to_owned();
    let secret = path.rsplit('/').next().unwrap_or_default();
    let Ok(book) = receiver.hub.book() else { return StatusCode::NOT_FOUND };
    // What is compared is a digest, so the time it takes says nothing about the secret.
    match book.ledger().entries(Filter::all().secret(Digest::of(secret)).limit(1)).await {
        Ok(entries) if entries.is_empty() => return StatusCode::NOT_FOUND,
        Ok(_) => {}
        Err(_) => return StatusCode::SERVICE_UNAVAILABLE,
    }
    let body = match timeout(HEAD, Limited::new(request.into_body(), BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return StatusCode::PAYLOAD_TOO_LARGE,
        Ok(Err(_)) => return StatusCode::BAD_REQUEST,
        Err(_) => return StatusCode::REQUEST_TIMEOUT,
    };
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
