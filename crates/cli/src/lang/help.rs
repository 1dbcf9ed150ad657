//! Help in Chinese: the texts of the command tree are replaced before clap lays them out, clap's own words after
//! that.

use std::{env, sync::LazyLock};

use clap::{Arg, Command, CommandFactory as _};

use crate::{args::Cli, cells, help, terminal};

/// English to Chinese.
pub(super) static ROWS: LazyLock<super::Table> = LazyLock::new(|| super::table(include_str!("help.zh.txt")));

/// Texts of clap that cannot be configured.
const FIXED: [&str; 8] = [
    "Usage:",
    "Commands:",
    "Arguments:",
    "Options:",
    "Options of every command:",
    "[OPTIONS]",
    "<COMMAND>",
    "[COMMAND]",
];

/// Notes that clap appends to an argument's help.
const VARIABLE: &str = "[env: {}]";
const DEFAULT: &str = "[default: {}]";
pub(super) const VALUES: &str = "[possible values: {}]";

/// A line must not begin with one of these.
const CLOSING: &str = "，。、；：）？！)]}`'\n";
/// Fills the second cell of a wide character where a line must not break.
const GLUE: char = '\u{e000}';

/// The help that the command line requests, with styles. `None` if it requests none.
pub(super) fn requested() -> Option<String> {
    // The value of a variable would count as an argument, and hide the first screen.
    let command = command().mut_args(|arg| arg.env(None::<&str>));
    let error = command.try_get_matches_from(env::args_os()).err()?;
    Some(finished(&error.render().ansi().to_string()))
}

/// The command line with its help in Chinese.
pub(super) fn command() -> Command {
    let mut command = help::without_globals(Cli::command());
    // Adds clap's texts for `--help` and `--version`.
    command.build();
    help::with_pages(translated(command), help::Wording { word: row, fitted: spaced, finished })
}

/// Clap's output, with its own words in Chinese and without the marks of [`translated`].
pub(super) fn finished(text: &str) -> String {
    with_words(&tight(text))
}

/// The text in Chinese, or unchanged if it has no row.
pub(super) fn row(english: &str) -> &str {
    ROWS.get(english).map_or(english, String::as_str)
}

/// The text in Chinese, with its placeholders filled.
pub(super) fn fill(english: &str, values: &[&str]) -> String {
    let mut parts = row(english).split("{}");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (value, part) in values.iter().zip(parts) {
        text.push_str(value);
        text.push_str(part);
    }
    text
}

/// Replaces clap's own words by Chinese ones.
pub(super) fn with_words(text: &str) -> String {
    let text = FIXED.iter().fold(text.to_owned(), |text, word| text.replace(word, row(word)));
    // A wide colon includes its space.
    text.replace("：\x1b[0m ", "：\x1b[0m")
}

/// The command with its texts in Chinese, prepared for clap's layout.
pub(super) fn translated(command: Command) -> Command {
    // The last character of a line may take one cell more than clap counts.
    let columns = terminal::size().0.min(100).saturating_sub(1);
    let about = command.get_about().map(|text| spaced(row(&text.to_string())));
    let notes = command.get_after_long_help().map(|text| spaced(row(&text.to_string())));
    let mut command = command.term_width(columns).mut_args(with_help).mut_subcommands(translated);
    if let Some(about) = about {
        command = command.about(about);
    }
    if let Some(notes) = notes {
        command = command.after_long_help(notes);
    }
    command
}

/// An argument with its help in Chinese, including the notes that clap would append in English.
fn with_help(arg: Arg) -> Arg {
    let notes = [vec![String::new()], notes(&arg)].concat().join(" ");
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let short = row(&help).to_owned() + &notes;
    let long = arg.get_long_help().map(|long| {
        let long = long.to_string();
        match long.strip_prefix(&help) {
            Some(detail) => format!("{}\n\n{}{notes}", row(&help), row(detail.trim_start())),
            None => row(&long).to_owned() + &notes,
        }
    });
    let takes_values = arg.get_action().takes_values();
    let arg = arg.help(spaced(&short)).hide_env(true);
    let arg = arg.hide_default_value(takes_values).hide_possible_values(takes_values);
    match long {
        Some(long) => arg.long_help(spaced(&long)),
        None => arg,
    }
}

