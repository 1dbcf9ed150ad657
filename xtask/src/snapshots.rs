//! Snapshots of insta: run, accept, and find unused ones.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use clap::Subcommand;
use xshell::{Shell, cmd};

use crate::{files::walk, report::Report};

/// Where insta records which snapshots the tests have used.
const REFERENCES: &str = "target/snapshot-references";
const SKIPPED: [&str; 3] = [".git", "target", "fixtures"];

/// Operations on snapshots.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run all tests and keep differences as pending snapshots.
    Run,
    /// Review each pending snapshot.
    Review,
    /// Accept all pending snapshots.
    Accept,
    /// Discard all pending snapshots.
    Reject,
    /// Fail if a snapshot is pending or unreferenced. The default subcommand.
    Check,
}

impl Command {
    pub(crate) fn run(self, shell: &Shell, root: &Path) -> Result<()> {
        match self {
            Self::Run => run(shell, root),
            Self::Review => review(shell, root),
            Self::Accept => pending(root)?.iter().try_for_each(|path| accept(path)),
            Self::Reject => Ok(pending(root)?.iter().try_for_each(fs::remove_file)?),
            Self::Check => {
                let _ = fs::remove_file(root.join(REFERENCES));
                check(shell, root)
            }
        }
    }
}

/// Runs all tests, and records which snapshots they use. Writes no snapshot.
///
/// # Errors
/// If a test fails.
pub(crate) fn test(shell: &Shell, root: &Path) -> Result<()> {
    let _ = fs::remove_file(root.join(REFERENCES));
    let _update = shell.push_env("INSTA_UPDATE", "no");
    let _references = shell.push_env("INSTA_SNAPSHOT_REFERENCES_FILE", root.join(REFERENCES));
    Ok(cmd!(shell, "cargo test --workspace --lib --bins --tests --examples").run()?)
}

/// Fails if a snapshot is pending or unreferenced. Runs the tests only if there is no record of references.
///
/// # Errors
/// If there is such a snapshot, or a test fails.
pub(crate) fn check(shell: &Shell, root: &Path) -> Result<()> {
    if !root.join(REFERENCES).exists() {
        test(shell, root)?;
    }
    let references = fs::read_to_string(root.join(REFERENCES)).unwrap_or_default();
    let referenced = references.lines().filter_map(|line| fs::canonicalize(line).ok()).collect();
    let snapshots = snapshots(root)?;
    let mut report = Report::new("snapshots");
    for path in pending(root)? {
        report.add(&path.display().to_string(), "waits for `cargo xtask snapshots review`");
    }
    for path in unreferenced(&snapshots, &referenced) {
        report.add(&path.display().to_string(), "no test refers to it: delete it");
    }
    report.finish(&format!("{} files", snapshots.len()))
}

fn run(shell: &Shell, root: &Path) -> Result<()> {
    let _update = shell.push_env("INSTA_UPDATE", "new");
    let _pass = shell.push_env("INSTA_FORCE_PASS", "1");
    cmd!(shell, "cargo test --workspace --lib --bins --tests --no-fail-fast").run()?;
    for path in pending(root)? {
        println!("pending: {}", path.display());
    }
    Ok(())
}

fn review(shell: &Shell, root: &Path) -> Result<()> {
    if !io::stdin().is_terminal() {
        bail!("review asks questions: run it in a terminal, or use accept or reject");
    }
    for path in pending(root)? {
        let old = old(&path).filter(|old| old.exists());
        match &old {
            Some(old) => cmd!(shell, "diff -u {old} {path}").ignore_status().quiet().run()?,
            None => println!("{}", fs::read_to_string(&path)?),
        }
        print!("{}: [a]ccept, [r]eject, [s]kip? ", path.display());
        io::stdout().flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        match answer.trim() {
            "a" => accept(&path)?,
            "r" => fs::remove_file(&path)?,
            _ => {}
        }
    }
    Ok(())
}

/// All snapshot files.
fn snapshots(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = walk(root, &SKIPPED)?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "snap"));
    Ok(files)
}

/// The pending snapshots: new files, and new texts for inline ones.
fn pending(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = walk(root, &SKIPPED)?;
    files.retain(|path| old(path).is_some() || is_inline(path));
    Ok(files)
}

fn unreferenced<'a>(all: &'a [PathBuf], referenced: &BTreeSet<PathBuf>) -> Vec<&'a PathBuf> {
    all.iter().filter(|path| !fs::canonicalize(path).is_ok_and(|path| referenced.contains(&path))).collect()
}

/// The snapshot that a pending file would replace.
fn old(path: &Path) -> Option<PathBuf> {
    path.to_str()?.strip_suffix(".snap.new").map(|stem| PathBuf::from(format!("{stem}.snap")))
}

fn is_inline(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "pending-snap")
}

fn accept(path: &Path) -> Result<()> {
    let Some(old) = old(path) else {
        bail!(
            "{}: `cargo insta accept` (cargo-insta) writes inline snapshots into the source",
            path.display()
        );
    };
    fs::write(old, without_line(&fs::read_to_string(path)?))?;
    Ok(fs::remove_file(path)?)
}

/// The snapshot without the line number of its test, which changes with every edit above it.
fn without_line(text: &str) -> String {
    let mut in_header = true;
    let lines = text.split_inclusive('\n').enumerate().filter(|(index, line)| {
        in_header &= *index == 0 || line.trim_end() != "---";
        !(in_header && line.starts_with("assertion_line:"))
    });
    lines.map(|(_, line)| line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accepted_snapshot_has_no_line_number() {
        let text = "---\nsource: a.rs\nassertion_line: 3\nexpression: x\n---\nassertion_line: 4\n";
        assert_eq!(without_line(text), "---\nsource: a.rs\nexpression: x\n---\nassertion_line: 4\n");
    }

    #[test]
    fn unreferenced_snapshots_are_found() {
        let here = fs::canonicalize(file!().trim_start_matches("xtask/")).unwrap();
        let all = [here.clone(), PathBuf::from("nowhere.snap")];
        assert_eq!(unreferenced(&all, &BTreeSet::from([here])), [&all[1]]);
        assert_eq!(unreferenced(&all, &BTreeSet::new()).len(), 2);
    }

    #[test]
    fn pending_files_know_what_they_replace() {
        assert_eq!(old(Path::new("a/b.snap.new")), Some("a/b.snap".into()));
        assert_eq!(old(Path::new("a/b.snap")), None);
        assert!(is_inline(Path::new("a/.b.rs.pending-snap")));
    }
}
