//! Where the API key comes from.

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

/// The key's variable.
pub(crate) const VARIABLE: &str = "RUNNINGHUB_API_KEY";
/// Longer than any key: another file was named.
pub(crate) const MAX_LENGTH: u64 = 4096;
const HOLDS: &str = "it holds the key and nothing else, and only you can read it";

/// Whether the options, the environment or the profile name a key, good or bad.
pub(crate) fn is_named(global: &Global) -> bool {
    global.api_key_file.is_some()
        || global.api_key_stdin
        || global.stored.is_there()
        || env::var_os(VARIABLE).is_some_and(|key| !key.is_empty())
}

/// Of what kind the key is, where it is the profile's and that is known.
fn kind(global: &Global) -> Option<KeyKind> {
    let is_given = global.api_key_file.is_some()
        || global.api_key_stdin
        || env::var_os(VARIABLE).is_some_and(|key| !key.is_empty());
    global.stored.kind().filter(|_| !is_given)
}

/// Refuses what a key of this kind cannot do, as far as its kind is known: nothing has to be sent for that.
///
/// # Errors
/// What it cannot do.
pub(crate) fn check(global: &Global, what: &str, may: fn(KeyKind) -> bool) -> Result<(), Error> {
    match kind(global).filter(|kind| !may(*kind)) {
        None => Ok(()),
        Some(kind) => Err(Error::new(Exit::Refused, format!("the key of the profile cannot {what}: {kind}"))
            .hint("nothing was sent; use another key, or `rhub login` again if this one is of another kind by now")),
    }
}

/// Reads the key: from the file or from standard input where that is asked for, else from the environment, else from the profile.
///
/// # Errors
/// Usage, where there is none, or it can be read by others.
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

/// The key in a text, which may have spaces around it.
pub(crate) fn parse(text: &str, source: &str) -> Result<ApiKey, Error> {
    ApiKey::new(text).map_err(|_| {
        Error::usage(format!("{source} does not hold an API key"))
            .hint("a key is one word of letters and digits; copy it from the API page of RunningHub")
    })
}
