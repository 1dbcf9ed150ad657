//! Licenses of all dependencies. `cargo deny` checks more; this check needs no installation.

use anyhow::{Context as _, Result};
use cargo_metadata::{MetadataCommand, Package};

use crate::report::Report;

/// The list of `deny.toml`.
const LICENCES: [&str; 9] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

pub(super) fn check(root: &std::path::Path, report: &mut Report) -> Result<()> {
    let deny = std::fs::read_to_string(root.join("deny.toml")).context("deny.toml")?;
    for licence in LICENCES.iter().filter(|licence| !deny.contains(&format!("\"{licence}\""))) {
        report.add("deny.toml", &format!("does not allow {licence}, which tidy does"));
    }
    let metadata = MetadataCommand::new().manifest_path(root.join("Cargo.toml")).exec()?;
    for Package { name, version, license, .. } in &metadata.packages {
        let licence = license.as_deref().unwrap_or("no licence");
        if !is_allowed(licence) {
            report.add("Cargo.lock", &format!("{name} {version} is under {licence}"));
        }
    }
    Ok(())
}

/// Whether an expression can be satisfied: one side of each `OR`, both sides of each `AND`. Older crates write `/`
/// for `OR`.
fn is_allowed(expression: &str) -> bool {
    let parts = |text: &str, word: &str| -> Vec<String> {
        // Only outside parentheses.
        let mut depth = 0_i32;
        let mut parts = vec![String::new()];
        for token in text.split_inclusive([' ', '(', ')']) {
            if depth == 0 && token.trim() == word {
                parts.push(String::new());
            } else if let Some(part) = parts.last_mut() {
                part.push_str(token);
            }
            depth += i32::from(token.ends_with('(')) - i32::from(token.ends_with(')'));
        }
        parts
    };
    let expression = expression.replace('/', " OR ");
    let expression = expression.trim();
    let either = parts(expression, "OR");
    if either.len() > 1 {
        return either.iter().any(|part| is_allowed(part));
    }
    let both = parts(expression, "AND");
    if both.len() > 1 {
        return both.iter().all(|part| is_allowed(part));
    }
    match expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => is_allowed(inner),
        None => LICENCES.contains(&expression),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licence_expressions_are_parsed() {
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0/MIT",
            "Apache-2.0 / MIT",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
            "Apache-2.0 AND ISC",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
            "GPL-3.0 OR (MIT AND Zlib)",
        ] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "no licence", ""] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }
}
