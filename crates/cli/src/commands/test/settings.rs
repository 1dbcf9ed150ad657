//! `rhub-test.toml`: what is left out of a comparison.

use std::path::Path;

use runninghub::{say, testing::Timeline};
use toml_edit::{DocumentMut, Item};

use crate::{exit::Error, input};

/// The name of the file.
const NAME: &str = "rhub-test.toml";
/// The switches, as in the file.
const SWITCHES: [&str; 4] = ["order", "steps", "cache", "texts"];

/// What is compared.
#[expect(clippy::struct_excessive_bools, reason = "independent switches")]
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    order: bool,
    steps: bool,
    cache: bool,
    texts: bool,
}

impl Settings {
    /// The settings for a recording: of the nearest file in its folder or above it, else everything.
    ///
    /// # Errors
    /// Usage, if the file is wrong.
    pub(super) fn of(recording: &Path) -> Result<Self, Error> {
        let all = Self { order: true, steps: true, cache: true, texts: true };
        let whole = std::path::absolute(recording).unwrap_or_else(|_| recording.to_owned());
        let Some(path) = whole.ancestors().map(|folder| folder.join(NAME)).find(|path| path.is_file()) else {
            return Ok(all);
        };
        all.read(&path)
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
            let switch = match name {
                "order" => &mut self.order,
                "steps" => &mut self.steps,
                "cache" => &mut self.cache,
                "texts" => &mut self.texts,
                _ => {
                    return Err(Error::usage(say!(
                        "{file} has an unknown setting `{name}`",
                        file = file(),
                        name
                    ))
                    .hint(say!("available: {names}", names)));
                }
            };
            *switch = Item::as_bool(item).ok_or_else(|| {
                Error::usage(say!("`{name}` in {file} is neither true nor false", name, file = file()))
            })?;
        }
        Ok(self)
    }

    /// The timeline without what is left out.
    pub(super) fn apply(self, timeline: Timeline) -> Timeline {
        let keep = |timeline: Timeline, is_kept: bool, without: fn(Timeline) -> Timeline| {
            if is_kept { timeline } else { without(timeline) }
        };
        let timeline = keep(timeline, self.order, Timeline::without_order);
        let timeline = keep(timeline, self.steps, Timeline::without_steps);
        let timeline = keep(timeline, self.cache, Timeline::without_cache);
        keep(timeline, self.texts, Timeline::without_texts)
    }
}
