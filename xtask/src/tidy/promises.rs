//! A promise in the documentation names the tests that verify it; these tests must exist.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use crate::report::Report;

const PAGES: [&str; 2] = ["docs/endpoints.md", "docs/reliability.md"];

/// Checks every `[`name`](file)` of the pages.
pub(super) fn check(root: &Path, report: &mut Report) -> Result<()> {
    for page in PAGES {
        let text = fs::read_to_string(root.join(page)).with_context(|| page.to_owned())?;
        for (name, file) in tests(&text) {
            let path = root.join("docs").join(file);
            let text = fs::read_to_string(&path).unwrap_or_default();
            if !text.contains(&format!("fn {name}(")) && !text.contains(&format!("\"{name}\"")) {
                report.add(page, &format!("there is no test `{name}` in {file}"));
            }
        }
    }
    Ok(())
}

pub(super) fn tests(page: &str) -> impl Iterator<Item = (&str, &str)> {
    page.split("[`")
        .skip(1)
        .filter_map(|rest| {
            let (name, rest) = rest.split_once("`](")?;
            let (file, _) = rest.split_once(')')?;
            Path::new(file).extension().is_some_and(|kind| kind == "rs").then_some((name, file))
        })
        // Methods are verified by other checks.
        .filter(|(name, _)| !name.contains("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_tests_are_found_and_others_are_not() {
        let page = "| a | [`one`](../x/y.rs), [`two-b`](../z.rs) | [manifest](manifest.md) [`m`](m.md) |";
        assert_eq!(tests(page).collect::<Vec<_>>(), [("one", "../x/y.rs"), ("two-b", "../z.rs")]);
    }
}
