//! The end of a task, and its files.

use std::path::PathBuf;

use runninghub::{ErrorKind, Phase, Run, SavedTask, TaskId, Untrusted};

use super::{
    context::Context,
    follow::{Following, interrupted},
    service::Service,
};
use crate::{
    exit::{Error, Exit},
    schema::{End, Output},
    signals::{Signal, Signals},
};

/// Where results go.
#[derive(Clone, Debug)]
pub(super) struct Destination {
    pub(super) dir: PathBuf,
    pub(super) template: Option<String>,
}

impl Destination {
    /// Makes sure, before anything is paid, that results can be kept.
    pub(super) fn check(&self, hub: &impl Service) -> Result<(), Error> {
        let checked = self.save(hub, &"0".into()).check();
        checked.map_err(|error| {
            Error::from(error).or_hint("name another folder with `--out DIR`; nothing was submitted")
        })
    }

    pub(super) fn save(&self, hub: &impl Service, task: &TaskId) -> runninghub::Save {
        let save = hub.save(task, &self.dir);
        match &self.template {
            Some(template) => save.template(template),
            None => save,
        }
    }
}

/// Brings the results home, also those of a task that failed, and says what the whole comes to.
pub(super) async fn finish(
    context: &mut Context,
    hub: &impl Service,
    run: &Run,
    end: &runninghub::End,
    following: &Following,
    signals: &mut Signals,
) -> Result<Exit, Error> {
    let task = run.task_id();
    let exit = if end.phase == Phase::Success { Exit::Done } else { Exit::TaskFailed };
    let saved = match &following.destination {
        // What a task made before it failed is not told with its end.
        Some(destination) if !end.outputs.is_empty() || exit == Exit::TaskFailed => {
            let mut save = destination.save(hub, task);
            if !end.outputs.is_empty() {
                save = save.files(&end.outputs);
            }
            if let Some(workflow) = run.workflow_id() {
                save = save.workflow(workflow.clone());
            }
            let mut saving = save.into_future();
            loop {
                tokio::select! {
                    biased;
                    signal = signals.next() => match signal {
                        Signal::Interrupt | Signal::Terminate => {
                            context.outcome.status = End::Detached;
                            let command = context.command(&format!("download {task}"), hub.site());
                            context.advice.push(format!("the results were not all saved; `{command}` fetches them again"));
                            return Ok(interrupted(signal));
                        }
                        Signal::Suspend | Signal::Resize => {}
                    },
                    transfer = context.transfers.next() => context.transfer(&transfer),
                    saved = &mut saving => match saved {
                        Err(error) if exit == Exit::TaskFailed => {
                            context.warn("not_saved", Untrusted::from(crate::exit::chain(&error)));
                            return Ok(exit);
                        }
                        saved => break saved,
                    },
                }
            }
        }
        _ => {
            for output in context.outcome.outputs.clone() {
                context.reporter.output(context.clock.now(), &output);
            }
            return Ok(exit);
        }
    };
    let kept = saved.as_ref().map_or(Exit::Results, |saved| report(context, saved));
    if kept != Exit::Done {
        let command = context.command(&format!("download {task}"), hub.site());
        let soon = if context.global.server.is_some() { "" } else { "; their links live for about a day" };
        context.advice.push(format!("`{command}` fetches the results again{soon}"));
    }
    // Of a task that failed, that is what counts.
    Ok(saved.map(|_| if exit == Exit::Done { kept } else { exit })?)
}

/// Shows what became of each result; `Exit::Done` if all were saved.
pub(super) fn report(context: &mut Context, saved: &SavedTask) -> Exit {
    context.outcome.outputs.clear();
    let mut exit = Exit::Done;
    for one in &saved.results {
        let mut output = Output::from(&one.output);
        match &one.file {
            Ok(file) => {
                output.path = Some(file.path.to_string_lossy().into_owned());
                output.bytes = Some(file.bytes);
                output.sha256 = Some(file.sha256.clone());
            }
            Err(error) => {
                exit = worse(exit, error);
                context.warn("not_saved", Untrusted::from(crate::exit::chain(error)));
            }
        }
        context.reporter.output(context.clock.now(), &output);
        context.outcome.outputs.push(output);
    }
    if let Some(Err(error)) = &saved.manifest {
        exit = worse(exit, error);
        context.warn("no_manifest", Untrusted::from(crate::exit::chain(error)));
    }
    exit
}

/// A disk that is full or broken has to be seen to first: other results would not fit either.
fn worse(exit: Exit, error: &runninghub::Error) -> Exit {
    if exit == Exit::Store || error.kind() == ErrorKind::Io { Exit::Store } else { Exit::Results }
}
