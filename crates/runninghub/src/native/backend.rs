//! ComfyUI as a backend: reads its history and its queue.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use runninghub_comfyui::{Client, ErrorKind as ComfyErrorKind, Finished, Job, Outcome, Product};
use runninghub_core::{
    FileUrl, NodeFile, NodeId, Observation, OutputFile, SocketUrl, TaskId, TaskStatus, say,
};
use tokio::time::sleep;

use super::turn::Turn;
use crate::{
    Backend, BackendError, Error, ErrorKind,
    cancel::{Cancels, over},
    naming::file_name,
};

/// A prompt that ends between two requests is in neither response; after this delay it is in the history.
const BETWEEN: Duration = Duration::from_millis(300);

/// The server's HTTP API.
pub(crate) struct Native {
    client: Client,
    between: Duration,
    /// True until the server reports that it has no jobs endpoint.
    has_jobs: AtomicBool,
    /// Whether the server has responded as a ComfyUI.
    is_known: AtomicBool,
    /// Whether the last poll found that nothing listens at the server's address.
    is_gone: AtomicBool,
    cancels: Arc<Cancels>,
}

impl Native {
    pub(super) fn new(client: Client, cancels: Arc<Cancels>, time_scale: f64) -> Self {
        Self {
            client,
            between: BETWEEN.mul_f64(time_scale.max(0.0)),
            has_jobs: AtomicBool::new(true),
            is_known: AtomicBool::new(false),
            is_gone: AtomicBool::new(false),
            cancels,
        }
    }

    /// A failed poll. A gateway's page is final only if the URL may be wrong: a server that has responded before is
    /// being restarted behind it.
    fn failed(&self, error: runninghub_comfyui::Error) -> BackendError {
        let is_final = match error.kind() {
            ComfyErrorKind::Locked { .. } => true,
            ComfyErrorKind::NotComfyUi { .. } => !self.is_known.load(Ordering::Relaxed),
            _ => false,
        };
        // On this machine a refused connection means that there is no process.
        let is_gone = matches!(error.kind(), ComfyErrorKind::Unreachable) && self.client.is_on_this_machine();
        self.is_gone.store(is_gone, Ordering::Relaxed);
        BackendError::new(Error::comfy(say!("cannot poll the prompt"), error), is_final, None).gone(is_gone)
    }

    /// Looks up the prompt: first its job, if the server has jobs, then history and queue for the rest.
    async fn look(&self, task: &TaskId) -> Result<Option<Observation>, runninghub_comfyui::Error> {
        let job = self.job(task).await?;
        // A missing job alone proves nothing: a gateway may respond the same for a path that it does not know.
        if job == Job::Running {
            return Ok(Some(Observation::of(TaskStatus::Running)));
        }
        if job != Job::Pending
            && let Some(finished) = self.client.history(task.as_str()).await?
        {
            return Ok(Some(self.over(finished)));
        }
        let queue = self.client.queue().await?;
        Ok(match queue.find(task.as_str()) {
            Some((_, Some(ahead))) => {
                Some(Observation { ahead: u64::try_from(ahead).ok(), ..Observation::of(TaskStatus::Queued) })
            }
            Some((_, None)) => Some(Observation::of(TaskStatus::Running)),
            // It started between the two responses.
            None if job == Job::Pending => Some(Observation::of(TaskStatus::Running)),
            None => None,
        })
    }

    async fn job(&self, task: &TaskId) -> Result<Job, runninghub_comfyui::Error> {
        if !self.has_jobs.load(Ordering::Relaxed) {
            return Ok(Job::Unsupported);
        }
        let job = self.client.job(task.as_str()).await?;
        if job == Job::Unsupported {
            self.has_jobs.store(false, Ordering::Relaxed);
        }
        Ok(job)
    }

    fn over(&self, finished: Finished) -> Observation {
        let outputs = finished.products.into_iter().map(|product| self.output(product)).collect();
        let (status, failure) = match finished.outcome {
            Outcome::Success => (TaskStatus::Success, None),
            Outcome::Failed(failure) => (TaskStatus::Failed, Some(*failure)),
            Outcome::Interrupted => (TaskStatus::Cancelled, None),
        };
        Observation { outputs, failure, ..Observation::of(status) }
    }

    fn output(&self, product: Product) -> OutputFile {
        output(product, |file| self.client.view(file))
    }

    async fn stop(&self, task: &TaskId) -> Result<bool, runninghub_comfyui::Error> {
        let id = task.as_str();
        if self.client.cancel_job(id).await? == Some(true) {
            return Ok(true);
        }
        match self.client.queue().await?.find(id) {
            None => return Ok(false),
            Some((_, Some(_))) => self.client.delete_queued(id).await?,
            Some((_, None)) => {}
        }
        // It may have started in the meantime.
        if let Some((_, None)) = self.client.queue().await?.find(id) {
            self.client.interrupt(id).await?;
        }
        Ok(true)
    }
}

