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
pub(crate) struct Budget(Mutex<u32>);

/// The tokens that a retry withdrew.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Price(u32);

impl Price {
    pub(crate) const RETRY: Self = Self(RETRY);
    pub(crate) const THROTTLED: Self = Self(THROTTLED);
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(CAPACITY))
    }

    /// Withdraws the tokens if there are enough; returns whether there were.
    pub(crate) fn take(&self, price: Price) -> bool {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = tokens.checked_sub(price.0);
        if let Some(left) = left {
            *tokens = left;
        }
        left.is_some()
    }

    /// A request succeeded: returns the tokens of its last attempt.
    pub(crate) fn succeeded(&self, taken: Option<Price>) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = tokens.saturating_add(taken.map_or(INCOME, |price| price.0)).min(CAPACITY);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn retries_of_a_down_server_are_bounded() {
        let budget = Budget::new();
        let again = (0..10_000).filter(|_| budget.take(Price::RETRY)).count();
        assert_eq!(again, 35);
        for _ in 0..13 {
            budget.succeeded(None);
        }
        // 10 tokens are left.
        assert!(budget.take(Price::RETRY));
        assert!(!budget.take(Price::RETRY), "one retry for 14 successes at most");
    }

    proptest! {
        /// In any order of events: only existing tokens are withdrawn, and none are created from nothing.
        #[test]
        fn it_is_an_account(events in prop::collection::vec((0u8..4, any::<bool>()), 0..500)) {
            let budget = Budget::new();
            let mut model: u32 = 500;
            let mut open = Vec::new();
            for (event, throttled) in events {
                let price = if throttled { Price::THROTTLED } else { Price::RETRY };
                match event {
                    0 | 1 => {
                        let taken = budget.take(price);
                        prop_assert_eq!(taken, model >= price.0);
                        if taken {
                            model -= price.0;
                            open.push(price);
                        }
                    }
                    2 => {
                        budget.succeeded(None);
                        model = (model + 1).min(500);
                    }
                    _ => if let Some(price) = open.pop() {
                        budget.succeeded(Some(price));
                        model = (model + price.0).min(500);
                    }
                }
                prop_assert_eq!(*budget.0.lock().unwrap(), model);
            }
        }
    }
}
