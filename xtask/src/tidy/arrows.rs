//! The allowed dependencies between crates.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context as _, Result};
use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::report::Report;

/// The arrows of `ARCHITECTURE.md`: a crate of this project, and the project's crates it may use.
const ARROWS: [(&str, &[&str]); 12] = [
    ("runninghub-core", &[]),
    ("runninghub-net", &["runninghub-core"]),
    ("runninghub-api", &["runninghub-core", "runninghub-net"]),
    ("runninghub-comfyui", &["runninghub-core", "runninghub-net"]),
    ("runninghub-batch", &["runninghub", "runninghub-core"]),
    ("runninghub-catalog", &["runninghub-core"]),
    ("runninghub-ledger", &["runninghub-core"]),
    ("runninghub-transport", &["runninghub-core", "runninghub-net"]),
    (
        "runninghub",
        &[
            "runninghub-api",
            "runninghub-comfyui",
            "runninghub-catalog",
            "runninghub-core",
            "runninghub-ledger",
            "runninghub-net",
            "runninghub-transport",
        ],
    ),
    ("runninghub-cli", &["runninghub", "runninghub-batch", "runninghub-sim"]),
    // Only for reading tapes. With a type of the API crate a wrong field name would match itself.
    ("runninghub-sim", &["runninghub-transport"]),
    (
        "xtask",
        &["runninghub", "runninghub-batch", "runninghub-core", "runninghub-sim", "runninghub-transport"],
    ),
];

/// Crates that a crate of this project must not use, and why. With `deep` transitive dependencies count too.
struct Ban {
    of: &'static [&'static str],
    deep: bool,
    banned: &'static [&'static str],
    rule: &'static str,
}

const LIBRARIES: &[&str] = &[
    "runninghub",
    "runninghub-api",
    "runninghub-batch",
    "runninghub-comfyui",
    "runninghub-catalog",
    "runninghub-core",
    "runninghub-ledger",
    "runninghub-net",
    "runninghub-sim",
    "runninghub-transport",
];
const BANS: [Ban; 3] = [
    Ban {
        of: &["runninghub-catalog", "runninghub-core"],
        deep: true,
        banned: &[
            "async-trait",
            "futures-core",
            "hyper",
            "mio",
            "reqwest",
            "tokio",
            "tokio-tungstenite",
            "tungstenite",
        ],
        rule: "it does no I/O and never waits",
    },
    Ban {
        of: LIBRARIES,
        deep: true,
        banned: &["anyhow", "clap", "indicatif"],
        rule: "a library has its own errors, and leaves arguments and bars to the binary",
    },
    Ban {
        of: &["runninghub-cli"],
        deep: false,
        banned: &["hyper", "reqwest", "tokio-tungstenite", "tungstenite"],
        rule: "the binary speaks through the facade",
    },
];

/// Every crate with its dependencies in a build without tests.
#[derive(Debug, Default)]
pub(super) struct Crates {
    ours: BTreeSet<String>,
    uses: BTreeMap<String, BTreeSet<String>>,
}

impl Crates {
    /// Reads them from cargo.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let metadata = MetadataCommand::new().manifest_path(root.join("Cargo.toml")).exec()?;
        let names: BTreeMap<_, _> =
            metadata.packages.iter().map(|package| (package.id.clone(), package.name.to_string())).collect();
        let mut crates = Self::default();
        crates.ours.extend(metadata.workspace_members.iter().filter_map(|id| names.get(id).cloned()));
        let resolve = metadata.resolve.context("cargo metadata has no dependency tree")?;
        for node in &resolve.nodes {
            let used = node
                .deps
                .iter()
                .filter(|dep| dep.dep_kinds.iter().any(|kind| matches!(kind.kind, DependencyKind::Normal)));
            let uses = crates.uses.entry(names.get(&node.id).cloned().unwrap_or_default()).or_default();
            uses.extend(used.filter_map(|dep| names.get(&dep.pkg).cloned()));
        }
        Ok(crates)
    }

    fn direct(&self, name: &str) -> impl Iterator<Item = &str> {
        self.uses.get(name).into_iter().flatten().map(String::as_str)
    }

    /// All transitive dependencies of a crate.
    fn tree<'a>(&'a self, name: &'a str) -> BTreeSet<&'a str> {
        let (mut seen, mut open) = (BTreeSet::new(), vec![name]);
        while let Some(name) = open.pop() {
            open.extend(self.direct(name).filter(|used| seen.insert(*used)));
        }
        seen
    }
}

