//! Usage errors as sentences, and in Chinese, built from clap's error context.

use std::{error::Error, fmt::Write as _};

use anstyle::{AnsiColor, Style};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use runninghub::{Sentence, say};

use super::{
    help::{VALUES, fill, row, with_words},
    word,
};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

const SUBCOMMANDS: &str = "[subcommands: {}]";
const SIMILAR: &str = "a similar one exists: {}";
const MORE: &str = "For more information, try '--help'.";
/// The texts above, which are rows of the table of help.
#[cfg(test)]
pub(super) const TEXTS: [&str; 3] = [SUBCOMMANDS, SIMILAR, MORE];

/// The complete text for stderr, with styles.
pub(super) fn chinese(error: &clap::Error) -> String {
    let mut text = format!("{ERROR}{}{ERROR:#}{}\n", word(&say!("error:")), word(&sentence(error)));
    for (kind, shape) in [(ContextKind::ValidValue, VALUES), (ContextKind::ValidSubcommand, SUBCOMMANDS)] {
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
        let _ = writeln!(text, "  {HINT}{}{HINT:#}{hint}", word(&say!("hint:")));
    }
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        let _ = write!(text, "\n{}\n", with_words(usage.ansi().to_string().trim_end()));
    }
    let _ = write!(text, "\n{}\n", row(MORE));
    text
}

/// The error in one sentence, with the values to choose from.
pub(crate) fn with_values(error: &clap::Error) -> Sentence {
    let sentence = sentence(error);
    match all(error, ContextKind::ValidValue) {
        values if values.is_empty() => sentence,
        values => say!("{sentence} [possible values: {values}]", sentence, values = values.join(", ")),
    }
}

fn sentence(error: &clap::Error) -> Sentence {
    let arg = one(error, ContextKind::InvalidArg);
    let value = one(error, ContextKind::InvalidValue);
    let command = one(error, ContextKind::InvalidSubcommand);
    match error.kind() {
        ErrorKind::ArgumentConflict => match all(error, ContextKind::PriorArg) {
            prior if prior == [arg] => say!("the argument '{arg}' cannot be used multiple times", arg),
            prior => say!("the argument '{arg}' cannot be used with {others}", arg, others = quoted(&prior)),
        },
        ErrorKind::InvalidValue if value.is_empty() => {
            say!("a value is required for '{arg}' but none was supplied", arg)
        }
        ErrorKind::ValueValidation if let Some(cause) = error.source() => {
            say!("invalid value '{value}' for '{arg}': {why}", value, arg, why = reason(cause))
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            say!("invalid value '{value}' for '{arg}'", value, arg)
        }
        ErrorKind::InvalidSubcommand => say!("unrecognized subcommand '{command}'", command),
        ErrorKind::MissingRequiredArgument => {
            let missing = all(error, ContextKind::InvalidArg).join("、");
            say!("the following required arguments were not provided: {missing}", missing)
        }
        ErrorKind::MissingSubcommand => {
            say!("'{command}' requires a subcommand but one was not provided", command)
        }
        ErrorKind::TooManyValues => {
            say!("unexpected value '{value}' for '{arg}' found; no more were expected", value, arg)
        }
        ErrorKind::UnknownArgument => say!("unexpected argument '{arg}' found", arg),
        ErrorKind::InvalidUtf8 => say!("invalid UTF-8 was detected in one or more arguments"),
        // The other kinds need a feature that no argument here uses, such as a fixed number of values.
        kind => Sentence::verbatim(kind.as_str().unwrap_or_default()),
    }
}

/// Why a parser rejects a value.
fn reason(cause: &(dyn Error + 'static)) -> Sentence {
    if let Some(sentence) = cause.downcast_ref::<Sentence>() {
        return sentence.clone();
    }
    let english = cause.to_string();
    if let Some((number, range)) = english.split_once(" is not in ") {
        return say!("{number} is not in {range}", number, range);
    }
    // Messages of the standard library.
    match &*english {
        "cannot parse integer from empty string" => say!("cannot parse integer from empty string"),
        "invalid digit found in string" => say!("invalid digit found in string"),
        "invalid socket address syntax" => say!("invalid socket address syntax"),
        "number too large to fit in target type" => say!("number too large to fit in target type"),
        _ => Sentence::verbatim(english),
    }
}

fn hints(error: &clap::Error) -> Vec<String> {
    let similar = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue]
        .map(|kind| all(error, kind));
    let mut hints: Vec<_> = similar
        .iter()
        .filter(|names| !names.is_empty())
        .map(|names| fill(SIMILAR, &[&quoted(names)]))
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
