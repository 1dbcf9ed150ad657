//! Creates a fixture: records a run and imports it.

use std::path::Path;

use anyhow::{Result, ensure};
use clap::Args;
use xshell::{Shell, cmd};

use crate::fixtures;

/// The run to record, and the name of the fixture.
#[derive(Debug, Args)]
pub(crate) struct Record {
    /// The fixture's name: the folder below `fixtures/`.
    name: String,
    /// The workflow to run on RunningHub, with the key from the environment. Without it the demo of the simulator is
    /// recorded.
    #[arg(long)]
    workflow: Option<String>,
}

impl Record {
    pub(crate) fn run(self, shell: &Shell, root: &Path) -> Result<()> {
        let target = root.join("fixtures").join(&self.name);
        ensure!(!target.exists(), "there is a fixture {} already", target.display());
        let made = shell.create_temp_dir()?;
        let (recording, results) = (made.path().join(&self.name), made.path().join("results"));
        let what = match self.workflow {
            Some(id) => vec!["run".to_owned(), id],
            None => ["demo", "--speed", "4"].map(str::to_owned).to_vec(),
        };
        let rhub = cmd!(shell, "cargo run --quiet -p runninghub-cli -- {what...}");
        rhub.args(["--format", "plain", "--out"]).arg(results).arg("--record").arg(&recording).run()?;
        fixtures::import(&recording, &root.join("fixtures"))?;
        println!("recorded as {}", target.display());
        println!(
            "next: a row in fixtures/expected.json that says how it ends, then `cargo xtask fixtures lint`"
        );
        Ok(())
    }
}
