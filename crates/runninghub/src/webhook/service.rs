//! The receiver as a service, for programs that already have a server.

use std::{
    convert::Infallible,
    error::Error as StdError,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use http_body::Body;
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::{Method, Request, Response, StatusCode, body::Bytes};
use runninghub_ledger::{Delivery, Entry, Filter, Secret};
use tokio::{sync::mpsc, time::timeout};
use tower_service::Service;

use super::{confirm::Confirmations, delivery};
use crate::{Error, RunningHub};

/// Maximum size of a delivery, bytes; the largest seen have a few KiB.
const BODY: usize = 1 << 20;
/// Timeout for reading a request's body.
const PATIENCE: Duration = Duration::from_secs(30);

/// Receives webhook deliveries: a [`tower_service::Service`] for your own server.
///
/// [`Deliveries`] returns the results.
#[derive(Clone)]
pub struct WebhookService(Arc<Receiver>);

/// Deliveries that were received and confirmed by the platform, as a stream. They are processed only while it is
/// polled.
///
/// The platform is queried about each until it reports how the task ended, less and less often. Before the result,
/// one item may give the reason for the delay: an error, or the entry of a task that is not over.
pub struct Deliveries(BoxStream<'static, Result<Entry, Error>>);

struct Receiver {
    hub: RunningHub,
    confirmations: Arc<Confirmations>,
    received: mpsc::UnboundedSender<Delivery>,
}

impl RunningHub {
    /// A receiver for webhooks of tasks that were submitted with `{secret}` in their webhook URL, and the stream of
    /// confirmed deliveries.
    ///
    /// The last segment of a request's path is taken as the secret. If it doesn't belong to a submit of the ledger,
    /// the response is 404 and nothing changes. Otherwise the delivery is recorded and acknowledged, and then the
    /// platform is queried about the task, as in [`RunningHub::resolve_from_webhook`]. Deliveries that an earlier process
    /// acknowledged but did not settle are processed first. Deliveries can be early, repeated, and in several
    /// formats; only the task's id is used, since anyone can send them.
    ///
    /// ```no_run
    /// # use std::sync::Arc;
    /// # use futures_util::StreamExt as _;
    /// # use runninghub::{ApiKey, RunningHub, Service as _, Submit, ledger::SqliteLedger};
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = ApiKey::new("0123456789abcdef0123456789abcdef")?;
    /// let ledger = Arc::new(SqliteLedger::open("state")?);
    /// let hub = RunningHub::builder(key).ledger(ledger).build()?;
    /// let (service, mut deliveries) = hub.webhook_service()?;
    /// let router = axum::Router::new().route_service("/hooks/{secret}", service);
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:8190").await?;
    /// tokio::spawn(async move { axum::serve(listener, router).await });
    /// let submit = Submit::workflow("1979026379880697857").webhook("https://your-host/hooks/{secret}");
    /// hub.submit(submit).await?;
    /// while let Some(delivery) = deliveries.next().await {
    ///     println!("{:?}", delivery?.task);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) without a ledger.
    pub fn webhook_service(&self) -> Result<(WebhookService, Deliveries), Error> {
        self.attempts()?;
        // Unbounded: the ledger limits the number of pending deliveries for each submit.
        let (received, waiting) = mpsc::unbounded_channel();
        let confirmations = Arc::new(Confirmations::new(self.clone()));
        let left = stream::once(Arc::clone(&confirmations).take_up()).flat_map(stream::iter);
        let new = stream::unfold(waiting, async |mut waiting| Some((Ok(waiting.recv().await?), waiting)));
        let service = WebhookService(Arc::new(Receiver {
            hub: self.clone(),
            confirmations: Arc::clone(&confirmations),
            received,
        }));
        let confirmed = left.chain(new).flat_map_unordered(None, move |delivery| match delivery {
            Ok(delivery) => Arc::clone(&confirmations).look_into(delivery).boxed(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        });
        Ok((service, Deliveries(confirmed.boxed())))
    }
}

impl<B> Service<Request<B>> for WebhookService
where
    B: Body<Data: Send, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + 'static,
{
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let receiver = Arc::clone(&self.0);
        async move {
            let mut response = Response::new(Empty::new());
            *response.status_mut() = receive(&receiver, request).await;
            Ok(response)
        }
        .boxed()
    }
}

async fn receive<B>(receiver: &Receiver, request: Request<B>) -> StatusCode
where
    B: Body<Error: Into<Box<dyn StdError + Send + Sync>>>,
{
    if request.method() != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED;
    }
    let secret = request.uri().path().rsplit('/').next().and_then(|last| last.parse::<Secret>().ok());
    let (Some(secret), Ok(attempts)) = (secret, receiver.hub.attempts()) else {
        return StatusCode::NOT_FOUND;
    };
    // The comparison is of a digest, so its timing reveals nothing about the secret.
    let attempt = match attempts.ledger().entries(Filter::all().secret(secret.digest()).limit(1)).await {
        Ok(mut entries) => match entries.pop() {
            Some(entry) => entry.attempt,
            None => return StatusCode::NOT_FOUND,
        },
        Err(_) => return StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = match timeout(PATIENCE, Limited::new(request.into_body(), BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return StatusCode::PAYLOAD_TOO_LARGE,
        Ok(Err(_)) => return StatusCode::BAD_REQUEST,
        Err(_) => return StatusCode::REQUEST_TIMEOUT,
    };
    let Some(task) = delivery::task(&body) else { return StatusCode::BAD_REQUEST };
    let delivery = Delivery::new(attempt, task);
    // An acknowledged delivery is not repeated, so it is written to disk first.
    if receiver.received.is_closed() || attempts.ledger().keep_delivery(&delivery).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    if receiver.confirmations.take(&delivery) {
        // If the stream is gone, the next one picks the delivery up from the ledger.
        let _ = receiver.received.send(delivery);
    }
    StatusCode::OK
}

impl Stream for Deliveries {
    type Item = Result<Entry, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

impl fmt::Debug for WebhookService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookService").finish_non_exhaustive()
    }
}

impl fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deliveries").finish_non_exhaustive()
    }
}
