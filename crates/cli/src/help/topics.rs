//! Topics of `rhub help`, for all commands.

use std::fmt::Write as _;

use clap::Args as _;

use super::HEADER;
use crate::{args::Global, cells, lang};

/// Their names.
pub(crate) const TOPICS: [&str; 4] = ["options", "environment", "exit-codes", "output"];

const EXIT_CODES_TITLE: &str = "Exit codes:";
const EXIT_CODES: [(&str, &str); 11] = [
    ("0", "done"),
    ("1", "the task failed or was cancelled, or a test failed"),
    ("2", "usage or configuration error; nothing was sent"),
    ("3", "network error, or server unreachable"),
    ("4", "rejected: key, balance, quota, validation"),
    ("5", "unknown whether the task was created; it may have been charged"),
    ("6", "stopped waiting; the task is still running"),
    ("7", "some of several failed"),
    ("8", "the task succeeded, but not all results were saved"),
    ("9", "local storage or disk error"),
    ("130, 143", "interrupted by Ctrl-C or SIGTERM; the task continues"),
];

const INTERRUPTED: &str = "After an interrupt, rhub ends by the signal itself, so that shell loops stop too.\nThe `result` line of --format json still reports 130 or 143.";

const VARIABLES_TITLE: &str = "Environment variables:";
/// Variables other than those of the options of every command.
const VARIABLES: [(&str, &str); 14] = [
    ("RUNNINGHUB_API_KEY", "API key"),
    ("RUNNINGHUB_SERVER_AUTH", "Login of the ComfyUI server"),
    ("RUNNINGHUB_OUT", "Folder for results, as --out"),
    ("RUNNINGHUB_TIMEOUT", "Stop waiting after this long, as --timeout"),
    ("RUNNINGHUB_CREATE_TIMEOUT", "Timeout of the submit, as --create-timeout"),
    ("RUNNINGHUB_WEBHOOK", "URL to call when the task ends, as --webhook"),
    ("RUNNINGHUB_TIME_SCALE", "Factor for built-in waits [default: 1]"),
    ("COMFY_API_KEY", "API key for partner nodes of a ComfyUI server"),
    ("HTTPS_PROXY, HTTP_PROXY", "Proxy, unless --proxy is given"),
    ("NO_PROXY", "Hosts to reach without a proxy"),
    ("LC_ALL, LC_MESSAGES, LANG", "Language, unless --lang is given"),
    ("NO_COLOR", "No colors"),
    ("CI", "No live display"),
    ("TERM", "No live display if it is `dumb`"),
];

const PRECEDENCE: &str = "Precedence: command-line option, environment variable, profile, default.\nEmpty variables count as unset.";

const FORMATS_TITLE: &str = "Output formats:";
const FORMATS: [(&str, &str); 3] = [
    ("human", "a live display; the default on a terminal"),
    ("plain", "one line per event; the default elsewhere"),
    ("json", "one JSON object per line, `rhub schema` prints its JSON Schema; also --json"),
];

const OUTPUT: &str = "Results go to stdout. With --format json, nothing else does, and the last line is\nalways the `result`. Hints, warnings and the log go to stderr. -q prints only\nresults and errors; with --detach, only the task id.";

/// Every text of the topics.
#[cfg(test)]
pub(super) fn texts() -> impl Iterator<Item = &'static str> {
    let tables = [&VARIABLES[..], &EXIT_CODES, &FORMATS].concat().into_iter().map(|(_, what)| what);
    tables.chain([VARIABLES_TITLE, EXIT_CODES_TITLE, FORMATS_TITLE, INTERRUPTED, PRECEDENCE, OUTPUT])
}

/// The text of a topic, in the selected language, with styles.
pub(crate) fn topic(name: &str) -> Option<String> {
    let word = lang::help_word;
    let mut text = String::new();
    let header = |text: &mut String, words: &str| {
        let _ = writeln!(text, "{HEADER}{}{HEADER:#}", word(words));
    };
    match name {
        "options" => text = options(),
        "environment" => {
            header(&mut text, VARIABLES_TITLE);
            let mut rows: Vec<_> =
                VARIABLES.map(|(name, what)| (name.to_owned(), word(what).to_owned())).to_vec();
            rows.extend(options_with_variables());
            rows.sort_by_key(|(name, _)| !name.starts_with("RUNNINGHUB_"));
            table(&mut text, &rows);
            let _ = write!(text, "\n{}", word(PRECEDENCE));
        }
        "exit-codes" => {
            header(&mut text, EXIT_CODES_TITLE);
            table(&mut text, &EXIT_CODES.map(|(code, what)| (code.to_owned(), word(what).to_owned())));
            let _ = write!(text, "\n{}", word(INTERRUPTED));
        }
        "output" => {
            header(&mut text, FORMATS_TITLE);
            table(&mut text, &FORMATS.map(|(name, what)| (name.to_owned(), word(what).to_owned())));
            let _ = write!(text, "\n{}", word(OUTPUT));
        }
        _ => return None,
    }
    Some(text)
}

fn options() -> String {
    let command = Global::augment_args(clap::Command::new("rhub"));
    let command = command.disable_help_flag(true).help_template("{all-args}");
    let mut command = lang::translated(command.mut_args(|arg| arg.hide_env_values(true)));
    let text = command.render_long_help().ansi().to_string();
    lang::finished(&text)
}

fn options_with_variables() -> Vec<(String, String)> {
    let command = Global::augment_args(clap::Command::new("rhub"));
    let rows = command.get_arguments().filter_map(|arg| {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        Some((arg.get_env()?.to_string_lossy().into_owned(), lang::help_word(&help).to_owned()))
    });
    rows.collect()
}

fn table(text: &mut String, rows: &[(String, String)]) {
    let width = rows.iter().map(|(name, _)| cells::width(name)).max().unwrap_or_default();
    for (name, what) in rows {
        let _ = writeln!(text, "  {}{what}", cells::column(name, width + 2));
    }
}
