//! The output of `rhub`, `-h`, `--help` and `rhub help`: the first screen, examples below each command, and topics.

mod examples;
mod habits;
mod topics;

use std::fmt::Write as _;

use anstyle::{Effects, Style};
use clap::{Command, CommandFactory as _};

use crate::{args::Cli, cells, lang};

pub(crate) use self::habits::meant;
pub(crate) use self::topics::{TOPICS, topic};

const HEADER: Style = Style::new().effects(Effects::BOLD.insert(Effects::UNDERLINE));
const LITERAL: Style = Style::new().effects(Effects::BOLD);

/// The commands, grouped as the first screen shows them.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Run", &["run", "rerun", "app", "model", "quick", "batch"]),
    ("Tasks", &["tasks", "watch", "status", "outputs", "download", "cancel", "open", "resolve"]),
    ("Inputs", &["workflow", "upload", "lora", "assets", "resources"]),
    ("Account", &["login", "logout", "account", "queue", "config", "doctor"]),
    ("Offline", &["demo", "simulate", "replay", "report", "test"]),
    ("Tools", &["webhook", "schema", "completions", "man", "help"]),
];

/// The first steps on the first screen.
const STEPS: [(&str, &str); 5] = [
    ("rhub demo", "try it without a key"),
    ("rhub login", "store your API key"),
    ("rhub run ID -s 6.text=\"a cat\" -o results", "run a workflow"),
    ("rhub download -o results", "download the latest results"),
    ("rhub tasks", "list what you have run"),
];

const MORE: &str = "More: rhub COMMAND -h, and rhub help options, environment, exit-codes, output";
const EXAMPLES: &str = "Examples:";
const FOOTER: &str = "Options of every command: rhub help options";

/// The texts of the pages in a language.
#[derive(Clone, Copy)]
pub(crate) struct Wording {
    /// The text in the language.
    pub(crate) word: fn(&str) -> &str,
    /// Prepares a text for clap's layout.
    pub(crate) fitted: fn(&str) -> String,
    /// The reverse of `fitted`.
    pub(crate) finished: fn(&str) -> String,
}

/// The command line in English, with its help pages.
pub(crate) fn command() -> Command {
    with_pages(
        without_globals(Cli::command()),
        Wording { word: |text| text, fitted: str::to_owned, finished: str::to_owned },
    )
}

/// Hides global options and variable names, which the topics explain.
pub(crate) fn without_globals(command: Command) -> Command {
    fn without_variables(command: Command) -> Command {
        command.mut_args(|arg| arg.hide_env(true)).mut_subcommands(without_variables)
    }
    without_variables(command).mut_args(|arg| {
        let is_global = arg.is_global_set();
        arg.hide_short_help(is_global).hide_long_help(is_global)
    })
}

/// Adds the first screen and the texts below each command, in the language of the command's own texts.
pub(crate) fn with_pages(command: Command, words: Wording) -> Command {
    let (short, long) = (first_screen(&command, words), overview(&command, words));
    let command = command.mut_subcommands(|command| {
        let path = command.get_name().to_owned();
        with_examples(command, &path, words)
    });
    // The template leaves out clap's own list of commands.
    command.help_template("{before-help}").before_help(short).before_long_help(long)
}

/// The help page of a command, in the selected language. `None` if there is no such command.
pub(crate) fn page(path: &[String]) -> Option<String> {
    let mut tree = lang::command();
    // Names the commands in full in their usage lines.
    tree.build();
    let mut command = &mut tree;
    for name in path {
        command = command.find_subcommand_mut(name)?;
    }
    Some(lang::finished(&command.render_long_help().ansi().to_string()))
}

fn with_examples(command: Command, path: &str, words: Wording) -> Command {
    let mut text = String::new();
    if let Some(lines) = examples::of(path) {
        let _ = writeln!(text, "{HEADER}{}{HEADER:#}", (words.word)(EXAMPLES));
        for line in lines {
            let _ = writeln!(text, "  {line}");
        }
        text.push('\n');
    }
    text.push_str((words.word)(FOOTER));
    let notes = command.get_after_long_help().map(|notes| format!("{}\n\n", notes.ansi()));
    let long = notes.unwrap_or_default() + &(words.fitted)(&text);
    let command = command.after_help((words.fitted)(&text)).after_long_help(long);
    command.mut_subcommands(|command| {
        let path = format!("{path} {}", command.get_name());
        with_examples(command, &path, words)
    })
}

