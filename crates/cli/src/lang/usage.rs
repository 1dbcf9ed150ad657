//! Usage errors in Chinese, built from clap's error context.

use std::{error::Error as _, fmt::Write as _};

use anstyle::{AnsiColor, Style};
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{
    help::{fill, has, row, with_words},
    say,
};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// The complete text for stderr, with styles.
pub(super) fn chinese(error: &clap::Error) -> String {
    let mut text = format!("{ERROR}{}{ERROR:#} {}\n", say("error:"), sentence(error));
    for (kind, shape) in [
        (ContextKind::ValidValue, "[possible values: {}]"),
        (ContextKind::ValidSubcommand, "[subcommands: {}]"),
    ] {
        let values = all(error, kind).join("、");
        if !values.is_empty() {
            let _ = writeln!(text, "  {}", fill(shape, &[&values]));
        }
    }
    let hints = hints(error);
    if !hints.is_empty() {
        text.push('\n');
    }
    for hint in hints {
        let _ = writeln!(text, "  {HINT}{}{HINT:#} {hint}", say("hint:"));
    }
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        let _ = write!(text, "\n{}\n", with_words(usage.ansi().to_string().trim_end()));
    }
    let _ = write!(text, "\n{}\n", row("For more information, try '--help'."));
    text
}

fn sentence(error: &clap::Error) -> String {
    let arg = one(error, ContextKind::InvalidArg);
    let value = one(error, ContextKind::InvalidValue);
    let command = one(error, ContextKind::InvalidSubcommand);
    match error.kind() {
        ErrorKind::ArgumentConflict => match all(error, ContextKind::PriorArg) {
            prior if prior == [arg] => fill("the argument '{}' cannot be used multiple times", &[arg]),
            prior => fill("the argument '{}' cannot be used with {}", &[arg, &quoted(&prior)]),
        },
        ErrorKind::InvalidValue if value.is_empty() => {
            fill("a value is required for '{}' but none was supplied", &[arg])
        }
        ErrorKind::InvalidValue => fill("invalid value '{}' for '{}'", &[value, arg]),
        ErrorKind::ValueValidation => {
            let cause = error.source().map(|cause| format!("：{}", reason(&cause.to_string())));
            fill("invalid value '{}' for '{}'", &[value, arg]) + &cause.unwrap_or_default()
        }
        ErrorKind::InvalidSubcommand => fill("unrecognized subcommand '{}'", &[command]),
        ErrorKind::MissingRequiredArgument => {
            let missing = all(error, ContextKind::InvalidArg).join("、");
            fill("the following required arguments were not provided: {}", &[&missing])
        }
        ErrorKind::MissingSubcommand => {
            fill("'{}' requires a subcommand but one was not provided", &[command])
        }
        ErrorKind::TooManyValues => {
            fill("unexpected value '{}' for '{}' found; no more were expected", &[value, arg])
        }
        ErrorKind::UnknownArgument => fill("unexpected argument '{}' found", &[arg]),
        // The other kinds need a feature that no argument here uses, such as a fixed number of values.
        kind => row(kind.as_str().unwrap_or_default()).to_owned(),
    }
}

/// Why a parser rejects a value.
fn reason(english: &str) -> String {
    match english.split_once(" is not in ") {
        Some((number, range)) => fill("{} is not in {}", &[number, range]),
        None if has(english) => row(english).to_owned(),
        None => say(english).into_owned(),
    }
}

fn hints(error: &clap::Error) -> Vec<String> {
    let similar = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue]
        .map(|kind| all(error, kind));
    let mut hints: Vec<_> = similar
        .iter()
        .filter(|names| !names.is_empty())
        .map(|names| fill("a similar one exists: {}", &[&quoted(names)]))
        .collect();
    if let Some(ContextValue::StyledStrs(others)) = error.get(ContextKind::Suggested) {
        for other in others {
            // clap offers only the finished sentence, with the values in quotes.
            let english = other.to_string();
            let (mut shape, mut values) = (String::new(), Vec::new());
            for (index, part) in english.split('\'').enumerate() {
                if index % 2 == 0 {
                    shape.push_str(part);
                } else {
                    shape.push_str("'{}'");
                    values.push(part);
                }
            }
            hints.push(fill(&shape, &values));
        }
    }
    hints
}

fn one(error: &clap::Error, kind: ContextKind) -> &str {
    all(error, kind).first().copied().unwrap_or_default()
}

fn all(error: &clap::Error, kind: ContextKind) -> Vec<&str> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text],
        Some(ContextValue::Strings(texts)) => texts.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join("、")
}
