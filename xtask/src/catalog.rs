//! Builds the catalog of models from a file of facts: one line for each model.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The file in the crate.
const TARGET: &str = "crates/catalog/models.jsonl";
/// The category of models without a known maker.
const UNLISTED: &str = "self-hosted or unlisted";
/// The marker in the names of models that are no longer offered, with the rest of the name.
const DEPRECATED: &str = "-[Deprecated]";

/// The path of the facts.
#[derive(Debug, Args)]
pub(crate) struct Catalog {
    /// JSON with `built` (a date), `sources`, `models` (endpoint, name, `name_cn`, output, task, category, price, params) and
    /// `nav_coverage.map` (the names of the documentation's navigation, each with its endpoints).
    facts: PathBuf,
}

#[derive(Deserialize)]
struct Facts {
    built: String,
    /// Each file that the facts come from, with its commit and date, and remarks in parentheses.
    sources: BTreeMap<String, String>,
    nav_coverage: Navigation,
    models: Vec<Model>,
}

#[derive(Deserialize)]
struct Navigation {
    map: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Model {
    endpoint: String,
    name: String,
    name_cn: Option<String>,
    output: String,
    task: Option<String>,
    category: String,
    #[serde(default)]
    deprecated: bool,
    #[serde(default)]
    absent_from_newest_catalog: bool,
    price: Option<Price>,
    params: Vec<Map<String, Value>>,
}

#[derive(Deserialize)]
struct Price {
    currency: String,
    unit: String,
    as_of: String,
    fixed: Option<f64>,
    from: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    #[serde(default)]
    depends_on: Vec<String>,
    #[serde(default)]
    unparsed: bool,
}

impl Catalog {
    pub(crate) fn run(self, root: &Path) -> Result<()> {
        let text = fs::read_to_string(&self.facts).with_context(|| self.facts.display().to_string())?;
        let facts: Facts = serde_json::from_str(&text)?;
        let mut sources: Vec<_> =
            facts.sources.values().filter_map(|source| source.split(" (").next()).collect();
        sources.sort_unstable();
        let header = json!({"catalog": 1, "as_of": facts.built, "sources": sources});
        let mut lines = vec![header.to_string()];
        let mut models = facts.models;
        models.sort_by(|a, b| a.endpoint.cmp(&b.endpoint));
        lines.extend(models.iter().map(|model| line(model, &facts.nav_coverage.map).to_string()));
        let text = lines.join("\n") + "\n";
        let catalog = runninghub::catalog::Catalog::parse(&text)?;
        ensure!(catalog.skipped().is_empty(), "lines that cannot be read: {:?}", catalog.skipped());
        fs::write(root.join(TARGET), &text)?;
        println!("{} models, {} KB in {TARGET}", catalog.models().len(), text.len() / 1000);
        Ok(())
    }
}

fn line(model: &Model, navigation: &BTreeMap<String, Vec<String>>) -> Value {
    let name = model.name.trim();
    let mut names = vec![name.find(DEPRECATED).and_then(|at| name.get(..at)).unwrap_or(name)];
    names.extend(model.name_cn.as_deref().map(str::trim));
    let listed = navigation.iter().filter(|(_, endpoints)| endpoints.contains(&model.endpoint));
    names.extend(listed.map(|(name, _)| name.as_str()));
    let mut seen = BTreeSet::from([model.endpoint.as_str()]);
    names.retain(|name| seen.insert(name));
    let mut line = Map::new();
    line.insert("endpoint".into(), json!(model.endpoint));
    line.insert("names".into(), json!(names));
    line.insert("kind".into(), json!(if model.output == "string" { "text" } else { &model.output }));
    line.insert("task".into(), json!(model.task));
    if model.category != UNLISTED {
        line.insert("family".into(), json!(model.category));
    }
    if model.deprecated || model.absent_from_newest_catalog || model.endpoint.ends_with("-deprecated") {
        line.insert("retired".into(), json!(true));
    }
    if let Some(price) = model.price.as_ref().filter(|price| !price.unparsed) {
        line.insert("price".into(), self::price(price));
    }
    line.insert("params".into(), model.params.iter().map(param).collect());
    Value::Object(line)
}

fn price(price: &Price) -> Value {
    let mut made = Map::new();
    made.insert("currency".into(), json!(price.currency));
    made.insert("unit".into(), json!(price.unit));
    for (name, value) in
        [("min", price.fixed.or(price.from).or(price.min)), ("max", price.fixed.or(price.max))]
    {
        made.extend(value.map(|value| (name.to_owned(), json!(value))));
    }
    if !price.depends_on.is_empty() {
        made.insert("by".into(), json!(price.depends_on));
    }
    made.insert("as_of".into(), json!(price.as_of));
    Value::Object(made)
}

/// Leaves out `false` and empty values.
fn param(facts: &Map<String, Value>) -> Value {
    let mut made = Map::new();
    for (name, value) in facts {
        let (name, value) = match (name.as_str(), value) {
            ("type", Value::String(word)) => ("type", json!(kind(word))),
            ("enum", value) => ("choices", value.clone()),
            ("type_inferred", _) => ("guessed", json!(true)),
            ("enum_differs_from", _) => ("open", json!(true)),
            ("accept", Value::Array(list)) => ("accept", list.iter().map(extension).collect()),
            ("required" | "multiple", Value::Bool(false)) => continue,
            (name, value) => (name, value.clone()),
        };
        made.insert(name.to_owned(), value);
    }
    Value::Object(made)
}

fn kind(word: &str) -> String {
    match word {
        "BOOLEAN" => "bool".into(),
        "CommonMedia" => "media".into(),
        word => word.to_ascii_lowercase(),
    }
}

fn extension(word: &Value) -> Value {
    word.as_str().unwrap_or_default().to_ascii_lowercase().into()
}
