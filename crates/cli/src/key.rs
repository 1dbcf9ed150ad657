//! The sources of the API key.

use std::{
    env,
    io::{self, Read as _},
    path::Path,
};

use runninghub::{ApiKey, KeyKind, Untrusted};

use crate::{
    args::Global,
    exit::{Error, Exit},
    private, secrets,
};

/// The environment variable of the key.
pub(crate) const VARIABLE: &str = "RUNNINGHUB_API_KEY";
/// Longer than any key: a larger file is a mistake.
pub(crate) const MAX_LENGTH: u64 = 4096;
const HOLDS: &str = "it holds the key and nothing else, and only you can read it";

/// Whether the options, the environment or the profile provide a key, valid or not.
pub(crate) fn is_named(global: &Global) -> bool {
    global.api_key_file.is_some()
        || global.api_key_stdin
        || global.stored.is_there()
        || env::var_os(VARIABLE).is_some_and(|key| !key.is_empty())
}

/// The kind of the profile's key, if known.
fn kind(global: &Global) -> Option<KeyKind> {
    let is_given = global.api_key_file.is_some()
        || global.api_key_stdin
        || env::var_os(VARIABLE).is_some_and(|key| !key.is_empty());
    global.stored.kind().filter(|_| !is_given)
}

/// Rejects what this kind of key cannot do, if the kind is known. Sends no request.
///
/// # Errors
/// What the key cannot do.
pub(crate) fn check(global: &Global, what: &str, may: fn(KeyKind) -> bool) -> Result<(), Error> {
    match kind(global).filter(|kind| !may(*kind)) {
        None => Ok(()),
        Some(kind) => Err(Error::new(Exit::Refused, format!("the key of the profile cannot {what}: {kind}"))
            .hint("nothing was sent; use another key, or `rhub login` again if this one is of another kind by now")),
    }
}

/// Reads the key: from the file or from standard input if requested, else from the environment, else from the
/// profile.
///
/// # Errors
/// Usage, if there is no key, or other users can read its file.
pub(crate) fn read(global: &Global) -> Result<ApiKey, Error> {
    secrets::keep_memory_private();
    let key = find(global)?;
    secrets::learn(key.expose());
    Ok(key)
}

fn find(global: &Global) -> Result<ApiKey, Error> {
    if let Some(path) = &global.api_key_file {
        return file(path);
    }
    if global.api_key_stdin {
        let mut text = String::new();
        let read = io::stdin().lock().take(MAX_LENGTH).read_to_string(&mut text);
        return match read {
            Ok(_) => parse(&text, "standard input"),
            Err(error) => Err(Error::usage(format!("cannot read the API key from standard input: {error}"))),
        };
    }
    match env::var(VARIABLE) {
        Ok(text) if !text.trim().is_empty() => parse(&text, VARIABLE),
        Err(env::VarError::NotUnicode(_)) => {
            Err(Error::usage(format!("{VARIABLE} does not hold an API key")))
        }
        _ => match global.stored.key()? {
            Some((text, source)) => parse(&text, &source),
            None => Err(Error::usage("there is no API key").hint(format!(
                "`rhub login` keeps one, or set {VARIABLE}, or name a file with `--api-key-file PATH`; `rhub demo` works without"
            ))),
        },
    }
}

fn file(path: &Path) -> Result<ApiKey, Error> {
    let name = Untrusted::from(path.to_string_lossy());
    let text = private::read(path, "the API key file", MAX_LENGTH)
        .map_err(|error| error.or_hint(HOLDS))?
        .ok_or_else(|| Error::usage(format!("there is no API key file {name}")).hint(HOLDS))?;
    parse(&text, &format!("the API key file {name}"))
}

/// Parses a key, with surrounding space removed.
pub(crate) fn parse(text: &str, source: &str) -> Result<ApiKey, Error> {
    ApiKey::new(text).map_err(|_| {
        Error::usage(format!("{source} does not hold an API key"))
            .hint("a key is one word of letters and digits; copy it from the API page of RunningHub")
    })
}
