//! `rhub test`.

use std::path::PathBuf;

use clap::Args;
use runninghub::{Sentence, say};

/// Compare recorded runs with their snapshots
#[derive(Args, Debug)]
#[command(after_long_help = "\
Replays every recording below PATH (`rhub run --record DIR` makes one) and compares what it did with the file
`timeline.snap` in its folder: nodes with their states and steps, results, texts, and the end. Nothing is sent.
Exits with 1 if a run differs from its snapshot or has none.

With `--live`, each recorded workflow runs again with the recorded inputs, on RunningHub or on the ComfyUI of
`--server`, and the new run is compared. It says first how many runs there are, with which key, and what the recorded
ones cost, and asks; off a terminal nothing is sent without `--yes`. Recordings, pictures and a page, `index.html`,
are in the folder of `--report`.

A file `rhub-test.toml` in the folder or above it leaves out what may vary: `order = false` (in which order nodes
ran), `steps = false`, `cache = false` (whether a node came from the cache), `texts = false`. `dimensions = true`
and `digests = true` add the sizes of pictures and the bytes of results. docs/testing.md describes it all.")]
pub(crate) struct Test {
    /// Folders to search for recordings
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,

    /// Write the snapshots instead of comparing them
    ///
    /// With `--live`, the new runs replace the recordings. With `--report` alone, those of an earlier report do, and
    /// nothing runs.
    #[arg(long)]
    pub(crate) accept: bool,

    /// Run the recorded workflows again, and compare the new runs; they are charged
    #[arg(long)]
    pub(crate) live: bool,

    /// Run them without asking
    #[arg(long, requires = "live")]
    pub(crate) yes: bool,

    /// Compare images too: exact, or similar[=0.98]
    ///
    /// They are compared with those in the folder `expected` of the recording, which `--accept` writes. `exact` compares
    /// pixels. `similar` is the structural similarity (SSIM), from 0 to 1, that each picture must have.
    #[arg(long, value_name = "HOW", value_parser = Pictures::parse)]
    pub(crate) images: Option<Pictures>,

    /// Folder for recordings, pictures and a page of the new runs [default: rhub-report]
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,

    /// Also write a report as XML, for CI systems
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}

/// How to compare images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pictures {
    /// Pixel by pixel.
    Exact,
    /// By structural similarity: the minimum, 0..=1.
    Similar(f64),
}

impl Pictures {
    /// The default similarity.
    const SIMILAR: f64 = 0.98;

    fn parse(text: &str) -> Result<Self, Sentence> {
        let (how, least) = match text.split_once('=') {
            Some((how, least)) => (how, Some(least)),
            None => (text, None),
        };
        let known: Option<Self> = match (how, least) {
            ("exact", None) => Some(Self::Exact),
            ("similar", None) => Some(Self::Similar(Self::SIMILAR)),
            ("similar", Some(least)) => {
                least.parse().ok().filter(|least| (0.0..=1.0).contains(least)).map(Self::Similar)
            }
            _ => None,
        };
        known.ok_or_else(|| say!("it is `exact`, `similar`, or `similar=` and a number from 0 to 1"))
    }
}
