//! A task being followed, as a stream of events.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use futures_core::Stream;
use futures_util::{StreamExt as _, stream::BoxStream};
use runninghub_core::{End, Event, OutputFile, Phase, Place, Plan, Submitted, TaskId, WorkflowId, say};

use runninghub_ledger::{AttemptId, Step};

use crate::{
    Backend, Error, attempts::Attempt, driver::Driver, history::Lesson, sentence_of, submit::SubmitQueue,
};

/// A task that was submitted or found, with all of its events.
///
/// A stream of events that ends with [`Event::Finished`], or with an error. It works only while it is polled.
/// Dropping it stops all work at once and leaves the paid task alone ([`Service::follow`](crate::Service::follow)
/// resumes following it).
pub struct Run {
    task_id: TaskId,
    workflow_id: Option<WorkflowId>,
    lesson: Option<Lesson>,
    /// The end, held back until a preceding warning is emitted.
    held: Option<Event>,
    watched: Arc<AtomicBool>,
    plan: Option<Arc<Plan>>,
    attempt: Option<AttemptId>,
    slot: Option<u32>,
    backend: Arc<dyn Backend>,
    opening: Vec<Event>,
    events: BoxStream<'static, Result<Event, Error>>,
    end: Option<End>,
}

/// State that the stream keeps between events.
pub(crate) struct Source {
    driver: Driver,
    task_id: TaskId,
    attempt: Option<Attempt>,
    /// Notified when the task's slot is free, for the submits that wait for one.
    queue: Option<Arc<SubmitQueue>>,
    /// Held back until a preceding warning is emitted.
    held: Option<Event>,
}

impl Run {
    pub(crate) fn new(
        task_id: TaskId,
        workflow_id: Option<WorkflowId>,
        plan: Option<Arc<Plan>>,
        source: Source,
        backend: Arc<dyn Backend>,
        opening: Vec<Event>,
    ) -> Self {
        let watched = source.driver.watched();
        let attempt = source.attempt.as_ref().map(|attempt| attempt.id().clone());
        let slot = source.attempt.as_ref().and_then(Attempt::slot);
        let rest = futures_util::stream::unfold(Some(source), async |source| {
            let mut source = source?;
            match source.next().await? {
                Ok(event) => Some((Ok(event), Some(source))),
                Err(error) => Some((Err(error), None)),
            }
        });
        let first = futures_util::stream::iter(opening.clone().into_iter().map(Ok));
        let events = first.chain(rest).boxed();
        Self {
            task_id,
            workflow_id,
            lesson: None,
            held: None,
            watched,
            plan,
            attempt,
            slot,
            backend,
            opening,
            events,
            end: None,
        }
    }

    /// The submit in the ledger, if there is one.
    pub fn attempt(&self) -> Option<&AttemptId> {
        self.attempt.as_ref()
    }

    /// The slot of the key in which it runs, from 0, if it was submitted here and the ledger keeps slots.
    pub fn slot(&self) -> Option<u32> {
        self.slot
    }

    /// The task's id. It is enough to follow the task again.
    pub fn task_id(&self) -> &TaskId {
        &self.task_id
    }

    /// The workflow, if known.
    pub fn workflow_id(&self) -> Option<&WorkflowId> {
        self.workflow_id.as_ref()
    }

    /// Adds the run's durations to the history when it ends.
    pub(crate) fn with_lesson(self, lesson: Option<Lesson>) -> Self {
        Self { lesson, ..self }
    }

    /// Reports the accepted task in the published form; `place` is where it runs. A server counts as `comfyui`, and so does
    /// the native proxy.
    pub fn submitted(&self, place: &Place) -> Submitted {
        let site = if let Place::RunningHub { .. } = place { place.word() } else { Place::COMFYUI };
        Submitted {
            task_id: self.task_id.clone(),
            attempt_id: self.attempt.as_ref().map(ToString::to_string),
            workflow_id: self.workflow_id.clone(),
            site: site.to_owned(),
        }
    }

