//! Python for tests of third-party clients.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The interpreter of an environment with these packages, created once per set. `None`, with the reason printed, if
/// Python or the packages are not available.
pub(crate) fn with_packages(name: &str, packages: &[&str]) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let python = folder.join("bin/python");
    let ready = folder.join("ready");
    if ready.exists() {
        return Some(python);
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder), "python3 with venv is missing")?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
    run(&mut install, "the Python packages cannot be had")?;
    std::fs::write(ready, packages.join("\n")).ok()?;
    Some(python)
}

/// Runs a command, or prints why the test is skipped if it fails.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn run(command: &mut Command, else_skip: &str) -> Option<()> {
    match command.output() {
        Ok(output) if output.status.success() => Some(()),
        Ok(output) => {
            eprintln!("skipped: {else_skip}: {}", String::from_utf8_lossy(&output.stderr));
            None
        }
        Err(error) => {
            eprintln!("skipped: {else_skip}: {error}");
            None
        }
    }
}
