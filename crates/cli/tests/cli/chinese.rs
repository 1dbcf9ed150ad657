//! Help and errors of the command line in Chinese.

use std::{fmt::Write as _, fs};

use unicode_width::UnicodeWidthStr as _;

use crate::{
    common::{Rhub, folder, rhub, snap},
    help::commands,
};

fn chinese<'a>(args: impl IntoIterator<Item = &'a str>) -> Rhub {
    rhub(args).env("LANG", "zh_CN.UTF-8")
}

#[test]
fn help_of_every_command_is_chinese_and_fits_80_columns() {
    let mut pages: Vec<Vec<String>> = ["options", "environment", "exit-codes", "output"]
        .map(|topic| vec!["help".to_owned(), topic.to_owned()])
        .to_vec();
    for command in [vec![vec![]], commands()].concat() {
        pages.extend(["-h", "--help"].map(|flag| [&command[..], &[flag.to_owned()]].concat()));
    }
    for command in &pages {
        let done = chinese(command.iter().map(String::as_str)).run();
        assert_eq!((done.code, &*done.stderr), (Some(0), ""), "{command:?}");
        assert!(!done.stdout.contains('\u{e000}'), "{command:?}");
        for english in [
            "Usage:",
            "Options",
            "Arguments",
            "Commands",
            "Print ",
            "[env",
            "[default",
            "[possible",
            "OPTIONS",
        ] {
            assert!(!done.stdout.contains(english), "{command:?}: {english}");
        }
        for line in done.stdout.lines() {
            assert!(line.width() <= 80, "{command:?}: {line}");
            let first = line.trim_start().chars().next();
            assert!(!first.is_some_and(|c| "，。、；：）".contains(c)), "{command:?}: {line}");
        }
    }
}

#[test]
fn overview_in_chinese() {
    insta::assert_snapshot!("first screen", chinese(["-h"]).run().stdout);
    insta::assert_snapshot!("overview", chinese(["--help"]).run().stdout);
    insta::assert_snapshot!("run", chinese(["help", "run"]).run().stdout);
}

#[test]
fn help_is_the_same_by_every_way_that_asks_for_it() {
    let help = |run: Rhub| {
        let done = run.run();
        assert_eq!((done.code, &*done.stderr), (Some(0), ""));
        done.stdout
    };
    let expected = help(chinese(["run", "--help"]));
    let folder = folder();
    fs::write(
        folder.path().join("config.toml"),
        "[profile.work]\nlang = \"zh\"\n[profile.home]\nlang = \"en\"\n",
    )
    .expect("a file");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(folder.path().join("config.toml"), fs::Permissions::from_mode(0o600))
            .expect("a file");
    }
    let path = folder.path().join("config.toml");
    let path = path.to_str().expect("text");
    for run in [
        chinese(["help", "run"]),
        rhub(["run", "--lang", "zh", "--help"]),
        rhub(["--lang=zh", "run", "--help"]),
        rhub(["run", "--help", "--profile", "work", "--config", path]),
        rhub(["run", "--profile=work", "--help"]).config(&folder),
        rhub(["run", "--help"]).env("RUNNINGHUB_LANG", "zh"),
        rhub(["run", "--help"]).env("RUNNINGHUB_SITE", "nowhere").env("LC_ALL", "zh_CN"),
    ] {
        assert_eq!(help(run), expected);
    }
    let english = help(rhub(["run", "--help"]));
    for run in [
        chinese(["run", "--help", "--lang", "en"]),
        chinese(["run", "--help", "--profile", "home"]).config(&folder),
        chinese(["run", "--help"]).env("LC_ALL", "C"),
    ] {
        assert_eq!(help(run), english);
    }
}

#[test]
fn no_arguments_are_a_usage_error_with_the_first_screen() {
    let done = chinese([]).run();
    assert_eq!((done.code, &*done.stdout), (Some(2), ""));
    assert_eq!(done.stderr, chinese(["-h"]).run().stdout);
}

#[test]
fn no_value_of_a_variable_is_shown() {
    for page in [&["help", "options"][..], &["help", "environment"], &["run", "--help"]] {
        let help = chinese(page.iter().copied());
        let text =
            help.env("RUNNINGHUB_PROXY", "http://u:secret@h:1").env("RUNNINGHUB_OUT", "secret").run().stdout;
        assert!(!text.contains("secret") && !text.is_empty(), "{text}");
    }
}

#[test]
fn usage_errors_are_chinese() {
    let mut all = String::new();
    for args in [
        &["run", "1", "--site", "com"][..],
        &["run", "1", "--site="],
        &["run", "1", "--timeout", "soon"],
        &["app", "list", "--size", "99"],
        &["app", "list", "--size", "many"],
        &["app", "list", "--size="],
        &["app", "list", "--days", "99999999999999999999"],
        &["simulate", "--listen", "here"],
        &["model", "run", "x", "--max-cost", "little"],
        &["replay", "x", "--speed", "0"],
        &["run", "1", "--detach", "--detach"],
        &["account", "--api-key-stdin", "--api-key-file", "x"],
        &["account", "--quiet=yes"],
        &["run"],
        &["resolve", "x"],
        &["run", "1", "--jsno"],
        &["status", "--nothing-like-it"],
        &["workflow", "show", "1", "2"],
        &["--out", "x", "run", "1"],
        &["model", "--quiet"],
        &["statsu", "1"],
        &["--", "status", "1"],
        &["help", "nothing"],
        &["assets", "group", "nothing"],
    ] {
        let done = chinese(args.iter().copied()).run();
        let english = rhub(args.iter().copied()).run();
        assert_eq!((done.code, &*done.stdout), (Some(2), ""), "{args:?}");
        assert_eq!((english.code, &*english.stdout), (Some(2), ""), "{args:?}");
        assert!(english.stderr.starts_with("error: "), "{english}");
        for left in [
            "error", "tip", "hint", "Usage", "OPTIONS", "COMMAND", "more", "argument", "value", "possible",
            "exist", "required",
        ] {
            assert!(!done.stderr.contains(left), "{args:?}: {left}: {done}");
        }
        let _ = writeln!(all, "$ rhub {}\n{}", args.join(" "), done.stderr);
    }
    insta::assert_snapshot!("usage errors", all);
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_not_unicode_is_an_error_in_chinese() {
    use std::os::unix::ffi::OsStrExt as _;

    let done = chinese(["status"]).arg(std::ffi::OsStr::from_bytes(b"\xff")).run();
    assert_eq!(done.code, Some(2));
    assert!(done.stderr.starts_with("错误：有参数不是有效的 UTF-8 文本\n"), "{done}");
}

#[test]
fn an_error_as_json_stays_english() {
    let result = |run: Rhub| {
        let line = run.run().stdout;
        line.split_once("\"event\"").map(|(_, rest)| rest.to_owned()).expect("an event")
    };
    let args = ["run", "1", "--site", "com", "--json"];
    assert_eq!(result(chinese(args)), result(rhub(args)));
}

#[test]
fn the_version_and_english_errors_are_the_same_in_every_environment() {
    assert_eq!(chinese(["--version"]).run().stdout, rhub(["--version"]).run().stdout);
    snap!(chinese(["account", "--site", "com", "--lang", "en"]), @r"
    exit 2
    --- err
    error: invalid value 'com' for '--site <SITE>'
      [possible values: cn, ai]

    For more information, try '--help'.
    ");
}
