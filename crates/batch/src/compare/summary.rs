//! The counts of a comparison, as a plan shows them.

use std::{collections::BTreeMap, fmt};

use runninghub_core::{Sentence, say};
use serde::Serialize;

use super::{
    action::{Action, Version},
    change::Change,
    state::{ItemState, Recorded},
};
use crate::ItemId;

/// Maximum number of changes and ids kept as examples.
const EXAMPLES: usize = 3;

/// Counts of what a run of the batch would do. `Display` and [`Summary::lines`] show it, without the counts that are 0.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Summary {
    /// Items that the ledger doesn't have.
    pub new: usize,
    /// Items that were not started yet.
    pub ready: usize,
    /// Items that ended without success and are sent again.
    pub retry: usize,
    /// Items that are done, with all their files.
    pub done: usize,
    /// Items that are done, without some of their files.
    pub fetch: usize,
    /// Items whose task is not over.
    pub adopt: usize,
    /// Items that may or may not have a task.
    pub unknown: usize,
    /// Failed items that are left alone, by class of failure; empty for an unknown class.
    pub failed: BTreeMap<String, usize>,
    /// Refused items that are left alone, by class.
    pub refused: BTreeMap<String, usize>,
    /// Items whose task was stopped, and that are left alone.
    pub cancelled: usize,
    /// Items whose values differ from the ledger's, whatever happens to them.
    pub changed: usize,
    /// Of these, the items that are started.
    pub changed_run: usize,
    /// Of these, the items that wait for a decision.
    pub asked: usize,
    /// The first of these.
    pub changes: Vec<Change>,
    /// Items that the file no longer has.
    pub gone: usize,
    /// The first of these, by id.
    pub gone_ids: Vec<ItemId>,
}

impl Summary {
    /// The number of items that are started.
    pub fn runs(&self) -> usize {
        self.new + self.ready + self.retry + self.changed_run
    }

    /// One line for each count that isn't 0.
    pub fn lines(&self) -> Vec<Sentence> {
        let Self { new, ready, retry, done, fetch, adopt, unknown, cancelled, changed, gone, .. } = *self;
        let mut lines = Vec::new();
        let mut add = |count: usize, line: &dyn Fn() -> Sentence| {
            if count > 0 {
                lines.push(line());
            }
        };
        add(new, &|| say!("new {n}", n = new));
        add(ready, &|| say!("ready {n}", n = ready));
        add(retry, &|| say!("retry {n}", n = retry));
        add(done, &|| say!("done {n}", n = done));
        add(fetch, &|| say!("fetch {n}: done, but files are missing or changed", n = fetch));
        add(adopt, &|| say!("adopt {n}: their tasks are already running", n = adopt));
        add(unknown, &|| {
            say!("unknown {n}: each may have a task, and holds its slot until it is resolved", n = unknown)
        });
        let failed = self.failed.values().sum();
        add(failed, &|| match &*classes(&self.failed) {
            "" => say!("failed {n}", n = failed),
            classes => say!("failed {n} ({classes})", n = failed, classes),
        });
        let refused = self.refused.values().sum();
        add(refused, &|| match &*classes(&self.refused) {
            "" => say!("refused {n}", n = refused),
            classes => say!("refused {n} ({classes})", n = refused, classes),
        });
        add(cancelled, &|| say!("cancelled {n}", n = cancelled));
        add(changed, &|| {
            let more = changed - self.changes.len();
            let list = self.changes.iter().map(Change::sentence);
            let list = Sentence::list(list.chain((more > 0).then(|| say!("and {n} more", n = more))));
            say!("changed {n}: {list}", n = changed, list)
        });
        add(gone, &|| {
            let ids: Vec<&str> = self.gone_ids.iter().map(ItemId::as_str).collect();
            let ids = ids.join(", ");
            match gone - self.gone_ids.len() {
                0 => say!("no longer in the file {n}: {ids}", n = gone, ids),
                more => say!("no longer in the file {n}: {ids}, and {more} more", n = gone, ids, more),
            }
        });
        lines
    }

    /// Whether there is room for another example.
    pub(super) fn wants_change(&self) -> bool {
        self.changes.len() < EXAMPLES
    }

    /// Counts an unchanged item.
    pub(super) fn count(&mut self, action: Action, entry: &Recorded) {
        let class = || entry.class.clone().unwrap_or_default();
        match (action, entry.state) {
            (Action::Nothing, _) => self.done += 1,
            (Action::Fetch, _) => self.fetch += 1,
            (Action::Adopt, _) => self.adopt += 1,
            (Action::Hold, _) => self.unknown += 1,
            (Action::Run(Version::Ledger), ItemState::Ready) => self.ready += 1,
            (Action::Run(_), _) => self.retry += 1,
            (Action::Leave, ItemState::Failed) => *self.failed.entry(class()).or_default() += 1,
            (Action::Leave, ItemState::Refused) => *self.refused.entry(class()).or_default() += 1,
            (Action::Leave, _) => self.cancelled += 1,
            (Action::Ask, _) => self.asked += 1,
        }
    }

    pub(super) fn gone(&mut self, ids: &[ItemId]) {
        self.gone = ids.len();
        self.gone_ids = ids.iter().take(EXAMPLES).cloned().collect();
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, line) in self.lines().into_iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            line.fmt(f)?;
        }
        Ok(())
    }
}

/// `node 9 3, content 1`, the most frequent first; empty if no class is known.
fn classes(counts: &BTreeMap<String, usize>) -> String {
    let mut known: Vec<_> = counts.iter().filter(|(class, _)| !class.is_empty()).collect();
    known.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let shown: Vec<String> = known.iter().map(|(class, count)| format!("{class} {count}")).collect();
    shown.join(", ")
}
