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

/// A report from the job of a row.
pub(super) enum Update {
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
    /// The files of a task that was already done.
    Fetched(Result<SavedTask, Error>),
}

/// The job of a row.
pub(super) struct Job {
    pub(super) item: Arc<Item>,
    pub(super) base: Arc<Path>,
    pub(super) workspace: Workspace,
    pub(super) service: Arc<dyn Service>,
    pub(super) destination: Option<Destination>,
    pub(super) update_sender: mpsc::UnboundedSender<(ItemId, Update)>,
}

impl Job {
    /// Submits the row, and follows it to its end.
    pub(super) async fn run(self, submit: Submit, of: BatchItem, withdrawn: watch::Receiver<bool>) {
        let (sender, id) = (self.update_sender.clone(), self.item.id.clone());
        let submit = match prepare(submit, &self.item, &self.base).await {
            Ok(submit) => submit.item(of).withdrawn(withdrawn),
            Err(error) => return self.report(Update::Failed(error)),
        };
        let submit = submit.on_step(move |step| {
            let update = match step {
                SubmitStep::Sending => Update::Sending,
                SubmitStep::Waiting { wait, slots, error, .. } => {
                    let is_throttled = error.is_some_and(|error| error.class() == Some(Class::Rate));
                    Update::Waiting { slots, wait, is_throttled }
                }
                SubmitStep::Warning { code, message } => Update::Warning { code, message: message.clone() },
                _ => return,
            };
            // The driver outlives its jobs, except at the end.
            let _ = sender.send((id.clone(), update));
        });
        match self.workspace.start(&self.service, submit, self.destination.clone()).await {
            Ok(handle) => self.follow(handle).await,
            Err(error) => self.report(Update::Failed(error)),
        }
    }

    /// Follows the task of an earlier run to its end.
    pub(super) async fn adopt(self, task: TaskId) {
        match self.workspace.follow(&self.service, Follow::task(task), self.destination.clone()).await {
            Ok(handle) => self.follow(handle).await,
            Err(error) => self.report(Update::Failed(error)),
        }
    }

    /// Downloads the files of a task that is done.
    pub(super) async fn fetch(self, task: TaskId) {
        if let Some(destination) = &self.destination {
            let saved = destination.save(&*self.service, &task).await;
            self.report(Update::Fetched(saved));
        }
    }

    async fn follow(&self, handle: Handle) {
        let (_, mut lines) = handle.subscribe();
        self.report(Update::Accepted(handle.clone()));
        let mut end = std::pin::pin!(handle.wait());
        loop {
            tokio::select! {
                biased;
                line = lines.recv() => match line {
                    Ok(line) => self.report(Update::Line(line)),
                    // The snapshot contains everything that was missed.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => break,
                },
                finished = &mut end => return self.report(Update::Finished(finished)),
            }
        }
        self.report(Update::Finished(end.await));
    }

    fn report(&self, update: Update) {
        let _ = self.update_sender.send((self.item.id.clone(), update));
    }
}
