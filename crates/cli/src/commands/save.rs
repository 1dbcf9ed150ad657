//! The end of a task, and its files.

use std::path::PathBuf;

use runninghub::{
    ErrorKind, Event, Intermediate, Intermediates, Output, Phase, Place, Run, SavedTask, Service, TaskId,
    Verdict, say,
};

use super::{context::Context, follow::Following};
use crate::{
    args::Format,
    exit::{Error, Exit, chain},
    signals::{Signal, Signals},
};

/// The destination of results.
#[derive(Clone, Debug)]
pub(super) struct Destination {
    pub(super) results: runninghub::Destination,
    /// Whether files that aren't results are kept too.
    pub(super) intermediate: bool,
}

impl Destination {
    pub(super) fn new(dir: PathBuf, template: Option<String>, intermediate: bool) -> Self {
        let results = runninghub::Destination::folder(dir);
        let results = match template {
            Some(template) => results.template(template),
            None => results,
        };
        Self { results, intermediate }
    }

    /// Checks before anything is paid or fetched that results can be saved.
    pub(super) fn check(&self, service: &dyn Service) -> Result<(), Error> {
        let checked = self.results.save(service, &"0".into()).check();
        checked.map_err(|error| {
            let error = Error::from(error).about("out");
            error.or_hint(say!("choose another folder with `--out DIR`; nothing was submitted"))
        })
    }

    /// Keeps the files that aren't results in a subfolder, if requested.
    pub(super) fn intermediates(&self, service: &dyn Service, task: &TaskId) -> Option<Intermediates> {
        let dir = self.results.dir().join("intermediate");
        if self.intermediate { service.intermediates(task, &dir) } else { None }
    }
}

/// Downloads the results, also of a failed task, and determines the final outcome.
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
        if exit == Exit::Done && end.outputs.is_empty() && !context.printer.is_quiet() {
            none(context);
        }
        if context.format == Format::Human && end.outputs.iter().any(|output| output.url.is_some()) {
            let command = context.command(&["download", run.task_id().as_str()], service.place());
            context.advice.push(say!("`{command}` saves the results", command));
        }
        return Ok(exit);
    };
    let mut listed = end.outputs.clone();
    let mut saved = Ok(exit);
    // The final status of a failed task does not list its results.
    if !listed.is_empty() || exit == Exit::TaskFailed {
        let mut save = destination.results.save(service, run.task_id());
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
                // The results are complete; only intermediate files are missing.
                Err(signal) => {
                    context.handled_signal = Some(signal);
                    context.warn("not_kept", say!("not all intermediate files were downloaded"));
                    break;
                }
            }
        }
    }
    if matches!(saved, Ok(Exit::Done)) && context.outcome.outputs.is_empty() && context.kept.is_empty() {
        return Ok(none(context));
    }
    saved
}

/// The exit code of a success without any of the requested results.
pub(super) fn none(context: &mut Context) -> Exit {
    context.warn("no_results", say!("the task has no results"));
    context.advice.push(say!(
        "only nodes that save files give results, such as SaveImage or VHS_VideoCombine; `rhub run --keep-intermediate` saves what previews show"
    ));
    Exit::Results
}

/// Reports that a signal stopped the downloads.
fn left(context: &mut Context, service: &dyn Service, run: &Run, signal: Signal) -> Exit {
    context.outcome.status = Verdict::Detached;
    let command = context.command(&["download", run.task_id().as_str()], service.place());
    context.advice.push(say!("not all results were saved; `{command}` downloads them again", command));
    Exit::from(signal)
}

/// The exit code for the results of a task that ended with `exit`.
fn outcome(
    context: &mut Context,
    service: &dyn Service,
    run: &Run,
    exit: Exit,
    saved: Result<SavedTask, runninghub::Error>,
) -> Result<Exit, Error> {
    let saved = match saved {
        Err(error) if exit == Exit::TaskFailed => {
            context.warn("not_saved", chain(&error));
            return Ok(exit);
        }
        saved => saved,
    };
    let kept = saved.as_ref().map_or(Exit::Results, |saved| report(context, saved));
    let is_gone =
        |one: &runninghub::Saved| matches!(&one.file, Err(error) if error.kind() == ErrorKind::Gone);
    let all_gone =
        saved.as_ref().is_ok_and(|saved| saved.results.iter().all(|one| one.file.is_ok() || is_gone(one)));
    if kept != Exit::Done && !all_gone {
        let command = context.command(&["download", run.task_id().as_str()], service.place());
        context.advice.push(if let Place::ComfyUi { .. } | Place::NativeProxy { .. } = service.place() {
            say!("`{command}` downloads the results again", command)
        } else {
            say!("`{command}` downloads the results again; their links expire after about a day", command)
        });
    }
    // The failure of the task takes precedence.
    Ok(saved.map(|_| if exit == Exit::Done { kept } else { exit })?)
}

/// Reports an intermediate file. Failures don't matter: these files have no documented endpoint.
pub(super) fn intermediate(context: &mut Context, one: &Intermediate) {
    match &one.file {
        Ok(_) => {
            let output = Output::from(one);
            context.show(Event::Output(output.clone()));
            context.kept.push(output);
        }
        Err(error) => {
            let (file, node) = (&one.node_file.filename, one.node_id.as_str());
            context.warn("not_kept", say!("{file} of node {node}: {why}", file, node, why = chain(error)));
        }
    }
}

/// Reports each result; `Exit::Done` if all were saved.
pub(super) fn report(context: &mut Context, saved: &SavedTask) -> Exit {
    context.outcome.outputs.clear();
    let mut exit = Exit::Done;
    for one in &saved.results {
        let output = Output::from(one);
        if let Err(error) = &one.file {
            exit = worse(exit, error);
            context.warn("not_saved", chain(error));
            if let Some(hint) = error.hint()
                && !context.advice.contains(hint)
            {
                context.advice.push(hint.clone());
            }
        }
        context.show(Event::Output(output.clone()));
        context.outcome.outputs.push(output);
    }
    if let Some(Err(error)) = &saved.manifest {
        exit = worse(exit, error);
        context.warn("no_manifest", chain(error));
    }
    exit
}

/// Disk errors take precedence: later downloads would fail too.
fn worse(exit: Exit, error: &runninghub::Error) -> Exit {
    if exit == Exit::Store || error.kind() == ErrorKind::Io { Exit::Store } else { Exit::Results }
}
