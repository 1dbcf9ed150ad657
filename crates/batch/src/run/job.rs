//! One row: its submit, its run, its files.

use std::{path::Path, sync::Arc, time::Duration};

use runninghub::{
    BatchItem, Busy, Destination, Error, Finished, Follow, Handle, SavedTask, Service, Submit, SubmitStep,
    Workspace, api::Class,
};
use runninghub_core::{Line, Sentence, TaskId};
use tokio::sync::{broadcast::error::RecvError, mpsc, watch};

use super::prepare::prepare;
use crate::{Item, ItemId};

/// What the job of a row reports.
pub(super) enum Told {
    Sending,
    Waiting {
        slots: Option<Busy>,
        wait: Duration,
        is_throttled: bool,
    },
    Warning {
        code: &'static str,
        message: Sentence,
    },
    Accepted(Handle),
    Line(Arc<Line>),
    /// The job is over.
    Finished(Finished),
    /// The job is over without a task, or can't be followed.
    Failed(Error),
    /// The files of a task that was done already.
    Fetched(Result<SavedTask, Error>),
}

/// The job of a row.
pub(super) struct Job {
    pub(super) item: Arc<Item>,
    pub(super) base: Arc<Path>,
    pub(super) workspace: Workspace,
    pub(super) service: Arc<dyn Service>,
    pub(super) destination: Option<Destination>,
    pub(super) tell: mpsc::UnboundedSender<(ItemId, Told)>,
}

impl Job {
    /// Submits the row, and follows it to its end.
    pub(super) async fn run(self, submit: Submit, of: BatchItem, withdrawn: watch::Receiver<bool>) {
        let (tell, id) = (self.tell.clone(), self.item.id.clone());
        let submit = match prepare(submit, &self.item, &self.base).await {
            Ok(submit) => submit.item(of).withdrawn(withdrawn),
            Err(error) => return self.tell(Told::Failed(error)),
        };
        let submit = submit.on_step(move |step| {
            let told = match step {
                SubmitStep::Sending => Told::Sending,
                SubmitStep::Waiting { wait, slots, error, .. } => {
                    let is_throttled = error.is_some_and(|error| error.class() == Some(Class::Rate));
                    Told::Waiting { slots, wait, is_throttled }
                }
                SubmitStep::Warning { code, message } => Told::Warning { code, message: message.clone() },
                _ => return,
            };
            // The driver outlives its jobs, except at the end.
            let _ = tell.send((id.clone(), told));
        });
        match self.workspace.start(&self.service, submit, self.destination.clone()).await {
            Ok(handle) => self.follow(handle).await,
            Err(error) => self.tell(Told::Failed(error)),
        }
    }

    /// Follows the task of an earlier run to its end.
    pub(super) async fn adopt(self, task: TaskId) {
        match self.workspace.follow(&self.service, Follow::task(task), self.destination.clone()).await {
            Ok(handle) => self.follow(handle).await,
            Err(error) => self.tell(Told::Failed(error)),
        }
    }

    /// Downloads the files of a task that is done.
    pub(super) async fn fetch(self, task: TaskId) {
        if let Some(destination) = &self.destination {
            let saved = destination.save(&*self.service, &task).await;
            self.tell(Told::Fetched(saved));
        }
    }

    async fn follow(&self, handle: Handle) {
        let (_, mut lines) = handle.subscribe();
        self.tell(Told::Accepted(handle.clone()));
        let mut end = std::pin::pin!(handle.wait());
        loop {
            tokio::select! {
                biased;
                line = lines.recv() => match line {
                    Ok(line) => self.tell(Told::Line(line)),
                    // The snapshot has what was missed.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => break,
                },
                finished = &mut end => return self.tell(Told::Finished(finished)),
            }
        }
        self.tell(Told::Finished(end.await));
    }

    fn tell(&self, told: Told) {
        let _ = self.tell.send((self.item.id.clone(), told));
    }
}
