//! The language of messages. Messages are English in the source; `zh.txt` has their Chinese translations. They are
//! translated when printed, so that no other code depends on the language. A message without a row stays English.
//! Help and usage errors have a table of their own, `help.zh.txt`.

mod help;
mod template;
mod usage;

use std::{
    borrow::Cow,
    env,
    sync::{LazyLock, OnceLock},
};

use clap::error::ErrorKind;

use self::template::Row;

/// Process-wide, since errors and panics can come from anywhere.
static LANG: OnceLock<Lang> = OnceLock::new();
static CHINESE: LazyLock<Vec<Row>> = LazyLock::new(|| template::rows(include_str!("lang/zh.txt")));

/// The language of messages, help included. JSON is always English.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Lang {
    #[default]
    En,
    Zh,
}

/// Sets the language: the given one, else that of the environment. Only the first call counts.
pub(crate) fn begin(named: Option<&str>) {
    let _ = LANG.set(named.map_or_else(|| of_environment(|name| env::var(name).ok()), Lang::of));
}

/// The message in the selected language.
pub(crate) fn say(text: &str) -> Cow<'_, str> {
    match LANG.get().copied().unwrap_or_default() {
        Lang::En => text.into(),
        Lang::Zh => template::translate(&CHINESE, text),
    }
}

/// Help or a usage error, with styles, if the language isn't clap's.
pub(crate) fn usage(error: &clap::Error) -> Option<String> {
    match (LANG.get()?, error.kind()) {
        (Lang::En, _) | (_, ErrorKind::DisplayVersion) => None,
        (Lang::Zh, ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand) => {
            help::chinese()
        }
        (Lang::Zh, _) => Some(usage::chinese(error)),
    }
}

impl Lang {
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
    use std::{fs, path::Path};

    use proptest::prelude::*;

    use super::*;

    fn zh(text: &str) -> String {
        template::translate(&CHINESE, text).into_owned()
    }

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
    fn every_code_has_a_meaning_and_a_hint_in_chinese() {
        for code in runninghub::Code::all() {
            let texts = [code.meaning(), code.hint()].map(|text| text.map(|text| text.to_string()));
            for english in texts.into_iter().flatten() {
                assert!(CHINESE.iter().any(|row| row.is_of(&english)), "{code}: {english}");
            }
        }
    }

    #[test]
    fn what_is_put_in_stays_and_causes_are_told_one_by_one() {
        for (english, chinese) in [
            (
                "cannot ask about the key: queue status: code 401, the key was not accepted (ApiKey verification failed)",
                "无法查询密钥：queue status：错误码 401，API 密钥未被接受（ApiKey verification failed）",
            ),
            ("create: code 9999 (new thing)", "create：错误码 9999（new thing）"),
            ("🔍 21st poll... (queued, 7 s)", "🔍 第 21 次查询…（排队中，7 秒）"),
            ("💰 Cost: 12 coins, 0.5 of the wallet, 35 s billed", "💰 费用：12 RH 币，钱包 0.5，计费 35 秒"),
            (
                "📈 Overall progress: 50.0% (5/10) - Current node: running (75.0%)",
                "📈 总进度：50.0% (5/10) - 当前节点：running (75.0%)",
            ),
            ("nothing: of the kind", "nothing: of the kind"),
            // The row with the most text of its own wins, even if the message contains a colon.
            (
                "nobody knows whether the task was created: it may run, and it may be charged: create: the connection broke",
                "不知道任务是否已创建：它可能正在运行，也可能已计费：create：连接中断",
            ),
            (
                "this is not a workflow that can be run: the workflow has no nodes",
                "这不是可运行的工作流：工作流没有节点",
            ),
            ("`10.image` takes no file of the type of ../x.mp3", "`10.image` 不接受 ../x.mp3 这种类型的文件"),
            ("cannot write to the folder /proc/x: denied", "无法写入文件夹 /proc/x: denied"),
            ("    text = \"what can be seen\"", "    text = \"what can be seen\""),
            ("", ""),
        ] {
            assert_eq!(zh(english), chinese);
        }
    }

