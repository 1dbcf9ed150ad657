//! The command `bench`.

use std::{fs, path::Path, thread};

use anyhow::{Context as _, Result, ensure};
use clap::{Args, ValueEnum};
use xshell::{Shell, cmd};

use super::{
    batch, process,
    row::{self, Row},
};

/// Measures, and prints a table of goals.
#[derive(Args, Debug)]
pub(crate) struct Bench {
    /// The benchmark to measure; all by default.
    what: Option<Benchmark>,
    /// Fewer and shorter runs: for a quick look, not for publishing.
    #[arg(long)]
    quick: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Benchmark {
    /// How soon the end is noticed, and with how many requests.
    Ends,
    /// Thousands of tasks in one process.
    Many,
    /// The cost of one event.
    Stream,
    /// The binary: start, size, downloads, drawing.
    Process,
    /// Planning many rows, and rows that have run.
    Batch,
}

impl Bench {
    /// # Errors
    /// If a measurement fails, or a goal is not met.
    pub(crate) fn run(&self, shell: &Shell, root: &Path) -> Result<()> {
        let parts = self.what.as_ref().map_or(Benchmark::value_variants(), std::slice::from_ref);
        let mut rows = Vec::new();
        for part in parts {
            let name = part.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
            eprintln!("measuring: {name}");
            rows.extend(match part {
                Benchmark::Batch => batch::measure(shell, root, self.quick)?,
                Benchmark::Process => process::measure(shell, root, self.quick)?,
                _ => library(shell, &name, self.quick)?,
            });
        }
        let text = format!("{}\n\n{}", machine(shell)?, row::table(&rows));
        // For `docs/benchmarks.md`, and for comparison with other runs.
        fs::write(root.join("target/bench.md"), &text)?;
        fs::write(root.join("target/bench.json"), serde_json::to_string_pretty(&rows)?)?;
        println!("{text}");
        let missed = rows.iter().filter(|row| row.is_met() == Some(false)).count();
        ensure!(missed == 0, "{missed} of {} goals are not met", rows.len());
        Ok(())
    }
}

/// The figures of a facade benchmark, which prints one JSON object per line.
fn library(shell: &Shell, group: &str, quick: bool) -> Result<Vec<Row>> {
    let quick = quick.then_some("--quick");
    let lines =
        cmd!(shell, "cargo bench --quiet -p runninghub --bench figures -- {group} {quick...}").read()?;
    lines
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("not a figure: {line}")))
        .collect()
}

/// The machine of the measurements.
fn machine(shell: &Shell) -> Result<String> {
    let cores = thread::available_parallelism()?;
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown processor", |(_, model)| model.trim());
    let (system, compiler) = (cmd!(shell, "uname -sr").read()?, cmd!(shell, "rustc --version").read()?);
    Ok(format!("{cores} cores ({model}), {system}, {compiler}"))
}
