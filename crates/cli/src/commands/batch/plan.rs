//! `rhub batch plan`.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fs,
};

use runninghub::{Charge, Cost, say};
use runninghub_batch::{
    Action, Amount, Comparison, Costs, Digest, Estimate, Item, ItemState, Recorded, Setting,
};

use super::{
    super::context::Context,
    prepare::{self, Prepared, Reused},
    resume::Before,
    source::Read,
    target::Chosen,
};
use crate::{
    args,
    event::{
        BatchChange, BatchItem, BatchPlan, Counts, Event, FieldChange, PlannedCost, PlannedTime, Unknown,
    },
    exit::{Error, Exit},
};

/// Maximum number of unknown rows listed.
const NAMED: usize = 3;

/// Shows what a run of a batch would do. Only sends requests that cost nothing.
pub(super) async fn plan(context: &mut Context, args: args::BatchPlan) -> Result<Exit, Error> {
    let args::BatchPlan { rows, resume, slots, is_listed } = args;
    let ledger = context.workspace()?.ledger_to_read()?;
    let Prepared { read, chosen, items, before, recorded, compared } =
        prepare::prepare(context, &*ledger, &rows, &resume).await?;
    let reused = prepare::reused(&*ledger, &items, &compared, resume.reuse).await?;
    let starting = starting(&items, &compared, &reused);
    let past = before.past(&*ledger, &chosen.target).await?;
    let slots = match (slots, &chosen.service) {
        (Some(slots), _) => usize::try_from(slots).ok(),
        // Only the time estimate depends on it.
        (None, Some(service)) if past.knows_times() && !starting.is_empty() => service.slots().await,
        (None, _) => None,
    };
    let estimate = past.estimate(starting.iter().map(|item| item.instance.as_deref()), slots);
    if is_listed {
        list(context, &before.name, &items, &compared, &recorded);
    }
    prepare::advise(context, &before, &compared);
    let plan = shown(&read, &chosen, &before, &items, &compared, reused.len(), &starting, &estimate, slots);
    context.show(Event::BatchPlan(Box::new(plan)));
    Ok(Exit::Done)
}

/// The items that start.
fn starting<'i>(items: &'i [Item], compared: &Comparison, reused: &HashMap<Digest, Reused>) -> Vec<&'i Item> {
    let runs = items.iter().zip(&compared.actions).filter(|(_, action)| matches!(action, Action::Run(_)));
    runs.map(|(item, _)| item).filter(|item| !reused.contains_key(&item.fingerprint)).collect()
}

/// Lists every row.
fn list(context: &mut Context, batch: &str, items: &[Item], compared: &Comparison, recorded: &[Recorded]) {
    let states: HashMap<_, _> = recorded.iter().map(|recorded| (&recorded.id, recorded.state)).collect();
    for (item, action) in items.iter().zip(&compared.actions) {
        let state = states.get(&item.id).copied().unwrap_or(ItemState::Ready);
        let row = BatchItem { set: Some(item.set.clone()), ..BatchItem::new(batch, item, state, *action) };
        context.show(Event::BatchItem(row));
    }
}

#[expect(clippy::too_many_arguments, reason = "a plan is all of it")]
fn shown(
    read: &Read,
    chosen: &Chosen,
    before: &Before,
    items: &[Item],
    compared: &Comparison,
    reuse: usize,
    starting: &[&Item],
    estimate: &Estimate,
    slots: Option<usize>,
) -> BatchPlan {
    let summary = &compared.summary;
    let target = &chosen.target;
    let (files, file_bytes) = files(items);
    let fields: BTreeSet<&str> = items.iter().flat_map(|item| &item.set).map(|(field, _)| &**field).collect();
    let unknown = before
        .unknown()
        .take(NAMED)
        .map(|(item, entry)| Unknown { item: item.to_owned(), attempt_id: entry.attempt.to_string() });
    let changes = summary.changes.iter().map(|change| BatchChange {
        item: change.id.as_str().to_owned(),
        fields: change.fields.iter().cloned().map(FieldChange::from).collect(),
    });
    let mut lines = summary.lines();
    if reuse > 0 {
        lines.push(say!("reuse {n}: identical rows ran in another batch", n = reuse));
    }
    BatchPlan {
        batch: before.name.clone(),
        is_known: before.known.is_some(),
        source: read.shown.clone(),
        spec_sha256: read.source.spec.to_string(),
        site: target.place.word().to_owned(),
        base_url: target.place.url().to_owned(),
        kind: target.kind.to_string(),
        target: target.id.clone(),
        target_name: chosen.name.clone(),
        rows: items.len(),
        fields: fields.into_iter().map(str::to_owned).collect(),
        files,
        file_bytes,
        folder: before.results.as_ref().map(|results| results.folder().display().to_string()),
        counts: Counts {
            new: summary.new,
            ready: summary.ready,
            retry: summary.retry,
            done: summary.done,
            fetch: summary.fetch,
            adopt: summary.adopt,
            unknown: summary.unknown,
            failed: summary.failed.values().sum(),
            refused: summary.refused.values().sum(),
            cancelled: summary.cancelled,
            changed: summary.changed,
            asked: summary.asked,
            reuse,
            gone: summary.gone,
        },
        failed: summary.failed.clone(),
        refused: summary.refused.clone(),
        changes: changes.collect(),
        gone: summary.gone_ids.iter().map(|id| id.as_str().to_owned()).collect(),
        unknown: unknown.collect(),
        starts: starting.len(),
        cost: estimate.cost.as_ref().filter(|_| !starting.is_empty()).map(|cost| PlannedCost {
            all: charge(&cost.all),
            each: charge(&cost.each),
            most: charge(&cost.most),
            runs: cost.runs,
        }),
        time: estimate.time.zip(slots).map(|(band, slots)| PlannedTime {
            low_s: band.p10.as_secs_f64(),
            middle_s: band.p50.as_secs_f64(),
            high_s: band.p90.as_secs_f64(),
            slots,
            runs: estimate.timed_runs,
        }),
        lines,
    }
}

fn charge(costs: &Costs) -> Charge {
    let text = |amount: Amount| Some(amount.to_string()).filter(|_| amount > Amount::ZERO);
    let cost = Cost { coins: text(costs.coins), money: text(costs.money), ..Cost::default() };
    Charge { currency: costs.currency.clone().map(Into::into), ..Charge::new(cost, None) }
}

/// The number of different files, and their size.
fn files(items: &[Item]) -> (usize, u64) {
    let mut seen = HashSet::new();
    let mut bytes = 0;
    for (_, setting) in items.iter().flat_map(|item| &item.set) {
        if let Setting::File { sha256, path, .. } = setting
            && seen.insert(sha256)
        {
            bytes += fs::metadata(path).map(|about| about.len()).unwrap_or_default();
        }
    }
    (seen.len(), bytes)
}

impl From<runninghub_batch::FieldChange> for FieldChange {
    fn from(change: runninghub_batch::FieldChange) -> Self {
        Self { field: change.field, before: change.before, now: change.now }
    }
}
