//! Failures that pause a batch.

use std::sync::Arc;

use super::{decision::Paused, limits::Limits};
use crate::MaxFailures;

/// This many consecutive rows whose files can't be saved pause a batch: links to results are valid for only about a
/// day.
const MAX_UNSAVED: u32 = 3;

/// Counts failures since the user last resumed.
#[derive(Debug, Default)]
pub(super) struct Brakes {
    failures: u32,
    alike: u32,
    class: Arc<str>,
    unsaved: u32,
}

impl Brakes {
    pub(super) fn failed(&mut self, class: &Arc<str>) {
        self.failures += 1;
        if self.alike == 0 || self.class != *class {
            (self.class, self.alike) = (class.clone(), 0);
        }
        self.alike += 1;
    }

    pub(super) fn succeeded(&mut self) {
        self.alike = 0;
    }

    pub(super) fn saved(&mut self, is_whole: bool) {
        self.unsaved = if is_whole { 0 } else { self.unsaved + 1 };
    }

    pub(super) fn release(&mut self) {
        *self = Self::default();
    }

    /// Why the batch should pause; `rows` is the number of rows in it.
    pub(super) fn pulled(&self, limits: &Limits, rows: usize) -> Option<Paused> {
        if limits.max_alike.is_some_and(|most| self.alike >= most) {
            return Some(Paused::Alike { count: self.alike, class: self.class.clone() });
        }
        if self.unsaved >= MAX_UNSAVED {
            return Some(Paused::Unsaved(self.unsaved));
        }
        let is_too_many = match limits.max_failures {
            None => false,
            Some(MaxFailures::Count(most)) => self.failures >= most,
            Some(MaxFailures::Percent(percent)) => {
                self.failures > 0 && u128::from(self.failures) * 100 >= u128::from(percent) * rows as u128
            }
        };
        is_too_many.then_some(Paused::Failures(self.failures))
    }
}
