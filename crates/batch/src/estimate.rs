//! Estimates cost and duration of rows from earlier runs of the same target.

use std::time::Duration;

use runninghub_core::Charge;
use serde::Serialize;

use crate::{Amount, Band, Costs, Durations, figure::forecast};

/// Rows of one instance type are a group.
const DEFAULT_INSTANCE: &str = "";

/// Costs and durations of earlier runs of a target.
#[derive(Clone, Debug, Default)]
pub struct Past {
    costs: Vec<(Amount, Amount)>,
    currency: Option<String>,
    durations: Durations,
    timed: usize,
}

/// The estimated cost and duration of rows.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Estimate {
    /// The cost; `None` if no earlier run's cost is known.
    pub cost: Option<CostEstimate>,
    /// The time; `None` if no earlier run's duration is known.
    pub time: Option<Band>,
    /// The number of earlier runs whose duration is known.
    pub timed_runs: usize,
}

/// The estimated cost of rows.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CostEstimate {
    /// The total cost of all rows, at the mean of earlier runs.
    pub all: Costs,
    /// The mean cost of a row.
    pub each: Costs,
    /// The 90th percentile of a row's cost.
    pub most: Costs,
    /// The number of earlier runs whose cost is known.
    pub runs: usize,
}

impl Past {
    /// Adds an earlier run: its cost, and its duration on an instance type, if known.
    pub fn add(&mut self, instance: Option<&str>, cost: Option<&Charge>) {
        let Some(cost) = cost else { return };
        let mut costs = Costs::default();
        costs.add(cost);
        if cost.coins.is_some() || cost.money.is_some() || cost.third_party_money.is_some() {
            self.costs.push((costs.coins, costs.money));
            self.currency = costs.currency.take().or(self.currency.take());
        }
        if costs.seconds > Amount::ZERO {
            let took = Duration::from_micros(costs.seconds.millionths());
            self.durations.add(instance.unwrap_or(DEFAULT_INSTANCE), took);
            self.timed += 1;
        }
    }

    /// Durations of earlier runs, by instance type; the default type has an empty name.
    pub fn durations(&self) -> &Durations {
        &self.durations
    }

    /// Whether the duration of an earlier run is known.
    pub fn knows_times(&self) -> bool {
        self.timed > 0
    }

    /// Estimates rows, each with its instance type, on this number of slots.
    pub fn estimate<'i>(
        &self,
        rows: impl IntoIterator<Item = Option<&'i str>>,
        slots: Option<usize>,
    ) -> Estimate {
        let rows: Vec<&str> = rows.into_iter().map(|instance| instance.unwrap_or(DEFAULT_INSTANCE)).collect();
        let time = slots.and_then(|slots| forecast(&self.durations, &[], &rows, slots, 0));
        let time = time.filter(|_| !rows.is_empty());
        Estimate { cost: self.cost(rows.len()), time, timed_runs: self.timed }
    }

    fn cost(&self, rows: usize) -> Option<CostEstimate> {
        if self.costs.is_empty() {
            return None;
        }
        let part = |part: fn(&(Amount, Amount)) -> Amount| {
            let mut sorted: Vec<Amount> = self.costs.iter().map(part).collect();
            sorted.sort_unstable();
            let sum: Amount = sorted.iter().copied().sum();
            let most = sorted.get((sorted.len() * 9).div_ceil(10).saturating_sub(1)).copied();
            (times(sum, rows, sorted.len()), times(sum, 1, sorted.len()), most.unwrap_or_default())
        };
        let (coins, money) = (part(|cost| cost.0), part(|cost| cost.1));
        let costs =
            |coins, money| Costs { coins, money, currency: self.currency.clone(), ..Costs::default() };
        Some(CostEstimate {
            all: costs(coins.0, money.0),
            each: costs(coins.1, money.1),
            most: costs(coins.2, money.2),
            runs: self.costs.len(),
        })
    }
}

/// An amount per run, scaled to the number of rows and rounded up.
fn times(amount: Amount, rows: usize, runs: usize) -> Amount {
    let product = u128::from(amount.millionths()).saturating_mul(rows as u128);
    Amount::from_millionths(u64::try_from(product.div_ceil(runs.max(1) as u128)).unwrap_or(u64::MAX))
}
