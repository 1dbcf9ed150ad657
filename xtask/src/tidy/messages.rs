//! The message catalog: every text that the source passes to `say!` has a row, and every row has such a text.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    iter::Peekable,
    path::Path,
};

use anyhow::{Context as _, Result, anyhow};
use proc_macro2::{Delimiter, TokenStream, TokenTree, token_stream::IntoIter};
use syn::Lit;

use super::source::Source;
use crate::report::Report;

const CHINESE: &str = "crates/cli/src/lang/zh.txt";
const ENGLISH: &str = "crates/cli/src/lang/en.txt";
/// The crate that has options. The texts of all others are for every front end.
const BINARY: &str = "cli";

/// Texts, each with its file and whether a library contains it.
type Texts<'s> = BTreeMap<String, (&'s str, bool)>;

pub(super) fn check(root: &Path, sources: &[Source], report: &mut Report) -> Result<()> {
    let mut all = Texts::new();
    for source in sources.iter().filter(|source| source.is_shipped()) {
        let is_library = source.crate_name() != Some(BINARY);
        for text in sentences(&source.text).with_context(|| source.path.clone())? {
            if let Some(word) = option(&text).filter(|_| is_library) {
                report.add(&source.path, &format!("{text:?} is a library's text and names `{word}`"));
            }
            all.entry(text).or_insert((&source.path, is_library)).1 |= is_library;
        }
    }
    let read = |path: &str| fs::read_to_string(root.join(path)).with_context(|| path.to_owned());
    let chinese = read(CHINESE)?;
    check_rows(CHINESE, &chinese, |text| all.contains_key(text), report);
    let rows: BTreeSet<String> = rows(&chinese).map(|(text, _)| text).collect();
    for (text, (path, _)) in &all {
        if !rows.contains(text) {
            report.add(path, &format!("{text:?} has no row in {CHINESE}"));
        }
    }
    let is_library = |text: &str| all.get(text).is_some_and(|(_, is_library)| *is_library);
    check_rows(ENGLISH, &read(ENGLISH)?, is_library, report);
    Ok(())
}

/// Checks that the source has the text of every row, that no text has two rows, and that both lines of a row have the
/// same names.
fn check_rows(path: &str, table: &str, exists: impl Fn(&str) -> bool, report: &mut Report) {
    let mut seen = BTreeSet::new();
    for (text, wording) in rows(table) {
        if !exists(&text) {
            report.add(path, &format!("the source does not say {text:?}"));
        }
        if names(&text) != names(&wording) {
            report.add(path, &format!("{text:?} and {wording:?} have different names"));
        }
        if !seen.insert(text.clone()) {
            report.add(path, &format!("{text:?} has two rows"));
        }
    }
}

/// The rows of a table, as the binary reads them.
fn rows(table: &str) -> impl Iterator<Item = (String, String)> {
    let lines = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut lines = lines.map(|line| line.replace("\\n", "\n"));
    std::iter::from_fn(move || Some((lines.next()?, lines.next().unwrap_or_default())))
}

/// The names of the facts in a text.
fn names(text: &str) -> BTreeSet<String> {
    let text = text.replace("{{", "").replace("}}", "");
    text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())).collect()
}

/// The part of a text that makes sense only on a command line, if there is one.
fn option(text: &str) -> Option<&'static str> {
    let has_option = text.split("--").skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
    let words = ["rhub ", "@FILE"];
    if has_option { Some("--") } else { words.into_iter().find(|word| text.contains(word)) }
}

/// The texts of all `say!` in a source file, without its tests.
fn sentences(source: &str) -> Result<Vec<String>> {
    let tokens = source.parse::<TokenStream>().map_err(|error| anyhow!("{error}"))?;
    let mut texts = Vec::new();
    collect(tokens, &mut texts);
    Ok(texts)
}

