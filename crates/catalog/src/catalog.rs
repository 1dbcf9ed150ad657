//! All models, one per line, so that an unreadable line loses only its own model.

use std::{collections::HashMap, sync::OnceLock};

use runninghub_core::{Sentence, say};
use serde::Deserialize;

use crate::{
    Error, Kind, Model,
    model::flaw,
    name::{closest, plain},
};

/// The list embedded in this version.
const EMBEDDED: &str = include_str!("../models.jsonl");
/// The format of the lines.
const VERSION: u64 = 1;
/// Maximum length of a name that is compared with others, in characters: the longest model name has 80.
const LONGEST: usize = 200;

/// The known models.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    header: Header,
    models: Vec<Model>,
    /// The index of each endpoint's model.
    places: HashMap<String, usize>,
    skipped: Vec<Skipped>,
}

/// A line that could not be parsed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Skipped {
    /// The line number, from 1.
    pub line: usize,
    /// The parse error.
    pub why: Error,
}

/// The first line.
#[derive(Clone, Debug, Default, Deserialize)]
struct Header {
    catalog: u64,
    as_of: Option<String>,
    #[serde(default)]
    sources: Vec<String>,
}

impl Catalog {
    /// The list embedded in this version.
    pub fn embedded() -> &'static Self {
        static CATALOG: OnceLock<Catalog> = OnceLock::new();
        CATALOG.get_or_init(|| Self::parse(EMBEDDED).unwrap_or_default())
    }

    /// Parses JSON Lines: a first line `{"catalog":1}`, then one model per line. Unreadable lines are skipped and
    /// listed in [`Catalog::skipped`].
    ///
    /// # Errors
    /// When the first line is missing, or names a newer format.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        let first = lines.next().map_or("", |(_, line)| line.trim_start_matches('\u{feff}'));
        let header: Header = serde_json::from_str(first).map_err(|_| {
            Error::new(say!("this is not a model catalog"))
                .with_hint(say!("the first line is `{{\"catalog\":1}}`, and every other line is a model"))
        })?;
        if header.catalog != VERSION {
            let what = say!("the catalog has the unknown format {format}", format = header.catalog);
            return Err(Error::new(what).with_hint(say!("update to a version that reads it")));
        }
        let mut catalog = Self { header, ..Self::default() };
        for (line, text) in lines {
            match read(text) {
                Ok(model) => catalog.put(model),
                Err(why) => catalog.skipped.push(Skipped { line, why }),
            }
        }
        Ok(catalog)
    }

    /// Merges in the models of another catalog, which replace models with the same endpoint.
    #[must_use]
    pub fn with(mut self, newer: Self) -> Self {
        newer.models.into_iter().for_each(|model| self.put(model));
        self.skipped = newer.skipped;
        self
    }

    fn put(&mut self, model: Model) {
        let known = self.places.get(&model.endpoint).and_then(|place| self.models.get_mut(*place));
        if let Some(known) = known {
            *known = model;
        } else {
            self.places.insert(model.endpoint.clone(), self.models.len());
            self.models.push(model);
        }
    }

    /// The date of the list, as `YYYY-MM-DD`, if given.
    pub fn as_of(&self) -> Option<&str> {
        self.header.as_of.as_deref()
    }

    /// The sources of the list: public files, with their commit and date.
    pub fn sources(&self) -> &[String] {
        &self.header.sources
    }

    /// All models; those of this version are sorted by endpoint.
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The lines that could not be parsed.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The model with this endpoint or name; case, slashes and dashes are ignored. If several models share a name, one
    /// that is still offered is preferred.
    ///
    /// # Errors
    /// When no model matches; the hint contains a similar name.
    pub fn find(&self, name: &str) -> Result<&Model, Error> {
        let name = name.trim().trim_matches('/');
        if name.chars().count() > LONGEST {
            return Err(Error::new(say!("this is too long for a model name")));
        }
        let wanted = plain(name);
        let is_like = |known: &String| plain(known) == wanted;
        let found = self
            .best(|model| model.endpoint == name)
            .or_else(|| self.best(|model| model.names.iter().any(|known| known == name)))
            .or_else(|| {
                self.best(|model| is_like(&model.endpoint) || model.names.iter().any(is_like))
                    .filter(|_| !wanted.is_empty())
            });
        found.ok_or_else(|| {
            let names = self
                .models
                .iter()
                .flat_map(|model| std::iter::once(&model.endpoint).chain(&model.names).map(String::as_str));
            let hint = match closest(name, names) {
                Some(close) => say!("did you mean `{close}`?", close),
                None => say!("search the catalog, or submit a request body to run a model that is not in it"),
            };
            Error::new(say!("model `{name}` not found", name)).with_hint(hint)
        })
    }

    fn best(&self, is_meant: impl Fn(&Model) -> bool) -> Option<&Model> {
        self.models.iter().filter(|model| is_meant(model)).min_by_key(|model| model.retired)
    }

    /// The models of a kind that match all of these words by endpoint, name, task or family.
    pub fn search<'a>(&'a self, words: &str, kind: Option<Kind>) -> impl Iterator<Item = &'a Model> {
        let words: Vec<String> = words.split_whitespace().map(plain).collect();
        self.models.iter().filter(move |model| {
            let texts =
                [&model.endpoint].into_iter().chain(&model.names).chain(&model.task).chain(&model.family);
            let texts: Vec<String> = texts.map(|text| plain(text)).collect();
            kind.is_none_or(|kind| model.kind == kind)
                && words.iter().all(|word| texts.iter().any(|text| text.contains(word)))
        })
    }
}