    /// The code of every crate, without its tests.
    fn sources() -> Vec<String> {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut sources = Vec::new();
        let mut folders = vec![crates];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path())
            {
                let name = entry.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
                if entry.is_dir() && !["tests", "target", "lang"].contains(&&*name) {
                    folders.push(entry);
                } else if entry.extension().is_some_and(|kind| kind == "rs") {
                    let source = fs::read_to_string(entry).expect("text");
                    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                    // A string that continues on the next source line is one text.
                    let lines = code.split("\\\n").map(str::trim_start).collect::<Vec<_>>();
                    sources.push(lines.concat());
                }
            }
        }
        sources
    }

    /// The strings after a marker in the code, with `x` for interpolated values.
    fn texts<'s>(source: &'s str, mark: &'static str) -> impl Iterator<Item = String> + use<'s> {
        source.split(mark).skip(1).filter_map(|rest| {
            let code = rest.trim_start().trim_start_matches("format!(");
            let has_places = code.len() < rest.trim_start().len();
            let rest = code.trim_start().strip_prefix('"')?;
            let (mut text, mut depth, mut chars) = (String::new(), 0, rest.chars().peekable());
            while let Some(c) = chars.next() {
                match c {
                    '"' => return Some(text),
                    '\\' => text.push(if chars.next() == Some('n') { '\n' } else { '"' }),
                    '{' | '}' if !has_places => text.push(c),
                    '{' | '}' if chars.peek() == Some(&c) => text.extend(chars.next()),
                    '{' => depth += 1,
                    '}' => {
                        depth -= 1;
                        text.push('x');
                    }
                    c if depth == 0 => text.push(c),
                    _ => {}
                }
            }
            None
        })
    }

    #[test]
    fn what_went_wrong_and_what_helps_is_told_in_chinese() {
        let marks = ["Error::usage(", "Error::new(Exit::Refused, ", "hint(", "advice.push("];
        let sources = sources();
        let all = sources.iter().flat_map(|source| marks.iter().flat_map(|mark| texts(source, mark)));
        let all: Vec<String> = all.filter(|text| text.contains(' ')).collect();
        assert!(all.len() > 150, "{}", all.len());
        // These messages are translated as full sentences, including the interpolated text.
        let named = [
            "cannot read x x",
            "others can read x x",
            "the key of the profile cannot x",
            "this machine's clock is x",
        ];
        let is_told =
            |text: &&String| zh(text) != **text || named.iter().any(|known| text.starts_with(known));
        let missing: Vec<_> = all.iter().filter(|text| !is_told(text)).collect();
        assert!(missing.is_empty(), "{missing:#?}");
    }

    #[test]
    fn every_row_is_of_a_message_that_the_source_has() {
        let source = sources().concat();
        // The interpolated text of those sentences.
        let named = [
            ("{what}", "the API key file"),
            ("{what}", "the configuration"),
            ("{what}", "call models"),
            ("{what}", "wait in the personal queue"),
            ("{what}", "Connection lost, reconnecting"),
            ("{what}", "No connection yet, trying again"),
            ("{source}", "standard input"),
            ("{source}", "what was typed"),
        ];
        let source = source.replace("\\\"", "\"").replace("\\n", "\n");
        let source = source.clone() + &named.map(|(place, name)| source.replace(place, name)).concat();
        // Messages that the source composes from parts.
        let composed = [
            "Progress monitoring started",
            "Progress monitoring resumed",
            "Task failed",
            "the task is gone:",
            "1 API call",
            "the answer is not the API's but a page titled",
        ];
        let texts = CHINESE.iter().map(|row| row.longest().trim_matches(|c: char| !c.is_ascii_graphic()));
        let missing: Vec<&str> = texts
            .filter(|text| !source.contains(text) && !composed.iter().any(|known| text.starts_with(known)))
            .collect();
        assert!(missing.is_empty(), "{missing:#?}");
    }

    proptest! {
        #[test]
        fn any_text_is_told_and_never_lost(text in ".*") {
            prop_assert!(text.is_empty() || !zh(&text).is_empty());
        }
    }
}
