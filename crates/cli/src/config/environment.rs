//! The options' variables: an empty one counts as unset, and an error in one names it.

use std::{env, ffi::OsString};

use clap::{
    Arg, Command,
    builder::Resettable,
    error::{ContextKind, ContextValue},
};

/// The command line without the variables that are empty: templates for `.env` and compose files leave them empty.
pub(super) fn without_empty(command: Command) -> Command {
    let is_empty = |arg: &Arg| {
        let value = arg.get_env().and_then(env::var_os);
        value.is_some_and(|value| value.is_empty())
    };
    let command = command.mut_args(|arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg });
    command.mut_subcommands(without_empty)
}

/// The variable that an error of clap is about: the option has an invalid value that isn't on the command line.
pub(crate) fn blamed(command: &Command, words: &[OsString], error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else { return None };
    let long = shown.trim_start_matches('-').split([' ', '=']).next()?;
    let arg = super::profile::find(command, long)?;
    let variable = arg.get_env()?;
    let is_written = words.iter().filter_map(|word| word.to_str()).any(|word| {
        let name = word.split('=').next().unwrap_or_default();
        name.strip_prefix("--") == Some(long) || is_short(word, arg)
    });
    env::var_os(variable)?;
    (!is_written).then(|| variable.to_string_lossy().into_owned())
}

fn is_short(word: &str, arg: &Arg) -> bool {
    let mut chars = word.chars();
    chars.next() == Some('-') && chars.next() == arg.get_short() && arg.get_short().is_some()
}
