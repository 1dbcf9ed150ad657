//! The file, read and edited with its comments preserved.

use std::path::PathBuf;

use etcetera::BaseStrategy as _;
use runninghub::say;
use toml_edit::{DocumentMut, Item, Table, TableLike, Value, value};

use crate::{
    args::Global,
    exit::{Error, Exit},
    private,
};

/// Larger than any configuration: a larger file is a mistake.
const MAX_LENGTH: u64 = 1 << 20;
/// The default profile's name in the file.
const DEFAULT_PROFILE: &str = "default_profile";
/// The default profile if the file names none.
const DEFAULT_NAME: &str = "default";
const PROFILES: &str = "profile";

/// The configuration file.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    pub(crate) path: PathBuf,
    document: DocumentMut,
}

/// The path of the file, whether or not it exists.
///
/// # Errors
/// [`Exit::Store`], if there is no home folder.
pub(crate) fn path(global: &Global) -> Result<PathBuf, Error> {
    if let Some(path) = &global.config {
        return Ok(path.clone());
    }
    let dirs = etcetera::choose_base_strategy().map_err(|_| {
        Error::new(Exit::Store, say!("there is no home folder for the configuration"))
            .hint(say!("choose a file with `--config PATH`"))
    })?;
    Ok(dirs.config_dir().join("rhub").join("config.toml"))
}

impl ConfigFile {
    /// Reads the file; a missing file is empty.
    ///
    /// # Errors
    /// Usage, if it isn't TOML, or other users can read it.
    pub(crate) fn open(global: &Global) -> Result<Self, Error> {
        let path = path(global)?;
        let named = || say!("the configuration {path}", path = path.display());
        let text = private::read(&path, &named(), MAX_LENGTH)?.unwrap_or_default();
        let document = text.parse::<DocumentMut>().map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            // Not the error's full text: it quotes the line, which may hold the key.
            let why = error.message();
            Error::usage(say!("{file} is not TOML: line {line}: {why}", file = named(), line, why))
                .hint(say!("fix it in an editor, or delete it and run `rhub login`"))
        })?;
        Ok(Self { path, document })
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`Exit::Store`] for the disk.
    pub(crate) fn save(&self) -> Result<(), Error> {
        private::write(&self.path, &self.document.to_string())
    }

    /// The name of the selected profile.
    ///
    /// # Errors
    /// Usage, if it isn't a string.
    pub(crate) fn name(&self, global: &Global) -> Result<String, Error> {
        let of_file = || self.document.get(DEFAULT_PROFILE).and_then(Item::as_str);
        let name = global.profile.as_deref().or_else(of_file).unwrap_or(DEFAULT_NAME);
        let is_name = name.len() <= 64 && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
        if is_name && !name.is_empty() {
            return Ok(name.to_owned());
        }
        Err(Error::usage(say!("`{name}` is not a valid profile name", name))
            .hint(say!("a name has up to 64 letters, digits, dots, hyphens and underscores")))
    }

    /// The names of all profiles.
    pub(crate) fn names(&self) -> Vec<&str> {
        let profiles = self.document.get(PROFILES).and_then(Item::as_table_like);
        profiles.map(|profiles| profiles.iter().map(|(name, _)| name).collect()).unwrap_or_default()
    }

    /// The settings of a profile.
    pub(crate) fn profile(&self, name: &str) -> Option<&dyn TableLike> {
        self.document.get(PROFILES)?.get(name)?.as_table_like()
    }

    /// A setting of a profile.
    pub(crate) fn get(&self, profile: &str, name: &str) -> Option<&Value> {
        self.profile(profile)?.get(name)?.as_value()
    }

    /// Changes a setting; creates the profile if it is missing.
    pub(crate) fn set(&mut self, profile: &str, name: &str, new: impl Into<Value>) {
        let profiles = self.document.entry(PROFILES).or_insert_with(|| {
            let mut profiles = Table::new();
            profiles.set_implicit(true);
            profiles.into()
        });
        if !profiles.is_table_like() {
            *profiles = Table::new().into();
        }
        let table = profiles
            .as_table_like_mut()
            .map(|profiles| profiles.entry(profile).or_insert(Table::new().into()));
        if let Some(table) = table {
            if !table.is_table_like() {
                *table = Table::new().into();
            }
            if let Some(table) = table.as_table_like_mut() {
                table.insert(name, value(new));
            }
        }
    }

    /// Removes a setting; returns whether it existed.
    pub(crate) fn unset(&mut self, profile: &str, name: &str) -> bool {
        let profiles = self.document.get_mut(PROFILES).and_then(Item::as_table_like_mut);
        let table = profiles.and_then(|profiles| profiles.get_mut(profile)?.as_table_like_mut());
        table.is_some_and(|table| table.remove(name).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> ConfigFile {
        ConfigFile { path: PathBuf::new(), document: text.parse().expect("TOML") }
    }

    #[test]
    fn an_edit_keeps_what_it_does_not_touch() {
        let mut file =
            file("# mine\ndefault_profile = \"work\" # not home\n\n[profile.work]\nsite = \"ai\" # there\n");
        file.set("work", "out", "results");
        file.set("home", "site", "cn");
        assert!(file.unset("work", "site") && !file.unset("work", "site") && !file.unset("away", "site"));
        assert_eq!(
            file.document.to_string(),
            "# mine\ndefault_profile = \"work\" # not home\n\n[profile.work]\nout = \"results\"\n\n[profile.home]\nsite = \"cn\"\n"
        );
        assert_eq!(file.names(), ["work", "home"]);
    }

    #[test]
    fn the_first_profile_makes_a_tidy_file() {
        let mut file = file("");
        file.set("default", "api_key", "0123");
        assert_eq!(file.document.to_string(), "[profile.default]\napi_key = \"0123\"\n");
    }

    #[test]
    fn a_file_of_another_shape_is_replaced_where_it_has_to_be() {
        let mut file = file("profile = 3\n");
        assert_eq!((file.names().len(), file.get("default", "site").is_none()), (0, true));
        file.set("default", "site", "ai");
        assert_eq!(file.get("default", "site").and_then(Value::as_str), Some("ai"));
    }
}
