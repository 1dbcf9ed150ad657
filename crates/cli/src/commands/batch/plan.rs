//! `rhub batch plan`.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fs,
    path::Path,
};

use runninghub::{Charge, Cost, Fact, Sentence, ledger::Ledger, say};
use runninghub_batch::{
    Action, Amount, Comparison, Costs, Digest, Estimate, Item, ItemState, OnChange, Policies, Recorded,
    Setting, compare,
};

use super::{
    super::context::Context,
    resume::{self, Before},
    source::{self, Read},
    target::{self, Chosen},
};
use crate::{
    args::{self, Changed},
    event::{
        BatchChange, BatchItem, BatchPlan, Counts, Event, FieldChange, PlannedCost, PlannedTime, Unknown,
    },
    exit::{Error, Exit},
};

/// Rows of unknown outcome that are named.
const NAMED: usize = 3;

/// Shows what a run of a batch would do. Only questions that are free are sent.
pub(super) async fn plan(context: &mut Context, args: args::BatchPlan) -> Result<Exit, Error> {
    let args::BatchPlan { rows, resume, slots, is_listed } = args;
    if let Some(out) = &resume.out {
        check_folder(out)?;
    }
    let mut read = source::read(context, &rows)?;
    let chosen = target::choose(context, &rows, read.source.target.as_ref()).await?;
    let items = source::items(context, &mut read, &chosen, rows.unique)?;
    let ledger = context.workspace()?.ledger_to_read()?;
    let what = (&read, &chosen.target);
    let before = resume::look(&*ledger, what, rows.name.as_deref(), resume.out.as_deref()).await?;
    let recorded = before.recorded();
    let compared = compare(&items, recorded.clone(), resume.policies(), &mut |id| before.item(id));
    let reused = if resume.reuse { reused(&*ledger, &items, &compared).await? } else { HashSet::new() };
    let starting = starting(&items, &compared, &reused);
    let past = before.past(&*ledger, &chosen.target).await?;
    let slots = match (slots, &chosen.service) {
        (Some(slots), _) => usize::try_from(slots).ok(),
        // Only the time depends on it.
        (None, Some(service)) if past.knows_times() && !starting.is_empty() => service.slots().await,
        (None, _) => None,
    };
    let estimate = past.estimate(starting.iter().map(|item| item.instance.as_deref()), slots);
    if is_listed {
        list(context, &before.name, &items, &compared, &recorded);
    }
    advise(context, &before, &compared);
    let plan = shown(&read, &chosen, &before, &items, &compared, reused.len(), &starting, &estimate, slots);
    context.show(Event::BatchPlan(Box::new(plan)));
    Ok(Exit::Done)
}

impl args::Resume {
    fn policies(&self) -> Policies {
        Policies {
            retry_failed: self.retry_failed,
            retry_cancelled: self.retry_failed,
            retry_refused: self.retry_failed,
            changed: match self.changed {
                None => OnChange::Ask,
                Some(Changed::Run) => OnChange::Run,
                Some(Changed::Keep) => OnChange::Keep,
            },
        }
    }
}

/// Checks that results can be written to a folder, without creating it.
fn check_folder(out: &Path) -> Result<(), Error> {
    let cannot = |why| {
        let path = Fact::of(out.display());
        Error::usage(say!("cannot write to the folder {path}: {why}", path, why))
            .hint(say!("name another folder with `--out DIR`; nothing was sent"))
    };
    let full = std::path::absolute(out).unwrap_or_else(|_| out.to_owned());
    let there = full.ancestors().find(|folder| fs::symlink_metadata(folder).is_ok());
    let there = there.unwrap_or(&full);
    if !there.is_dir() {
        let file = Fact::of(there.display());
        return Err(cannot(say!("{file} is not a folder", file)));
    }
    // It has no name, and is gone when it is closed.
    tempfile::tempfile_in(there).map(drop).map_err(|why| cannot(Sentence::verbatim(why.to_string())))
}

/// The items that ran in other batches already, with results on disk.
async fn reused(
    ledger: &dyn Ledger,
    items: &[Item],
    compared: &Comparison,
) -> Result<HashSet<Digest>, Error> {
    let runs = items.iter().zip(&compared.actions).filter(|(_, action)| matches!(action, Action::Run(_)));
    let fingerprints: BTreeSet<Digest> = runs.map(|(item, _)| item.fingerprint).collect();
    let done = ledger.done(fingerprints.into_iter().collect()).await?;
    let saved = done.into_iter().filter(|one| one.entry.as_ref().is_some_and(resume::has_results));
    Ok(saved.map(|one| one.item.fingerprint).collect())
}

/// The items that start.
fn starting<'i>(items: &'i [Item], compared: &Comparison, reused: &HashSet<Digest>) -> Vec<&'i Item> {
    let runs = items.iter().zip(&compared.actions).filter(|(_, action)| matches!(action, Action::Run(_)));
    runs.map(|(item, _)| item).filter(|item| !reused.contains(&item.fingerprint)).collect()
}

/// Lists every row.
fn list(context: &mut Context, batch: &str, items: &[Item], compared: &Comparison, recorded: &[Recorded]) {
    let states: HashMap<_, _> = recorded.iter().map(|recorded| (&recorded.id, recorded.state)).collect();
    for (item, action) in items.iter().zip(&compared.actions) {
        context.show(Event::BatchItem(BatchItem {
            batch: batch.to_owned(),
            item: item.id.as_str().to_owned(),
            state: states.get(&item.id).copied().unwrap_or(ItemState::Ready),
            action: *action,
            row: item.row,
            out: item.out.clone(),
            fingerprint: item.fingerprint.to_string(),
            instance: item.instance.clone(),
            set: item.set.clone(),
        }));
    }
}

/// What can be done about rows that don't start.
fn advise(context: &mut Context, before: &Before, compared: &Comparison) {
    let summary = &compared.summary;
    if summary.asked > 0 {
        context.advice.push(say!(
            "`--changed run` runs changed rows with their new values, `--changed keep` goes on with the old ones"
        ));
    }
    if !summary.failed.is_empty() || !summary.refused.is_empty() || summary.cancelled > 0 {
        context.advice.push(say!("`--retry-failed` runs rows again that failed, were cancelled or refused"));
    }
    if let Some((item, entry)) = before.unknown().next() {
        let attempt = &entry.attempt;
        context.advice.push(say!(
            "look at the tasks on the RunningHub page, then say what you found about row `{item}` with\n  \
             rhub resolve {attempt} --task-id ID\n  rhub resolve {attempt} --not-created",
            item,
            attempt
        ));
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
        lines.push(say!("reuse {n}: the same ran in another batch", n = reuse));
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
