//! Files as the checks see them.

use std::{fs, path::Path};

use anyhow::Result;

use crate::files::walk;

/// Folders with generated or third-party files only.
const SKIPPED: [&str; 6] = [".git", "artifacts", "corpus", "fixtures", "snapshots", "target"];
/// The suffixes of checked files.
const CHECKED: [&str; 7] = [".rs", ".toml", ".md", ".sh", ".py", "run", ".gitignore"];

/// A file with its path from the root of the repository.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
}

impl Source {
    /// All handwritten files.
    pub(super) fn read_all(root: &Path) -> Result<Vec<Self>> {
        let mut sources = Vec::new();
        for file in walk(root, &SKIPPED)? {
            let path = file.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            if CHECKED.iter().any(|end| path.ends_with(end)) {
                sources.push(Self { text: fs::read_to_string(&file)?, path });
            }
        }
        Ok(sources)
    }

    pub(super) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }

    /// Whether the whole file is test code, a benchmark or an example.
    pub(super) fn is_test(&self) -> bool {
        let test =
            |part: &str| matches!(part, "tests" | "tests.rs" | "benches" | "examples" | "conformance.rs");
        self.path.split('/').any(test)
    }

    /// Whether it is part of what a crate ships. Tests, benchmarks, chores and fuzz targets are not.
    pub(super) fn is_shipped(&self) -> bool {
        self.is_rust() && self.path.starts_with("crates/") && !self.is_test()
    }

    /// The crate's folder below `crates/`.
    pub(super) fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// The lines with their numbers, without test modules at the end.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<_> = self.text.lines().collect();
        let tests = lines.windows(2).position(|pair| {
            pair[0].starts_with("#[cfg(test)]") && pair[1].contains("mod ") && pair[1].ends_with('{')
        });
        let end = tests.unwrap_or(lines.len());
        lines.into_iter().take(end).enumerate().map(|(index, line)| (index + 1, line))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A file for tests of the checks.
    pub(in crate::tidy) fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    #[test]
    fn code_ends_where_the_tests_begin() {
        let file = source("crates/core/src/a.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n}\n");
        assert_eq!(file.code().collect::<Vec<_>>(), [(1, "fn a() {}")]);
        let file = source("crates/core/src/lib.rs", "#[cfg(test)]\nmod tests;\nmod b;\n");
        assert_eq!(file.code().count(), 3);
    }

    #[test]
    fn test_code_is_distinguished_from_shipped_code() {
        assert!(source("crates/core/src/a.rs", "").is_shipped());
        for path in
            ["crates/core/tests/a.rs", "crates/core/src/machine/tests.rs", "xtask/src/main.rs", "a.md"]
        {
            assert!(!source(path, "").is_shipped(), "{path}");
        }
    }
}
