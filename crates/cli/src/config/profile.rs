//! A profile supplies options that neither the command line nor the environment sets.

use std::{env, ffi::OsString};

use clap::{Arg, ArgAction, ArgMatches, FromArgMatches as _, parser::ValueSource};
use runninghub::{ApiKey, KeyKind, Sentence, say};
use toml_edit::{Item, TableLike, Value};

use super::{API_KEY, ConfigFile, KEY_TYPE, KEYRING, Stored, environment::without_empty};
use crate::{
    args::{Cli, Command, Global, Hidden},
    exit::Error,
    help, key, lang, secrets,
};

/// Options that make no sense in a profile: they select the profile, or name another key.
const NEVER: [&str; 4] = ["profile", "config", "api-key-file", "api-key-stdin"];
/// Options that say the same thing in two ways: setting one of them overrides the other.
const PAIRS: [[&str; 2]; 2] = [["site", "base-url"], ["format", "json"]];

/// The command line, with unset options taken from the profile; and the error in the profile.
///
/// # Errors
/// Errors of clap; help and version are among them.
pub(crate) fn parse() -> Result<(Cli, Option<Error>), clap::Error> {
    let mut words: Vec<OsString> = env::args_os().collect();
    let mut command = without_empty(help::command());
    if words.len() == 1 {
        // A variable's value would count as an argument, and hide the first screen.
        command = command.mut_args(|arg| arg.env(None::<&str>));
    }
    if let [_, word] = &*words
        && word.as_encoded_bytes().starts_with(b"-")
    {
        // No command is given, so global options need not be copied into every command. The copies take a third of
        // the time of `rhub --version`.
        command = command.mut_args(|arg| arg.global(false));
    }
    let matches = command.try_get_matches_from_mut(&words).map_err(|error| {
        // The usage line counts options from the environment as required. Without them the error is the same, unless
        // one of them is the reason.
        let bare = without_variables(help::command()).try_get_matches_from(&words);
        bare.err().filter(|bare| bare.kind() == error.kind()).unwrap_or(error)
    })?;
    let cli = Cli::from_arg_matches(&matches)?;
    if let Command::Config(_) | Command::Logout = cli.command {
        return Ok((cli, None));
    }
    let (stored, extra) = match read(&cli.global, &command, &matches) {
        Ok(found) => found,
        Err(error) => return Ok((cli, Some(error))),
    };
    let mut cli = if extra.is_empty() {
        cli
    } else {
        let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
        words.splice(end..end, extra);
        Cli::from_arg_matches(&command.try_get_matches_from_mut(words)?)?
    };
    cli.global.stored = stored;
    let (command, matches) = innermost(&command, &matches);
    let options = command.get_arguments().filter_map(Arg::get_long);
    let sources = options.filter_map(|long| Some((long.to_owned(), source(command, matches, long)?)));
    cli.global.sources = sources.collect();
    Ok((cli, None))
}

fn without_variables(command: clap::Command) -> clap::Command {
    command.mut_args(|arg| arg.env(None::<&str>)).mut_subcommands(without_variables)
}

/// Whether the command fails if the profile is broken. Other commands repair or report it, or need no profile.
pub(crate) fn is_used_by(command: &Command) -> bool {
    match command {
        Command::Logout
        | Command::Config(_)
        | Command::Doctor
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Replay(_)
        | Command::Report(_)
        | Command::Test(_)
        | Command::Schema
        | Command::Help(_) => false,
        #[cfg(feature = "sim")]
        Command::Demo(_) | Command::Simulate(_) => false,
        _ => true,
    }
}

/// Checks a setting: its name, and its value if there is one.
///
/// # Errors
/// The problem with the setting.
pub(crate) fn check(name: &str, value: Option<&Value>) -> Result<(), Sentence> {
    let long = name.replace('_', "-");
    let command = help::command();
    let unknown = || say!("unknown option `{name}`", name);
    let arg = find(&command, &long).filter(|_| !NEVER.contains(&&*long)).ok_or_else(unknown)?;
    value.map_or(Ok(()), |value| words(arg, name, value).map(drop))
}

/// An option of any command, by its long name.
pub(super) fn find<'a>(command: &'a clap::Command, long: &str) -> Option<&'a Arg> {
    let own = command.get_arguments().find(|arg| arg.get_long() == Some(long));
    own.or_else(|| command.get_subcommands().find_map(|command| find(command, long)))
}

