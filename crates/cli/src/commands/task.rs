//! One question or act about one task: `status`, `outputs`, `download`, `cancel`.

use std::time::Duration;

use runninghub::{Event as RunEvent, Observation, Output, TaskId, TaskStatus, Untrusted, Verdict};

use super::{
    context::{Context, Settings},
    save::{self, Destination},
    service::{Named, Service as _},
};
use crate::{
    args,
    event::Event,
    exit::{Error, Exit},
    report::text,
};

/// Says where a task stands.
pub(super) async fn status(context: &mut Context, args: args::Status) -> Result<Exit, Error> {
    let (hub, task) = ready(context, &args.task_id).await?;
    let Observation { status, ahead, .. } = hub.status(&task).await?;
    context.outcome.status = end(&status);
    context.show(RunEvent::Status { status, waited: Duration::ZERO, poll: 0, ahead });
    Ok(Exit::Done)
}

/// Lists the results of a task.
pub(super) async fn outputs(context: &mut Context, args: args::Outputs) -> Result<Exit, Error> {
    let (hub, task) = ready(context, &args.task_id).await?;
    let answer = hub.outputs(&task).await?;
    let exit = over(context, &hub, &task, &answer)?;
    context.outcome.outputs.clone().into_iter().for_each(|output| context.show(Event::Listed(output)));
    Ok(exit)
}

/// Brings the results of a task home.
pub(super) async fn download(context: &mut Context, args: args::Download) -> Result<Exit, Error> {
    let (hub, task) = ready(context, &args.task_id).await?;
    let destination = Destination { dir: args.out, template: args.name, intermediate: false };
    destination.check(&hub).map_err(|error| error.hint("name another folder with `--out DIR`"))?;
    let answer = hub.outputs(&task).await?;
    let exit = over(context, &hub, &task, &answer)?;
    let saved = context.with_files(destination.save(&hub, &task).files(&answer.outputs)).await??;
    let kept = save::report(context, &saved);
    Ok(if exit == Exit::Done { kept } else { exit })
}

/// Cancels a task.
pub(super) async fn cancel(context: &mut Context, args: args::Cancel) -> Result<Exit, Error> {
    let (hub, task) = ready(context, &args.task_id).await?;
    hub.cancel(&task).await?;
    context.show(Event::Cancelled { status: TaskStatus::Cancelled, waited_s: 0.0 });
    context.outcome.status = Verdict::Cancelled;
    Ok(Exit::Done)
}

async fn ready(context: &mut Context, task: &str) -> Result<(Named, TaskId), Error> {
    let (task, entry) = context.task(task).await?;
    context.outcome.task_id = Some(task.clone());
    context.outcome.attempt_id = entry.as_ref().map(|entry| entry.attempt.to_string());
    let settings = entry.as_ref().map(|entry| Settings::of(&entry.intent.place)).unwrap_or_default();
    Ok((Named::connect(context, settings)?, task))
}

/// A task that is over, with what there is to fetch; one that is not is an error.
fn over(context: &mut Context, hub: &Named, task: &TaskId, answer: &Observation) -> Result<Exit, Error> {
    context.outcome.status = end(&answer.status);
    context.outcome.outputs = answer.outputs.iter().cloned().map(Output::from).collect();
    context.outcome.failure.clone_from(&answer.failure);
    context.outcome.cost = answer.cost.clone().map(|cost| context.cost(cost));
    match &answer.status {
        TaskStatus::Success => Ok(Exit::Done),
        TaskStatus::Failed | TaskStatus::Cancelled if answer.outputs.is_empty() => {
            let word = if answer.status == TaskStatus::Failed {
                "the task failed"
            } else {
                "the task was cancelled"
            };
            let failure = context.outcome.failure.as_ref();
            let told = failure.map(|cause| text::failure(Some(cause))).unwrap_or_default();
            let error = Error::new(Exit::TaskFailed, format!("{word}{told}"));
            Err(match failure.and_then(text::cure) {
                Some(cure) => error.hint(cure),
                None => error,
            })
        }
        TaskStatus::Failed | TaskStatus::Cancelled => Ok(Exit::TaskFailed),
        status => {
            let word = Untrusted::from(status.as_str());
            Err(Error::new(Exit::StillRunning, format!("the task is not over: it is {word}"))
                .hint(format!("`{}` follows it", context.command(&format!("watch {task}"), hub.site()))))
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
