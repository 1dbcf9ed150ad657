//! `rhub batch ls`.

use std::collections::BTreeMap;

use runninghub::{answer, ledger::BatchEntry, say};
use runninghub_batch::ItemState;

use super::super::context::Context;
use crate::{
    args,
    event::{Event, ListedBatch},
    exit::{Error, Exit},
};

/// Lists the batches of this machine.
pub(super) async fn list(context: &mut Context, args: &args::BatchList) -> Result<Exit, Error> {
    let batches = context.workspace()?.ledger_to_read()?.batches().await?;
    if batches.is_empty() {
        context.advice.push(say!("no batch has been started on this machine yet"));
    }
    let most = if args.limit == 0 { usize::MAX } else { args.limit };
    let more = batches.len().saturating_sub(most);
    for entry in batches.into_iter().take(most) {
        context.show(Event::Batch(entry.into()));
    }
    if more > 0 {
        context.advice.push(say!("there are {more} more: `--limit 0` lists all", more));
    }
    Ok(Exit::Done)
}

impl From<BatchEntry> for ListedBatch {
    fn from(entry: BatchEntry) -> Self {
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for (state, count) in &entry.counts {
            *counts.entry(ItemState::of(*state).as_str()).or_default() += count;
        }
        let batch = entry.batch;
        Self {
            batch: batch.name,
            source: batch.origin,
            site: batch.place.word().to_owned(),
            base_url: batch.place.url().to_owned(),
            kind: batch.kind.to_string(),
            target: batch.target,
            counts,
            folder: batch.folder,
            created_at: answer::time(entry.created_ms),
            opened_at: answer::time(entry.opened_ms),
        }
    }
}