/// The key and the options of the profile.
fn read(
    global: &Global,
    command: &clap::Command,
    matches: &ArgMatches,
) -> Result<(Stored, Vec<OsString>), Error> {
    let file = ConfigFile::open(global)?;
    let name = file.name(global)?;
    // Login creates the profile and determines the site.
    let is_login = matches!(matches.subcommand_name(), Some("login"));
    let Some(profile) = file.profile(&name) else {
        return match &global.profile {
            _ if is_login => Ok((Stored::Nothing, Vec::new())),
            None => Ok((Stored::Nothing, Vec::new())),
            Some(_) => Err(unknown(&name)),
        };
    };
    let stored = stored(profile, &name);
    let extra =
        options(profile, command, matches, if is_login { &PAIRS[0] } else { &[] }).map_err(|why| {
            Error::usage(say!(
                "the profile `{name}` has an invalid setting: {why}",
                name = &name,
                why
            ))
            .hint(say!(
                "show it with `rhub config list --profile {name}`; change it with `rhub config set` or `unset`",
                name
            ))
        })?;
    Ok((stored, extra))
}

/// The key of a profile.
///
/// # Errors
/// If there is no such profile, or it has no key.
pub(crate) fn key_of(global: &Global, name: &str) -> Result<ApiKey, Error> {
    let file = ConfigFile::open(global)?;
    let profile = file.profile(name).ok_or_else(|| unknown(name))?;
    let Some((text, source)) = stored(profile, name).key()? else {
        return Err(Error::usage(say!("the profile `{name}` has no API key", name))
            .hint(say!("store one with `rhub login --profile {name}`", name)));
    };
    let key = key::parse(&text, source)?;
    secrets::learn(key.expose());
    Ok(key)
}

fn unknown(name: &str) -> Error {
    Error::usage(say!("profile `{name}` does not exist", name)).hint(say!(
        "create it with `rhub login --profile {name}`; `rhub config list` shows the existing ones",
        name
    ))
}

/// Where the key of a profile is stored.
fn stored(profile: &dyn TableLike, name: &str) -> Stored {
    let kind = profile.get(KEY_TYPE).and_then(Item::as_str).map(KeyKind::of);
    let name = name.to_owned();
    match (profile.get(API_KEY).and_then(Item::as_str), profile.get(KEYRING).and_then(Item::as_bool)) {
        (Some(key), _) => Stored::File { profile: name, key: Hidden::from(key.to_owned()), kind },
        (None, Some(true)) => Stored::Keyring { profile: name, kind },
        _ => Stored::Nothing,
    }
}

/// The settings as command-line arguments, for options that this command has and that are not set.
fn options(
    profile: &dyn TableLike,
    command: &clap::Command,
    matches: &ArgMatches,
    without: &[&str],
) -> Result<Vec<OsString>, Sentence> {
    let root = command;
    let (command, matches) = innermost(command, matches);
    // A command's own option that replaces a global one has another meaning.
    let is_known = |long: &str| root.get_arguments().any(|arg| arg.get_long() == Some(long));
    let is_meant = |arg: &&Arg| arg.is_global_set() || !is_known(arg.get_long().unwrap_or_default());
    let arg = |long: &str| command.get_arguments().find(|arg| arg.get_long() == Some(long)).filter(is_meant);
    let is_given = |long: &str| {
        let source = source(command, matches, long);
        matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
    };
    let mut found = Vec::new();
    for (name, item) in profile.iter().filter(|(name, _)| ![API_KEY, KEYRING, KEY_TYPE].contains(name)) {
        let value = item.as_value().ok_or_else(|| say!("`{name}` is a table", name))?;
        check(name, None)?;
        let long = name.replace('_', "-");
        let is_settled = match PAIRS.iter().find(|pair| pair.contains(&&*long)) {
            Some(pair) => pair.iter().any(|other| is_given(other)),
            None => is_given(&long),
        };
        if let Some(arg) = arg(&long).filter(|_| !is_settled && !without.contains(&&*long)) {
            found.extend(words(arg, name, value)?);
        }
    }
    Ok(found)
}

/// Where the value of an option of this command comes from.
fn source(command: &clap::Command, matches: &ArgMatches, long: &str) -> Option<ValueSource> {
    let arg = command.get_arguments().find(|arg| arg.get_long() == Some(long))?;
    matches.value_source(arg.get_id().as_str())
}

