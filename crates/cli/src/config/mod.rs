//! The configuration: a file of profiles, each with a key and settings that override the defaults.

mod environment;
mod file;
mod language;
mod profile;
mod stored;

pub(crate) use self::{
    environment::blamed,
    file::{ConfigFile, path},
    language::language,
    profile::{check, is_used_by, key_of, parse},
    stored::Stored,
};

/// The API key of a profile. There is no such option, since keys never go on a command line.
pub(crate) const API_KEY: &str = "api_key";
/// Whether the key is in the system keyring instead.
pub(crate) const KEYRING: &str = "keyring";
/// The kind of the key, as the platform reported it at `rhub login`.
pub(crate) const KEY_TYPE: &str = "key_type";
