//! Group D: the binary from a user's view, against curl.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use super::{
    drawing,
    files::{self, LARGE, MANY},
    folder::Folder,
    pairs::Pairs,
    row::Row,
};

/// Any key of a valid form.
const KEY: &str = "0123456789abcdef0123456789abcdef";
const MIB: f64 = 1_048_576.0;

pub(super) fn measure(shell: &Shell, root: &Path, quick: bool) -> Result<Vec<Row>> {
    let rhub = root.join("target/release/rhub");
    let build = |features: &[&str]| -> Result<f64> {
        cmd!(shell, "cargo build --quiet --release -p runninghub-cli {features...}").run()?;
        Ok(fs::metadata(&rhub).context("the binary was built")?.len() as f64 / MIB)
    };
    let lean = build(&["--no-default-features", "--features", "ring"])?;
    let size = build(&[])?;
    let note = format!("{lean:.1} MiB without `demo` and `simulate`");
    let mut rows = vec![Row::new("D3", "stripped release binary", size, "MiB").at_most(12.0).note(note)];
    if cmd!(shell, "curl --version").quiet().ignore_stdout().run().is_ok() {
        rows.extend(start(&rhub, if quick { 10 } else { 40 })?);
        rows.extend(downloads(&rhub, if quick { 2 } else { 5 })?);
    } else {
        rows.push(Row::skipped("D1, D2, D4", "start and downloads", "there is no curl to compare with"));
    }
    rows.extend(drawing::measure(&rhub, root, quick)?);
    Ok(rows)
}

fn start(rhub: &Path, rounds: usize) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for option in ["--version", "--help"] {
        let pairs = Pairs::measure(
            rounds,
            || Ok(with(Command::new(rhub), &[option])),
            || Ok(with(curl(), &["--version"])),
        )?;
        let what = format!("`rhub {option}`, against `curl --version`");
        rows.push(Row::new("D1", what, pairs.ratio(), "×").at_most(0.3).note(pairs.note("curl")));
    }
    let base = files::serve()?;
    let url = format!("{base}/task/openapi/status");
    let pairs = Pairs::measure(
        rounds,
        || Ok(with(ours(rhub, &base), &["status", LARGE])),
        || Ok(with(curl(), &["--data", "{}", &url])),
    )?;
    let row = Row::new("D2", "first answer, start to exit, against curl", pairs.ratio(), "×").at_most(1.0);
    rows.push(row.note(pairs.note("curl")));
    Ok(rows)
}

fn downloads(rhub: &Path, rounds: usize) -> Result<Vec<Row>> {
    let base = files::serve()?;
    let mut rows = Vec::new();
    for (task, what) in [(LARGE, "download of 1 GB"), (MANY, "download of 50 × 1 MB")] {
        // The second pair does the same work as `rhub`: the files, and the SHA-256 of each.
        for (them, after) in [("curl", ""), ("curl and sha256sum", " && sha256sum *.bin")] {
            let (here, there) = (Folder::new("ours")?, Folder::new("curl")?);
            let pairs = Pairs::measure(
                rounds,
                || {
                    here.empty()?;
                    Ok(with(ours(rhub, &base), &["download", task, "--out", &here.path().to_string_lossy()]))
                },
                || {
                    there.empty()?;
                    let script = format!("curl --disable --silent --fail --remote-name-all \"$@\"{after}");
                    let mut command = with(Command::new("sh"), &["-c", &script, "sh"]);
                    command.current_dir(there.path()).args(files::links(&base, task));
                    Ok(command)
                },
            )?;
            let note = format!("{}; {:.2} × its processor time", pairs.note(them), pairs.cpu());
            let row = Row::new("D4", format!("{what}, against {them}"), pairs.ratio(), "×");
            rows.push(row.at_most(1.0).note(note));
        }
    }
    Ok(rows)
}

fn with(mut command: Command, args: &[&str]) -> Command {
    command.args(args);
    command
}

fn curl() -> Command {
    // Ignore the user's configuration of curl.
    with(Command::new("curl"), &["--disable", "--silent", "--fail"])
}

fn ours(rhub: &Path, base: &str) -> Command {
    let mut command = Command::new(rhub);
    command.env("RUNNINGHUB_API_KEY", KEY).args(["--base-url", base]);
    command
}
