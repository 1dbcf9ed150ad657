//! The first screen, help pages and topics, and usage errors.

use unicode_width::UnicodeWidthStr as _;

use crate::common::{rhub, snap};

/// The words of every command that can be run or has subcommands.
pub(crate) fn commands() -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut open: Vec<Vec<String>> =
        listed(&page(&[], "--help"), "rhub tasks ").into_iter().map(|name| vec![name]).collect();
    while let Some(command) = open.pop() {
        let names = listed(&page(&command, "--help"), "\nCommands:\n");
        open.extend(names.into_iter().map(|name| [&command[..], &[name]].concat()));
        found.push(command);
    }
    assert!(found.len() > 50, "{found:?}");
    found
}

/// The names at the beginning of indented lines, from `start` on.
fn listed(help: &str, start: &str) -> Vec<String> {
    let lines = help.split_once(start).map_or("", |(_, list)| list).lines();
    let lines = lines.take_while(|line| !line.starts_with("Arguments:") && !line.starts_with("Options:"));
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn page(command: &[String], flag: &str) -> String {
    let done = rhub(command.iter().map(String::as_str).chain([flag])).env("COLUMNS", "80").run();
    assert_eq!((done.code, &*done.stderr), (Some(0), ""), "{command:?}");
    done.stdout
}

fn topic(name: &str) -> String {
    page(&["help".to_owned()], name)
}

#[test]
fn version() {
    snap!(rhub(["--version"]), @r#"
        exit 0
        --- out
        rhub [version]
    "#);
}

#[test]
fn first_screen() {
    let mut command = rhub([]).into_command();
    // Options from the environment don't replace a command.
    command.env("RUNNINGHUB_SITE", "ai");
    let done = command.output().expect("the binary");
    assert_eq!((done.status.code(), &*done.stdout), (Some(2), &b""[..]));
    let text = String::from_utf8_lossy(&done.stderr);
    assert!(text.lines().count() <= 24 && text.lines().all(|line| line.width() <= 80), "{text}");
    let text = text.replace(env!("CARGO_PKG_VERSION"), "[version]");
    insta::assert_snapshot!(text);
    assert_eq!(page(&[], "-h"), text);
}

#[test]
fn short_help_fits_a_screen_and_shows_an_example() {
    for command in commands() {
        let (short, long) = (page(&command, "-h"), page(&command, "--help"));
        let is_parent = long.contains("\nCommands:\n");
        assert!(short.lines().count() <= 40, "{command:?}\n{short}");
        assert!(is_parent || short.contains(&format!("Examples:\n  rhub {}", command.join(" "))), "{short}");
        assert!(long.starts_with(short.lines().next().expect("a line")), "{command:?}");
        let missing =
            short.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")));
        for option in missing {
            assert!(long.contains(option), "{command:?}: {option}");
        }
        for text in [&short, &long] {
            assert!(text.lines().all(|line| line.width() <= 80), "{command:?}\n{text}");
            assert!(!text.contains("[env"), "{command:?}\n{text}");
            assert!(text.ends_with("Options of every command: rhub help options\n"), "{command:?}\n{text}");
        }
    }
}

#[test]
fn every_command_and_option_is_described() {
    for command in commands() {
        let long = page(&command, "--help");
        let options = long.split("\nExamples:\n").next().unwrap_or_default();
        let lines: Vec<&str> = options.lines().collect();
        assert!(lines[0].starts_with(|c: char| c.is_uppercase()), "{command:?}: {}", lines[0]);
        for (at, line) in lines.iter().enumerate() {
            if line.trim_start().starts_with('-') && line.starts_with("  ") {
                let about = lines.get(at + 1).copied().unwrap_or_default();
                assert!(about.starts_with("          "), "{command:?}: {line}");
            }
        }
    }
}

#[test]
fn help_of_a_command_is_its_long_help() {
    for words in [&["run"][..], &["app", "run"], &["assets", "group", "create"]] {
        let command: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let help = rhub(["help"].iter().chain(words).copied()).env("COLUMNS", "80").run();
        assert_eq!((help.code, &*help.stdout), (Some(0), &*page(&command, "--help")));
    }
    let help = rhub(["help"]).env("COLUMNS", "80").run().stdout;
    assert_eq!(help, page(&[], "--help"));
    snap!(rhub(["help", "app", "nope"]), @r"
        exit 2
        --- err
        error: unknown command or help topic `app nope`

        hint: `rhub help` lists the commands; the topics are options, environment, exit-codes, output
    ");
}

#[test]
fn options_of_every_command_have_a_topic() {
    let (options, environment) = (topic("options"), topic("environment"));
    for option in
        ["--site", "--base-url", "--server", "--profile", "--format", "--lang", "--quiet", "--state-dir"]
    {
        assert!(options.contains(option), "{options}");
        let variable = format!("RUNNINGHUB_{}", option[2..].replace('-', "_").to_uppercase());
        assert!(options.contains(&format!("[env: {variable}]")), "{options}");
        assert!(environment.contains(&format!("  {variable} ")), "{environment}");
    }
    for line in options.lines().chain(environment.lines()) {
        assert!(line.width() <= 80, "{line}");
    }
    for variable in ["RUNNINGHUB_API_KEY", "RUNNINGHUB_TIME_SCALE", "COMFY_API_KEY", "NO_PROXY", "NO_COLOR"] {
        assert!(environment.contains(variable), "{environment}");
    }
}

#[test]
fn exit_codes_and_output() {
    insta::assert_snapshot!([topic("exit-codes"), topic("output")].join("\n"));
}

#[test]
fn an_unknown_option_is_a_usage_error_in_json_too() {
    snap!(rhub(["run", "--sett", "1"]), @r"
        exit 2
        --- err
        error: unexpected argument '--sett' found

          tip: a similar argument exists: '--set'

        Usage: rhub run --set <NODE.FIELD=VALUE> [WORKFLOW]

        For more information, try '--help'.
    ");
    let done = rhub(["cancel"]).env("RUNNINGHUB_JSON", "1").run();
    assert!(
        done.stdout
            .contains(r#""message":"the following required arguments were not provided: <TASK_ID>...""#),
        "{done}"
    );
    assert_eq!(rhub(["cancel"]).env("RUNNINGHUB_JSON", "0").run().stdout, "");
    snap!(rhub(["status", "1", "--json", "--site", "com"]), @r#"
        exit 2
        --- out
        {"schema":"rhub.event/1","t":0.0,"event":"result","status":"error","exit_code":2,"task_id":null,"percent":null,"done":0,"total":null,"outputs":[],"failure":{"node_id":null,"node":null,"type":null,"message":"invalid value 'com' for '--site <SITE>' [possible values: cn, ai]","code":null,"kind":"usage","hint":null,"retry":"never","errors":[]},"cost":null,"elapsed_s":0.0,"api_calls":0}
        --- err
        error: invalid value 'com' for '--site <SITE>'
          [possible values: cn, ai]

        For more information, try '--help'.
    "#);
}
