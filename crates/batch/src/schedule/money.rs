//! Costs of rows, and the reserves for them.

use std::collections::VecDeque;

use crate::Amount;

/// With at least this many known costs, the 90th percentile is used.
const ENOUGH: usize = 5;
/// Only this many of the latest costs count.
const KEPT: usize = 200;

/// The costs of a group of rows.
#[derive(Debug, Default)]
pub(super) struct Costs {
    recent: VecDeque<Amount>,
    /// The reserve for the next one.
    reserve: Option<Amount>,
}

impl Costs {
    pub(super) fn add(&mut self, cost: Amount) {
        if self.recent.len() == KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(cost);
        let mut sorted: Vec<Amount> = self.recent.iter().copied().collect();
        sorted.sort_unstable();
        self.reserve = if sorted.len() < ENOUGH {
            sorted.last().map(|largest| largest.and_a_half())
        } else {
            sorted.get((sorted.len() * 9).div_ceil(10) - 1).copied()
        };
    }
}

/// The money of a batch: the amount spent, and the reserves for rows that run or may run.
#[derive(Debug)]
pub(super) struct Purse {
    max: Option<Amount>,
    pub(super) spent: Amount,
    pub(super) reserved: Amount,
    /// A row succeeded without a known cost or estimate.
    pub(super) is_blind: bool,
    /// The ledger allows less than this count does, until a row ends.
    pub(super) is_short: bool,
}

/// The reserve for a row.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Reserve {
    pub(super) amount: Amount,
    /// The cost of the row is unknown: everything left is set aside.
    pub(super) is_blind: bool,
}

impl Purse {
    pub(super) fn new(max: Option<Amount>, spent: Amount) -> Self {
        Self { max, spent, reserved: Amount::ZERO, is_blind: false, is_short: false }
    }

    /// The reserve for the next row of a group.
    pub(super) fn reserve(&self, price: Option<Amount>, costs: &Costs) -> Reserve {
        match (price.or(costs.reserve), self.max) {
            (Some(amount), _) => Reserve { amount, is_blind: false },
            (None, None) => Reserve { amount: Amount::ZERO, is_blind: true },
            (None, Some(max)) => {
                Reserve { amount: max.minus(self.spent).minus(self.reserved), is_blind: true }
            }
        }
    }

    /// Whether a reserve fits into the remaining budget. A row of unknown cost needs any remainder.
    pub(super) fn affords(&self, reserve: Reserve) -> bool {
        let Some(max) = self.max else { return true };
        let whole = self.spent.plus(self.reserved).plus(reserve.amount);
        !self.is_short && whole <= max && !(reserve.is_blind && reserve.amount == Amount::ZERO)
    }

    pub(super) fn take(&mut self, reserve: Reserve) {
        self.reserved = self.reserved.plus(reserve.amount);
    }

    pub(super) fn give_back(&mut self, reserve: Reserve) {
        self.reserved = self.reserved.minus(reserve.amount);
        self.is_short = false;
    }

    /// The row is over: its reserve is released and its cost spent. An unknown cost counts as the reserve, unless that
    /// was unknown too.
    pub(super) fn settle(&mut self, reserve: Reserve, cost: Option<Amount>, is_success: bool) {
        let guess = if reserve.is_blind { Amount::ZERO } else { reserve.amount };
        self.spent = self.spent.plus(cost.unwrap_or(guess));
        self.is_blind |= self.max.is_some() && is_success && cost.is_none() && reserve.is_blind;
    }

    pub(super) fn max(&self) -> Amount {
        self.max.unwrap_or(Amount::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_is_the_p90_or_one_and_a_half_of_the_first_costs() {
        let mut costs = Costs::default();
        assert_eq!(costs.reserve, None);
        costs.add(Amount::whole(2));
        assert_eq!(costs.reserve, Some(Amount::whole(3)));
        costs.add(Amount::whole(1));
        assert_eq!(costs.reserve, Some(Amount::whole(3)));
        (3..=10).for_each(|cost| costs.add(Amount::whole(cost)));
        assert_eq!(costs.reserve, Some(Amount::whole(9)));
        (0..KEPT).for_each(|_| costs.add(Amount::whole(1)));
        assert_eq!((costs.reserve, costs.recent.len()), (Some(Amount::whole(1)), KEPT));
    }

    #[test]
    fn all_that_is_left_is_set_aside_for_a_row_of_unknown_cost() {
        let mut purse = Purse::new(Some(Amount::whole(10)), Amount::whole(4));
        let first = purse.reserve(None, &Costs::default());
        assert_eq!(first, Reserve { amount: Amount::whole(6), is_blind: true });
        assert!(purse.affords(first));
        purse.take(first);
        assert!(!purse.affords(purse.reserve(None, &Costs::default())));
        assert!(!purse.affords(purse.reserve(Some(Amount::whole(1)), &Costs::default())));
        assert!(purse.affords(purse.reserve(Some(Amount::ZERO), &Costs::default())));
        purse.give_back(first);
        purse.settle(first, Some(Amount::whole(1)), true);
        assert_eq!((purse.spent, purse.reserved, purse.is_blind), (Amount::whole(5), Amount::ZERO, false));
    }
}
