//! `rhub test`.

use std::path::PathBuf;

use clap::Args;

/// Compare recorded runs with their snapshots
#[derive(Args, Debug)]
#[command(after_long_help = "\
Replays every recording below PATH (`rhub run --record DIR` makes one) and compares what it did with the file
`timeline.snap` in its folder: nodes with their states and steps, results, texts, and the end. Nothing is sent.
Exits with 1 if a run differs from its snapshot or has none.

A file `rhub-test.toml` in the folder or above it leaves out what may vary: `order = false` (in which order nodes
ran), `steps = false`, `cache = false` (whether a node came from the cache), `texts = false`. docs/testing.md
describes it all.")]
pub(crate) struct Test {
    /// Folders to search for recordings
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,

    /// Write the snapshots instead of comparing them
    #[arg(long)]
    pub(crate) accept: bool,

    /// Also write a report as XML, for CI systems
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}
