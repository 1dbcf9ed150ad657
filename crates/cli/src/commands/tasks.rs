//! `rhub tasks` and `rhub resolve`.

use std::{
    collections::{HashMap, hash_map::Entry as Slot},
    sync::Arc,
};

use runninghub::{
    ErrorKind, Place, Service, TaskId, TaskStatus,
    ledger::{Entry, Filter, State, Step},
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
    let entries = context.ledger_to_read()?.entries(filter).await?;
    let unknown =
        entries.iter().find(|entry| entry.state == State::Unknown).map(|entry| entry.attempt.clone());
    if entries.is_empty() {
        context.advice.push("nothing was submitted from this machine yet".to_owned());
    }
    for entry in &entries {
        context.show(Event::Task(entry.into()));
    }
    if let Some(attempt) = unknown {
        context.advice.push(format!(
            "compare the unknown ones with the tasks on the RunningHub page, then say what you found with\n  \
             rhub resolve {attempt} --task-id ID\n  rhub resolve {attempt} --not-created"
        ));
    }
    Ok(Exit::Done)
}

/// Writes down what the platform says about tasks whose end nobody has seen.
async fn refresh(context: &mut Context) -> Result<(), Error> {
    let ledger = context.ledger()?;
    let open = ledger.entries(Filter::all().open().with_task()).await?;
    let mut places: HashMap<Place, Arc<dyn Service>> = HashMap::new();
    for entry in open.iter().filter(|entry| entry.state == State::Accepted) {
        let Some(task) = &entry.task else { continue };
        let place = &entry.intent.place;
        // The others are looked up all the same.
        if let Err(error) = check_place(place) {
            context.warn_of(task, "refresh", &error.message);
            continue;
        }
        let place = match places.entry(place.clone()) {
            Slot::Occupied(known) => known.into_mut(),
            Slot::Vacant(new) => new.insert(context.service_at(place)?),
        };
        match place.outputs(task).await {
            Ok(answer) => {
                let step = match answer.status {
                    TaskStatus::Success => Step::Done { cost: answer.cost },
                    TaskStatus::Failed => Step::Failed { cost: answer.cost, note: None },
                    TaskStatus::Cancelled => Step::Cancelled { cost: answer.cost },
                    _ => continue,
                };
                ledger.advance(&entry.attempt, step).await?;
            }
            // The library has asked for long enough; that a task may be known later is no reason to write it off.
            Err(error) if error.is_unknown_task() && error.kind() != ErrorKind::StillRunning => {
                ledger.advance(&entry.attempt, Step::Gone).await?;
            }
            Err(error) => context.warn_of(task, "refresh", &Error::from(error).message),
        }
    }
    Ok(())
}

/// Settles a submit of unknown outcome.
pub(super) async fn resolve(context: &mut Context, args: args::Resolve) -> Result<Exit, Error> {
    let ledger = context.ledger()?;
    let entry = ledger.entry(Filter::all().attempt(args.attempt.as_str())).await?;
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
        let note = "somebody has looked: there is no task".to_owned();
        ledger.advance(&entry.attempt, Step::Absent { note }).await?;
        ledger.entry(Filter::all().attempt(entry.attempt.as_str())).await?
    };
    context.outcome.task_id.clone_from(&entry.task);
    context.show(Event::Settled((&entry).into()));
    Ok(Exit::Done)
}

/// The service is asked whether it knows the task, where there is a key to ask with.
async fn found(context: &mut Context, entry: &Entry, task: &TaskId, is_server: bool) -> Result<Entry, Error> {
    if is_server || key::is_named(&context.global) {
        let service = context.service_at(&entry.intent.place)?;
        return Ok(service.resolve(entry.attempt.as_str(), task).await?);
    }
    context.warn("not_checked", "without an API key the platform cannot be asked whether it knows this task");
    let ledger = context.ledger()?;
    ledger.advance(&entry.attempt, Step::Accepted { task: task.clone() }).await?;
    Ok(ledger.entry(Filter::all().attempt(entry.attempt.as_str())).await?)
}

/// What a person has not found the server may have all the same.
async fn is_absent(context: &mut Context, entry: &Entry) -> Result<(), Error> {
    let service = context.service_at(&entry.intent.place)?;
    let attempt = &entry.attempt;
    match service.find_submit(attempt.as_str()).await {
        Ok(None) => Ok(()),
        Ok(Some(prompt)) => Err(Error::new(Exit::Refused, format!("the server has this prompt: {prompt}"))
            .hint(format!("settle it with `rhub resolve {attempt} --task-id {prompt}`"))),
        Err(error) => {
            let why = Error::from(error).message;
            context
                .warn("not_checked", format!("the server cannot be asked whether it has the prompt: {why}"));
            Ok(())
        }
    }
}