    /// The nodes, and which of them have to run, if the workflow is known.
    pub fn plan(&self) -> Option<&Arc<Plan>> {
        self.plan.as_ref()
    }

    /// The submit's warnings, which are first in the stream. For callers that don't follow the run.
    pub fn opening(&self) -> &[Event] {
        &self.opening
    }

    /// Number of API calls that this client has made.
    pub fn api_calls(&self) -> u64 {
        self.backend.calls()
    }

    /// Requests that the task be stopped. The stream continues and reports how it ended.
    ///
    /// # Errors
    /// When the request was refused or could not be made.
    pub async fn cancel(&self) -> Result<(), Error> {
        self.backend.cancel(&self.task_id).await
    }

    /// Stops following and leaves the task alone: an explicit drop. The returned id is enough to follow it again.
    pub fn detach(self) -> TaskId {
        self.task_id
    }

    /// Whether snapshots are also emitted between messages, as time passes; the default is yes. Without them the run
    /// wakes only for messages and polls.
    pub fn ticks(&self, wanted: bool) {
        self.watched.store(wanted, Ordering::Relaxed);
    }

    /// Waits for the end and discards the events. Meanwhile, time alone creates no snapshots.
    ///
    /// # Errors
    /// When the task can no longer be watched. A failed task is an end, not an error.
    pub async fn finish(&mut self) -> Result<End, Error> {
        self.ticks(false);
        while self.end.is_none() {
            match self.next().await {
                Some(event) => drop(event?),
                None => break,
            }
        }
        Ok(self.end.clone().unwrap_or_default())
    }

    /// Waits for the end and returns the results.
    ///
    /// # Errors
    /// When the task failed or was cancelled, or can no longer be watched.
    pub async fn outputs(&mut self) -> Result<Vec<OutputFile>, Error> {
        let end = self.finish().await?;
        match end.phase {
            Phase::Success => Ok(end.outputs),
            Phase::Interrupted => Err(Error::task_failed(say!("the task was stopped"), end.failure)),
            _ => Err(Error::task_failed(say!("the task failed"), end.failure)),
        }
    }
}

impl Source {
    pub(crate) fn new(
        driver: Driver,
        task_id: TaskId,
        attempt: Option<Attempt>,
        queue: Option<Arc<SubmitQueue>>,
    ) -> Self {
        Self { driver, task_id, attempt, queue, held: None }
    }

    async fn next(&mut self) -> Option<Result<Event, Error>> {
        if let Some(event) = self.held.take() {
            return Some(Ok(event));
        }
        let event = self.driver.next().await?;
        if let (Err(error), Some(attempt)) = (&event, &self.attempt)
            && error.is_gone()
        {
            // The error reports it as well, whether or not this could be recorded.
            let _ = attempt.step(Step::Gone).await;
        }
        let Ok(Event::Finished(end)) = &event else { return Some(event) };
        let written = match &self.attempt {
            Some(attempt) => attempt.end(&self.task_id, end).await,
            None => Ok(()),
        };
        if let Some(queue) = &self.queue {
            queue.free();
        }
        if let Err(error) = written {
            self.held = event.ok();
            return Some(Ok(Event::warning("ledger", sentence_of(&error))));
        }
        Some(event)
    }
}

impl Stream for Run {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = match self.held.take() {
            Some(held) => Poll::Ready(Some(Ok(held))),
            None => self.events.poll_next_unpin(context),
        };
        let Poll::Ready(Some(Ok(Event::Finished(end)))) = &next else { return next };
        let kept = self.lesson.take().map_or(Ok(()), |lesson| lesson.remember(&end.learned));
        if let Err(error) = kept {
            self.held = Some(Event::Finished(end.clone()));
            let why = sentence_of(&error);
            let message = say!("cannot save how long the nodes took: {why}", why);
            return Poll::Ready(Some(Ok(Event::warning("history", message))));
        }
        self.end = Some(end.clone());
        next
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("task_id", &self.task_id)
            .field("workflow_id", &self.workflow_id)
            .finish_non_exhaustive()
    }
}
