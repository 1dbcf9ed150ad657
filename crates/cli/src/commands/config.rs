//! `rhub config …`.

use runninghub::{Untrusted, say};
use toml_edit::{Array, Item, Value};

use super::context::Context;
use crate::{
    args::ConfigCommand,
    config::{self, API_KEY, ConfigFile, KEY_TYPE, KEYRING},
    event::{Event, Setting},
    exit::{Error, Exit},
    secrets,
};

/// Shows or changes the profile.
pub(super) fn config(context: &mut Context, command: ConfigCommand) -> Result<Exit, Error> {
    if let ConfigCommand::Path = command {
        let path = config::path(&context.global)?;
        let path = Untrusted::from(path.to_string_lossy());
        context.show(Event::Value(Setting { profile: String::new(), name: "path".to_owned(), value: path }));
        return Ok(Exit::Done);
    }
    let mut file = ConfigFile::open(&context.global)?;
    let profile = file.name(&context.global)?;
    match command {
        ConfigCommand::Get { name } => {
            let name = known(&name)?;
            let setting = settings(&file, &profile).into_iter().find(|setting| setting.name == name);
            let setting = setting.ok_or_else(|| not_set(&profile, &name))?;
            context.show(Event::Value(setting));
        }
        ConfigCommand::Set { name, value } => {
            let name = changeable(&name)?;
            let value = match <[String; 1]>::try_from(value) {
                Ok([one]) => plain(one),
                Err(several) => Value::Array(several.into_iter().collect::<Array>()),
            };
            config::check(&name, Some(&value)).map_err(|why| {
                Error::usage(say!("cannot set this: {why}", why))
                    .hint(say!("`rhub --help` and `rhub COMMAND --help` list the options"))
            })?;
            file.set(&profile, &name, value);
            file.save()?;
        }
        ConfigCommand::Unset { name } => {
            let name = name.replace('-', "_");
            if [API_KEY, KEYRING].contains(&&*name) {
                return Err(Error::usage(say!("a key cannot be unset like a setting"))
                    .hint(say!("`rhub logout` removes it")));
            }
            if !(file.unset(&profile, &name) | file.unset(&profile, &name.replace('_', "-"))) {
                return Err(not_set(&profile, &name));
            }
            file.save()?;
        }
        ConfigCommand::List => {
            let names = match &context.global.profile {
                Some(_) => vec![profile.clone()],
                None => file.names().into_iter().map(str::to_owned).collect(),
            };
            for name in names {
                for setting in settings(&file, &name) {
                    context.show(Event::Setting(setting));
                }
            }
        }
        ConfigCommand::Path => {}
    }
    Ok(Exit::Done)
}

/// The settings of a profile, with a placeholder for its key.
fn settings(file: &ConfigFile, profile: &str) -> Vec<Setting> {
    let Some(table) = file.profile(profile) else { return Vec::new() };
    let setting = |name: &str, value: Untrusted| Setting {
        profile: profile.to_owned(),
        name: name.replace('-', "_"),
        value,
    };
    let shown = |(name, item): (&str, &Item)| match (name, item.as_value()) {
        (API_KEY, _) => setting(name, "set".into()),
        // The URL contains a password or another secret.
        ("proxy" | "webhook", Some(Value::String(address))) => {
            secrets::learn_address(address.value());
            setting(name, secrets::clean(address.value()).into())
        }
        (_, Some(Value::String(text))) => setting(name, text.value().as_str().into()),
        (_, Some(value)) => setting(name, value.to_string().trim().into()),
        (_, None) => setting(name, "a table".into()),
    };
    table.iter().map(shown).collect()
}

fn not_set(profile: &str, name: &str) -> Error {
    Error::usage(say!("the profile `{profile}` does not set `{name}`", profile, name))
        .hint(say!("`rhub config list` shows what it sets"))
}

/// The name of a setting, in the spelling of the file.
fn known(name: &str) -> Result<String, Error> {
    let plain = name.replace('-', "_");
    if [API_KEY, KEYRING, KEY_TYPE].contains(&&*plain) {
        return Ok(plain);
    }
    match config::check(&plain, None) {
        Ok(()) => Ok(plain),
        Err(why) => {
            Err(Error::usage(why).hint(say!("`rhub --help` and `rhub COMMAND --help` list the options")))
        }
    }
}

fn changeable(name: &str) -> Result<String, Error> {
    let name = known(name)?;
    if [API_KEY, KEYRING, KEY_TYPE].contains(&&*name) {
        return Err(Error::usage(say!(
            "`{name}` cannot be set on the command line, where others could see it",
            name
        ))
        .hint(say!("`rhub login` stores a key")));
    }
    Ok(name)
}

/// `true` and `false` become booleans, anything else text.
fn plain(text: String) -> Value {
    text.parse::<bool>().map_or_else(|_| text.into(), Value::from)
}
