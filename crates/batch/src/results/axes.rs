//! Lays out the items of a batch on a page, along the axes of their matrix.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use super::record::Record;
use crate::Setting;

/// Wider tables are hard to read.
const MAX_COLUMNS: usize = 12;

/// How items are laid out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Layout {
    /// One after another, each with the values of these fields.
    Flow(Vec<Arc<str>>),
    /// A table for each combination of the sections.
    Grid { sections: Vec<Axis>, rows: Axis, columns: Axis },
}

/// An axis with its values, in order of first occurrence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Axis {
    pub(super) name: Arc<str>,
    pub(super) values: Vec<Arc<str>>,
}

/// An item's values on some axes.
pub(super) type Place = Vec<Arc<str>>;

impl Layout {
    /// A grid if all items are in one matrix with at least two axes. The axis with the fewest values becomes the
    /// columns, the next one the rows.
    pub(super) fn of(records: &[&Record]) -> Self {
        let flow = || Self::Flow(varying(records));
        let Some(mut axes) = axes(records) else { return flow() };
        axes.sort_by_key(|axis| Reverse(axis.values.len()));
        match (axes.pop(), axes.pop()) {
            (Some(columns), Some(rows)) if columns.values.len() <= MAX_COLUMNS => {
                Self::Grid { sections: axes, rows, columns }
            }
            _ => flow(),
        }
    }
}

/// The axes that all items have. `None` if they differ.
fn axes(records: &[&Record]) -> Option<Vec<Axis>> {
    let first = records.first()?;
    let mut axes: Vec<Axis> = Vec::new();
    for coordinate in &first.coordinates {
        axes.push(Axis { name: coordinate.axis.clone(), values: Vec::new() });
    }
    let mut seen = HashSet::new();
    for record in records {
        if record.coordinates.len() != axes.len() {
            return None;
        }
        for (at, (axis, coordinate)) in axes.iter_mut().zip(&record.coordinates).enumerate() {
            if axis.name != coordinate.axis {
                return None;
            }
            if seen.insert((at, coordinate.value.clone())) {
                axis.values.push(coordinate.value.clone());
            }
        }
    }
    Some(axes)
}

/// A value for display; empty if the item doesn't set the field.
pub(super) fn value(record: &Record, field: &str) -> String {
    record.set.get(field).map(Setting::shown).unwrap_or_default()
}

/// Fields with more than one value.
fn varying(records: &[&Record]) -> Vec<Arc<str>> {
    let fields: BTreeSet<Arc<str>> =
        records.iter().flat_map(|record| &record.set).map(|(field, _)| field.clone()).collect();
    let varies = |field: &Arc<str>| {
        let mut settings = records.iter().map(|record| record.set.get(field));
        let first = settings.next();
        settings.any(|setting| Some(setting) != first)
    };
    fields.into_iter().filter(varies).collect()
}

/// An item's position on these axes.
pub(super) fn place(record: &Record, axes: &[&Axis]) -> Place {
    let on = |axis: &&Axis| {
        let found = record.coordinates.iter().find(|coordinate| coordinate.axis == axis.name);
        found.map(|coordinate| coordinate.value.clone()).unwrap_or_default()
    };
    axes.iter().map(on).collect()
}

/// Items by position.
pub(super) fn by_place<'r>(records: &[&'r Record], axes: &[&Axis]) -> HashMap<Place, Vec<&'r Record>> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for record in records {
        found.entry(place(record, axes)).or_default().push(*record);
    }
    found
}

/// The positions of items, in order of first occurrence.
pub(super) fn places(records: &[&Record], axes: &[&Axis]) -> Vec<Place> {
    let mut seen = HashSet::new();
    records.iter().map(|record| place(record, axes)).filter(|place| seen.insert(place.clone())).collect()
}
