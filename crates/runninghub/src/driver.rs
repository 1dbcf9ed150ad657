//! The I/O loop: the session requests actions, the driver performs them.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use futures_util::{FutureExt as _, future::BoxFuture};
use runninghub_core::{
    Action, Event, Input, NodeFile, NodeId, Observation, Phase, Plan, Priors, Session, SocketUrl, Suspend,
    TaskId, TaskStatus, say,
};
use runninghub_transport::{Body, Connect, ErrorKind as SocketErrorKind, Frame, FrameSource};
use tokio::time::{Instant, Sleep, timeout};

use crate::{BackendError, Error, ErrorKind, backend::Backend, sentence_of};

/// Maximum wait for the workflow before the socket is opened.
const GRAPH: Duration = Duration::from_secs(3);

/// Wall-clock time from an arbitrary origin. Unlike the timers it advances while the machine is suspended.
type Wall = Box<dyn Fn() -> Duration + Send>;

type Dialled = (Option<Plan>, Result<Box<dyn FrameSource>, runninghub_transport::Error>);

/// Follows one task. Nothing happens unless [`Driver::next`] is awaited, and dropping it stops everything at once.
pub(crate) struct Driver {
    backend: Arc<dyn Backend>,
    connect: Arc<dyn Connect>,
    task: TaskId,
    session: Session,
    started: Instant,
    /// The last negative response, returned once the session believes it.
    denial: Option<Error>,
    /// Failed polls before the service counts as unreachable. `None` after the first response: from then on
    /// the session decides, and a paid task is not given up early.
    tries: Option<u32>,
    poll: Option<BoxFuture<'static, Result<Observation, BackendError>>>,
    dial: Option<BoxFuture<'static, Dialled>>,
    socket: Option<Box<dyn FrameSource>>,
    hangup: Option<BoxFuture<'static, ()>>,
    timer: Pin<Box<Sleep>>,
    wall: Wall,
    suspend: Suspend,
    priors: Priors,
    /// The files that the socket has named.
    files: Vec<(NodeId, NodeFile)>,
    /// Whether anything consumes the snapshots.
    watched: Arc<AtomicBool>,
    /// The workflow behind the URL is requested once. Without it there are no totals, and a socket opened
    /// late has missed more messages.
    graph_requested: bool,
}

/// An external event.
#[expect(clippy::large_enum_variant, reason = "one at a time, and never stored")]
enum DriverEvent {
    Answer(Result<Observation, BackendError>),
    Dialled(Dialled),
    Frame(Result<Option<Frame>, runninghub_transport::Error>),
    HungUp,
    Time,
}

