//! The development tasks of this repository, as `cargo xtask …`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to the person who runs it")]

mod accuracy;
mod bench;
mod catalog;
mod ci;
mod files;
mod film;
mod fixtures;
mod mutants;
mod record;
mod report;
mod sbom;
mod screens;
mod snapshots;
mod tidy;
mod tool;

use std::{path::Path, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};
use xshell::{Shell, cmd};

#[derive(Debug, Parser)]
#[command(about = "Every chore of this repository")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the accuracy of the percentage, over all recordings.
    Accuracy,
    /// Measure, and print a table of goals (`docs/benchmarks.md`).
    Bench(bench::Bench),
    /// Rebuild the catalog of models from a file of facts.
    Catalog(catalog::Catalog),
    /// Run what CI runs: everything, or one part.
    Ci {
        /// The part.
        part: Option<ci::Part>,
    },
    /// Redraw `docs/demo.svg` from a replay of the demo.
    Film,
    /// Import and check recordings.
    #[command(subcommand)]
    Fixtures(fixtures::Command),
    /// Kill a batch again and again, and check that each of its rows was paid for once (a test does it with fewer).
    Kills {
        /// How often.
        #[arg(long, default_value_t = 200)]
        kills: usize,
        /// The rows of the batch.
        #[arg(long, default_value_t = 2_000)]
        rows: usize,
    },
    /// Mutate the modules that handle money and secrets, and check that a test fails each time.
    Mutants(mutants::Mutants),
    /// Create a fixture from a live run, or from one of the simulator.
    Record(record::Record),
    /// Print the software bill of materials of `rhub` (`CycloneDX`).
    Sbom,
    /// Run, review, accept, reject and check snapshots.
    #[command(subcommand)]
    Snapshots(snapshots::Command),
    /// Check the rules that no compiler checks: dependencies between crates, sizes, banned words, layout.
    Tidy,
}

fn main() -> ExitCode {
    match run(Args::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let shell = Shell::new()?;
    shell.change_dir(root);
    match command {
        Command::Accuracy => accuracy::accuracy(root),
        Command::Bench(bench) => bench.run(&shell, root),
        Command::Catalog(catalog) => catalog.run(root),
        Command::Ci { part } => ci::ci(&shell, root, part),
        Command::Film => film::film(&shell, root),
        Command::Fixtures(command) => command.run(root),
        Command::Kills { kills, rows } => {
            let _kills = shell.push_env("BATCH_KILLS", kills.to_string());
            let _rows = shell.push_env("BATCH_ROWS", rows.to_string());
            Ok(cmd!(shell, "cargo test -p runninghub-cli --test crash rows_of_a_batch_that_is_killed")
                .run()?)
        }
        Command::Mutants(mutants) => mutants.run(&shell),
        Command::Record(record) => record.run(&shell, root),
        Command::Sbom => sbom::sbom(root),
        Command::Snapshots(command) => command.run(&shell, root),
        Command::Tidy => tidy::tidy(root),
    }
}