fn collect(tokens: TokenStream, texts: &mut Vec<String>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '#' && is_cfg_test(tokens.peek()) => {
                skip_item(&mut tokens);
            }
            TokenTree::Ident(name) if name == "say" => texts.extend(text(tokens.clone())),
            TokenTree::Group(group) => collect(group.stream(), texts),
            _ => {}
        }
    }
}

/// The text in `!("text", …)`.
fn text(mut tokens: Peekable<IntoIter>) -> Option<String> {
    let TokenTree::Punct(mark) = tokens.next()? else { return None };
    let TokenTree::Group(group) = tokens.next()? else { return None };
    let TokenTree::Literal(text) = group.stream().into_iter().next()? else { return None };
    match Lit::new(text) {
        Lit::Str(text) if mark.as_char() == '!' => Some(text.value()),
        _ => None,
    }
}

fn is_cfg_test(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Group(group)) if group.stream().to_string().replace(' ', "") == "cfg(test)")
}

/// Skips to the end of an item: its block or its semicolon.
fn skip_item(tokens: &mut Peekable<IntoIter>) {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(mark) => mark.as_char() == ';',
        _ => false,
    };
    tokens.find(is_end);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, table: &str, texts: &[&str]) -> Vec<String> {
        let mut report = Report::new("test");
        check_rows(path, table, |text| texts.contains(&text), &mut report);
        report.complaints().to_vec()
    }

    #[test]
    fn texts_are_found_at_any_depth_and_in_any_layout() {
        let source = r#"
            fn a(id: &str) -> Sentence {
                // say!("a comment")
                let _ = "say!(\"a string\")";
                match id {
                    "1" => Some(core::say! ( "one `{id}`" , id )),
                    _ => f(|| say!("outer {why}", why = say!["inner \"{{}}\" \u{2014}"])),
                };
                say!(
                    "a text that goes on \
                     in the next line\n  and {more}",
                    more = 3
                );
                say!(r"raw \ text");
                say(text);
                say!(@fact name)
            }
        "#;
        let expected = [
            "one `{id}`",
            "outer {why}",
            "inner \"{{}}\" —",
            "a text that goes on in the next line\n  and {more}",
            r"raw \ text",
        ];
        assert_eq!(sentences(source).expect("code"), expected);
    }

    #[test]
    fn texts_of_tests_are_left_out() {
        let source = r#"
            #[cfg(test)]
            use x::{y};
            #[cfg(test)]
            pub(crate) fn f() { say!("a"); }
            #[cfg(feature = "sim")]
            fn g() { say!("b"); }
            #[cfg(test)]
            mod tests { fn h() { say!("c"); } }
            fn i() { say!("d"); }
        "#;
        assert_eq!(sentences(source).expect("code"), ["b", "d"]);
        assert!(sentences("fn (").is_err());
    }

    #[test]
    fn a_row_has_a_text_and_the_same_names() {
        let texts = ["a {x} of {y}", "b {{x}}", "c"];
        let table = "# A comment.\n\na {x} of {y}\n{y} 的 {x}\n\nb {{x}}\n乙 {{y}}\n\nc\n丙\n";
        assert_eq!(complaints("t", table, &texts), [""; 0]);
        let table = "a {x} of {y}\n甲 {x}\n\nc\n丙\n\nc\n丙\n\nd\n丁\n";
        let found = complaints("t", table, &texts);
        assert_eq!(found.len(), 3, "{found:#?}");
        assert_eq!(complaints("t", "c\n", &texts).len(), 0, "no names, no wording");
    }

    #[test]
    fn library_texts_do_not_name_options() {
        for (text, named) in [
            ("`--out DIR`", Some("--")),
            ("see `rhub tasks`", Some("rhub ")),
            ("write `a=@FILE`", Some("@FILE")),
            ("a -- b, `-----BEGIN CERTIFICATE-----`", None),
            ("rhub's", None),
        ] {
            assert_eq!(option(text), named, "{text}");
        }
    }
}
