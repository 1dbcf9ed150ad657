//! The end of a task, and its files.

use std::path::PathBuf;

use runninghub::{
    ErrorKind, Event, Intermediate, Intermediates, Output, OutputFile, Phase, Place, Run, SavedFile,
    SavedTask, Service, TaskId, Untrusted, Verdict,
};

use super::{
    context::Context,
    follow::{Following, interrupted},
};
use crate::{
    exit::{Error, Exit},
    signals::{Signal, Signals},
};

/// Where results go.
#[derive(Clone, Debug)]
pub(super) struct Destination {
    pub(super) dir: PathBuf,
    pub(super) template: Option<String>,
    /// Whether what is no result is kept too.
    pub(super) intermediate: bool,
}

impl Destination {
    /// Makes sure, before anything is paid, that results can be kept.
    pub(super) fn check(&self, service: &dyn Service) -> Result<(), Error> {
        let checked = self.save(service, &"0".into()).check();
        checked.map_err(|error| {
            Error::from(error).or_hint("name another folder with `--out DIR`; nothing was submitted")
        })
    }

    /// Keeps what is no result, in a folder of its own, where that is wanted.
    pub(super) fn intermediates(&self, service: &dyn Service, task: &TaskId) -> Option<Intermediates> {
        if self.intermediate { service.intermediates(task, &self.dir.join("intermediate")) } else { None }
    }

    pub(super) fn save(&self, service: &dyn Service, task: &TaskId) -> runninghub::Save {
        let save = service.save(task, &self.dir);
        match &self.template {
            Some(template) => save.template(template),
            None => save,
        }
    }
}

/// Brings the results home, also those of a task that failed, and says what the whole comes to.
pub(super) async fn finish(
    context: &mut Context,
    service: &dyn Service,
    run: &Run,
    end: &runninghub::End,
    following: &Following,
    kept: Option<Intermediates>,
    signals: &mut Signals,
) -> Result<Exit, Error> {
    let exit = if end.phase == Phase::Success { Exit::Done } else { Exit::TaskFailed };
    let Some(destination) = &following.destination else {
        for output in context.outcome.outputs.clone() {
            context.show(Event::Output(output));
        }
        return Ok(exit);
    };
    let mut listed = end.outputs.clone();
    let mut saved = Ok(exit);
    // What a task made before it failed is not told with its end.
    if !listed.is_empty() || exit == Exit::TaskFailed {
        let mut save = destination.save(service, run.task_id());
        if !listed.is_empty() {
            save = save.files(&listed);
        }
        if let Some(workflow) = run.workflow_id() {
            save = save.workflow(workflow.clone());
        }
        match context.watch_files(signals, save).await {
            Err(signal) => return Ok(left(context, service, run, signal)),
            Ok(results) => {
                if let Ok(results) = &results {
                    listed = results.results.iter().map(|one| one.output.clone()).collect();
                }
                saved = outcome(context, service, run, exit, results);
            }
        }
    }
    if let Some(mut kept) = kept {
        kept.end(&listed);
        loop {
            match context.watch_files(signals, kept.next()).await {
                Ok(Some(one)) => intermediate(context, &one),
                Ok(None) => break,
                // The results are what counts, and they are there.
                Err(signal) => {
                    context.heeded = Some(signal);
                    context.warn("not_kept", "not everything that nodes have shown was fetched");
                    break;
                }
            }
        }
    }
    saved
}

/// Somebody did not wait for all files.
fn left(context: &mut Context, service: &dyn Service, run: &Run, signal: Signal) -> Exit {
    context.outcome.status = Verdict::Detached;
    let command = context.command(&format!("download {}", run.task_id()), service.place());
    context.advice.push(format!("the results were not all saved; `{command}` fetches them again"));
    interrupted(signal)
}

/// What the results come to, of a task that ended like this.
fn outcome(
    context: &mut Context,
    service: &dyn Service,
    run: &Run,
    exit: Exit,
    saved: Result<SavedTask, runninghub::Error>,
) -> Result<Exit, Error> {
    let saved = match saved {
        Err(error) if exit == Exit::TaskFailed => {
            context.warn("not_saved", Untrusted::from(crate::exit::chain(&error)));
            return Ok(exit);
        }
        saved => saved,
    };
    let kept = saved.as_ref().map_or(Exit::Results, |saved| report(context, saved));
    if kept != Exit::Done {
        let command = context.command(&format!("download {}", run.task_id()), service.place());
        context.advice.push(if let Place::ComfyUi { .. } | Place::NativeProxy { .. } = service.place() {
            format!("`{command}` fetches the results again")
        } else {
            format!("`{command}` fetches the results again; their links live for about a day")
        });
    }
    // Of a task that failed, that is what counts.
    Ok(saved.map(|_| if exit == Exit::Done { kept } else { exit })?)
}

/// Shows what became of a file that is no result. Nothing depends on it: no endpoint for these is published.
pub(super) fn intermediate(context: &mut Context, one: &Intermediate) {
    let name = &one.node_file.filename;
    match &one.file {
        Ok(file) => {
            let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
            let listed = OutputFile {
                node_id: Some(one.node_id.clone()),
                file_type: extension,
                ..OutputFile::default()
            };
            let output = Output { intermediate: true, ..saved_as(listed, file) };
            context.show(Event::Output(output.clone()));
            context.kept.push(output);
        }
        Err(error) => {
            let message = format!("{name} of node {}: {}", one.node_id, crate::exit::chain(error));
            context.warn("not_kept", Untrusted::from(message));
        }
    }
}

/// Shows what became of each result; `Exit::Done` if all were saved.
pub(super) fn report(context: &mut Context, saved: &SavedTask) -> Exit {
    context.outcome.outputs.clear();
    let mut exit = Exit::Done;
    for one in &saved.results {
        let output = match &one.file {
            Ok(file) => saved_as(one.output.clone(), file),
            Err(error) => {
                exit = worse(exit, error);
                context.warn("not_saved", Untrusted::from(crate::exit::chain(error)));
                one.output.clone().into()
            }
        };
        context.show(Event::Output(output.clone()));
        context.outcome.outputs.push(output);
    }
    if let Some(Err(error)) = &saved.manifest {
        exit = worse(exit, error);
        context.warn("no_manifest", Untrusted::from(crate::exit::chain(error)));
    }
    exit
}

/// A result, with the file that it has become.
fn saved_as(output: OutputFile, file: &SavedFile) -> Output {
    Output {
        path: Some(file.path.to_string_lossy().into_owned()),
        bytes: Some(file.bytes),
        sha256: Some(file.sha256.clone()),
        ..output.into()
    }
}

/// A disk that is full or broken has to be seen to first: other results would not fit either.
fn worse(exit: Exit, error: &runninghub::Error) -> Exit {
    if exit == Exit::Store || error.kind() == ErrorKind::Io { Exit::Store } else { Exit::Results }
}
