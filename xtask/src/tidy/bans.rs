//! Words that must not be in the source.

use super::source::Source;
use crate::report::Report;

/// A banned word, where it is banned, and the alternative.
struct Ban {
    word: &'static str,
    applies: fn(&Source) -> bool,
    rule: &'static str,
}

// The words are split so that this file doesn't ban itself.
const BANS: &[Ban] = &[
    Ban { word: concat!("#[", "ignore"), applies: Source::is_rust, rule: "a test runs, or it goes" },
    Ban {
        word: concat!("serde(fla", "tten"),
        applies: Source::is_shipped,
        rule: "a DTO has its fields written out: flattening loses error paths and copies",
    },
];

pub(super) fn check(source: &Source, report: &mut Report) {
    check_words(source, report);
    check_clock(source, report);
}

fn check_words(source: &Source, report: &mut Report) {
    let bans: Vec<_> = BANS.iter().filter(|ban| (ban.applies)(source)).collect();
    for (number, line) in source.code() {
        if source.is_rust() && line.trim_start().starts_with("//") {
            continue;
        }
        if let Some(ban) = bans.iter().find(|ban| line.contains(ban.word)) {
            report.add(&place(source, number), &format!("`{}`: {}", ban.word, ban.rule));
        }
    }
}

/// A paused clock jumps ahead whenever no task is ready, also while waiting for a socket.
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
    fn comments_and_tests_may_have_the_words_of_what_ships() {
        let word = BANS[1].word;
        for text in [format!("// {word}"), format!("#[cfg(test)]\nmod tests {{\n {word};\n}}")] {
            assert_eq!(complaints("crates/core/src/a.rs", &text), [""; 0], "{text}");
        }
        assert_eq!(complaints("crates/core/tests/a.rs", word), [""; 0]);
    }

    #[test]
    fn a_paused_clock_and_a_socket_do_not_mix() {
        let text = concat!("#[tokio::test(start_", "paused = true)]\nTcpListener::bind()\n");
        assert_eq!(complaints("crates/api/tests/a.rs", text).len(), 1);
        assert!(complaints("crates/api/tests/a.rs", "TcpListener::bind()\n").is_empty());
    }
}
