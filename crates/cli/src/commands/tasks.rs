//! `rhub tasks` and `rhub resolve`.

use runninghub::{
    Place, Recipe, TaskId,
    ledger::{Entry, Filter, State},
    say,
};

use super::{context::Context, service::check_place};
use crate::{
    args::{self, Server},
    event::Event,
    exit::{Error, Exit},
    key,
    since::Since,
    target,
};

/// Lists tasks submitted from this machine.
pub(super) async fn tasks(context: &mut Context, args: args::Tasks) -> Result<Exit, Error> {
    if args.refresh {
        refresh(context).await?;
    }
    let limit = if args.limit == 0 { usize::MAX } else { args.limit };
    let ledger = context.workspace()?.ledger_to_read()?;
    let mut entries = ledger.entries(filter(&args, limit)).await?;
    entries.retain(|entry| is_wanted(entry, &args));
    let more = entries.len() > limit;
    entries.truncate(limit);
    let unknown = entries.iter().find(|entry| entry.state == State::Unknown);
    let unknown = unknown.map(|entry| (entry.attempt.clone(), entry.intent.place.clone()));
    if entries.is_empty() {
        let is_empty = ledger.entries(Filter::all().limit(1)).await?.is_empty();
        context.advice.push(if is_empty {
            say!("nothing has been submitted from this machine yet")
        } else {
            say!("no task matches")
        });
    }
    for entry in &entries {
        context.show(Event::Task(entry.into()));
    }
    if more {
        context.advice.push(say!("there are more: `--limit 0` shows all"));
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

/// The ledger's part of the selection. One more than needed shows whether there are more.
fn filter(args: &args::Tasks, limit: usize) -> Filter {
    let mut filter = Filter::all();
    // The rest is selected here.
    if args.text.is_none() && args.workflow.is_none() && args.label.is_none() {
        filter = filter.limit(limit.saturating_add(1));
    }
    if args.open {
        filter = filter.open();
    }
    if let Some(Since(ms)) = args.since {
        filter = filter.since(ms);
    }
    if let Some(state) = args.state {
        filter = filter.state(state);
    }
    filter
}

fn is_wanted(entry: &Entry, args: &args::Tasks) -> bool {
    let intent = &entry.intent;
    let id = intent.workflow.as_ref().map(AsRef::as_ref).or(intent.target.as_deref());
    let has_text = |text: &String| {
        let text = text.to_lowercase();
        let has = |said: &str| said.to_lowercase().contains(&text);
        let set = || Recipe::kept(entry).map(|recipe| recipe.set).unwrap_or_default();
        intent.label.as_deref().is_some_and(has) || set().iter().any(|(_, value)| has(&value.to_string()))
    };
    args.text.as_ref().is_none_or(has_text)
        && args.workflow.as_deref().is_none_or(|wanted| id == Some(wanted))
        && args.label.as_ref().is_none_or(|wanted| intent.label.as_ref() == Some(wanted))
}

/// Updates tasks whose end was not observed.
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

/// Resolves a submit with an unknown outcome.
pub(super) async fn resolve(context: &mut Context, args: args::Resolve) -> Result<Exit, Error> {
    let workspace = context.workspace()?.clone();
    let entry = workspace.ledger()?.entry(Filter::all().attempt(target::copied(&args.attempt))).await?;
    context.outcome.attempt_id = Some(entry.attempt.to_string());
    let place = &entry.intent.place;
    check_place(place)?;
    let is_server = Server::of(place).is_some();
    let read = if is_server { target::prompt_id } else { target::task_id };
    let task = args.task_id.as_deref().map(|id| read(target::copied(id))).transpose()?;
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
