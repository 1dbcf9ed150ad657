//! The login of a ComfyUI, and the key of its partner nodes.

use std::env;

use runninghub::{Sentence, net::Login, say};

use crate::{args::Global, exit::Error, private, secrets};

/// The login itself; empty counts as unset.
const VARIABLE: &str = "RUNNINGHUB_SERVER_AUTH";
/// The variable that other clients of ComfyUI use for the key of partner nodes.
const PARTNER_KEY: &str = "COMFY_API_KEY";
/// Longer than any login: a larger file is a mistake.
const LONGEST: u64 = 16 << 10;

/// Reads the login: from the file if one is named, else from the variable.
///
/// # Errors
/// Usage, if it is not a login, or other users can read its file.
pub(crate) fn read(global: &Global) -> Result<Option<Login>, Error> {
    find(global).map_err(|error| error.about("server-auth-file"))
}

fn find(global: &Global) -> Result<Option<Login>, Error> {
    let (text, source) = match &global.server_auth_file {
        Some(path) => {
            let source = || say!("the login file {path}", path = path.display());
            let text = private::read(path, &source(), LONGEST)?;
            let none = || Error::usage(say!("the login file {path} does not exist", path = path.display()));
            (text.ok_or_else(none)?, source())
        }
        None => match env::var(VARIABLE) {
            Ok(text) if !text.trim().is_empty() => (text, Sentence::verbatim(VARIABLE)),
            _ => return Ok(None),
        },
    };
    let login = Login::parse(&text).map_err(|_| {
        Error::usage(say!("{source} does not contain a login", source)).hint(say!(
            "a login is `USER:PASSWORD`, `Bearer TOKEN`, a header as `NAME: VALUE`, or `?token=TOKEN`"
        ))
    })?;
    login.secrets().for_each(secrets::learn);
    Ok(Some(login))
}

/// The key of partner nodes, if there is one.
pub(crate) fn partner_key() -> Option<String> {
    let key = env::var(PARTNER_KEY).ok().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty())?;
    secrets::learn(&key);
    Some(key)
}
