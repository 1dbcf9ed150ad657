//! `rhub batch watch`: follows a batch of another process through the ledger.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use runninghub::{
    Sentence, Verdict,
    ledger::{ItemEntry, Ledger},
    say,
};
use runninghub_batch::{Action, Amount, Item, ItemState, JobLimits, is_running};
use tokio::time::sleep;

use super::{super::context::Context, resume, running};
use crate::{
    event::{BatchItem, BatchProgress, Event, ListedBatch},
    exit::{Error, Exit},
    signals::Signal,
    speed,
};

/// How often the ledger is read.
const LOOK: Duration = Duration::from_secs(1);

/// Follows a batch until its process ends. Sends nothing.
pub(super) async fn watch(context: &mut Context, name: &str) -> Result<Exit, Error> {
    let workspace = context.workspace()?.clone();
    let ledger = workspace.ledger_to_read()?;
    let max_cost = JobLimits::thawed(&resume::batch(&*ledger, name).await?.batch)?.max_cost;
    let mut signals = context.signals()?;
    let wait = LOOK.mul_f64(speed::time_scale()?);
    let mut known: HashMap<String, ItemState> = HashMap::new();
    let mut is_first = true;
    let counts = loop {
        // Checked before reading the ledger, so that the final changes of the process are seen.
        let is_over = !is_running(workspace.dir(), name);
        let kept = ledger.items(name).await?;
        for kept in &kept {
            let state = ItemState::of(kept.entry.as_ref().map(|entry| entry.state));
            let before = known.insert(kept.item.id.clone(), state);
            // Rows that had already ended aren't reported.
            if before != Some(state) && !is_first && state != ItemState::Ready {
                row(context, name, kept, state)?;
            }
        }
        is_first = false;
        let progress = progress(&*ledger, name, &known, max_cost).await?;
        let counts = progress.counts.clone();
        context.show(Event::BatchProgress(progress));
        if is_over {
            break counts;
        }
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::Suspend => context.suspend(),
                Signal::Resize => context.reporter.tick(context.clock.now()),
                signal => {
                    context.outcome.status = Verdict::Detached;
                    context.advice.push(say!("the batch continues; `rhub batch pause {name}` pauses it", name));
                    return Ok(Exit::from(signal));
                }
            },
            () = sleep(wait) => {}
        }
    };
    context.show(Event::BatchOver(ListedBatch::from(resume::batch(&*ledger, name).await?)));
    let (exit, status) = running::verdict(&counts);
    let is_left = counts.contains_key("ready") || counts.contains_key("running");
    let (exit, status) = match exit {
        Exit::Done | Exit::PartialFailure if is_left => (Exit::StillRunning, Verdict::Interrupted),
        _ => (exit, status),
    };
    context.outcome.status = status;
    if is_left {
        context
            .advice
            .push(say!("no process is running this batch; `rhub batch resume {name}` resumes it", name));
    }
    Ok(exit)
}

/// A row whose state has changed.
fn row(context: &mut Context, name: &str, kept: &ItemEntry, state: ItemState) -> Result<(), Error> {
    let item = Item::thawed(&kept.item)?;
    let mut row = BatchItem::new(name, &item, state, Action::Nothing);
    let entry = kept.entry.as_ref();
    row.attempt_id = entry.map(|entry| entry.attempt.to_string());
    row.why = entry.and_then(|entry| entry.note.clone()).map(Sentence::verbatim);
    row.cost = entry.and_then(resume::charge);
    let task = entry.and_then(|entry| entry.task.clone());
    context.show_of(task, Event::BatchRow(Box::new(row)));
    Ok(())
}

async fn progress(
    ledger: &dyn Ledger,
    name: &str,
    states: &HashMap<String, ItemState>,
    max_cost: Option<Amount>,
) -> Result<BatchProgress, Error> {
    let mut counts = BTreeMap::new();
    for state in states.values() {
        *counts.entry(state.as_str()).or_default() += 1;
    }
    let is_over = |state: &&ItemState| !state.is_open() && **state != ItemState::Ready;
    let (over, rows) = (states.values().filter(is_over).count(), states.len());
    let spending = ledger.spending(name).await?;
    Ok(BatchProgress {
        batch: name.to_owned(),
        percent: percent(over, rows),
        rows,
        counts,
        spent: spending.spent.to_string(),
        reserved: spending.reserved.to_string(),
        max_cost: max_cost.map(|max| max.to_string()),
        slots_busy: None,
        slots_limit: None,
        slots_elsewhere: None,
        running: Vec::new(),
        wait: None,
        eta_s: None,
    })
}

/// To the tenth, rounded down.
fn percent(over: usize, rows: usize) -> f64 {
    let tenths = (over * 1_000).checked_div(rows).unwrap_or(1_000);
    f64::from(u32::try_from(tenths).unwrap_or(1_000)) / 10.0
}
