//! Limits the retries of a key, so that many clients don't hammer a server that is down.

use std::sync::{Mutex, PoisonError};

/// Initial and maximum tokens of a key: enough for a few dozen failures. The figures are those of the AWS SDKs,
/// where they have been proven in many outages.
const CAPACITY: u32 = 500;
/// The cost of a retry.
const RETRY: u32 = 14;
/// The cost of a retry if the server has only throttled: it is alive.
const THROTTLED: u32 = 5;
/// Tokens earned by a request that succeeds at the first attempt.
const INCOME: u32 = 1;

/// Token bucket for retries: each retry withdraws tokens, and is skipped if the bucket has too few; success returns
/// them. First attempts are always free, so that an empty bucket fills up again.
#[derive(Debug)]
pub(crate) struct RetryBudget(Mutex<u32>);

/// The tokens that a retry withdrew.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct RetryCost(u32);

impl RetryCost {
    pub(crate) const RETRY: Self = Self(RETRY);
    pub(crate) const THROTTLED: Self = Self(THROTTLED);
}

impl RetryBudget {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(CAPACITY))
    }

    /// Withdraws the tokens if there are enough; returns whether there were.
    pub(crate) fn take(&self, cost: RetryCost) -> bool {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = tokens.checked_sub(cost.0);
        if let Some(left) = left {
            *tokens = left;
        }
        left.is_some()
    }

    /// A request succeeded: returns the tokens of its last attempt.
    pub(crate) fn succeeded(&self, taken: Option<RetryCost>) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = tokens.saturating_add(taken.map_or(INCOME, |cost| cost.0)).min(CAPACITY);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn retries_of_a_down_server_are_bounded() {
        let budget = RetryBudget::new();
        let again = (0..10_000).filter(|_| budget.take(RetryCost::RETRY)).count();
        assert_eq!(again, 35);
        for _ in 0..13 {
            budget.succeeded(None);
        }
        // 10 tokens are left.
        assert!(budget.take(RetryCost::RETRY));
        assert!(!budget.take(RetryCost::RETRY), "one retry for 14 successes at most");
    }

    proptest! {
        /// In any order of events: only existing tokens are withdrawn, and none are created from nothing.
        #[test]
        fn it_is_an_account(events in prop::collection::vec((0u8..4, any::<bool>()), 0..500)) {
            let budget = RetryBudget::new();
            let mut model: u32 = 500;
            let mut open = Vec::new();
            for (event, throttled) in events {
                let cost = if throttled { RetryCost::THROTTLED } else { RetryCost::RETRY };
                match event {
                    0 | 1 => {
                        let taken = budget.take(cost);
                        prop_assert_eq!(taken, model >= cost.0);
                        if taken {
                            model -= cost.0;
                            open.push(cost);
                        }
                    }
                    2 => {
                        budget.succeeded(None);
                        model = (model + 1).min(500);
                    }
                    _ => if let Some(cost) = open.pop() {
                        budget.succeeded(Some(cost));
                        model = (model + cost.0).min(500);
                    }
                }
                prop_assert_eq!(*budget.0.lock().unwrap(), model);
            }
        }
    }
}
