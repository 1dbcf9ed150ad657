//! A batch as a TOML file.

use runninghub_core::{Kind, say};
use serde::Serialize;
use toml_edit::Document;

use super::{
    draft::Draft,
    limits::JobLimits,
    reader::{Reader, line},
};
use crate::{
    At, Error, Problem, Problems, Rows,
    door::{disk::Files, text::decode},
};

/// The content of a job.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Job {
    /// Its target, if given: the kind, and the id or endpoint.
    #[serde(skip)]
    pub target: Option<(Kind, String)>,
    /// Its rows, with random seeds drawn: the same job gives the same seeds.
    pub rows: Rows,
    /// Its limits.
    pub limits: JobLimits,
}

impl Job {
    /// Reads a job.
    ///
    /// ```toml
    /// app = "1877265245566922753"
    /// id = "{animal}-{3.seed}"
    ///
    /// [set]
    /// "6.text" = "a {animal} in the rain"
    ///
    /// [matrix]
    /// animal = ["cat", "dog"]
    /// "3.seed" = { random = 4 }
    /// ```
    ///
    /// At the top are `workflow`, `app`, `quick` or `model`, the number `seed` from which random seeds are drawn, and
    /// `id`, `out`, `repeat`, `priority`, `instance`, `profile` and `webhook` of all rows. Every combination of
    /// `[matrix]` is a row; the keys of a `[[zip]]` advance together. `[[exclude]]` names combinations that don't run.
    /// A key of `[matrix]` or `[[zip]]` that a text of `[set]` has in braces is only filled in there; every other key
    /// is a field. `{{name}}` stands for `{name}` itself. `[limits]` has `slots`, `max_cost`, `max_failures` and
    /// `until`.
    ///
    /// # Errors
    /// All problems, with their lines.
    pub fn parse(bytes: &[u8], files: &dyn Files) -> Result<Self, Error> {
        let text = decode(bytes)?;
        let document = Document::parse(text.clone()).map_err(|error| {
            let at = error.span().map_or(At::Source, |span| line(&text, &span));
            Problem::new(at, say!("it is not TOML: {error}", error = error.message().trim())).cure(say!(
                "a key with characters other than letters, digits, `_` and `-` needs quotes around it"
            ))
        })?;
        let reader = Reader { document: &document, files, problems: Problems::default() };
        let mut draft = Draft::new(reader);
        draft.read(document.as_table());
        draft.check();
        if draft.reader.problems.is_empty() {
            draft.expand();
        }
        draft.reader.problems.unless_any(draft.job)
    }
}
