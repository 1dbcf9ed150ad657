//! Mutations that the tests have to detect.

use anyhow::{Result, bail};
use clap::Args;
use xshell::{Shell, cmd};

use crate::tool;

/// The files to mutate.
#[derive(Debug, Args)]
pub(crate) struct Mutants {
    /// Only these files of `.cargo/mutants.toml`; all of them by default.
    files: Vec<String>,
    /// The folder for reports.
    #[arg(long, default_value = "target/mutants")]
    output: String,
}

impl Mutants {
    pub(crate) fn run(self, shell: &Shell) -> Result<()> {
        if !tool::is_there(shell, "mutants") {
            bail!("cargo-mutants is not installed: `cargo install cargo-mutants --locked`");
        }
        shell.create_dir(&self.output)?;
        let mut mutants = cmd!(shell, "cargo mutants --workspace --output").arg(&self.output);
        for file in &self.files {
            mutants = mutants.arg("--file").arg(file);
        }
        Ok(mutants.run()?)
    }
}
