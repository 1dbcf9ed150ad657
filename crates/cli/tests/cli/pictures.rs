//! Previews within the live block.

use std::time::Instant;

use crate::{
    common::{fixture, rhub},
    live::{SIGINT, Terminal, overall_bars},
};

/// The escape that starts an image, for each protocol.
const PROTOCOLS: [(&str, &str); 4] = [
    ("kitty", "\x1b_Ga=T,"),
    ("iterm2", "\x1b]1337;File=inline=1;"),
    ("sixel", "\x1bP0;1q"),
    ("blocks", "▀"),
];
/// Kitty's images have to be deleted.
const WIPE: &str = "\x1b_Ga=d,";

/// Twenty steps with an image each.
fn demo(columns: u16, speed: &str, protocol: &str) -> Terminal {
    let out = concat!(env!("CARGO_TARGET_TMPDIR"), "/pictures");
    Terminal::start(columns, &["demo", "--speed", speed, "--preview", protocol, "--out", out], &[])
}

/// A recording with a preview image.
fn sampler() -> String {
    fixture("02-ksampler").to_string_lossy().into_owned()
}

#[test]
fn every_protocol_at_most_four_times_a_second() {
    for (name, mark) in PROTOCOLS {
        let began = Instant::now();
        let mut terminal = demo(80, "4", name);
        let (code, screen) = terminal.finish();
        let seconds = began.elapsed().as_secs_f64();
        let raw = terminal.raw();
        assert_eq!((code, overall_bars(&screen)), (0, 1), "{name}: {screen}");
        assert!(!screen.contains('▀'), "{name}: {screen}");
        let shown = if name == "blocks" {
            raw.matches("\x1b7").count()
        } else {
            assert!(!raw.contains('▀'), "{name}");
            raw.matches(mark).count()
        };
        assert!(raw.contains(mark), "{name} is not shown");
        assert!(shown >= 2 && (shown as f64) <= seconds * 4.0 + 1.0, "{name}: {shown} in {seconds} s");
        assert_eq!(raw.contains(WIPE), name == "kitty");
        if name == "kitty" {
            assert!(raw.rfind(WIPE) > raw.rfind(mark), "a picture stays");
        }
    }
}

#[test]
fn the_terminal_is_found_out() {
    for (env, mark) in [
        (&[("TERM", "xterm-kitty")][..], "\x1b_Ga=T,"),
        (&[("TERM_PROGRAM", "iTerm.app")], "\x1b]1337;"),
        (&[("TERM", "foot")], "\x1bP0;1q"),
        (&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/t,1,0")], "38;5;"),
        (&[("COLORTERM", "truecolor")], "38;2;"),
    ] {
        let mut terminal = Terminal::start(80, &["replay", "--speed", "4", &sampler()], env);
        assert_eq!(terminal.finish().0, 0);
        let raw = terminal.raw();
        assert!(raw.contains(mark), "{env:?}");
        assert_eq!(raw.contains("\x1b_G"), mark.contains("_G"), "{env:?}");
    }
}

#[test]
fn an_image_at_40_columns_and_in_resized_windows() {
    let mut terminal = demo(40, "1", "blocks");
    terminal.wait(|screen| screen.contains('▀') && screen.contains("/20"));
    assert_eq!(overall_bars(&terminal.screen()), 1, "{}", terminal.screen());
    terminal.resize(70);
    terminal.wait(|screen| screen.lines().filter(|line| line.contains('▀')).count() == 14);
    assert_eq!(overall_bars(&terminal.screen()), 1, "{}", terminal.screen());
    terminal.press(b"\x03");
    let (code, screen) = terminal.finish();
    assert_eq!((code, overall_bars(&screen)), (SIGINT, 1), "{screen}");
    assert!(!screen.contains('▀') && !screen.contains("^C"), "{screen}");
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_z_clears_the_image_until_resumed() {
    let mut terminal = demo(80, "1", "blocks");
    terminal.wait(|screen| screen.contains('▀'));
    terminal.press(b"\x1a");
    terminal.wait(|screen| !screen.contains('▀') && !screen.contains('%'));
    terminal.go_on();
    terminal.wait(|screen| screen.contains('▀') && overall_bars(screen) == 1);
    terminal.press(b"\x03");
    assert_eq!(terminal.finish().0, SIGINT);
}

#[test]
fn no_image_where_it_is_disabled_or_impossible() {
    let kitty = ("TERM", "xterm-kitty");
    for (args, env) in [
        (&["--preview", "off"][..], &[kitty][..]),
        (&["--quiet"], &[kitty]),
        (&["--format", "plain"], &[kitty]),
        (&["--json"], &[kitty]),
        (&["--color", "never"], &[]),
        (&[], &[kitty, ("CI", "true")]),
        (&["--preview", "kitty"], &[("TERM", "dumb")]),
    ] {
        let recording = sampler();
        let args = [&["replay", "--speed", "4", recording.as_str()], args].concat();
        let mut terminal = Terminal::start(80, &args, env);
        let raw = terminal.text();
        assert!(
            args.contains(&"--quiet") == raw.starts_with("/view?")
                && !raw.contains('▀')
                && !raw.contains("\x1b_G")
                && !raw.contains("\x1b7"),
            "{args:?} {env:?}"
        );
    }
    let out = rhub(["replay", "--preview", "kitty", &sampler()]).env("TERM", "xterm-kitty").run();
    assert!(!out.stdout.contains('\x1b'), "{}", out.stdout);
}
