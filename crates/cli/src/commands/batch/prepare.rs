//! The common part of planning and running a batch: the rows, checked and compared with earlier runs.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fs,
    path::Path,
};

use runninghub::{
    Fact, SavedFile, Sentence, TaskId,
    ledger::{AttemptId, Ledger},
    saved_results, say,
};
use runninghub_batch::{Action, Comparison, Digest, Item, ItemId, OnChange, Policies, Recorded, compare};

use super::{
    super::context::Context,
    resume::{self, Before},
    source::{self, Read},
    target::{self, Chosen},
};
use crate::{
    args::{self, Changed},
    exit::Error,
    lang,
    printer::Printer,
    prompt,
};

/// The rows of a batch before anything is sent.
pub(super) struct Prepared {
    pub(super) read: Read,
    pub(super) chosen: Chosen,
    pub(super) items: Vec<Item>,
    pub(super) before: Before,
    pub(super) recorded: Vec<Recorded>,
    /// The planned action of each item.
    pub(super) compared: Comparison,
}

/// Reads and checks the rows, and compares them with the ledger.
pub(super) async fn prepare(
    context: &mut Context,
    ledger: &dyn Ledger,
    rows: &args::BatchRows,
    resume: &args::Resume,
) -> Result<Prepared, Error> {
    if let Some(out) = &resume.out {
        check_folder(out)?;
    }
    let mut read = source::read(context, rows)?;
    let chosen = target::choose(context, rows, read.source.target.as_ref()).await?;
    let items = source::items(context, &mut read, &chosen, rows.unique)?;
    let what = (&read, &chosen.target);
    let before = resume::look(ledger, what, rows.name.as_deref(), resume.out.as_deref()).await?;
    Ok(Prepared::new(read, chosen, items, before, resume.policies()))
}

/// The rows of a batch from the ledger.
pub(super) async fn stored(
    context: &mut Context,
    ledger: &dyn Ledger,
    args: &args::StoredBatch,
    retry_failed: bool,
) -> Result<Prepared, Error> {
    if let Some(out) = &args.out {
        check_folder(out)?;
    }
    let known = resume::batch(ledger, &args.batch).await?;
    let chosen = target::stored(context, &known.batch, args.workflow.as_deref()).await?;
    let read = Read::stored(&known.batch);
    let before = resume::known(ledger, known, args.out.as_deref()).await?;
    let items = before.kept.iter().map(|kept| Item::thawed(&kept.item)).collect::<Result<Vec<_>, _>>()?;
    let policies = args::Resume { retry_failed, ..args::Resume::default() }.policies();
    Ok(Prepared::new(read, chosen, items, before, policies))
}

impl Prepared {
    /// Compares the items with the ledger.
    fn new(read: Read, chosen: Chosen, items: Vec<Item>, before: Before, policies: Policies) -> Self {
        let recorded = before.recorded();
        let compared = compare(&items, recorded.clone(), policies, &mut |id| before.item(id));
        Self { read, chosen, items, before, recorded, compared }
    }

    /// The same after a decision about rows whose values differ from those that ran.
    pub(super) fn decided(self, resume: &args::Resume, changed: OnChange) -> Self {
        let Self { read, chosen, items, before, .. } = self;
        Self::new(read, chosen, items, before, Policies { changed, ..resume.policies() })
    }

    /// The same with these rows on another instance type.
    pub(super) fn on_instance(self, rows: &HashSet<ItemId>, instance: &str) -> Self {
        let Self { read, chosen, items, before, .. } = self;
        let moved = |item: Item| if rows.contains(&item.id) { item.on_instance(instance) } else { item };
        let items = items.into_iter().map(moved).collect();
        let policies =
            args::Resume { retry_failed: true, changed: Some(Changed::Run), ..args::Resume::default() };
        Self::new(read, chosen, items, before, policies.policies())
    }

    /// Asks what to do with rows whose values differ from those that ran. `None` if the answer is neither to run nor to
    /// keep them.
    pub(super) fn ask(&self, printer: Printer) -> Option<OnChange> {
        for line in self.compared.summary.lines() {
            printer.talk(&format!("  {}", lang::word(&line)));
        }
        printer.ask(&say!("run the changed rows with their new values, or keep the old ones? [run/keep] "));
        match prompt::answer().as_str() {
            "run" | "r" => Some(OnChange::Run),
            "keep" | "k" => Some(OnChange::Keep),
            _ => None,
        }
    }
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
            .hint(say!("choose another folder with `--out DIR`; nothing was sent"))
    };
    let full = std::path::absolute(out).unwrap_or_else(|_| out.to_owned());
    let there = full.ancestors().find(|folder| fs::symlink_metadata(folder).is_ok());
    let there = there.unwrap_or(&full);
    if !there.is_dir() {
        let file = Fact::of(there.display());
        return Err(cannot(say!("{file} is not a folder", file)));
    }
    // It has no name, and disappears when it is closed.
    tempfile::tempfile_in(there).map(drop).map_err(|why| cannot(Sentence::verbatim(why.to_string())))
}

/// The results of a task that ran the same as a row, in another batch.
pub(super) struct Reused {
    pub(super) batch: String,
    pub(super) task: TaskId,
    pub(super) files: Vec<SavedFile>,
}

/// Results of other batches that new rows can reuse, by fingerprint.
pub(super) async fn reused(
    ledger: &dyn Ledger,
    items: &[Item],
    compared: &Comparison,
    is_wanted: bool,
) -> Result<HashMap<Digest, Reused>, Error> {
    if !is_wanted {
        return Ok(HashMap::new());
    }
    let runs = items.iter().zip(&compared.actions).filter(|(_, action)| matches!(action, Action::Run(_)));
    let fingerprints: BTreeSet<Digest> = runs.map(|(item, _)| item.fingerprint).collect();
    let done = ledger.done(fingerprints.into_iter().collect()).await?;
    let saved = done.into_iter().filter_map(|one| {
        let entry = one.entry?;
        let (folder, task) = (entry.saved?, entry.task?);
        let files = saved_results(folder, &task)?;
        Some((one.item.fingerprint, Reused { batch: one.batch, task, files }))
    });
    Ok(saved.collect())
}

/// Hints for rows that don't start.
pub(super) fn advise(context: &mut Context, before: &Before, compared: &Comparison) {
    let summary = &compared.summary;
    if summary.asked > 0 {
        context.advice.push(say!(
            "`--changed run` runs changed rows with their new values, `--changed keep` continues with the old ones"
        ));
    }
    if !summary.failed.is_empty() || !summary.refused.is_empty() || summary.cancelled > 0 {
        context.advice.push(say!("`--retry-failed` reruns rows that failed, were cancelled or refused"));
    }
    if let Some((item, entry)) = before.unknown().next() {
        context.advice.push(how_to_resolve(item, &entry.attempt));
    }
}

/// The hint for a row with an unknown submit.
pub(super) fn how_to_resolve(item: &str, attempt: &AttemptId) -> Sentence {
    say!(
        "check the task list on the RunningHub website, then say what you found about row `{item}` with\n  \
         rhub resolve {attempt} --task-id ID\n  rhub resolve {attempt} --not-created",
        item,
        attempt
    )
}
