//! Every model in the documentation's navigation has its endpoint in the catalog.

use std::collections::BTreeSet;

use runninghub_catalog::Catalog;

/// One name and its endpoint per line.
const NAVIGATION: &str = include_str!("data/navigation.tsv");

#[test]
fn every_name_of_the_navigation_finds_its_endpoint() {
    let mut names = BTreeSet::new();
    for line in NAVIGATION.lines() {
        let (name, endpoint) = line.split_once('\t').expect("a name and an endpoint");
        let found = Catalog::embedded().find(name).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(found.endpoint, endpoint, "{name}");
        names.insert(name);
    }
    assert_eq!(names.len(), 221);
}

#[test]
fn every_endpoint_and_every_name_leads_to_a_model_that_has_it() {
    for model in Catalog::embedded().models() {
        assert_eq!(Catalog::embedded().find(&model.endpoint).expect("there").endpoint, model.endpoint);
        for name in &model.names {
            let found = Catalog::embedded().find(name).expect("there");
            assert!(found.names.contains(name), "{name} leads to {}", found.endpoint);
        }
    }
}
