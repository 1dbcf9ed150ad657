//! The software bill of materials of `rhub`, in the format of `CycloneDX`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};
use serde_json::{Value, json};

/// The package of the binary.
const BINARY: &str = "runninghub-cli";

/// Prints every package that is compiled into the binary, with its license and the checksum of its source.
///
/// # Errors
/// If cargo or the lock file cannot be read.
pub(crate) fn sbom(root: &Path) -> Result<()> {
    let metadata = MetadataCommand::new().manifest_path(root.join("Cargo.toml")).exec()?;
    let lock = fs::read_to_string(root.join("Cargo.lock")).context("Cargo.lock")?;
    println!("{:#}", document(&metadata, &compiled(root)?, &checksums(&lock))?);
    Ok(())
}

/// The names and versions of the packages that are compiled into the binary, on any system. Metadata has the features
/// that tests need as well.
fn compiled(root: &Path) -> Result<BTreeSet<(String, String)>> {
    let args = "tree --locked --target all --edges normal --prefix none --format {p} --package";
    let out = Command::new("cargo").args(args.split(' ')).arg(BINARY).current_dir(root).output()?;
    ensure!(out.status.success(), "cargo tree: {}", String::from_utf8_lossy(&out.stderr));
    let name = |line: &str| {
        let (name, rest) = line.split_once(" v")?;
        Some((name.to_owned(), rest.split(' ').next()?.to_owned()))
    };
    Ok(String::from_utf8(out.stdout)?.lines().filter_map(name).collect())
}

fn document(
    metadata: &Metadata,
    compiled: &BTreeSet<(String, String)>,
    checksums: &BTreeMap<(String, String), String>,
) -> Result<Value> {
    let binary = metadata.packages.iter().find(|package| *package.name == BINARY).context(BINARY)?;
    let edges = edges(metadata)?;
    let is_inside = |id: &&PackageId| {
        let package = &metadata[*id];
        compiled.contains(&(package.name.to_string(), package.version.to_string()))
    };
    let inside: BTreeSet<&PackageId> = edges.keys().filter(is_inside).collect();
    let component = |id: &PackageId| {
        let package = &metadata[id];
        let (name, version) = (package.name.to_string(), package.version.to_string());
        let mut one = json!({
            "type": if *id == binary.id { "application" } else { "library" },
            "bom-ref": reference(metadata, id), "name": name, "version": version, "purl": reference(metadata, id),
        });
        if let Some(license) = &package.license {
            one["licenses"] = json!([{"expression": license.replace('/', " OR ")}]);
        }
        if let Some(sum) = checksums.get(&(name, version)) {
            one["hashes"] = json!([{"alg": "SHA-256", "content": sum}]);
        }
        one
    };
    let libraries = inside.iter().copied().filter(|id| **id != binary.id);
    let dependencies = inside.iter().map(|id| {
        let on = edges.get(*id).into_iter().flatten().filter(is_inside).map(|id| reference(metadata, id));
        json!({"ref": reference(metadata, id), "dependsOn": on.collect::<BTreeSet<_>>()})
    });
    Ok(json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {"component": component(&binary.id)},
        "components": libraries.map(component).collect::<Vec<_>>(),
        "dependencies": dependencies.collect::<Vec<_>>(),
    }))
}

/// The packages that each package is compiled with, without those of build scripts.
fn edges(metadata: &Metadata) -> Result<BTreeMap<PackageId, Vec<PackageId>>> {
    let nodes = &metadata.resolve.as_ref().context("no dependencies")?.nodes;
    let is_inside =
        |kinds: &[cargo_metadata::DepKindInfo]| kinds.iter().any(|one| one.kind == DependencyKind::Normal);
    let of = |node: &cargo_metadata::Node| {
        let inside = node.deps.iter().filter(|dep| is_inside(&dep.dep_kinds));
        (node.id.clone(), inside.map(|dep| dep.pkg.clone()).collect())
    };
    Ok(nodes.iter().map(of).collect())
}

/// The package URL, which is also the name in references.
fn reference(metadata: &Metadata, id: &PackageId) -> String {
    let package = &metadata[id];
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

/// The checksums in a lock file, by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let packages = lock.split("[[package]]").skip(1);
    let sum = |package: &str| {
        let field = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""))?;
            Some(line.trim_end_matches('"').to_owned())
        };
        Some(((field("name")?, field("version")?), field("checksum")?))
    };
    packages.filter_map(sum).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_package_from_outside_has_a_checksum_and_a_license() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let metadata = MetadataCommand::new().manifest_path(root.join("Cargo.toml")).exec().expect("cargo");
        let lock = fs::read_to_string(root.join("Cargo.lock")).expect("a lock file");
        let compiled = compiled(&root).expect("cargo tree");
        let bill = document(&metadata, &compiled, &checksums(&lock)).expect("a document");
        let parts = bill["components"].as_array().expect("a list");
        let names: BTreeSet<&str> = parts.iter().filter_map(|part| part["name"].as_str()).collect();
        assert!(["tokio", "rustls", "runninghub-core"].iter().all(|name| names.contains(name)));
        assert!(!names.contains("proptest") && !names.contains("insta"), "tests are not in the binary");
        for part in parts {
            let name = part["name"].as_str().expect("a name");
            let is_ours = name == "runninghub" || name.starts_with("runninghub-");
            assert_eq!(part["hashes"].is_array(), !is_ours, "{part}");
            assert!(part["licenses"].is_array(), "{part}");
        }
        let refs: HashSet<&Value> = parts.iter().map(|part| &part["bom-ref"]).collect();
        let all = bill["dependencies"].as_array().expect("a list");
        let used = all.iter().flat_map(|one| one["dependsOn"].as_array().into_iter().flatten());
        assert!(used.into_iter().all(|used| refs.contains(used)), "every reference leads somewhere");
    }
}