/// The variable of an argument, its default, and its possible values, if they are shown.
fn notes(arg: &Arg) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(name) = arg.get_env().filter(|_| !arg.is_hide_env_set()) {
        let mut shown = name.to_string_lossy().into_owned();
        if !arg.is_hide_env_values_set() {
            shown.push('=');
            shown.push_str(&env::var_os(name).unwrap_or_default().to_string_lossy());
        }
        notes.push(fill(VARIABLE, &[&shown]));
    }
    let defaults = arg.get_default_values();
    if arg.get_action().takes_values() && !defaults.is_empty() && !arg.is_hide_default_value_set() {
        let defaults: Vec<_> = defaults.iter().map(|value| value.to_string_lossy()).collect();
        notes.push(fill(DEFAULT, &[&defaults.join(" ")]));
    }
    let values = arg.get_possible_values();
    if !values.is_empty() && !arg.is_hide_possible_values_set() {
        let names: Vec<_> = values.iter().map(clap::builder::PossibleValue::get_name).collect();
        notes.push(fill(VALUES, &[&names.join("、")]));
    }
    notes
}

/// clap counts every character as one cell, and breaks lines at spaces only. A second character after each wide one
/// fixes both: a space where a line may break, [`GLUE`] elsewhere, as in the name of a note. [`tight`] removes them.
fn spaced(text: &str) -> String {
    let mut spaced = String::new();
    let mut chars = text.chars().peekable();
    let mut in_note = false;
    while let Some(c) = chars.next() {
        spaced.push(c);
        in_note = c == '[' || in_note && c != ']';
        if cells::cell(c) > 1 {
            let may_break = if in_note { "，、".contains(c) } else { c != '（' }
                && chars.peek().is_some_and(|next| !CLOSING.contains(*next));
            spaced.push(if may_break { ' ' } else { GLUE });
        }
    }
    spaced
}