pub(super) fn check(crates: &Crates, report: &mut Report) {
    for name in &crates.ours {
        let Some((_, allowed)) = ARROWS.iter().find(|(from, _)| from == name) else {
            report.add(name, "is a new crate: add its arrows to ARCHITECTURE.md and to tidy");
            continue;
        };
        for used in crates.direct(name).filter(|used| crates.ours.contains(*used) && !allowed.contains(used))
        {
            report.add(name, &format!("must not depend on {used}: no arrow of ARCHITECTURE.md leads there"));
        }
    }
    for ban in BANS {
        for name in ban.of {
            let used = if ban.deep { crates.tree(name) } else { crates.direct(name).collect() };
            for banned in ban.banned.iter().filter(|banned| used.contains(**banned)) {
                report.add(name, &format!("must not depend on {banned}: {}", ban.rule));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(uses: &[(&str, &[&str])]) -> Vec<String> {
        let mut crates = Crates::default();
        for (name, used) in uses {
            crates.uses.insert((*name).into(), used.iter().map(|used| (*used).into()).collect());
            if name.contains("runninghub") {
                crates.ours.insert((*name).into());
            }
        }
        let mut report = Report::new("test");
        check(&crates, &mut report);
        report.complaints().to_vec()
    }

    #[test]
    fn the_arrows_may_be_followed() {
        assert_eq!(
            complaints(&[
                ("runninghub-core", &["serde"]),
                ("runninghub-api", &["runninghub-core", "reqwest"]),
                ("runninghub-transport", &["runninghub-core", "tokio"]),
                ("runninghub", &["runninghub-api", "runninghub-transport"]),
                ("runninghub-cli", &["runninghub", "clap", "anyhow"]),
                ("reqwest", &["hyper"]),
            ]),
            [""; 0]
        );
    }

    #[test]
    fn every_forbidden_arrow_is_found() {
        for (from, to) in [
            ("runninghub-api", "runninghub-transport"),
            ("runninghub-transport", "runninghub-api"),
            ("runninghub-comfyui", "runninghub-api"),
            ("runninghub-net", "runninghub-api"),
            ("runninghub-cli", "runninghub-net"),
            ("runninghub-core", "runninghub-api"),
            ("runninghub-sim", "runninghub-api"),
            ("runninghub-cli", "runninghub-core"),
            ("runninghub-cli", "reqwest"),
            ("runninghub-cli", "tungstenite"),
            ("runninghub-core", "tokio"),
            ("runninghub-core", "async-trait"),
            ("runninghub-api", "clap"),
            ("runninghub", "anyhow"),
            ("runninghub-sim", "indicatif"),
        ] {
            let found = complaints(&[(from, &[to]), (to, &[])]);
            assert_eq!(found.len(), 1, "{from} → {to}: {found:?}");
            assert!(found[0].starts_with(&format!("{from}: must not depend on {to}")), "{found:?}");
        }
    }

    #[test]
    fn core_is_clean_all_the_way_down() {
        let found = complaints(&[("runninghub-core", &["innocent"]), ("innocent", &["tokio"])]);
        assert_eq!(found, ["runninghub-core: must not depend on tokio: it does no I/O and never waits"]);
    }

    #[test]
    fn a_new_crate_needs_its_arrows() {
        assert_eq!(complaints(&[("runninghub-new", &[])]).len(), 1);
    }
}
