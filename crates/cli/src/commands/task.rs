//! Single operations on a task: `status`, `outputs`, `download`, `cancel`.

use std::{path::Path, sync::Arc, time::Duration};

use runninghub::{
    Event as RunEvent, Observation, Output, Service, TaskId, TaskStatus, Verdict, ledger::Filter, say,
};

use super::{
    context::Context,
    save::{self, Destination},
};
use crate::{
    args,
    event::Event,
    exit::{Error, Exit},
    report::text,
};

/// Runs an operation for each task. After an error, which is reported, it continues with the others; the first error
/// determines the exit code.
async fn each(
    context: &mut Context,
    ids: &[String],
    act: impl AsyncFn(&mut Context, &str) -> Result<Exit, Error>,
) -> Result<Exit, Error> {
    if let [id] = ids {
        return act(context, id).await;
    }
    let (mut end, mut outputs) = (Exit::Done, Vec::new());
    for id in ids {
        context.outcome.task_id = None;
        context.outcome.outputs.clear();
        context.heading(&**id);
        let done = act(context, id).await;
        outputs.append(&mut context.outcome.outputs);
        let exit = match done {
            Ok(exit) => exit,
            // The others would fail in the same way.
            Err(error) if error.exit == Exit::Usage => return Err(error),
            Err(error) => {
                let exit = error.exit;
                context.warn_of(&id.as_str().into(), "failed", error.message);
                context.advice.extend(error.hint.map(|hint| *hint));
                exit
            }
        };
        if end == Exit::Done {
            end = exit;
        }
    }
    // Clear the facts about a single task.
    context.outcome.task_id = None;
    context.outcome.attempt_id = None;
    context.outcome.failure = None;
    context.outcome.cost = None;
    context.outcome.outputs = outputs;
    Ok(end)
}

/// Shows the status of tasks.
pub(super) async fn status(context: &mut Context, args: args::SomeTasks) -> Result<Exit, Error> {
    each(context, &args.task_ids, status_of).await
}

async fn status_of(context: &mut Context, id: &str) -> Result<Exit, Error> {
    let (service, task) = ready(context, id).await?;
    let Observation { status, ahead, .. } = service.status(&task).await?;
    context.outcome.status = end(&status);
    context.show(RunEvent::Status { status, waited: Duration::ZERO, poll: 0, ahead });
    Ok(Exit::Done)
}

/// Lists the results of tasks.
pub(super) async fn outputs(context: &mut Context, args: args::SomeTasks) -> Result<Exit, Error> {
    each(context, &args.task_ids, outputs_of).await
}

async fn outputs_of(context: &mut Context, id: &str) -> Result<Exit, Error> {
    let (service, task) = ready(context, id).await?;
    let answer = service.outputs(&task).await?;
    let exit = over(context, &*service, &task, &answer)?;
    for output in context.outcome.outputs.clone() {
        context.show(Event::Listed(output));
    }
    if exit == Exit::Done && answer.outputs.is_empty() {
        save::none(context);
    }
    Ok(exit)
}

/// Downloads the results of tasks.
pub(super) async fn download(context: &mut Context, args: args::Download) -> Result<Exit, Error> {
    let args::Download { tasks, out, name } = args;
    let one = async |context: &mut Context, id: &str| download_of(context, id, &out, name.as_deref()).await;
    each(context, &tasks.task_ids, one).await
}

async fn download_of(context: &mut Context, id: &str, out: &Path, name: Option<&str>) -> Result<Exit, Error> {
    let (service, task) = ready(context, id).await?;
    let destination = Destination::new(out.to_owned(), name.map(str::to_owned), false);
    destination.check(&*service)?;
    let answer = service.outputs(&task).await?;
    let exit = over(context, &*service, &task, &answer)?;
    let saved =
        context.with_files(destination.results.save(&*service, &task).files(&answer.outputs)).await??;
    let kept = if answer.outputs.is_empty() { save::none(context) } else { save::report(context, &saved) };
    if saved.results.iter().any(|one| matches!(&one.file, Err(error) if error.is_expired())) {
        context.advice.push(say!(
            "the platform keeps results for about a day: check the task on the website, or run it again"
        ));
    }
    Ok(if exit == Exit::Done { kept } else { exit })
}

/// Cancels tasks.
pub(super) async fn cancel(context: &mut Context, args: args::Cancel) -> Result<Exit, Error> {
    let mut ids = args.task_ids;
    if args.all {
        ids = open(context).await?;
    }
    each(context, &ids, cancel_of).await
}

/// The tasks submitted from this machine that have not ended.
pub(super) async fn open(context: &mut Context) -> Result<Vec<String>, Error> {
    let open = context.workspace()?.ledger_to_read()?.entries(Filter::all().open().with_task()).await?;
    let ids: Vec<_> = open.iter().filter_map(|entry| Some(entry.task.as_ref()?.to_string())).collect();
    if ids.is_empty() {
        context.advice.push(say!("every task from this machine has ended"));
    }
    Ok(ids)
}

async fn cancel_of(context: &mut Context, id: &str) -> Result<Exit, Error> {
    let (service, task) = ready(context, id).await?;
    service.cancel(&task).await?;
    context.show(Event::Cancelled { status: TaskStatus::Cancelled, waited_s: 0.0 });
    context.outcome.status = Verdict::Cancelled;
    Ok(Exit::Done)
}

async fn ready(context: &mut Context, task: &str) -> Result<(Arc<dyn Service>, TaskId), Error> {
    let found = context.task(task).await?;
    context.outcome.task_id = Some(found.task.clone());
    context.outcome.attempt_id = found.entry.as_ref().map(|entry| entry.attempt.to_string());
    Ok((context.service(found.settings())?, found.task))
}

/// A task that has ended, with its results; an error if it has not.
fn over(
    context: &mut Context,
    service: &dyn Service,
    task: &TaskId,
    answer: &Observation,
) -> Result<Exit, Error> {
    context.outcome.status = end(&answer.status);
    context.outcome.outputs = answer.outputs.iter().cloned().map(Output::from).collect();
    let mut failure = answer.failure.clone();
    context.cure(failure.as_mut());
    context.outcome.failure = failure;
    context.outcome.cost = answer.cost.clone().map(|cost| context.cost(cost));
    match &answer.status {
        TaskStatus::Success => Ok(Exit::Done),
        TaskStatus::Failed | TaskStatus::Cancelled if answer.outputs.is_empty() => {
            let what = if answer.status == TaskStatus::Failed {
                say!("the task failed")
            } else {
                say!("the task was cancelled")
            };
            let failure = context.outcome.failure.as_ref();
            let words = match failure {
                Some(cause) => text::failure(what, Some(cause)),
                None => what,
            };
            let error = Error::new(Exit::TaskFailed, words);
            Err(match failure.and_then(|failure| failure.hint.clone()) {
                Some(cure) => error.hint(cure),
                None => error,
            })
        }
        TaskStatus::Failed | TaskStatus::Cancelled => Ok(Exit::TaskFailed),
        status => {
            let message = say!("the task has not ended: it is {status}", status);
            let command = context.command(&["watch", task.as_str()], service.place());
            Err(Error::new(Exit::StillRunning, message).hint(say!("`{command}` follows it", command)))
        }
    }
}

fn end(status: &TaskStatus) -> Verdict {
    match status {
        TaskStatus::Success => Verdict::Success,
        TaskStatus::Failed => Verdict::Failed,
        TaskStatus::Cancelled => Verdict::Cancelled,
        _ => Verdict::Running,
    }
}
