//! Preview images, if requested.

use std::sync::Arc;

use runninghub::{NodeId, PreviewFolder, say};

use super::context::Context;
use crate::{
    args::Previews,
    exit::{Error, chain},
};

impl Context {
    /// Opens the folder before anything is paid.
    pub(super) fn keep_previews(&mut self, wanted: Previews) -> Result<(), Error> {
        self.reporter.show_previews(wanted.shown);
        if let Some(dir) = wanted.previews {
            let folder = PreviewFolder::create(dir).map_err(|error| {
                Error::from(error)
                    .or_hint(say!("choose another folder with `--previews DIR`; nothing was submitted"))
            })?;
            self.previews = Some(folder);
        }
        Ok(())
    }

    /// Whether previews are shown or saved.
    pub(super) fn wants_previews(&self) -> bool {
        self.previews.is_some() || self.reporter.wants_previews()
    }

    pub(super) fn preview(&self, node: Option<&NodeId>, mime: &str, data: &Arc<[u8]>) {
        if let Some(folder) = &self.previews {
            let unknown = || "task".into();
            folder.keep(&self.outcome.task_id.clone().unwrap_or_else(unknown), node, mime, data);
        }
    }

    /// Previews are optional: a failure to save them is only a warning.
    pub(super) fn finish_previews(&mut self) {
        if let Some(Err(error)) = self.previews.take().map(PreviewFolder::finish) {
            self.warn("previews", chain(&error));
        }
    }
}
