//! The configuration: a file of profiles, each a key and what else should differ from the defaults.

mod file;
mod language;
mod profile;
mod stored;

pub(crate) use self::{
    file::{ConfigFile, path},
    language::language,
    profile::{check, is_used_by, parse},
    stored::Stored,
};

/// The API key of a profile; not an option, since keys are never on a command line.
pub(crate) const API_KEY: &str = "api_key";
/// Whether the key is in the keyring of the system instead.
pub(crate) const KEYRING: &str = "keyring";
/// The kind of the key, as the platform named it at `rhub login`.
pub(crate) const KEY_TYPE: &str = "key_type";
