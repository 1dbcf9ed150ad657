//! The axes along which the items of a batch differ.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use super::record::Record;
use crate::Setting;

/// Wider tables are no longer read.
const MAX_COLUMNS: usize = 12;

/// Fields that vary together, and their values in the order in which they first occur.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Axis {
    pub(super) fields: Vec<Arc<str>>,
    pub(super) values: Vec<Vec<String>>,
}

/// How items are laid out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Layout {
    /// One after another, each with the values of these fields.
    Flow(Vec<Arc<str>>),
    /// A table for each combination of the sections.
    Grid { sections: Vec<Axis>, rows: Axis, columns: Axis },
}

impl Layout {
    /// Finds the axes of a matrix. Fields that are different in each item, such as random seeds, are none.
    pub(super) fn of(records: &[&Record]) -> Self {
        let varying = varying(records);
        let unique: HashSet<Arc<str>> = varying
            .iter()
            .filter(|field| distinct(records, std::slice::from_ref(*field)) == records.len())
            .cloned()
            .collect();
        let mut axes = axes(records, varying.iter().filter(|field| !unique.contains(*field)));
        let cells = axes.iter().map(|axis| axis.values.len()).fold(1_usize, usize::saturating_mul);
        // Half of the cells may be left out of a matrix. More of them are a table of rows.
        if axes.len() < 2 || cells > records.len().saturating_mul(2) {
            return Self::Flow(varying);
        }
        // The fewest values are the columns, the next fewest the rows.
        axes.sort_by_key(|axis| std::cmp::Reverse(axis.values.len()));
        let (Some(columns), Some(rows)) = (axes.pop(), axes.pop()) else { return Self::Flow(varying) };
        if columns.values.len() > MAX_COLUMNS {
            return Self::Flow(varying);
        }
        Self::Grid { sections: axes, rows, columns }
    }
}

impl Axis {
    /// The item's values on this axis.
    pub(super) fn of(&self, record: &Record) -> Vec<String> {
        self.fields.iter().map(|field| value(record, field)).collect()
    }
}

/// A value as it is shown; empty if the item doesn't set the field.
pub(super) fn value(record: &Record, field: &str) -> String {
    record.set.get(field).map(Setting::shown).unwrap_or_default()
}

/// Fields with more than one value.
fn varying(records: &[&Record]) -> Vec<Arc<str>> {
    let fields: BTreeSet<Arc<str>> =
        records.iter().flat_map(|record| &record.set).map(|(field, _)| field.clone()).collect();
    fields.into_iter().filter(|field| distinct(records, std::slice::from_ref(field)) > 1).collect()
}

/// How many combinations of values these fields have.
fn distinct(records: &[&Record], fields: &[Arc<str>]) -> usize {
    let values = |record: &&Record| fields.iter().map(|field| value(record, field)).collect::<Vec<_>>();
    records.iter().map(values).collect::<HashSet<_>>().len()
}

/// Fields that vary together become one axis: each value of one belongs to one value of the other.
fn axes<'f>(records: &[&Record], fields: impl Iterator<Item = &'f Arc<str>>) -> Vec<Axis> {
    let mut groups: Vec<(Vec<Arc<str>>, usize)> = Vec::new();
    for field in fields {
        let count = distinct(records, std::slice::from_ref(field));
        let same = groups.iter_mut().find(|(group, size)| {
            let pair: Vec<_> = group.iter().take(1).chain([field]).cloned().collect();
            *size == count && distinct(records, &pair) == count
        });
        match same {
            Some((group, _)) => group.push(field.clone()),
            None => groups.push((vec![field.clone()], count)),
        }
    }
    let axis = |(fields, _): (Vec<Arc<str>>, usize)| {
        let mut axis = Axis { fields, values: Vec::new() };
        let mut seen = HashSet::new();
        for record in records {
            let values = axis.of(record);
            if seen.insert(values.clone()) {
                axis.values.push(values);
            }
        }
        axis
    };
    groups.into_iter().map(axis).collect()
}

/// Items by their values on some axes.
pub(super) fn by<'r>(axes: &[&Axis], records: &[&'r Record]) -> HashMap<Vec<Vec<String>>, Vec<&'r Record>> {
    let mut cells: HashMap<_, Vec<_>> = HashMap::new();
    for record in records {
        let place: Vec<_> = axes.iter().map(|axis| axis.of(record)).collect();
        cells.entry(place).or_default().push(*record);
    }
    cells
}

/// Every combination of the values of some axes that an item has, in order.
pub(super) fn combinations(axes: &[Axis], records: &[&Record]) -> Vec<Vec<Vec<String>>> {
    let mut places: BTreeMap<Vec<usize>, Vec<Vec<String>>> = BTreeMap::new();
    for record in records {
        let place: Vec<_> = axes.iter().map(|axis| axis.of(record)).collect();
        let order = axes
            .iter()
            .zip(&place)
            .map(|(axis, values)| axis.values.iter().position(|known| known == values).unwrap_or_default());
        places.insert(order.collect(), place);
    }
    places.into_values().collect()
}