fn tight(text: &str) -> String {
    let mut tight = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        tight.push(c);
        if cells::cell(c) > 1 {
            chars.next_if(|next| [' ', GLUE].contains(next));
        }
    }
    tight
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every English text of a command, its arguments and its subcommands.
    fn texts(command: &Command, found: &mut BTreeSet<String>) {
        let of_command = [
            command.get_about(),
            command.get_long_about(),
            command.get_after_help(),
            command.get_after_long_help(),
        ];
        found.extend(of_command.into_iter().flatten().map(ToString::to_string));
        for arg in command.get_arguments() {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            let long = arg.get_long_help().map(ToString::to_string).unwrap_or_default();
            let detail = long.strip_prefix(&help).unwrap_or(&long).trim_start();
            found.extend(
                [help.as_str(), detail].iter().filter(|text| !text.is_empty()).map(ToString::to_string),
            );
            found.extend(arg.get_help_heading().map(|heading| format!("{heading}:")));
            let values = arg.get_possible_values();
            found.extend(values.iter().filter_map(|value| value.get_help()).map(ToString::to_string));
        }
        command.get_subcommands().for_each(|command| texts(command, found));
    }

    fn all_texts() -> BTreeSet<String> {
        let mut command = Cli::command();
        command.build();
        let mut found = BTreeSet::new();
        texts(&command, &mut found);
        found.extend(help::texts().into_iter().map(str::to_owned));
        found
    }

    #[test]
    fn every_text_of_the_command_line_is_in_the_catalogue() {
        let texts = all_texts();
        assert!(texts.len() > 150, "{}", texts.len());
        let missing: Vec<_> = texts.iter().filter(|text| !ROWS.contains_key(*text)).collect();
        assert!(missing.is_empty(), "{missing:#?}");
    }

    /// Texts about the command line from clap.
    #[cfg(all(feature = "preview", feature = "sim"))]
    const ELSEWHERE: [&str; 3] = [
        "'{}' exists",
        "subcommand '{}' exists; to use it, remove the '{}' before it",
        "to pass '{}' as a value, use '{}'",
    ];

    #[cfg(all(feature = "preview", feature = "sim"))]
    #[test]
    fn every_row_is_of_a_text_that_can_appear() {
        let mut texts = all_texts();
        let fixed = [&FIXED[..], &ELSEWHERE, &[VARIABLE, DEFAULT, VALUES], &super::super::usage::TEXTS];
        texts.extend(fixed.concat().into_iter().map(str::to_owned));
        let left: Vec<_> = ROWS.keys().filter(|text| !texts.contains(*text)).collect();
        assert!(left.is_empty(), "{left:#?}");
        let lines = include_str!("help.zh.txt").lines();
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        assert_eq!(lines, ROWS.len() * 2, "a text has two rows");
    }

    /// Texts that stay the same in Chinese: names, and literal input or output.
    const NAMES: &[&str] = &[
        "AI",
        "API",
        "ASCII",
        "CI",
        "COMMAND",
        "ComfyUI",
        "Ctrl-C",
        "FIELD",
        "FILE",
        "GB",
        "GiB",
        "HTTP",
        "ID",
        "JSON",
        "KEY",
        "Lines",
        "LoRA",
        "MB",
        "NAME",
        "NODE",
        "PEM",
        "RHLoraLoader",
        "RunningHub",
        "SIGTERM",
        "SSIM",
        "Schema",
        "UTF-8",
        "VALUE",
        "WebSocket",
        "Webhook",
        "XML",
        "YOUR-HOST",
        "ZIP",
        "absent",
        "accepted",
        "bash",
        "bashrc",
        "cancelled",
        "cn",
        "completions",
        "docs",
        "done",
        "echo",
        "environment",
        "exit-codes",
        "ext",
        "failed",
        "gone",
        "help",
        "human",
        "json",
        "max",
        "md",
        "n",
        "name",
        "node",
        "nodeInfoList",
        "options",
        "output",
        "plain",
        "progress",
        "refused",
        "rhub",
        "shell",
        "source",
        "subfolder",
        "submitting",
        "task",
        "today",
        "unknown",
        "v2",
        "waiting",
        "yesterday",
    ];

    #[test]
    fn chinese_has_no_english_words_but_names() {
        let mut found = BTreeSet::new();
        for chinese in ROWS.values() {
            // Examples, and text between backticks, are literal input.
            let lines = chinese.lines().filter(|line| !line.starts_with("  rhub "));
            let prose = lines.flat_map(|line| line.split('`').step_by(2)).collect::<Vec<_>>().join(" ");
            let words = prose.split(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c));
            let words = words.filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()));
            found.extend(words.map(str::to_owned));
        }
        found.retain(|word| !["RUNNINGHUB_", "WEBHOOK_"].iter().any(|start| word.starts_with(start)));
        assert_eq!(found, NAMES.iter().map(|name| (*name).to_owned()).collect());
    }

    #[test]
    fn every_row_has_chinese_in_it() {
        for chinese in ROWS.values() {
            assert!(chinese.contains(|c: char| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{chinese}");
        }
    }

    #[test]
    fn both_texts_of_a_row_have_the_same_places_and_quotes() {
        for (english, chinese) in &*ROWS {
            assert_eq!(english.matches("{}").count(), chinese.matches("{}").count(), "{english}");
            for option in english.split([' ', ',', ';']).filter(|word| word.starts_with("--")) {
                assert!(
                    chinese.contains(option.trim_matches(|c: char| !c.is_ascii_alphanumeric())),
                    "{english}: {option}"
                );
            }
            for quoted in english.split('`').skip(1).step_by(2) {
                assert!(chinese.contains(&format!("`{quoted}`")), "{english}: {quoted}");
            }
        }
    }

    #[test]
    fn wide_characters_take_two_of_clap_and_come_out_alone() {
        for text in ["", "任务 ID", "显示（`rhub login`）。\n下一行", "[默认：cn]", "abc def"] {
            let made = spaced(text);
            assert_eq!(made.chars().filter(|c| *c != '\n').count(), cells::width(text), "{text}");
            assert_eq!(tight(&made), text);
        }
        assert!(!spaced("任务，").contains("务 ") && !spaced("（任").contains("（ "));
    }
}
