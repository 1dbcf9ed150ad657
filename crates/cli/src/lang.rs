//! The language of messages. A message is a [`Sentence`]: English in the source, keyed by its text. `zh.txt` has the
//! Chinese for each text, `en.txt` the binary's own English for texts of the libraries, which know no options. Help has
//! a table of its own, `help.zh.txt`.

mod help;
mod usage;

use std::{
    collections::HashMap,
    env,
    sync::{LazyLock, OnceLock},
};

use clap::error::ErrorKind;
use runninghub::Sentence;

pub(crate) use self::usage::with_values as usage_sentence;

/// Process-wide, since errors and panics can come from anywhere.
static LANG: OnceLock<Lang> = OnceLock::new();
static CHINESE: LazyLock<Table> = LazyLock::new(|| table(include_str!("lang/zh.txt")));
static ENGLISH: LazyLock<Table> = LazyLock::new(|| table(include_str!("lang/en.txt")));

/// Texts and their wordings.
type Table = HashMap<String, String>;

/// The language of messages, help included. JSON is always English.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Lang {
    #[default]
    En,
    Zh,
}

/// Sets the language: the given one, or else that of the environment. Only the first call counts.
pub(crate) fn begin(named: Option<&str>) {
    let _ = LANG.set(named.map_or_else(|| of_environment(|name| env::var(name).ok()), Lang::of));
}

/// The language's code, for documents.
pub(crate) fn code() -> &'static str {
    match LANG.get() {
        Some(Lang::Zh) => "zh",
        _ => "en",
    }
}

/// Words a sentence in the selected language.
pub(crate) fn word(sentence: &Sentence) -> String {
    LANG.get().copied().unwrap_or_default().word(sentence)
}

/// Reads a table: two lines for each row, blank lines between rows, comments with `#`, `\n` for a line break.
fn table(text: &str) -> Table {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut lines = lines.map(|line| line.replace("\\n", "\n"));
    std::iter::from_fn(|| lines.next().zip(lines.next())).collect()
}

/// The command line with its help pages in the selected language.
pub(crate) fn command() -> clap::Command {
    match LANG.get() {
        Some(Lang::Zh) => help::command(),
        _ => crate::help::command(),
    }
}

/// The command with its texts in the selected language, prepared for clap's layout; see [`finished`].
pub(crate) fn translated(command: clap::Command) -> clap::Command {
    if LANG.get() == Some(&Lang::Zh) { help::translated(command) } else { command }
}

/// Clap's output for a translated command.
pub(crate) fn finished(text: &str) -> String {
    if LANG.get() == Some(&Lang::Zh) { help::finished(text) } else { text.to_owned() }
}

/// A text of the help pages in the selected language.
pub(crate) fn help_word(text: &str) -> &str {
    if LANG.get() == Some(&Lang::Zh) { help::row(text) } else { text }
}

/// Help or a usage error, with styles, if the language isn't clap's.
pub(crate) fn usage(error: &clap::Error) -> Option<String> {
    match (LANG.get()?, error.kind()) {
        (Lang::En, _) | (_, ErrorKind::DisplayVersion) => None,
        (Lang::Zh, ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand) => {
            help::requested()
        }
        (Lang::Zh, _) => Some(usage::chinese(error)),
    }
}

impl Lang {
    fn word(self, sentence: &Sentence) -> String {
        let table = match self {
            Self::En => &ENGLISH,
            Self::Zh => &CHINESE,
        };
        sentence.worded(&|text| table.get(text).map(String::as_str))
    }

    /// `zh`, `zh_CN.UTF-8` and the like are Chinese, everything else is English.
    fn of(name: &str) -> Self {
        let is_chinese = name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("zh"));
        if is_chinese { Self::Zh } else { Self::En }
    }
}

/// As in POSIX: the first of these that is not empty.
fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Lang {
    let names = ["LC_ALL", "LC_MESSAGES", "LANG"];
    let named = names.into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    named.map_or(Lang::En, |name| Lang::of(&name))
}

#[cfg(test)]
mod tests {
    use runninghub::say;

    use super::*;

    #[test]
    fn the_environment_names_a_language() {
        let of = |pairs: &[(&str, &str)]| {
            of_environment(|name| {
                pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(of(&[]), Lang::En);
        assert_eq!(of(&[("LANG", "zh_CN.UTF-8")]), Lang::Zh);
        assert_eq!(of(&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "C")]), Lang::En);
        assert_eq!(of(&[("LANG", "C"), ("LC_ALL", ""), ("LC_MESSAGES", "zh")]), Lang::Zh);
        assert_eq!(of(&[("LANG", "z")]), Lang::En);
    }

    #[test]
    fn chinese_has_wide_punctuation_and_a_space_beside_latin_text() {
        for chinese in CHINESE.values().chain(help::ROWS.values()) {
            let is_han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
            // Text between backticks is literal input.
            let parts = chinese.split('`').enumerate();
            let prose = parts.map(|(at, part)| if at % 2 == 0 { part } else { "x" }).collect::<Vec<_>>();
            let chars: Vec<char> = prose.join("`").chars().collect();
            for pair in chars.windows(2) {
                let &[a, b] = pair else { continue };
                let is_latin = |c: char| c.is_ascii_alphanumeric() || "`-".contains(c);
                assert!(
                    !(is_han(a) && is_latin(b) || is_latin(a) && is_han(b)),
                    "a space between {a} and {b}: {chinese}"
                );
                assert!(!(is_han(a) && ",;:!?()".contains(b)), "{b} in half width: {chinese}");
                assert!(!("，。；：、（）".contains(a) && b == ' '), "a space behind {a}: {chinese}");
                assert!(!("，。；：、（）".contains(b) && a == ' '), "a space before {b}: {chinese}");
            }
        }
    }

    #[test]
    fn the_facts_of_a_sentence_are_worded_with_it() {
        let sentence = say!("❌ {failure}", failure = say!("Task {task} submitted", task = "1"));
        assert_eq!(Lang::Zh.word(&sentence), "❌ 任务 1 已提交");
        assert_eq!(Lang::En.word(&sentence), "❌ Task 1 submitted");
        assert_eq!(Lang::Zh.word(&Sentence::verbatim("queued")), "queued", "a server's word stays");
    }
}
