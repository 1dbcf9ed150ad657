//! All checks, one after the other.

use std::path::Path;

use anyhow::Result;

use super::{arrows, bans, endpoints, layout, licences, manifest, messages, promises, source::Source};
use crate::report::Report;

/// Runs all checks.
///
/// # Errors
/// If a rule is broken; the message lists all places.
pub(crate) fn tidy(root: &Path) -> Result<()> {
    let mut report = Report::new("tidy");
    arrows::check(&arrows::Crates::read(root)?, &mut report);
    let sources = Source::read_all(root)?;
    for source in &sources {
        bans::check(source, &mut report);
        layout::check_file(source, &mut report);
        manifest::check(source, &mut report);
    }
    layout::check_crates(&sources, &mut report);
    licences::check(root, &mut report)?;
    endpoints::check(root, &sources, &mut report)?;
    messages::check(root, &sources, &mut report)?;
    promises::check(root, &mut report)?;
    report.finish(&format!("{} files", sources.len()))
}
