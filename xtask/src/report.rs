//! Collects all findings of a check, not only the first.

use std::fmt::Write as _;

use anyhow::{Result, bail};

/// The findings of one check.
#[derive(Debug)]
pub(crate) struct Report {
    check: &'static str,
    complaints: Vec<String>,
}

impl Report {
    pub(crate) fn new(check: &'static str) -> Self {
        Self { check, complaints: Vec::new() }
    }

    /// Adds a finding about a place: a file, a file with a line, a crate.
    pub(crate) fn add(&mut self, place: &str, what: &str) {
        self.complaints.push(format!("{place}: {what}"));
    }

    #[cfg(test)]
    pub(crate) fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// Prints `summary`, or fails with all findings.
    ///
    /// # Errors
    /// If there are findings.
    pub(crate) fn finish(self, summary: &str) -> Result<()> {
        if self.complaints.is_empty() {
            println!("{}: {summary}, all good", self.check);
            return Ok(());
        }
        let mut text = format!("{}: {} found", self.check, self.complaints.len());
        for complaint in &self.complaints {
            let _ = write!(text, "\n  {complaint}");
        }
        bail!(text)
    }
}
