//! Runs tasks in the background.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::StreamExt as _;
use runninghub_core::{Charge, End, Event, FailureKind, Line, Outcome, Output, Progress, TaskId, WorkflowId};
use runninghub_ledger::AttemptId;
use tokio::{
    sync::{broadcast, watch},
    time::Instant,
};

use super::{
    Workspace,
    handle::{Finished, Handle, Snapshot},
    open::Running,
};
use crate::{Error, Follow, Run, Save, SavedTask, Service, Submit, answer::currency, sentence_of};

/// Number of lines that a subscriber of one run may fall behind.
const BACKLOG: usize = 1024;

/// The destination of a run's results.
#[derive(Clone, Debug)]
#[must_use = "nothing is saved until a workspace takes it"]
pub struct Destination {
    dir: PathBuf,
    template: Option<String>,
}

impl Destination {
    /// A folder. It is created with the first file.
    pub fn folder(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), template: None }
    }

    /// Template for file names: text with `{task}`, `{node}`, `{n}` and `{ext}`
    /// ([`Save::template`](crate::Save::template)).
    pub fn template(self, template: impl Into<String>) -> Self {
        Self { template: Some(template.into()), ..self }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Prepares to save a task's results.
    pub fn save(&self, service: &dyn Service, task: &TaskId) -> Save {
        let save = service.save(task, &self.dir);
        match &self.template {
            Some(template) => save.template(template),
            None => save,
        }
    }
}

impl Workspace {
    /// Submits, and follows in the background. Checks that results can be saved before anything is sent.
    ///
    /// # Errors
    /// Those of [`Service::submit`]; [`ErrorKind::Io`](crate::ErrorKind::Io) when the folder cannot be written.
    pub async fn start(
        &self,
        service: &Arc<dyn Service>,
        submit: Submit,
        destination: Option<Destination>,
    ) -> Result<Handle, Error> {
        if let Some(destination) = &destination {
            destination.save(&**service, &"0".into()).check()?;
        }
        let run = service.submit(submit).await?;
        Ok(self.spawn(service, run, destination, true))
    }

    /// Follows an existing task in the background. If the task is already followed, returns that run.
    ///
    /// # Errors
    /// Those of [`Service::follow`]; [`ErrorKind::Io`](crate::ErrorKind::Io) when the folder cannot be written.
    pub async fn follow(
        &self,
        service: &Arc<dyn Service>,
        follow: Follow,
        destination: Option<Destination>,
    ) -> Result<Handle, Error> {
        if let Some(destination) = &destination {
            destination.save(&**service, follow.id()).check()?;
        }
        if let Some(handle) = self.0.running.tasks().get(follow.id()) {
            return Ok(handle.clone());
        }
        let run = service.follow(follow).await?;
        Ok(self.spawn(service, run, destination, false))
    }

    fn spawn(
        &self,
        service: &Arc<dyn Service>,
        run: Run,
        destination: Option<Destination>,
        is_new: bool,
    ) -> Handle {
        let task = run.task_id().clone();
        let (state, snapshot) = watch::channel(Snapshot {
            task: task.clone(),
            place: service.place().clone(),
            attempt: run.attempt().cloned(),
            slot: run.slot(),
            workflow: run.workflow_id().cloned(),
            status: None,
            plan: run.plan().cloned(),
            connection: None,
            progress: Progress::default(),
            finished: None,
        });
        let lines = broadcast::Sender::new(BACKLOG);
        let driven = Driven {
            service: Arc::clone(service),
            task: task.clone(),
            attempt: run.attempt().cloned(),
            workflow: run.workflow_id().cloned(),
            destination,
            state,
            lines: lines.clone(),
            running: Arc::clone(&self.0.running),
            began: Instant::now(),
        };
        // Locked until the run is listed, so that it cannot end before.
        let mut tasks = self.0.running.tasks();
        // Another caller may have begun to follow the task in the meantime.
        if let Some(handle) = tasks.get(&task) {
            return handle.clone();
        }
        let abort = tokio::spawn(async move {
            if is_new {
                driven.publish(Event::Submitted(run.submitted(driven.service.place())));
            }
            driven.drive(run).await;
        })
        .abort_handle();
        let handle = Handle { service: Arc::clone(service), snapshot, lines, abort };
        tasks.insert(task, handle.clone());
        handle
    }
}

/// The context of a run in the background.
struct Driven {
    service: Arc<dyn Service>,
    task: TaskId,
    attempt: Option<AttemptId>,
    workflow: Option<WorkflowId>,
    destination: Option<Destination>,
    state: watch::Sender<Snapshot>,
    lines: broadcast::Sender<Arc<Line>>,
    running: Arc<Running>,
    began: Instant,
}

impl Driven {
    async fn drive(&self, mut run: Run) {
        let finished = loop {
            match run.next().await {
                Some(Ok(Event::Finished(end))) => {
                    let saved = self.save(&end).await;
                    let outcome = self.outcome(&end, saved.as_ref());
                    self.publish(Event::Result(Box::new(outcome.clone())));
                    break Finished::Ended { outcome: Box::new(outcome), saved: saved.map(Arc::new) };
                }
                Some(Ok(event)) => self.publish(event),
                Some(Err(error)) => {
                    self.publish(Event::warning("lost", sentence_of(&error)));
                    break Finished::Lost(Arc::new(error));
                }
                None => break Finished::Detached,
            }
        };
        self.state.send_modify(|state| state.finished = Some(finished));
    }

    /// Results of a failed task are saved too.
    async fn save(&self, end: &End) -> Option<Result<SavedTask, Error>> {
        let mut save = self.destination.as_ref()?.save(&*self.service, &self.task);
        if !end.outputs.is_empty() {
            save = save.files(&end.outputs);
        }
        if let Some(workflow) = &self.workflow {
            save = save.workflow(workflow.clone());
        }
        Some(save.await)
    }

    fn outcome(&self, end: &End, saved: Option<&Result<SavedTask, Error>>) -> Outcome {
        let outputs: Vec<Output> = match saved {
            Some(Ok(saved)) => saved.results.iter().map(Output::from).collect(),
            Some(Err(error)) => {
                self.publish(Event::warning("not_saved", sentence_of(error)));
                end.outputs.iter().cloned().map(Output::from).collect()
            }
            None => end.outputs.iter().cloned().map(Output::from).collect(),
        };
        for output in &outputs {
            self.publish(Event::Output(output.clone()));
        }
        let progress = &self.state.borrow().progress;
        Outcome {
            status: end.phase.into(),
            task_id: Some(self.task.clone()),
            attempt_id: self.attempt.as_ref().map(ToString::to_string),
            overall: progress.overall,
            done: progress.done,
            total: progress.total,
            outputs,
            failure: end.failure.clone().map(|failure| failure.classed(FailureKind::Task, true)),
            cost: end.cost.clone().map(|cost| Charge::new(cost, currency(self.service.place()))),
            elapsed: self.began.elapsed(),
            api_calls: self.service.api_calls(),
            ..Outcome::default()
        }
    }

    /// Updates the snapshot first and then sends to the subscribers, so that a new subscriber misses nothing.
    fn publish(&self, event: Event) {
        self.state.send_modify(|state| state.see(&event));
        let line = Arc::new(Line { t: self.began.elapsed(), task_id: Some(self.task.clone()), event });
        // Fails without subscribers, which is fine.
        let _ = self.lines.send(Arc::clone(&line));
        let _ = self.running.lines.send(line);
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.running.tasks().remove(&self.task);
    }
}