fn read(line: &str) -> Result<Model, Error> {
    let model: Model =
        serde_json::from_str(line).map_err(|error| Error::new(Sentence::verbatim(error.to_string())))?;
    match flaw(&model) {
        Some(flaw) => Err(Error::new(flaw)),
        None => Ok(model),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_embedded_list_is_whole() {
        let catalog = Catalog::embedded();
        assert_eq!((catalog.models().len(), catalog.skipped()), (455, &[][..]));
        assert_eq!(catalog.as_of(), Some("2026-11-23"));
        assert!(catalog.sources().iter().all(|source| source.contains("2026-")), "each has a date");
        assert!(catalog.sources().len() > 3);
        let params: usize = catalog.models().iter().map(|model| model.params.len()).sum();
        assert_eq!(params, 2578);
        for (kind, count) in
            [(Kind::Video, 243), (Kind::Image, 120), (Kind::Text, 51), (Kind::Audio, 25), (Kind::ThreeD, 16)]
        {
            assert_eq!(catalog.search("", Some(kind)).count(), count, "{kind}");
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_costs_only_itself() {
        let text = "{\"catalog\":1}\n{\"endpoint\":\"a/b\"}\n{\"endpoint\":\n\n{\"endpoint\":\"\"}\n\
                    {\"endpoint\":\"c\",\"params\":[{\"name\":\"x\"},{\"name\":\"x\"}]}\n\
                    {\"endpoint\":\"c/d\",\"kind\":\"smell\",\"news\":1,\"params\":[{\"name\":\"p\",\"type\":\"NEW\"}]}\n7";
        let catalog = Catalog::parse(text).expect("a catalog");
        let endpoints: Vec<_> = catalog.models().iter().map(|model| model.endpoint.as_str()).collect();
        assert_eq!(endpoints, ["a/b", "c/d"]);
        assert_eq!(catalog.models()[1].kind, Kind::Other);
        let lines: Vec<_> = catalog.skipped().iter().map(|skipped| skipped.line).collect();
        assert_eq!(lines, [3, 5, 6, 8]);
    }

    #[test]
    fn text_that_is_not_a_catalog_is_refused() {
        for text in ["", "{}", "[]", "{\"endpoint\":\"a\"}", "{\"catalog\":2}", "<html>"] {
            Catalog::parse(text).expect_err(text);
        }
    }

    #[test]
    fn a_newer_catalog_replaces_single_models() {
        let newer = "{\"catalog\":1}\n{\"endpoint\":\"lab/new\"}\n{\"endpoint\":\"kling-v3.0-pro/text-to-video\",\"kind\":\"video\"}";
        let both = Catalog::embedded().clone().with(Catalog::parse(newer).expect("a catalog"));
        assert_eq!(both.models().len(), 456);
        assert_eq!(both.find("kling-v3.0-pro/text-to-video").expect("there").kind, Kind::Video);
        both.find("lab/new").expect("there");
    }

    #[test]
    fn a_model_is_found_by_any_of_its_names() {
        for (name, endpoint) in [
            ("kling-v3.0-pro/text-to-video", "kling-v3.0-pro/text-to-video"),
            ("Kling-V3.0-Pro text to video", "kling-v3.0-pro/text-to-video"),
            ("可灵文生视频3.0-pro", "kling-v3.0-pro/text-to-video"),
            ("/vidu/image-to-video-q3-pro/", "vidu/image-to-video-q3-pro"),
            ("rh-video-upscaler", "rhart-video/video-upscaler"),
            ("seedance2.0/upload-asset", "seedance2.0/upload-asset"),
            ("seedance-2.0/upload-asset", "rhart-video/sparkvideo-2.0/upload-asset"),
            ("kling-video-o1-std/refrence-to-video", "kling-video-o1-std/refrence-to-video"),
        ] {
            assert_eq!(Catalog::embedded().find(name).expect(name).endpoint, endpoint);
        }
    }

    #[test]
    fn a_misspelled_name_suggests_the_right_one() {
        let refused = |name: &str| {
            let error = Catalog::embedded().find(name).expect_err(name);
            format!("{error} | {}", error.hint().unwrap_or_default())
        };
        insta::assert_snapshot!(refused("klin-v3.0-pro/text-to-vidio"), @"model `klin-v3.0-pro/text-to-vidio` not found | did you mean `kling-v3.0-pro-text-to-video`?");
        insta::assert_snapshot!(refused("zzzz"), @"model `zzzz` not found | search the catalog, or submit a request body to run a model that is not in it");
        insta::assert_snapshot!(refused(""), @r"model `` not found | search the catalog, or submit a request body to run a model that is not in it");
        insta::assert_snapshot!(refused(&"a".repeat(300)), @"this is too long for a model name | ");
    }

    #[test]
    fn models_are_searched_by_vendor_task_and_language() {
        for (words, endpoint) in [
            ("sora", "rhart-video-s/text-to-video"),
            ("SORA text", "rhart-video-s/text-to-video"),
            ("nano banana pro", "rhart-image-n-pro/edit"),
            ("midjourney niji6", "youchuan/text-to-image-niji6"),
            ("seedance-2.0 image", "rhart-video/sparkvideo-2.0/image-to-video"),
            ("grok video", "rhart-video-g/image-to-video"),
            ("可灵 文生视频", "kling-v3.0-pro/text-to-video"),
            ("rhart-video-s", "rhart-video-s/text-to-video"),
        ] {
            let mut found = Catalog::embedded().search(words, None);
            assert!(found.any(|model| model.endpoint == endpoint), "{words}");
        }
        assert_eq!(Catalog::embedded().search("sora", Some(Kind::Audio)).count(), 0);
    }

    proptest! {
        #[test]
        fn any_text_is_a_catalog_or_an_error(text in "\\PC*", tail in r#"(\{|\}|\[|\]|,|:|"|\n|"endpoint"|"params"|"name"|a|7|1e999)*"#) {
            let _ = Catalog::parse(&text);
            if let Ok(catalog) = Catalog::parse(&format!("{{\"catalog\":1}}\n{tail}")) {
                for model in catalog.models() {
                    prop_assert!(catalog.find(&model.endpoint).is_ok());
                }
            }
            let _ = Catalog::embedded().find(&text);
        }
    }
}
