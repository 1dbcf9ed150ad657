//! The sources of the API key.

use std::{
    env,
    io::{self, Read as _},
    path::Path,
    sync::{Mutex, PoisonError},
};

use runninghub::{ApiKey, KeyKind, Sentence, say};

use crate::{
    args::Global,
    exit::{Error, Exit},
    platform, private, secrets,
};

/// The environment variable of the key.
pub(crate) const VARIABLE: &str = "RUNNINGHUB_API_KEY";
/// Longer than any key: a larger file is a mistake.
pub(crate) const MAX_LENGTH: u64 = 4096;

/// The key from standard input, which can be read only once. A batch opens several services.
static STDIN: Mutex<Option<ApiKey>> = Mutex::new(None);

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
/// What the key cannot do, as `cannot` words it.
pub(crate) fn check(
    global: &Global,
    may: fn(KeyKind) -> bool,
    cannot: fn(KeyKind) -> Sentence,
) -> Result<(), Error> {
    match kind(global).filter(|kind| !may(*kind)) {
        None => Ok(()),
        Some(kind) => Err(Error::new(Exit::Refused, cannot(kind)).hint(say!(
            "nothing was sent; use another key, or run `rhub login` again if the key's kind has changed"
        ))),
    }
}

/// Reads the key: from the file or from standard input if requested, or else from the environment, or else from the
/// profile.
///
/// # Errors
/// Usage, if there is no key, or other users can read its file.
pub(crate) fn read(global: &Global) -> Result<ApiKey, Error> {
    platform::keep_memory_private();
    let key = find(global)?;
    secrets::learn(key.expose());
    Ok(key)
}

/// Describes where the key comes from, without reading it.
pub(crate) fn source(global: &Global) -> Sentence {
    if let Some(path) = &global.api_key_file {
        return say!("the key in {path}", path = path.display());
    }
    if global.api_key_stdin {
        return say!("the key from standard input");
    }
    if env::var_os(VARIABLE).is_some_and(|key| !key.is_empty()) {
        return say!("the key in {variable}", variable = VARIABLE);
    }
    match &global.profile {
        Some(profile) => say!("the key of profile `{profile}`", profile),
        None => say!("the stored key"),
    }
}

fn find(global: &Global) -> Result<ApiKey, Error> {
    if let Some(path) = &global.api_key_file {
        return file(path).map_err(|error| error.about("api-key-file"));
    }
    if global.api_key_stdin {
        let mut known = STDIN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*known {
            return Ok(key.clone());
        }
        let mut text = String::new();
        let read = io::stdin().lock().take(MAX_LENGTH).read_to_string(&mut text);
        return match read {
            Ok(_) => parse(&text, say!("standard input")).inspect(|key| *known = Some(key.clone())),
            Err(why) => Err(Error::usage(say!("cannot read the API key from standard input: {why}", why))),
        };
    }
    match env::var(VARIABLE) {
        Ok(text) if !text.trim().is_empty() => parse(&text, Sentence::verbatim(VARIABLE)),
        Err(env::VarError::NotUnicode(_)) => {
            Err(Error::usage(say!("{source} does not contain an API key", source = VARIABLE)))
        }
        _ => match global.stored.key()? {
            Some((text, source)) => parse(&text, source),
            None => Err(Error::usage(say!("no API key")).hint(say!(
                "store one with `rhub login`, set {variable}, or pass a file with `--api-key-file PATH`; `rhub demo` needs no key",
                variable = VARIABLE
            ))),
        },
    }
}

fn file(path: &Path) -> Result<ApiKey, Error> {
    let named = || say!("the API key file {path}", path = path.display());
    let holds = || say!("the file holds the key and nothing else, and only you may read it");
    let text = private::read(path, &named(), MAX_LENGTH).map_err(|error| error.or_hint(holds()))?;
    let none =
        || Error::usage(say!("the API key file {path} does not exist", path = path.display())).hint(holds());
    let text = text.ok_or_else(none)?;
    parse(&text, named())
}

/// Parses a key, with surrounding space removed.
pub(crate) fn parse(text: &str, source: Sentence) -> Result<ApiKey, Error> {
    // Quotes come from `set KEY="…"` on Windows and from files of variables.
    let text = text.trim().trim_matches(['"', '\'']);
    let is_key = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    // As documentation and examples write it.
    let lower = text.to_lowercase();
    let is_placeholder = lower.contains("your") || lower.contains("api") && lower.contains("key");
    let key = ApiKey::new(text).ok().filter(|_| is_key && !is_placeholder);
    key.ok_or_else(|| {
        Error::usage(say!("{source} does not contain an API key", source))
            .hint(say!("a key is one word of letters and digits; copy it from the API page on RunningHub"))
    })
}