#[async_trait]
impl Backend for Native {
    async fn observe(&self, task: &TaskId) -> Result<Observation, BackendError> {
        let mut seen = self.look(task).await.map_err(|error| self.failed(error))?;
        self.is_known.store(true, Ordering::Relaxed);
        if seen.is_none() {
            sleep(self.between).await;
            seen = self.look(task).await.map_err(|error| self.failed(error))?;
        }
        if let Some(seen) = seen {
            return Ok(self.cancels.judge(task, seen).await);
        }
        // ComfyUI keeps nothing about prompts that are cancelled while queued.
        let cancelled = self.cancels.excuse(task, true).await;
        cancelled.ok_or_else(|| BackendError::new(unknown(), true, None).unlisted(true))
    }

    async fn cancel(&self, task: &TaskId) -> Result<(), Error> {
        let is_first = self.cancels.note(task).await;
        let stopped = self.stop(task).await;
        if stopped.map_err(|error| Error::comfy(say!("cannot cancel the prompt"), error))? {
            return Ok(());
        }
        if is_first {
            self.cancels.take_back(task).await;
        }
        let seen = self.observe(task).await.map_err(|error| error.error)?;
        if seen.status.is_over() { Err(over(&seen)) } else { Ok(()) }
    }

    fn on_resume(&self, _slept: Duration) {
        self.client.on_resume();
    }

    fn files(&self, named: &[(NodeId, NodeFile)]) -> Option<Vec<OutputFile>> {
        let product = |(node, file): &(NodeId, NodeFile)| {
            self.output(Product::File { node: node.clone(), file: file.clone() })
        };
        Some(named.iter().filter(|(_, file)| file.folder_type != "input").map(product).collect())
    }

    fn gone(&self, output: &OutputFile) -> Option<Error> {
        let name = output.url.as_ref().and_then(file_name)?;
        Some(Error::new(ErrorKind::Gone, say!("the server no longer has {name}", name)))
    }

    fn unreachable(&self) -> Error {
        let (what, hint) = if self.is_gone.load(Ordering::Relaxed) {
            (
                say!("the server is gone"),
                say!("files it saved are in its `output` folder; restart it before the next run"),
            )
        } else {
            (
                say!("the server has been unreachable for too long"),
                say!("the prompt may still be running: watch it again later"),
            )
        };
        Error::new(ErrorKind::Network, what).with_hint(hint)
    }

    fn calls(&self) -> u64 {
        self.client.calls()
    }
}

/// A product as a result; `view` is the URL of a file.
pub(crate) fn output(product: Product, view: impl Fn(&NodeFile) -> String) -> OutputFile {
    match product {
        Product::File { node, file } => OutputFile {
            node_id: Some(node),
            file_type: file.filename.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()),
            url: Some(FileUrl::new(view(&file))),
            ..OutputFile::default()
        },
        Product::Text { node, text } => OutputFile {
            node_id: Some(node),
            file_type: Some("txt".to_owned()),
            text: Some(text),
            ..OutputFile::default()
        },
        _ => OutputFile::default(),
    }
}

fn unknown() -> Error {
    Error::unknown_task(say!(
        "the server does not know the prompt: it is neither in the queue nor in the history"
    ))
    .with_hint(say!(
            "it was removed from the queue, or the server was restarted; files it saved are in the server's `output` folder"),
        )
}

/// A prompt, with the socket for its messages.
pub(super) struct Follows {
    pub(super) native: Arc<Native>,
    pub(super) socket: SocketUrl,
    /// The right to the prompt's frames, if this run has it.
    pub(super) _turn: Option<Turn>,
}

#[async_trait]
impl Backend for Follows {
    /// Includes the socket URL, which means that the server has the prompt.
    async fn observe(&self, task: &TaskId) -> Result<Observation, BackendError> {
        let seen = self.native.observe(task).await?;
        let is_running = seen.status == TaskStatus::Running;
        Ok(Observation { socket: is_running.then(|| self.socket.clone()), ..seen })
    }

    async fn cancel(&self, task: &TaskId) -> Result<(), Error> {
        self.native.cancel(task).await
    }

    fn on_resume(&self, slept: Duration) {
        self.native.on_resume(slept);
    }

    fn unreachable(&self) -> Error {
        self.native.unreachable()
    }

    fn gone(&self, output: &OutputFile) -> Option<Error> {
        self.native.gone(output)
    }

    fn files(&self, named: &[(NodeId, NodeFile)]) -> Option<Vec<OutputFile>> {
        self.native.files(named)
    }

    fn calls(&self) -> u64 {
        self.native.calls()
    }
}
