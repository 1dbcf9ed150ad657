//! Words that users type out of habit, and the corresponding commands.

use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use runninghub::{Sentence, say};

/// Words of other tools.
const HABITS: [(&str, &str); 24] = [
    ("abort", "cancel"),
    ("attach", "watch"),
    ("auth", "login"),
    ("balance", "account"),
    ("exec", "run"),
    ("fetch", "download"),
    ("follow", "watch"),
    ("get", "download"),
    ("history", "tasks"),
    ("init", "login"),
    ("inspect", "workflow show"),
    ("kill", "cancel"),
    ("list", "tasks"),
    ("logs", "watch"),
    ("ls", "tasks"),
    ("ps", "tasks"),
    ("results", "outputs"),
    ("show", "workflow show"),
    ("signin", "login"),
    ("start", "run"),
    ("stop", "cancel"),
    ("submit", "run"),
    ("version", "--version"),
    ("whoami", "account"),
];

/// The command that an unknown one probably means.
pub(crate) fn meant(error: &clap::Error) -> Option<Sentence> {
    let (ErrorKind::InvalidSubcommand, Some(ContextValue::String(word))) =
        (error.kind(), error.get(ContextKind::InvalidSubcommand))
    else {
        return None;
    };
    let command = if runs(word) {
        format!("run {word}")
    } else {
        let (_, command) = HABITS.iter().find(|(habit, _)| habit == word)?;
        (*command).to_owned()
    };
    Some(say!("did you mean `rhub {command}`?", command))
}

/// Whether it can be run: an id, a page, or a workflow file.
fn runs(word: &str) -> bool {
    let is_id = word.len() > 8 && word.bytes().all(|byte| byte.is_ascii_digit());
    let is_json = Path::new(word).extension().is_some_and(|extension| extension == "json");
    is_id || word.starts_with("https://") || is_json || Path::new(word).is_file()
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;
    use crate::help;

    fn hint(word: &str) -> Option<String> {
        let error = help::command().try_get_matches_from(["rhub", word]).expect_err("no command");
        meant(&error).map(|hint| hint.to_string())
    }

    #[test]
    fn habits_lead_to_commands_that_exist() {
        let command = help::command();
        let names: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
        for (habit, meant) in HABITS {
            assert!(!names.contains(&habit), "{habit} is a command");
            let first = meant.split(' ').next().unwrap_or_default();
            assert!(first == "--version" || names.contains(&first), "{meant}");
            assert_eq!(hint(habit), Some(format!("did you mean `rhub {meant}`?")));
        }
    }

    #[test]
    fn ids_pages_and_files_are_runs() {
        for word in ["1904136902449209346", "https://www.runninghub.cn/post/1904136902449209346", "flow.json"]
        {
            assert_eq!(hint(word), Some(format!("did you mean `rhub run {word}`?")));
        }
        assert_eq!((hint("12"), hint("zzz")), (None, None));
    }
}
