//! The table of endpoints: every endpoint has a row, and everything that a row names exists.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use super::{promises::tests, source::Source};
use crate::report::Report;

const PAGE: &str = "docs/endpoints.md";
const FOLDER: &str = "crates/api/src/endpoint/";
const COMMANDS: &str = "crates/cli/src/args/";

/// A row: an endpoint, its method, its file, its command, and how many tests it names.
#[derive(Debug, Eq, PartialEq)]
struct Row<'a> {
    endpoint: &'a str,
    method: &'a str,
    file: &'a str,
    command: &'a str,
    tests: usize,
}

pub(super) fn check(root: &Path, sources: &[Source], report: &mut Report) -> Result<()> {
    let page = fs::read_to_string(root.join(PAGE)).with_context(|| PAGE.to_owned())?;
    let commands: String = sources
        .iter()
        .filter(|source| source.path.starts_with(COMMANDS))
        .map(|source| &*source.text)
        .collect();
    let rows: Vec<Row<'_>> = page.lines().filter_map(row).collect();
    let files = sources.iter().filter(|source| source.path.starts_with(FOLDER));
    for (source, endpoint) in
        files.flat_map(|file| endpoints(&file.text).map(move |endpoint| (file, endpoint)))
    {
        let Some(row) = rows.iter().find(|row| row.endpoint == endpoint) else {
            report.add(PAGE, &format!("`{endpoint}` of {} has no row", source.path));
            continue;
        };
        if !source.path.ends_with(row.file) {
            report.add(PAGE, &format!("`{endpoint}` is in {}, not in {}", source.path, row.file));
        }
        if !source.text.contains(&format!(" fn {}(", row.method)) {
            report.add(PAGE, &format!("there is no `Client::{}`", row.method));
        }
        if let Some(word) = words(row.command).find(|word| !is_variant(&commands, word)) {
            report.add(PAGE, &format!("`{}`: there is no command `{word}`", row.command));
        }
        if row.tests == 0 {
            report.add(PAGE, &format!("`{endpoint}` names no test"));
        }
    }
    Ok(())
}

/// The endpoints in a file: each is at the beginning of a line of documentation.
fn endpoints(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let line = line.trim_start();
        let rest = line.strip_prefix("//! `").or_else(|| line.strip_prefix("/// `"))?;
        let (endpoint, _) = rest.split_once('`')?;
        ["GET /", "POST /"].iter().any(|method| endpoint.starts_with(method)).then_some(endpoint)
    })
}

fn row(line: &str) -> Option<Row<'_>> {
    let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
    let [endpoint, builder, command, named] = cells[..] else { return None };
    let (method, file) = builder.strip_prefix("[`Client::")?.split_once("`](../")?;
    Some(Row {
        endpoint: endpoint.trim_matches('`'),
        method,
        file: file.strip_suffix(')')?,
        command: command.trim_matches('`'),
        tests: tests(named).count(),
    })
}

/// The subcommands of a command line: without the program and the options.
fn words(command: &str) -> impl Iterator<Item = &str> {
    command.split(' ').skip(1).filter(|word| !word.starts_with('-'))
}

fn is_variant(commands: &str, word: &str) -> bool {
    let (first, rest) = word.split_at(1);
    let name = format!("{}{rest}", first.to_uppercase());
    commands.contains(&format!("    {name}(")) || commands.contains(&format!("    {name},"))
}

#[cfg(test)]
mod tests_here {
    use super::*;

    #[test]
    fn rows_are_read_and_other_lines_are_not() {
        let line = "| `GET /a/{b}` | [`Client::ab`](../crates/api/src/endpoint/x/ab.rs) | `rhub a b --c` | [`one`](../x/y.rs) |";
        let found = row(line).expect("a row");
        assert_eq!((found.endpoint, found.method, found.tests), ("GET /a/{b}", "ab", 1));
        assert_eq!(found.file, "crates/api/src/endpoint/x/ab.rs");
        assert_eq!(words(found.command).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(row("| endpoint | builder | command | tests |"), None);
    }

    #[test]
    fn an_endpoint_begins_a_line_of_documentation() {
        let text =
            "//! `POST /a/b`: does it.\n    /// `GET /c`, and `GET /d`.\n    // `GET /e`\n//! A page.\n";
        assert_eq!(endpoints(text).collect::<Vec<_>>(), ["POST /a/b", "GET /c"]);
    }

    #[test]
    fn a_command_is_a_variant_of_an_enum() {
        let enums = "enum A {\n    List(AppList),\n    Doctor,\n}";
        assert!(is_variant(enums, "list") && is_variant(enums, "doctor") && !is_variant(enums, "show"));
    }
}
