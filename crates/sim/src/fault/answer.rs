//! The hooks before and after an API request.

use std::time::Duration;

use super::{Fault, Faults, Rate};

/// A response that replaces the real one; the request is not processed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Instead {
    BadGateway,
    WebPage,
}

impl Faults {
    pub(crate) fn slowness(&self) -> Duration {
        self.find(|fault| if let Fault::SlowAnswers(delay) = fault { Some(*delay) } else { None })
            .unwrap_or_default()
    }

    /// Before a request that isn't a create.
    pub(crate) fn instead(&self) -> Option<Instead> {
        if self.strikes(|fault| if let Fault::Http5xx(rate) = fault { Some(*rate) } else { None }) {
            return Some(Instead::BadGateway);
        }
        self.strikes(|fault| if let Fault::Html(rate) = fault { Some(*rate) } else { None })
            .then_some(Instead::WebPage)
    }

    /// After a request that isn't a create.
    pub(crate) fn loses_answer(&self) -> bool {
        self.strikes(|fault| if let Fault::LostAnswers(rate) = fault { Some(*rate) } else { None })
    }

    /// After a task was created.
    pub(crate) fn loses_create(&self) -> bool {
        self.strikes(|fault| if let Fault::LostCreateAnswer(rate) = fault { Some(*rate) } else { None })
    }

    /// Before a task is created.
    pub(crate) fn queue_is_full(&self) -> bool {
        self.strikes(
            |fault| if let Fault::QueueFull(count) = fault { Some(Rate::First(*count)) } else { None },
        )
    }

    pub(crate) fn wants_key_in_header(&self) -> bool {
        self.has(&Fault::HeaderKeys)
    }

    pub(crate) fn refuses_cancel(&self) -> bool {
        self.has(&Fault::CancelRefused)
    }
}
