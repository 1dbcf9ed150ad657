//! The language before the command line is parsed: help and usage errors need it.

use std::{env, ffi::OsString};

use clap::{Args as _, FromArgMatches as _};

use super::ConfigFile;
use crate::args::Global;

/// The options that determine the language.
const NAMES: [&str; 3] = ["lang", "profile", "config"];

/// The language from the command line, its variable or the profile. `None` if there is none, or if it cannot be read.
pub(crate) fn language() -> Option<String> {
    let command = clap::Command::new("rhub").no_binary_name(true).args_override_self(true);
    let command = Global::augment_args(command).mut_args(|arg| {
        // An invalid value for another option must not change the language.
        if NAMES.contains(&arg.get_id().as_str()) { arg } else { arg.env(None::<&str>) }
    });
    let matches = command.try_get_matches_from(given(env::args_os().skip(1))).ok()?;
    let global = Global::from_arg_matches(&matches).ok()?;
    global.lang.clone().or_else(|| {
        let file = ConfigFile::open(&global).ok()?;
        let name = file.name(&global).ok()?;
        file.get(&name, "lang")?.as_str().map(str::to_owned)
    })
}

/// The arguments that belong to these options.
fn given(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words = words.take_while(|word| word != "--");
    let mut given = Vec::new();
    while let Some(word) = words.next() {
        let long = word.to_str().and_then(|word| word.strip_prefix("--")).unwrap_or_default();
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        if NAMES.contains(&name) {
            let next = if value.is_none() { words.next() } else { None };
            given.push(word);
            given.extend(next);
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_options_that_settle_the_language_are_read() {
        for (line, expected) in [
            ("--lang zh --help", "--lang zh"),
            ("run 1 --nonsense --lang=zh --profile work -x", "--lang=zh --profile work"),
            ("--language zh --config=a --lang", "--config=a --lang"),
            ("webhook listen --exec x -- --lang zh", ""),
        ] {
            let words = given(line.split(' ').map(OsString::from));
            assert_eq!(words.join(" ".as_ref()), expected, "{line}");
        }
    }
}
