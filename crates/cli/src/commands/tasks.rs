//! `rhub tasks` and `rhub resolve`.

use runninghub::{
    Place, TaskId,
    ledger::{Entry, Filter, State},
    say,
};

use super::{context::Context, service::check_place};
use crate::{
    args::{self, Server},
    event::Event,
    exit::{Error, Exit},
    key, target,
};

/// Lists what this machine has submitted.
pub(super) async fn tasks(context: &mut Context, args: args::Tasks) -> Result<Exit, Error> {
    if args.refresh {
        refresh(context).await?;
    }
    let mut filter = Filter::all();
    if args.limit > 0 {
        filter = filter.limit(args.limit);
    }
    if args.open {
        filter = filter.open();
    }
    let entries = context.workspace()?.ledger_to_read()?.entries(filter).await?;
    let unknown = entries.iter().find(|entry| entry.state == State::Unknown);
    let unknown = unknown.map(|entry| (entry.attempt.clone(), entry.intent.place.clone()));
    if entries.is_empty() {
        context.advice.push(say!("nothing has been submitted from this machine yet"));
    }
    for entry in &entries {
        context.show(Event::Task(entry.into()));
    }
    if let Some((attempt, place)) = unknown {
        let look = match Server::of(&place) {
            Some(_) => {
                let command = context.command(&["queue"], &place);
                say!("compare the unknown ones with the server's queue (`{command}`)", command)
            }
            None => say!("compare the unknown ones with the task list on the RunningHub website"),
        };
        context.advice.push(say!(
            "{look}, then record what you found with\n  rhub resolve {attempt} --task-id ID\n  rhub resolve {attempt} --not-created",
            look,
            attempt = &attempt
        ));
    }
    Ok(Exit::Done)
}

/// Records the current state of tasks whose end was not seen.
async fn refresh(context: &mut Context) -> Result<(), Error> {
    let workspace = context.workspace()?.clone();
    let connect = |place: &Place| match check_place(place) {
        Ok(()) => context.service_at(place).map(Some),
        // The other tasks are still refreshed.
        Err(error) => {
            context.warn("refresh", error.message);
            Ok(None)
        }
    };
    for (entry, refreshed) in workspace.refresh(connect).await? {
        if let (Some(task), Err(error)) = (&entry.task, refreshed) {
            context.warn_of(task, "refresh", Error::from(error).message);
        }
    }
    Ok(())
}

/// Settles a submit of unknown outcome.
pub(super) async fn resolve(context: &mut Context, args: args::Resolve) -> Result<Exit, Error> {
    let workspace = context.workspace()?.clone();
    let entry = workspace.ledger()?.entry(Filter::all().attempt(args.attempt.as_str())).await?;
    context.outcome.attempt_id = Some(entry.attempt.to_string());
    let place = &entry.intent.place;
    check_place(place)?;
    let is_server = Server::of(place).is_some();
    let read = if is_server { target::prompt_id } else { target::task_id };
    let task = args.task_id.as_deref().map(read).transpose()?;
    let entry = if let Some(task) = &task {
        found(context, &entry, task, is_server).await?
    } else {
        if is_server {
            is_absent(context, &entry).await?;
        }
        workspace.absent(&entry).await?
    };
    context.outcome.task_id.clone_from(&entry.task);
    context.show(Event::Settled((&entry).into()));
    Ok(Exit::Done)
}

/// Checks that the service knows the task, if a key is available.
async fn found(context: &mut Context, entry: &Entry, task: &TaskId, is_server: bool) -> Result<Entry, Error> {
    if is_server || key::is_named(&context.global) {
        let service = context.service_at(&entry.intent.place)?;
        return Ok(service.resolve(entry.attempt.as_str(), task).await?);
    }
    let message = say!("without an API key, rhub cannot check whether the platform has this task");
    context.warn("not_checked", message);
    Ok(context.workspace()?.bind(entry, task).await?)
}

/// The server may have a task that the user did not find.
async fn is_absent(context: &mut Context, entry: &Entry) -> Result<(), Error> {
    let service = context.service_at(&entry.intent.place)?;
    let attempt = &entry.attempt;
    match service.find_submit(attempt.as_str()).await {
        Ok(None) => Ok(()),
        Ok(Some(prompt)) => {
            let prompt = &prompt;
            Err(Error::new(Exit::Refused, say!("the server has this prompt: {prompt}", prompt)).hint(say!(
                "settle it with `rhub resolve {attempt} --task-id {prompt}`",
                attempt,
                prompt
            )))
        }
        Err(error) => {
            let why = Error::from(error).message;
            let message = say!("cannot check whether the server has the prompt: {why}", why);
            context.warn("not_checked", message);
            Ok(())
        }
    }
}
