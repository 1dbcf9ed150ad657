//! The hook of answers that tell where a task stands and where its socket is.

use std::time::Duration;

use super::{Fault, Faults};

/// What a running task says about its socket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Address {
    Told,
    /// 804, but no address in it.
    Missing,
    /// Not even that the task runs.
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
        late.unwrap_or(Address::Told)
    }

    pub(crate) fn address_in_create(&self) -> bool {
        self.has(&Fault::UrlInCreate)
    }
}
