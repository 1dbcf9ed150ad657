//! `batch.json`: a batch in counts and costs.

use std::collections::BTreeMap;

use runninghub_core::Charge;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::record::Record;
use crate::{Amount, Digest, ItemState, Target};

/// Name and number of the format.
const SCHEMA: &str = "rhub.batch/1";

/// The identity of a batch.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Head {
    /// Its name.
    pub batch: String,
    /// The digest of its source.
    pub spec: Digest,
    /// What it runs.
    pub target: Target,
    /// The version of the writing program.
    pub version: String,
}

/// The content of `batch.json`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    schema: String,
    /// The name of the batch.
    pub batch: String,
    /// The digest of its source when it was last read.
    pub spec_sha256: Digest,
    /// What it runs.
    pub target: Target,
    /// When the folder was first written to, in milliseconds since 1970.
    pub created_ms: u64,
    /// When it was last written to.
    pub updated_ms: u64,
    /// The number of items by state, including removed ones.
    pub counts: BTreeMap<ItemState, usize>,
    /// The cost of all items so far.
    pub cost: Costs,
    /// The versions of the program that have written it, oldest first.
    pub versions: Vec<String>,
}

/// The total cost of several items.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Costs {
    /// RunningHub coins.
    pub coins: Amount,
    /// Money for run time and third-party services.
    pub money: Amount,
    /// The currency of the money, if known.
    #[serde(default)]
    pub currency: Option<String>,
    /// Billed run time, in seconds.
    pub seconds: Amount,
    /// The number of items without a known cost.
    pub unknown: usize,
}

impl Report {
    /// The report of a folder that has none yet.
    pub(super) fn new(head: &Head, now_ms: u64) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            batch: head.batch.clone(),
            spec_sha256: head.spec,
            target: head.target.clone(),
            created_ms: now_ms,
            updated_ms: now_ms,
            counts: BTreeMap::new(),
            cost: Costs::default(),
            versions: Vec::new(),
        }
    }

    /// Whether this version reads and writes it.
    pub(super) fn is_known(&self) -> bool {
        self.schema == SCHEMA
    }

    /// The text of the file. Fields of other versions are preserved.
    pub(super) fn text(&self, before: &Map<String, Value>) -> String {
        let mut fields = match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            // Cannot fail: it has only text, numbers and lists of them.
            _ => Map::new(),
        };
        for (name, value) in before {
            fields.entry(name.clone()).or_insert_with(|| value.clone());
        }
        format!("{:#}\n", Value::Object(fields))
    }

    /// Updates it. Facts about earlier runs stay.
    pub(super) fn update<'r>(
        &mut self,
        head: &Head,
        records: impl IntoIterator<Item = &'r Record>,
        now_ms: u64,
    ) {
        (self.spec_sha256, self.target, self.updated_ms) = (head.spec, head.target.clone(), now_ms);
        if !self.versions.contains(&head.version) {
            self.versions.push(head.version.clone());
        }
        (self.counts, self.cost) = (BTreeMap::new(), Costs::default());
        for record in records {
            *self.counts.entry(record.state).or_default() += 1;
            match &record.cost {
                Some(cost) => self.cost.add(cost),
                None => self.cost.unknown += usize::from(record.task_id.is_some()),
            }
        }
    }
}

impl Costs {
    /// Adds the cost of an item.
    pub fn add(&mut self, cost: &Charge) {
        let amount = |text: &Option<String>| -> Amount {
            text.as_deref().and_then(|text| text.parse().ok()).unwrap_or_default()
        };
        self.coins = self.coins.plus(amount(&cost.coins));
        self.money = self.money.plus(amount(&cost.money)).plus(amount(&cost.third_party_money));
        self.seconds = self.seconds.plus(amount(&cost.seconds));
        if let Some(currency) = &cost.currency {
            self.currency = Some(currency.to_string());
        }
    }
}
