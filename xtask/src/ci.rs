//! The parts of CI, which can be run separately.

use std::{
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use clap::ValueEnum;
use xshell::{Shell, cmd};

use crate::{accuracy, fixtures, snapshots, tidy, tool};

/// A crate outside the workspace that represents all external users.
const OUTSIDE: &str = "crates/runninghub/tests/outside/Cargo.toml";

/// A part of CI, in the order in which they run: quick failures come first.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Part {
    /// The formatting of the source.
    Fmt,
    /// The rules that no compiler checks.
    Tidy,
    /// The recordings.
    Fixtures,
    /// Licenses, bans and sources of dependencies, if cargo-deny is installed.
    Deny,
    /// Lints, with all features and without any.
    Clippy,
    /// All tests except those in the documentation.
    Test,
    /// The examples of the documentation.
    Doctest,
    /// Snapshots that are unreferenced or not accepted.
    Snapshots,
    /// A crate outside the workspace that uses only the public API, with its own ledger, socket and service.
    Outside,
    /// The fuzz targets, as short tests.
    Fuzz,
    /// How far overall progress is from elapsed time.
    Accuracy,
    /// The documentation.
    Doc,
}

/// Runs one part, or all, and prints how long each took.
///
/// # Errors
/// If a part fails. The others still run.
pub(crate) fn ci(shell: &Shell, root: &Path, part: Option<Part>) -> Result<()> {
    let parts = part.as_ref().map_or(Part::value_variants(), std::slice::from_ref);
    let start = Instant::now();
    let (mut times, mut failed) = (String::new(), Vec::new());
    for part in parts {
        let name = part.name();
        println!("\n=== {name}");
        let began = Instant::now();
        let outcome = part.run(shell, root);
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        let _ = writeln!(times, "  {name:<10} {:>7} {word}", seconds(began.elapsed()));
        if let Err(error) = outcome {
            eprintln!("{name}: {error:#}");
            failed.push(name);
        }
    }
    println!("\n{times}");
    if !failed.is_empty() {
        bail!("ci failed in {}: {}", seconds(start.elapsed()), failed.join(", "));
    }
    println!("ci passed in {}", seconds(start.elapsed()));
    Ok(())
}

impl Part {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn run(self, shell: &Shell, root: &Path) -> Result<()> {
        match self {
            Self::Fmt => {
                cmd!(shell, "cargo fmt --all --check").run()?;
                for manifest in ["fuzz/Cargo.toml", OUTSIDE] {
                    cmd!(shell, "cargo fmt --manifest-path {manifest} --check").run()?;
                }
            }
            Self::Tidy => tidy::tidy(root)?,
            Self::Fixtures => fixtures::lint(&root.join("fixtures"))?,
            Self::Deny if !tool::is_there(shell, "deny") => println!(
                "skipped: cargo-deny is not installed (`cargo install cargo-deny --locked`); tidy has looked at the licences"
            ),
            Self::Deny => cmd!(shell, "cargo deny --locked check bans licenses sources").run()?,
            Self::Clippy => {
                cmd!(shell, "cargo clippy --workspace --all-targets --all-features -- -D warnings").run()?;
                cmd!(shell, "cargo clippy -p runninghub-transport --no-default-features -- -D warnings")
                    .run()?;
            }
            Self::Test => {
                snapshots::test(shell, root)?;
                // With every TLS provider in the build, and with none: neither may be selected implicitly.
                cmd!(shell, "cargo test -p runninghub-transport --all-features --lib tls").run()?;
                for features in ["--all-features", "--no-default-features"] {
                    cmd!(shell, "cargo test -p runninghub-net {features} --lib tls").run()?;
                }
            }
            Self::Doctest => cmd!(shell, "cargo test --workspace --doc").run()?,
            Self::Snapshots => snapshots::check(shell, root)?,
            Self::Outside => {
                // The same target folder: most of the dependencies are built already.
                cmd!(shell, "cargo test --locked --manifest-path {OUTSIDE} --target-dir target").run()?;
            }
            Self::Fuzz => {
                // The same target folder, so that dependencies of the tests are not built again.
                cmd!(shell, "cargo test --manifest-path fuzz/Cargo.toml --target-dir target").run()?;
            }
            Self::Accuracy => accuracy::accuracy(root)?,
            Self::Doc => {
                let _flags = shell.push_env("RUSTDOCFLAGS", "-D warnings");
                cmd!(shell, "cargo doc --workspace --no-deps").run()?;
            }
        }
        Ok(())
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
