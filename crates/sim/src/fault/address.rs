//! The hook of responses that contain a task's status and its socket's URL.

use std::time::Duration;

use super::{Fault, Faults};

/// The socket information of a running task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Address {
    Included,
    /// 804 without a URL.
    Missing,
    /// The task still seems queued.
    StillQueued,
}

impl Faults {
    pub(crate) fn address(&self, since_start: Duration) -> Address {
        let late = self.find(|fault| match fault {
            Fault::UrlNever => Some(Address::Missing),
            Fault::UrlLate(delay) if since_start < *delay => Some(Address::Missing),
            Fault::LateJoin(delay) if since_start < *delay => Some(Address::StillQueued),
            _ => None,
        });
        late.unwrap_or(Address::Included)
    }

    pub(crate) fn address_in_create(&self) -> bool {
        self.has(&Fault::UrlInCreate)
    }
}
