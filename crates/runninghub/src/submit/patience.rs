//! How long a submit waits for a slot.

use std::time::Duration;

use runninghub_core::say;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{Error, ErrorKind, Submit};

/// Ends at a time, or when the caller withdraws the submit.
pub(super) struct Patience {
    until: Option<Instant>,
    withdrawn: Option<watch::Receiver<bool>>,
}

impl Patience {
    pub(super) fn of(submit: &Submit) -> Self {
        let until = submit.queue_timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        Self { until, withdrawn: submit.withdrawn.clone() }
    }

    /// The output, unless patience ends before.
    pub(super) async fn with<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let (until, mut withdrawn) = (self.until, self.withdrawn.clone());
        let end = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let withdrawal = async {
            let is_withdrawn = match &mut withdrawn {
                Some(withdrawn) => withdrawn.wait_for(|is| *is).await.is_ok(),
                None => false,
            };
            // Without a sender, it can no longer be withdrawn.
            if !is_withdrawn {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = withdrawal => None,
            output = future => Some(output),
            () = end => None,
        }
    }

    /// Waits for the first of both. Returns whether patience has ended.
    pub(super) async fn ends_before(&self, time: Instant, ended: impl Future<Output = ()>) -> bool {
        let wait = async {
            tokio::select! {
                () = ended => {}
                () = sleep_until(time) => {}
            }
        };
        self.with(wait).await.is_none() || self.until.is_some_and(|until| until <= Instant::now())
    }

    /// Whether it covers a wait of this length.
    pub(super) fn covers(&self, wait: Duration) -> bool {
        self.until.is_none_or(|until| Instant::now() + wait <= until)
    }

    /// Why nothing was sent.
    pub(super) fn ended(&self) -> Error {
        if self.withdrawn.as_ref().is_some_and(|withdrawn| *withdrawn.borrow()) {
            return Error::new(
                ErrorKind::Withdrawn,
                say!("the task was not created: the submit was withdrawn"),
            );
        }
        Error::new(
            ErrorKind::Refused,
            say!("the task was not created: no slot became free, and others are waiting too"),
        )
        .with_hint(say!("allow more time for a slot, or get more slots"))
    }

    /// The same for a submit that the platform has refused for lack of a slot.
    pub(super) fn ended_after(&self, refusal: Error) -> Error {
        Some(self.ended()).filter(|error| error.kind() == ErrorKind::Withdrawn).unwrap_or(refusal)
    }
}