/// A setting as command-line arguments.
fn words(arg: &Arg, name: &str, value: &Value) -> Result<Vec<OsString>, Sentence> {
    let long = arg.get_long().unwrap_or_default();
    let values: Vec<&Value> = match value {
        Value::Array(values) => values.iter().collect(),
        value => vec![value],
    };
    let mut words = Vec::new();
    for value in values {
        let text =
            text(value).ok_or_else(|| say!("`{name}` must be text, a number, `true` or `false`", name))?;
        match (arg.get_action(), text.as_str()) {
            (ArgAction::SetTrue, "true") => words.push(format!("--{long}").into()),
            (ArgAction::SetTrue, "false") => {}
            (ArgAction::SetTrue, _) => return Err(say!("`{name}` must be `true` or `false`", name)),
            (ArgAction::Count, count) => {
                let count = count.parse::<u8>().map_err(|_| say!("`{name}` is out of range", name))?;
                words.extend((0..count).map(|_| format!("--{long}").into()));
            }
            (_, text) => words.push(format!("--{long}={text}").into()),
        }
    }
    // Parsed alone, so that the error mentions nothing else.
    let alone = clap::Command::new("rhub").no_binary_name(true).arg(arg.clone().env(None::<&str>));
    match alone.try_get_matches_from(&words) {
        Ok(_) => Ok(words),
        Err(error) => Err(lang::usage_sentence(&error)),
    }
}

/// The selected subcommand, with its matches.
fn innermost<'a>(command: &'a clap::Command, matches: &'a ArgMatches) -> (&'a clap::Command, &'a ArgMatches) {
    match matches.subcommand().and_then(|(name, inner)| Some((command.find_subcommand(name)?, inner))) {
        Some((command, inner)) => innermost(command, inner),
        None => (command, matches),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.value().clone()),
        Value::Integer(number) => Some(number.value().to_string()),
        Value::Float(number) => Some(number.value().to_string()),
        Value::Boolean(is) => Some(is.value().to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use toml_edit::DocumentMut;

    use super::*;

    /// The arguments that a profile adds to a command line.
    fn added(profile: &str, line: &str) -> Result<String, String> {
        let mut command = help::command().mut_args(|arg| arg.env(None::<&str>));
        let matches = command.try_get_matches_from_mut(line.split(' ')).expect("a command line");
        let profile: DocumentMut = profile.parse().expect("TOML");
        let words = options(profile.as_table(), &command, &matches, &[]).map_err(|why| why.to_string())?;
        Ok(words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_profile_supplies_options_that_were_not_given() {
        const PROFILE: &str = "api_key = 'k'\nsite = 'ai'\nout = 'results'\nset = ['6.seed=1', '6.steps=2']\nquiet = true\nyes = false\nverbose = 2";
        for (line, expected) in [
            ("rhub account", "--site=ai --quiet --verbose --verbose"),
            ("rhub run 1 --site cn -q -v", "--out=results --set=6.seed=1 --set=6.steps=2"),
            ("rhub run 1 --out . -s 1.a=b --base-url http://h -vq", ""),
            ("rhub workflow show 1", "--site=ai --quiet --verbose --verbose"),
        ] {
            assert_eq!(added(PROFILE, line).as_deref(), Ok(expected), "{line}");
        }
        assert_eq!(
            added("base_url = 'https://h'\njson = true", "rhub account --format plain --site cn").as_deref(),
            Ok("")
        );
        assert_eq!(added("base-url = 'https://h'", "rhub account").as_deref(), Ok("--base-url=https://h"));
    }

    #[test]
    fn invalid_settings_are_reported() {
        for (profile, expected) in [
            ("ot = 'x'", "unknown option `ot`"),
            ("api_key_file = 'x'", "unknown option `api_key_file`"),
            ("profile = 'x'", "unknown option `profile`"),
            ("quiet = 'maybe'", "`quiet` must be `true` or `false`"),
            ("site = 2020-01-01", "`site` must be text, a number, `true` or `false`"),
            ("[site]\na = 1", "`site` is a table"),
            ("site = 'com'", "invalid value 'com' for '--site <SITE>' [possible values: cn, ai]"),
            ("verbose = -1", "`verbose` is out of range"),
        ] {
            assert_eq!(added(profile, "rhub account"), Err(expected.to_owned()), "{profile}");
        }
    }
}
