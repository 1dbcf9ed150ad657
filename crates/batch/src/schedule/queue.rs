//! The rows waiting to start.

use std::{cmp::Reverse, collections::BTreeSet};

/// Position in starting order: higher priorities first, then earlier rows.
pub(super) type QueueKey = (Reverse<i32>, usize);

/// Rows of one group for one key, or for any.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) group: usize,
    pub(super) key: Option<usize>,
    ready: BTreeSet<QueueKey>,
}

/// All lanes: one per pair of group and key, so there are few.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lanes: Vec<Lane>,
    len: usize,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The lanes with their first rows.
    pub(super) fn heads(&self) -> impl Iterator<Item = (&Lane, QueueKey)> {
        self.lanes.iter().filter_map(|lane| Some((lane, *lane.ready.first()?)))
    }

    pub(super) fn add(&mut self, group: usize, key: Option<usize>, place: QueueKey) {
        let lane = self.lanes.iter_mut().find(|lane| lane.group == group && lane.key == key);
        let is_new = if let Some(lane) = lane {
            lane.ready.insert(place)
        } else {
            self.lanes.push(Lane { group, key, ready: BTreeSet::from([place]) });
            true
        };
        self.len += usize::from(is_new);
    }

    pub(super) fn remove(&mut self, group: usize, key: Option<usize>, place: QueueKey) {
        let lane = self.lanes.iter_mut().find(|lane| lane.group == group && lane.key == key);
        let was_there = lane.is_some_and(|lane| lane.ready.remove(&place));
        self.len -= usize::from(was_there);
    }
}
