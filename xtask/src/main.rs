//! Every chore of this repository, as `cargo xtask …`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to the person who runs it")]

mod accuracy;
mod files;
mod film;
mod fixtures;
mod report;
mod tidy;

use std::{path::Path, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(about = "Every chore of this repository")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print how true the percentage is, over all recordings.
    Accuracy,
    /// Draw `docs/demo.svg` anew, from a replay of the demo.
    Film,
    /// Recordings: bring them in, check them.
    #[command(subcommand)]
    Fixtures(fixtures::Command),
    /// Check the rules that no compiler checks: arrows between crates, sizes, banned words, layout.
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
    match command {
        Command::Accuracy => accuracy::accuracy(root),
        Command::Film => film::film(root),
        Command::Fixtures(command) => command.run(root),
        Command::Tidy => tidy::tidy(root),
    }
}
