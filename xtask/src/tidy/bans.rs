//! Words that must not be in the source.

use super::source::Source;
use crate::report::Report;

/// A comment that begins like this, in the line itself or the one before it, lifts the bans and says why.
const EXCEPTION: &str = "// tidy: ";

/// A word, where it is banned, and what to do instead.
struct Ban {
    word: &'static str,
    applies: fn(&Source) -> bool,
    rule: &'static str,
}

// The words are cut in two where this file would ban itself.
const BANS: &[Ban] = &[
    Ban {
        word: concat!("install_", "default("),
        applies: Source::is_rust,
        rule: "a library never picks the TLS provider for the process: name it in the configuration",
    },
    Ban {
        word: ".unwrap()",
        applies: Source::is_shipped,
        rule: "return an error, or say why it cannot be with `#[expect]` and `expect`",
    },
    Ban {
        word: ".expect(",
        applies: Source::is_shipped,
        rule: "return an error; where it cannot be, say why in a `// tidy: ` comment",
    },
    Ban { word: "async fn ", applies: in_core, rule: "core is driven and never waits" },
    Ban { word: concat!("#[", "ignore"), applies: Source::is_rust, rule: "a test runs, or it goes" },
    Ban {
        word: concat!("#[", "allow("),
        applies: Source::is_rust,
        rule: "`#[expect(lint, reason = …)]` tells when it is no longer needed",
    },
    Ban { word: concat!("todo", "!("), applies: Source::is_rust, rule: "finish it or leave it out" },
    Ban { word: concat!("unimplemented", "!("), applies: Source::is_rust, rule: "finish it or leave it out" },
    Ban {
        word: concat!("thread::", "sleep"),
        applies: Source::is_rust,
        rule: "wait for the event, not for a time",
    },
    Ban { word: concat!("print", "ln!("), applies: is_silent, rule: "only the CLI's printer.rs prints" },
    Ban { word: concat!("print", "!("), applies: is_silent, rule: "only the CLI's printer.rs prints" },
    Ban {
        word: concat!("serde(fla", "tten"),
        applies: Source::is_shipped,
        rule: "a DTO has its fields written out: flattening loses error paths and copies",
    },
    Ban { word: concat!("../", "shared"), applies: everywhere, rule: "the repository stands alone" },
    Ban { word: concat!("/wo", "rk/"), applies: everywhere, rule: "no paths of a machine" },
    Ban { word: concat!("/ro", "ot/"), applies: everywhere, rule: "no paths of a machine" },
];

fn in_core(source: &Source) -> bool {
    source.is_shipped() && source.crate_name() == Some("core")
}

/// A build script talks to Cargo by printing.
fn is_silent(source: &Source) -> bool {
    source.is_shipped() && !["cli/src/printer.rs", "/build.rs"].iter().any(|end| source.path.ends_with(end))
}

fn everywhere(_: &Source) -> bool {
    true
}

pub(super) fn check(source: &Source, report: &mut Report) {
    check_words(source, report);
    check_clock(source, report);
    for (index, line) in source.text.lines().enumerate() {
        if line.ends_with([' ', '\t']) {
            report.add(&place(source, index + 1), "white space at the end of the line");
        }
    }
}

fn check_words(source: &Source, report: &mut Report) {
    let bans: Vec<_> = BANS.iter().filter(|ban| (ban.applies)(source)).collect();
    let mut previous = "";
    for (number, line) in source.code() {
        let excepted = line.contains(EXCEPTION) || previous.trim_start().starts_with(EXCEPTION);
        previous = line;
        if excepted || (source.is_rust() && line.trim_start().starts_with("//")) {
            continue;
        }
        if let Some(ban) = bans.iter().find(|ban| line.contains(ban.word)) {
            report.add(&place(source, number), &format!("`{}`: {}", ban.word, ban.rule));
        }
    }
}

/// A paused clock jumps ahead whenever nothing is ready, also while a socket is waited for.
fn check_clock(source: &Source, report: &mut Report) {
    const SOCKETS: [&str; 4] = ["TcpListener", "TcpStream", "Sim::", "UdpSocket"];
    if source.is_rust()
        && source.text.contains(concat!("start_", "paused"))
        && source.path != "xtask/src/tidy/bans.rs"
        && let Some(socket) = SOCKETS.iter().find(|socket| source.text.contains(**socket))
    {
        report.add(
            &source.path,
            &format!(
                "a paused clock together with `{socket}`: time-outs would fire while the socket is waited for"
            ),
        );
    }
}

fn place(source: &Source, line: usize) -> String {
    format!("{}:{line}", source.path)
}

#[cfg(test)]
mod tests {
    use super::{super::source::tests::source, *};

    fn complaints(path: &str, text: &str) -> Vec<String> {
        let mut report = Report::new("test");
        check(&source(path, text), &mut report);
        report.complaints().to_vec()
    }

    #[test]
    fn every_banned_word_is_found() {
        for ban in BANS {
            let found = complaints("crates/core/src/a.rs", &format!("fn a() {{}}\n{};\n", ban.word));
            assert_eq!(found.len(), 1, "{}: {found:?}", ban.word);
            assert!(found[0].starts_with("crates/core/src/a.rs:2: `"), "{found:?}");
        }
    }

    #[test]
    fn tests_comments_and_reasoned_exceptions_may() {
        for text in [
            "// a.unwrap() would panic.",
            "#[cfg(test)]\nmod tests {\n a.unwrap();\n}",
            "// tidy: an empty object is JSON.\na.unwrap();",
            "a.unwrap(); // tidy: an empty object is JSON.",
        ] {
            assert_eq!(complaints("crates/core/src/a.rs", text), [""; 0], "{text}");
        }
        assert_eq!(complaints("crates/core/tests/a.rs", "a.unwrap();"), [""; 0]);
        assert_eq!(complaints("crates/cli/src/printer.rs", concat!("print", "ln!(\"\");")), [""; 0]);
        assert_eq!(complaints("crates/api/src/a.rs", "async fn a() {}"), [""; 0]);
    }

    #[test]
    fn a_paused_clock_and_a_socket_do_not_mix() {
        let text = concat!("#[tokio::test(start_", "paused = true)]\nTcpListener::bind()\n");
        assert_eq!(complaints("crates/api/tests/a.rs", text).len(), 1);
        assert!(complaints("crates/api/tests/a.rs", "TcpListener::bind()\n").is_empty());
    }

    #[test]
    fn white_space_at_the_end_is_found() {
        assert_eq!(complaints("README.md", "a\nb \n"), ["README.md:2: white space at the end of the line"]);
    }
}
