//! One table of dependencies and one version for all crates.

use super::source::Source;
use crate::report::Report;

pub(super) fn check(source: &Source, report: &mut Report) {
    // A crate that represents external users is the root of its own workspace.
    let is_root = source.text.lines().any(|line| line == "[workspace]");
    if !source.path.ends_with("/Cargo.toml") || is_root {
        return;
    }
    let mut section = "";
    for (index, line) in source.text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let (key, value) = (key.trim(), value.trim());
        let dependency = section.ends_with("dependencies");
        let own = if dependency {
            // A crate that enables its own feature for tests names no version: otherwise it could not be published.
            !key.ends_with(".workspace")
                && !value.contains("workspace = true")
                && !value.contains("path = \".\"")
        } else {
            key == "version"
        };
        if own && !key.starts_with(['#', '"']) {
            let place = format!("{}:{}", source.path, index + 1);
            report.add(
                &place,
                &format!("`{key}` has a version of its own: versions stand in the workspace's table"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::source::tests::source, *};

    fn complaints(text: &str) -> usize {
        let mut report = Report::new("test");
        check(&source("crates/core/Cargo.toml", text), &mut report);
        report.complaints().len()
    }

    #[test]
    fn versions_of_a_member_are_found() {
        assert_eq!(complaints("[package]\nversion = \"1.0.0\"\n"), 1);
        assert_eq!(complaints("[dependencies]\nserde = \"1\"\n"), 1);
        assert_eq!(complaints("[dev-dependencies]\nserde = { version = \"1\" }\n"), 1);
        assert_eq!(complaints("[target.'cfg(unix)'.dependencies]\nlibc = { git = \"x\" }\n"), 1);
    }

    #[test]
    fn the_workspace_may_say_it() {
        let text = "[package]\nversion.workspace = true\nrust-version.workspace = true\n[dependencies]\n# serde = \"1\"\n\
                    serde.workspace = true\ntokio = { workspace = true, features = [\"rt\"] }\n[features]\na = [\"dep:b\"]\n";
        assert_eq!(complaints(text), 0);
    }
}