/// The output of `rhub` alone: one screen.
fn first_screen(command: &Command, words: Wording) -> String {
    let mut text = beginning(command, words);
    for (group, names) in GROUPS {
        let group = cells::column((words.word)(group), 10);
        let names: Vec<_> = names.iter().filter(|name| is_there(command, name)).copied().collect();
        let _ = writeln!(text, "  {LITERAL}{group}{LITERAL:#}{}", names.join("  "));
    }
    let _ = write!(text, "\n{}", (words.word)(MORE));
    (words.fitted)(&text)
}

/// The output of `rhub --help`: every command with its description.
fn overview(command: &Command, words: Wording) -> String {
    let mut text = beginning(command, words);
    for (group, names) in GROUPS {
        let _ = writeln!(text, "{HEADER}{}{HEADER:#}", (words.word)(group));
        for name in names {
            let Some(about) = command.find_subcommand(name).and_then(Command::get_about) else { continue };
            let _ =
                writeln!(text, "  {LITERAL}{name:<13}{LITERAL:#}{}", (words.finished)(&about.to_string()));
        }
        text.push('\n');
    }
    let _ = write!(text, "{}", (words.word)(MORE));
    (words.fitted)(&text)
}

fn beginning(command: &Command, words: Wording) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION");
    let mut text = format!("{LITERAL}rhub {version}{LITERAL:#}  {}\n\n", (words.finished)(&about));
    for (line, what) in STEPS {
        let _ = writeln!(text, "  {LITERAL}{line:<42}{LITERAL:#}{}", (words.word)(what));
    }
    text.push('\n');
    text
}

/// The texts of the pages, apart from those of commands and options.
#[cfg(test)]
pub(crate) fn texts() -> Vec<&'static str> {
    let groups = GROUPS.iter().map(|(name, _)| *name);
    let steps = STEPS.iter().map(|(_, what)| *what);
    groups.chain(steps).chain([EXAMPLES, MORE, FOOTER]).chain(topics::texts()).collect()
}

/// Builds without the simulator lack its commands.
fn is_there(command: &Command, name: &str) -> bool {
    name == "help" || command.find_subcommand(name).is_some()
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches as _;

    use super::*;

    fn all(command: &Command, path: &str, found: &mut Vec<String>) {
        for command in command.get_subcommands() {
            let path = format!("{path} {}", command.get_name()).trim_start().to_owned();
            all(command, &path, found);
            found.push(path);
        }
    }

    #[test]
    fn every_command_is_in_one_group() {
        let mut grouped: Vec<_> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
        grouped.sort_unstable();
        let command = command();
        let mut names: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
        names.sort_unstable();
        assert_eq!(grouped, names);
    }

    #[test]
    fn every_command_that_runs_has_valid_examples() {
        let command = command();
        let mut paths = Vec::new();
        all(&command, "", &mut paths);
        for path in &paths {
            let is_parent = paths.iter().any(|other| other.starts_with(&format!("{path} ")));
            assert!(is_parent || examples::of(path).is_some(), "`rhub {path}` has no example");
            for line in examples::of(path).unwrap_or_default() {
                assert!(line.contains(&format!("rhub {path}")), "{path}: {line}");
                let line = line.split(" | ").find(|part| part.starts_with("rhub")).unwrap_or_default();
                let line = line.split(" < ").next().unwrap_or_default();
                let words = line.split(' ').map(|word| word.replace(['"', '\''], ""));
                let matches = command.clone().try_get_matches_from(words);
                let cli = matches.and_then(|matches| Cli::from_arg_matches(&matches));
                assert!(cli.is_ok(), "{line}: {}", cli.err().map(|e| e.to_string()).unwrap_or_default());
            }
        }
    }
}
