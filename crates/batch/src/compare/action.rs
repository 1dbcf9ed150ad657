//! Decides the action for each item.

use std::collections::HashMap;

use serde::Serialize;

use super::{
    change::Change,
    state::{ItemState, Recorded},
    summary::Summary,
};
use crate::{Item, ItemId};

/// A batch's action for an item.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is done, with all its files.
    Nothing,
    /// It is done; its files are downloaded again.
    Fetch,
    /// Its task is followed.
    Adopt,
    /// It may have a task: it keeps its slot until that is resolved.
    Hold,
    /// It ended without success, and isn't sent again.
    Leave,
    /// It is started.
    Run(Version),
    /// It differs from the item with its id in the ledger: the caller decides with [`OnChange`].
    Ask,
}

/// Which values of an item to use.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Version {
    /// The file's values.
    File,
    /// The ledger's values.
    Ledger,
}

/// What to do with an item that differs from the one with its id in the ledger.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnChange {
    /// Ask the user. Until then the item is left alone.
    #[default]
    Ask,
    /// Run it with the file's values. An unfinished task with the old values is followed to its end first: an item has
    /// one task at a time.
    Run,
    /// Continue with the ledger's values.
    Keep,
}

/// Which items are sent again.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Policies {
    /// Items that failed.
    pub retry_failed: bool,
    /// Items whose task was stopped.
    pub retry_cancelled: bool,
    /// Items whose submit was refused.
    pub retry_refused: bool,
    /// Items with other values.
    pub changed: OnChange,
}

/// The items of a file compared with those in the ledger.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Comparison {
    /// The action for each item, in order.
    pub actions: Vec<Action>,
    /// Items in the ledger that are no longer in the file. They are left alone.
    pub gone: Vec<ItemId>,
    /// The counts.
    pub summary: Summary,
}

/// Compares the items of a file with those that the ledger has. `before` returns an item with its values as the ledger
/// has it; it is called for the first changed items only.
pub fn compare(
    items: &[Item],
    recorded: impl IntoIterator<Item = Recorded>,
    policies: Policies,
    before: &mut dyn FnMut(&ItemId) -> Option<Item>,
) -> Comparison {
    let recorded: Vec<Recorded> = recorded.into_iter().collect();
    let mut known: HashMap<&ItemId, &Recorded> = recorded.iter().map(|entry| (&entry.id, entry)).collect();
    let mut summary = Summary::default();
    let decide = |item: &Item| {
        let Some(entry) = known.remove(&item.id) else {
            summary.new += 1;
            return Action::Run(Version::File);
        };
        if entry.fingerprint == item.fingerprint {
            let action = policies.unchanged(entry);
            summary.count(action, entry);
            return action;
        }
        if summary.wants_change() {
            let old = before(&item.id);
            summary.changes.push(Change::between(old.as_ref(), item));
        }
        let action = policies.changed(entry);
        summary.changed += 1;
        summary.asked += usize::from(action == Action::Ask);
        // It counts as changed, in addition to its action.
        if matches!(action, Action::Run(_)) {
            summary.changed_run += 1;
        }
        action
    };
    let actions = items.iter().map(decide).collect();
    let mut gone: Vec<ItemId> =
        recorded.iter().filter(|entry| known.contains_key(&entry.id)).map(|entry| entry.id.clone()).collect();
    gone.sort_unstable();
    summary.gone(&gone);
    Comparison { actions, gone, summary }
}

impl Policies {
    /// The action for an item whose values match the ledger.
    fn unchanged(self, entry: &Recorded) -> Action {
        let again = |may: bool| if may { Action::Run(Version::Ledger) } else { Action::Leave };
        match entry.state {
            ItemState::Done if entry.has_files => Action::Nothing,
            ItemState::Done => Action::Fetch,
            ItemState::Running => Action::Adopt,
            ItemState::Unknown => Action::Hold,
            ItemState::Ready => Action::Run(Version::Ledger),
            ItemState::Failed => again(self.retry_failed),
            ItemState::Cancelled => again(self.retry_cancelled),
            ItemState::Refused => again(self.retry_refused),
        }
    }

    /// The action for an item with other values.
    fn changed(self, entry: &Recorded) -> Action {
        match self.changed {
            OnChange::Ask => Action::Ask,
            OnChange::Keep => self.unchanged(entry),
            OnChange::Run => match entry.state {
                ItemState::Running => Action::Adopt,
                ItemState::Unknown => Action::Hold,
                _ => Action::Run(Version::File),
            },
        }
    }
}
