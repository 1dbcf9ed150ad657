//! The hooks of results: what is listed, and what a link answers.

use std::sync::atomic::Ordering;

use super::{Fault, Faults};

impl Faults {
    /// How many of the files the next answer that says success lists.
    pub(crate) fn listed(&self, files: usize) -> usize {
        let lists = self.active.iter().find_map(|active| match active.fault {
            Fault::EmptyOutputsFirst(count) => Some((active.hits.fetch_add(1, Ordering::Relaxed), count)),
            _ => None,
        });
        match lists {
            Some((asked, count)) if asked < count => files * asked as usize / count as usize,
            _ => files,
        }
    }

    pub(crate) fn expires_links(&self) -> bool {
        self.has(&Fault::ExpiredLinks)
    }
}
