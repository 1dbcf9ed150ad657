//! Single operations on a task: `status`, `outputs`, `download`, `cancel`.

use std::{sync::Arc, time::Duration};

use runninghub::{Event as RunEvent, Observation, Output, Service, TaskId, TaskStatus, Verdict, say};

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

/// Shows a task's status.
pub(super) async fn status(context: &mut Context, args: args::OneTask) -> Result<Exit, Error> {
    let (service, task) = ready(context, &args.task_id).await?;
    let Observation { status, ahead, .. } = service.status(&task).await?;
    context.outcome.status = end(&status);
    context.show(RunEvent::Status { status, waited: Duration::ZERO, poll: 0, ahead });
    Ok(Exit::Done)
}

/// Lists a task's results.
pub(super) async fn outputs(context: &mut Context, args: args::OneTask) -> Result<Exit, Error> {
    let (service, task) = ready(context, &args.task_id).await?;
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

/// Downloads a task's results.
pub(super) async fn download(context: &mut Context, args: args::Download) -> Result<Exit, Error> {
    let (service, task) = ready(context, &args.task_id).await?;
    let destination = Destination::new(args.out, args.name, false);
    destination
        .check(&*service)
        .map_err(|error| error.hint(say!("choose another folder with `--out DIR`")))?;
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

/// Cancels a task.
pub(super) async fn cancel(context: &mut Context, args: args::Cancel) -> Result<Exit, Error> {
    let (service, task) = ready(context, &args.task_id).await?;
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
    context.outcome.failure.clone_from(&answer.failure);
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
            Err(match failure.and_then(text::cure) {
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
