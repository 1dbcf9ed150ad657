//! Where the API key comes from.

use std::{
    env, fs,
    io::{self, Read as _},
    path::Path,
};

use runninghub::{ApiKey, Untrusted};

use crate::{args::Global, exit::Error, secrets};

/// The key's variable.
pub(crate) const VARIABLE: &str = "RUNNINGHUB_API_KEY";
/// Longer than any key: another file was named.
const MAX_LENGTH: u64 = 4096;

/// Reads the key: from the file or from standard input where that is asked for, else from the environment.
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
            Ok(_) => key(&text, "standard input"),
            Err(error) => Err(Error::usage(format!("cannot read the API key from standard input: {error}"))),
        };
    }
    match env::var(VARIABLE) {
        Ok(text) if !text.trim().is_empty() => key(&text, VARIABLE),
        Err(env::VarError::NotUnicode(_)) => {
            Err(Error::usage(format!("{VARIABLE} does not hold an API key")))
        }
        _ => Err(Error::usage("there is no API key").hint(format!(
            "set {VARIABLE}, or name a file with `--api-key-file PATH`; `rhub demo` works without one"
        ))),
    }
}

fn file(path: &Path) -> Result<ApiKey, Error> {
    let name = Untrusted::from(path.to_string_lossy());
    let cannot = |error: io::Error| {
        Error::usage(format!("cannot read the API key file {name}: {error}"))
            .hint("it holds the key and nothing else, and only you can read it")
    };
    let file = fs::File::open(path).map_err(cannot)?;
    // Asked of the open file: another one could take its place in between.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        let mode = file.metadata().map_err(cannot)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(Error::usage(format!(
                "others can read the API key file {name} (mode {:03o})",
                mode & 0o777
            ))
            .hint(format!("make it yours alone: `chmod 600 {name}`")));
        }
    }
    let mut text = String::new();
    file.take(MAX_LENGTH).read_to_string(&mut text).map_err(cannot)?;
    key(&text, &format!("the API key file {name}"))
}

fn key(text: &str, source: &str) -> Result<ApiKey, Error> {
    ApiKey::new(text).map_err(|_| {
        Error::usage(format!("{source} does not hold an API key"))
            .hint("a key is one word of letters and digits; copy it from the API page of RunningHub")
    })
}