impl Driver {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        connect: Arc<dyn Connect>,
        task: TaskId,
        session: Session,
        address: Option<SocketUrl>,
        first_contact: Option<u32>,
    ) -> Self {
        let started = Instant::now();
        let wall: Wall = Box::new(|| SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default());
        let mut driver = Self {
            backend,
            connect,
            task,
            session,
            started,
            denial: None,
            tries: first_contact,
            poll: None,
            dial: None,
            socket: None,
            hangup: None,
            timer: Box::pin(tokio::time::sleep_until(started)),
            suspend: Suspend::new(Duration::ZERO, wall()),
            wall,
            priors: Priors::default(),
            files: Vec::new(),
            watched: Arc::new(AtomicBool::new(true)),
            graph_requested: false,
        };
        let first = address.map_or(Input::Tick, Input::Address);
        driver.session.handle(Duration::ZERO, first);
        driver
    }

    /// Uses another table of expected seconds, for a workflow that is only identified during the run.
    pub(crate) fn with_priors(mut self, priors: Priors) -> Self {
        self.priors = priors;
        self
    }

    /// Set to false if nothing consumes the snapshots.
    pub(crate) fn watched(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.watched)
    }

    /// The next event; an error is always the last item.
    pub(crate) async fn next(&mut self) -> Option<Result<Event, Error>> {
        loop {
            while let Some(action) = self.session.next_action() {
                match action {
                    Action::Emit(event) => {
                        if let Event::Files { node_id, files } = &event {
                            self.files.extend(files.iter().map(|file| (node_id.clone(), file.clone())));
                        }
                        return Some(Ok(event));
                    }
                    Action::Poll => self.ask(),
                    Action::Connect(address) => self.dial(address),
                    Action::Hangup => self.hang_up(),
                    Action::GiveUp => return Some(Err(self.backend.unreachable())),
                    Action::Deny(known) => {
                        return self.denial.take().map(|error| Err(error.of_task(known)));
                    }
                    _ => {}
                }
            }
            if self.session.is_over() {
                return None;
            }
            let happened = self.wait().await;
            if let Some(error) = self.take(happened) {
                return Some(Err(error));
            }
            self.look_at_the_clocks();
            // An endless stream of frames must not starve the other work of the task that polls this.
            tokio::task::coop::consume_budget().await;
        }
    }

    fn ask(&mut self) {
        let (backend, task, patience) =
            (Arc::clone(&self.backend), self.task.clone(), self.session.patience());
        // A poll that is held back has not been sent yet.
        let held = backend.held().unwrap_or_default();
        let answer = async move {
            match timeout(held + patience, backend.observe(&task)).await {
                Ok(answer) => answer,
                Err(_) => Err(hangs(patience)),
            }
        };
        self.poll = Some(answer.boxed());
    }

    fn dial(&mut self, address: SocketUrl) {
        let (backend, connect, priors) =
            (Arc::clone(&self.backend), Arc::clone(&self.connect), self.priors.clone());
        let plan_wanted =
            self.session.machine().plan().is_none() && !std::mem::replace(&mut self.graph_requested, true);
        // Boxed, so that the large connecting future is gone once the socket is open.
        self.dial = Some(
            async move {
                let graph = if plan_wanted {
                    timeout(GRAPH, backend.graph_of(&address)).await.ok().flatten()
                } else {
                    None
                };
                (graph.map(|graph| Plan::with_priors(&graph, &[], &priors)), connect.connect(&address).await)
            }
            .boxed(),
        );
    }

    /// Closes the old socket before a new one is dialed: servers register sockets by client id, and a late
    /// close would unregister the new one.
    fn hang_up(&mut self) {
        let socket = self.socket.take();
        self.hangup = Some(
            async move {
                if let Some(mut socket) = socket {
                    socket.close().await;
                }
            }
            .boxed(),
        );
    }

    /// Waits for the first event. The order doesn't affect the timers: the current time goes into the session
    /// with every event, so that endless frames cannot delay a timer. Responses come before frames for the
    /// same reason.
    async fn wait(&mut self) -> DriverEvent {
        self.session.watch(self.watched.load(Ordering::Relaxed));
        let next = self.session.deadline().map_or(self.suspend.due(), |at| at.min(self.suspend.due()));
        let deadline = self.started + next;
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        tokio::select! {
            biased;
            answer = pending_or(&mut self.poll) => DriverEvent::Answer(answer),
            frame = next_frame(&mut self.socket) => DriverEvent::Frame(frame),
            dialled = pending_or(&mut self.dial) => DriverEvent::Dialled(dialled),
            () = pending_or(&mut self.hangup) => DriverEvent::HungUp,
            () = &mut self.timer => DriverEvent::Time,
        }
    }

    /// Detects a suspend within seconds of waking up: the timers stand still until then. No pending request
    /// or connection survives a suspend, and some would only time out after minutes.
    fn look_at_the_clocks(&mut self) {
        let now = self.started.elapsed();
        if now < self.suspend.due() {
            return;
        }
        if let Some(slept) = self.suspend.observe(now, (self.wall)()) {
            tracing::debug!(?slept, "the machine was suspended");
            self.backend.on_resume(slept);
            self.poll = None;
            self.dial = None;
            self.session.handle(now, Input::Woke { slept });
        }
    }

    /// Passes an event to the session. Returns an error that ends the run.
    fn take(&mut self, happened: DriverEvent) -> Option<Error> {
        let now = self.started.elapsed();
        match happened {
            DriverEvent::Time => self.session.handle(now, Input::Tick),
            DriverEvent::Frame(Ok(Some(frame))) => match &frame.body {
                Body::Text(text) => self.session.handle(now, Input::Text(text)),
                Body::Binary(bytes) => self.session.handle(now, Input::Binary(bytes)),
                _ => {}
            },
            DriverEvent::Frame(end) => {
                if let Err(error) = end {
                    tracing::debug!(error = %error, "socket broke off");
                }
                self.hang_up();
            }
            DriverEvent::HungUp => self.session.handle(now, Input::Disconnected),
            DriverEvent::Dialled((plan, socket)) => {
                if let Some(plan) = plan {
                    self.session.plan(Arc::new(plan));
                }
                match socket {
                    Ok(socket) => {
                        self.socket = Some(socket);
                        self.session.handle(now, Input::Connected);
                    }
                    Err(error) => {
                        tracing::debug!(error = %error, "socket could not be opened");
                        self.session.handle(now, not_opened(&error));
                    }
                }
            }
            DriverEvent::Answer(Ok(answer)) => {
                self.tries = None;
                self.session.handle(now, Input::Answer(answer));
            }
            DriverEvent::Answer(Err(BackendError { error, is_final, after, is_gone, is_unlisted })) => {
                let reason = sentence_of(&error);
                if is_final
                    && error.is_unknown_task()
                    && self.session.machine().claim() == Some(Phase::Success)
                    && let Some(outputs) = self.backend.files(&self.files)
                {
                    // Its record is gone, but the socket has reported the success and the files.
                    tracing::debug!(%error, "the end is taken from the socket");
                    let seen = Observation { outputs, ..Observation::of(TaskStatus::Success) };
                    self.session.handle(now, Input::Answer(seen));
                    return None;
                }
                if is_final {
                    self.denial = Some(error);
                    self.session.handle(now, Input::Denied { after, reason, is_unlisted });
                    return None;
                }
                self.tries = self.tries.map(|tries| tries.saturating_sub(1));
                if self.tries == Some(0) {
                    return Some(error);
                }
                self.session.handle(now, Input::NoAnswer { after, reason, is_gone });
            }
        }
        None
    }
}

/// A poll whose response was late or never arrived.
fn hangs(patience: Duration) -> BackendError {
    let what = say!("cannot poll the task: no response for {seconds} s", seconds = patience.as_secs());
    BackendError::new(Error::new(ErrorKind::Network, what), false, None)
}

/// Interprets a failed dial. An expired ticket is not reported: the next poll returns a fresh one.
fn not_opened(error: &runninghub_transport::Error) -> Input<'static> {
    if !error.is_final() {
        return Input::Disconnected;
    }
    let expired = matches!(error.kind(), SocketErrorKind::Handshake { .. });
    let warning =
        (!expired).then(|| say!("{why}; progress is polled over HTTP instead", why = sentence_of(error)));
    Input::Refused { warning }
}

/// Waits for the future and takes it out of the slot; pends forever if the slot is empty.
async fn pending_or<T>(slot: &mut Option<BoxFuture<'static, T>>) -> T {
    match slot {
        Some(future) => {
            let value = future.await;
            *slot = None;
            value
        }
        None => std::future::pending().await,
    }
}

async fn next_frame(
    socket: &mut Option<Box<dyn FrameSource>>,
) -> Result<Option<Frame>, runninghub_transport::Error> {
    match socket {
        Some(socket) => socket.next_frame().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
