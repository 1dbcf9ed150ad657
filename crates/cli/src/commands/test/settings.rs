//! `rhub-test.toml`: the facts to compare.

use std::path::Path;

use runninghub::{say, testing::Timeline};
use toml_edit::{DocumentMut, Item};

use crate::{exit::Error, input};

/// The name of the file.
const NAME: &str = "rhub-test.toml";
/// The switches, as in the file.
const SWITCHES: [&str; 6] = ["order", "steps", "cache", "texts", "dimensions", "digests"];

/// The facts to compare; those without a switch always are.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    /// The value of each switch, if the file has it.
    switches: [Option<bool>; SWITCHES.len()],
}

impl Settings {
    /// The settings for a recording: of the nearest file in its folder or above it.
    ///
    /// # Errors
    /// Usage, if the file is wrong.
    pub(super) fn of(recording: &Path) -> Result<Self, Error> {
        let whole = std::path::absolute(recording).unwrap_or_else(|_| recording.to_owned());
        let Some(path) = whole.ancestors().map(|folder| folder.join(NAME)).find(|path| path.is_file()) else {
            return Ok(Self::default());
        };
        Self::default().read(&path)
    }

    fn read(mut self, path: &Path) -> Result<Self, Error> {
        let file = || path.display();
        let text = input::read(path)
            .map_err(|why| Error::usage(say!("cannot read {path}: {why}", path = file(), why)))?;
        let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
            Error::usage(say!("{file} is not TOML: {why}", file = file(), why = error.message()))
        })?;
        for (name, item) in document.iter() {
            let names = SWITCHES.join(", ");
            let mut known = SWITCHES.iter().zip(&mut self.switches);
            let (_, switch) = known.find(|(known, _)| **known == name).ok_or_else(|| {
                Error::usage(say!("{file} has an unknown setting `{name}`", file = file(), name))
                    .hint(say!("available: {names}", names))
            })?;
            let is_on = Item::as_bool(item).ok_or_else(|| {
                Error::usage(say!("`{name}` in {file} is neither true nor false", name, file = file()))
            })?;
            *switch = Some(is_on);
        }
        Ok(self)
    }

    /// Whether snapshots contain the dimensions of images.
    pub(super) fn has_dimensions(&self) -> Option<bool> {
        let [.., dimensions, _] = self.switches;
        dimensions
    }

    /// Whether snapshots contain measurements of results.
    pub(super) fn measures(&self) -> bool {
        let [.., dimensions, digests] = self.switches;
        dimensions == Some(true) || digests == Some(true)
    }

    /// The timeline without excluded facts.
    pub(super) fn apply(&self, timeline: Timeline) -> Timeline {
        let [order, steps, cache, texts, dimensions, digests] = self.switches;
        let keep = |timeline: Timeline, is_kept: bool, without: fn(Timeline) -> Timeline| {
            if is_kept { timeline } else { without(timeline) }
        };
        let timeline = keep(timeline, order.unwrap_or(true), Timeline::without_order);
        let timeline = keep(timeline, steps.unwrap_or(true), Timeline::without_steps);
        let timeline = keep(timeline, cache.unwrap_or(true), Timeline::without_cache);
        let timeline = keep(timeline, texts.unwrap_or(true), Timeline::without_texts);
        // Images may vary between runs, and older recordings don't have these facts.
        let timeline = keep(timeline, dimensions.unwrap_or(false), Timeline::without_dimensions);
        keep(timeline, digests.unwrap_or(false), Timeline::without_digests)
    }
}
