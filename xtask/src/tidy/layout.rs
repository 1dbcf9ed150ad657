//! The layout of files.

use std::collections::BTreeMap;

use super::source::Source;
use crate::report::Report;

/// The library crates.
const LIBRARIES: [&str; 10] =
    ["api", "batch", "catalog", "comfyui", "core", "ledger", "net", "runninghub", "sim", "transport"];

/// Crate roots and `mod.rs` are tables of contents.
pub(super) fn check_file(source: &Source, report: &mut Report) {
    if source.is_test() || !source.path.ends_with("/lib.rs") && !source.path.ends_with("/mod.rs") {
        return;
    }
    if let Some((number, _)) = source.code().find(|(_, line)| is_logic(line)) {
        let place = format!("{}:{number}", source.path);
        report.add(&place, "code in a table of contents: give it a file with a name");
    }
}

fn is_logic(line: &str) -> bool {
    let mut words = line.split_whitespace().skip_while(|word| {
        word.starts_with("pub") || matches!(*word, "const" | "async" | "crate)" | "super)")
    });
    words.next().is_some_and(|word| word == "fn" || word == "impl" || word.starts_with("impl<"))
}

/// Every crate has a README, and every library has one error type.
pub(super) fn check_crates(sources: &[Source], report: &mut Report) {
    let mut errors: BTreeMap<&str, usize> = BTreeMap::new();
    let mut readmes = Vec::new();
    for source in sources {
        let Some(name) = source.crate_name() else { continue };
        let count = errors.entry(name).or_default();
        if source.is_shipped() {
            *count += source.code().filter(|(_, line)| is_error(line)).count();
        }
        if source.path == format!("crates/{name}/README.md") {
            readmes.push(name);
        }
    }
    for (name, count) in errors {
        if !readmes.contains(&name) {
            report.add(&format!("crates/{name}"), "has no README.md");
        }
        if LIBRARIES.contains(&name) && count != 1 {
            report.add(&format!("crates/{name}"), &format!("has {count} types called `Error`, not one"));
        }
    }
}

fn is_error(line: &str) -> bool {
    ["struct", "enum", "type"].iter().any(|kind| {
        line.strip_prefix("pub ")
            .and_then(|line| line.strip_prefix(kind)?.strip_prefix(" Error"))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '<', '(', '{', ';']))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::source::tests::source, *};

    fn of_file(path: &str, text: &str) -> usize {
        let mut report = Report::new("test");
        check_file(&source(path, text), &mut report);
        report.complaints().len()
    }

    fn of_crates(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<_> = files.iter().map(|(path, text)| source(path, text)).collect();
        let mut report = Report::new("test");
        check_crates(&sources, &mut report);
        report.complaints().to_vec()
    }

    #[test]
    fn logic_in_a_table_of_contents_is_found() {
        for line in [
            "fn a() {}",
            "pub(crate) const fn a() {}",
            "impl A {}",
            "impl<T> A for T {}",
            "    pub async fn a() {}",
        ] {
            assert_eq!(of_file("crates/core/src/lib.rs", line), 1, "{line}");
            assert_eq!(of_file("crates/core/src/wire/mod.rs", line), 1, "{line}");
            assert_eq!(of_file("crates/core/src/wire/text.rs", line), 0, "{line}");
        }
        for line in
            ["mod a;", "pub use a::{b, c};", "//! fn", "pub(crate) const FORMAT: u64 = 1;", "#![doc = \"\"]"]
        {
            assert_eq!(of_file("crates/core/src/lib.rs", line), 0, "{line}");
        }
    }

    #[test]
    fn a_crate_needs_a_readme_and_one_error() {
        let good = [
            ("crates/core/README.md", ""),
            ("crates/core/src/error.rs", "pub struct Error {\n}\npub enum ErrorKind {"),
        ];
        assert_eq!(of_crates(&good), [""; 0]);
        assert_eq!(of_crates(&good[1..]), ["crates/core: has no README.md"]);
        assert_eq!(of_crates(&good[..1]), ["crates/core: has 0 types called `Error`, not one"]);
        let two = [good[0], good[1], ("crates/core/src/wire/error.rs", "pub enum Error {")];
        assert_eq!(of_crates(&two), ["crates/core: has 2 types called `Error`, not one"]);
    }

    #[test]
    fn a_binary_needs_no_error() {
        assert_eq!(of_crates(&[("crates/cli/README.md", ""), ("crates/cli/src/main.rs", "")]), [""; 0]);
    }
}
