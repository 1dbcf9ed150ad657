//! `rhub batch pause`, `resume`, `retry` and `cancel`.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use runninghub::{
    Verdict,
    ledger::{ItemEntry, Ledger, State},
    say,
};
use runninghub_batch::{Action, Item, ItemId, ItemState, Key, is_running};
use tokio::time::sleep;

use super::{
    super::context::Context,
    prepare, resume,
    run::{self, StartOptions},
};
use crate::{
    args,
    event::{BatchItem, Event, ListedBatch},
    exit::{Error, Exit},
    speed,
};

/// How often rows that are being sent are checked for a task.
const LOOK: Duration = Duration::from_millis(500);

/// Pauses a batch that another process runs.
pub(super) async fn pause(context: &mut Context, name: &str) -> Result<Exit, Error> {
    let workspace = context.workspace()?.clone();
    let ledger = workspace.ledger()?;
    resume::batch(&*ledger, name).await?;
    ledger.halt_batch(name).await?;
    if is_running(workspace.dir(), name) {
        context.warn("paused", say!("no more rows start; running rows continue"));
    } else {
        context.warn("paused", say!("no process is running this batch"));
    }
    context.advice.push(say!("`rhub batch resume {name}` resumes it", name));
    over(context, &*ledger, name).await
}

/// Resumes a batch, with the rows in the ledger.
pub(super) async fn resume(context: &mut Context, args: args::BatchResume) -> Result<Exit, Error> {
    let ledger = context.workspace()?.ledger()?;
    let prepared = prepare::stored(context, &*ledger, &args.of, false).await?;
    prepare::advise(context, &prepared.before, &prepared.compared);
    let start = StartOptions { reuse: false, limits: args.limits, events: args.events, only: None };
    run::start(context, &prepared, start).await
}

/// Reruns rows that failed, were cancelled or refused.
pub(super) async fn retry(context: &mut Context, args: args::BatchRetry) -> Result<Exit, Error> {
    let ledger = context.workspace()?.ledger()?;
    let mut prepared = prepare::stored(context, &*ledger, &args.of, true).await?;
    let states: HashMap<&str, ItemState> =
        prepared.recorded.iter().map(|known| (known.id.as_str(), known.state)).collect();
    let is_over_without_results =
        |state| matches!(state, ItemState::Failed | ItemState::Cancelled | ItemState::Refused);
    for id in &args.id {
        match states.get(&**id) {
            Some(state) if is_over_without_results(*state) => {}
            Some(_) => {
                return Err(Error::usage(say!(
                    "row `{id}` neither failed nor was cancelled or refused",
                    id = &**id
                )));
            }
            None => {
                let batch = &*args.of.batch;
                return Err(Error::usage(say!("the batch `{batch}` has no row `{id}`", batch, id = &**id))
                    .hint(say!("`rhub batch export {batch}` lists its rows", batch)));
            }
        }
    }
    let is_meant = |id: &str| args.id.is_empty() || args.id.iter().any(|meant| meant == id);
    let only: HashSet<ItemId> = states
        .iter()
        .filter(|(id, state)| is_over_without_results(**state) && is_meant(id))
        .map(|(id, _)| ItemId::from(*id))
        .collect();
    if only.is_empty() {
        context.advice.push(say!("no row failed, was cancelled or refused"));
        return over(context, &*ledger, &args.of.batch).await;
    }
    if let Some(instance) = &args.instance {
        prepared = prepared.on_instance(&only, instance);
    }
    let start = StartOptions { reuse: false, limits: args.limits, events: args.events, only: Some(only) };
    run::start(context, &prepared, start).await
}

/// Stops a batch: its running tasks are cancelled, and rows that have not started are left alone.
pub(super) async fn cancel(context: &mut Context, name: &str) -> Result<Exit, Error> {
    let workspace = context.workspace()?.clone();
    let ledger = workspace.ledger()?;
    let batch = resume::batch(&*ledger, name).await?.batch;
    ledger.halt_batch(name).await?;
    let wait = LOOK.mul_f64(speed::time_scale()?);
    let items: Vec<Item> = thawed(&ledger.items(name).await?)?;
    let keys = run::keys(context, &*ledger, &batch.place, &items)?;
    let (mut cancelled, mut has_failed) = (HashSet::new(), false);
    loop {
        let kept = ledger.items(name).await?;
        for (kept, item) in kept.iter().zip(&thawed(&kept)?) {
            let Some(entry) = kept.entry.as_ref().filter(|entry| entry.state == State::Accepted) else {
                continue;
            };
            let (Some(task), Some(key)) = (&entry.task, Key::of(&keys, item, Some(entry))) else { continue };
            if !cancelled.insert(item.id.clone()) {
                continue;
            }
            match key.service().cancel(task).await {
                Ok(()) => {
                    let row = BatchItem::new(name, item, ItemState::Cancelled, Action::Leave);
                    context.show_of(Some(task.clone()), Event::BatchRow(Box::new(row)));
                }
                Err(error) => {
                    has_failed = true;
                    let (id, why) = (&item.id, Error::from(error).message);
                    context.warn_of(task, "cancel", say!("row `{id}` cannot be cancelled: {why}", id, why));
                }
            }
        }
        // A row that is being sent will soon have a task, or an unknown outcome.
        let is_sent = |kept: &ItemEntry| {
            kept.entry.as_ref().is_some_and(|entry| matches!(entry.state, State::Submitting | State::Waiting))
        };
        // Until the process that runs the batch has ended, it may start one more.
        if has_failed || !(kept.iter().any(is_sent) || is_running(workspace.dir(), name)) {
            break;
        }
        sleep(wait).await;
    }
    if !is_running(workspace.dir(), name) && !cancelled.is_empty() {
        context.advice.push(say!(
            "`rhub batch resume {name}` fetches the outcomes of the cancelled rows, and resumes the batch",
            name
        ));
    }
    let exit = over(context, &*ledger, name).await?;
    Ok(if has_failed { Exit::PartialFailure } else { exit })
}

fn thawed(kept: &[ItemEntry]) -> Result<Vec<Item>, Error> {
    Ok(kept.iter().map(|kept| Item::thawed(&kept.item)).collect::<Result<_, _>>()?)
}

/// Reports the states of the rows.
async fn over(context: &mut Context, ledger: &dyn Ledger, name: &str) -> Result<Exit, Error> {
    context.show(Event::BatchOver(ListedBatch::from(resume::batch(ledger, name).await?)));
    context.outcome.status = Verdict::Success;
    Ok(Exit::Done)
}
