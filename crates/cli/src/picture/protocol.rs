//! Detects the terminal's image protocol from its environment.

use clap::ValueEnum;

use crate::glyph;

/// How to show previews.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum PreviewMode {
    #[default]
    Auto,
    Off,
    Kitty,
    Iterm2,
    Sixel,
    Blocks,
}

/// The image protocol.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Protocol {
    Kitty,
    Iterm2,
    Sixel,
    /// Half blocks; in 24-bit color, or in the palette that every terminal has.
    Blocks {
        is_true_color: bool,
    },
}

/// Terminals recognized by a prefix of `TERM`.
const BY_TERM: [(&str, Protocol); 6] = [
    ("xterm-kitty", Protocol::Kitty),
    ("xterm-ghostty", Protocol::Kitty),
    ("foot", Protocol::Sixel),
    ("mlterm", Protocol::Sixel),
    ("contour", Protocol::Sixel),
    ("yaft", Protocol::Sixel),
];
/// Terminals recognized by `TERM_PROGRAM`.
const BY_PROGRAM: [(&str, Protocol); 4] = [
    ("iTerm.app", Protocol::Iterm2),
    ("WezTerm", Protocol::Iterm2),
    ("mintty", Protocol::Iterm2),
    ("ghostty", Protocol::Kitty),
];
/// Set by terminals that may run inside another one and then inherit its variables.
const OTHERS: [&str; 5] = ["TERM_PROGRAM", "VTE_VERSION", "XTERM_VERSION", "KONSOLE_VERSION", "WT_SESSION"];

/// The protocol for a mode; `None` if nothing is shown. Half blocks are the safe choice for an unknown terminal, since
/// they are text. A multiplexer passes nothing else.
pub(super) fn choose(
    mode: PreviewMode,
    has_color: bool,
    env: impl Fn(&str) -> Option<String>,
) -> Option<Protocol> {
    let blocks = || {
        let is_true_color = env("COLORTERM").is_some_and(|it| it == "truecolor" || it == "24bit")
            || env("TERM").is_some_and(|it| it.ends_with("-direct"));
        (has_color && !glyph::is_ascii()).then_some(Protocol::Blocks { is_true_color })
    };
    match mode {
        PreviewMode::Off => None,
        PreviewMode::Blocks => blocks(),
        _ if is_multiplexed(&env) => blocks(),
        PreviewMode::Kitty => Some(Protocol::Kitty),
        PreviewMode::Iterm2 => Some(Protocol::Iterm2),
        PreviewMode::Sixel => Some(Protocol::Sixel),
        PreviewMode::Auto => detect(&env).or_else(blocks),
    }
}

fn is_multiplexed(env: impl Fn(&str) -> Option<String>) -> bool {
    let is_named = env("TERM").is_some_and(|term| term.starts_with("screen") || term.starts_with("tmux"));
    is_named || ["TMUX", "STY", "ZELLIJ"].into_iter().any(|name| env(name).is_some())
}

fn detect(env: impl Fn(&str) -> Option<String>) -> Option<Protocol> {
    let term = env("TERM").unwrap_or_default();
    let program = env("TERM_PROGRAM").unwrap_or_default();
    let by_term = BY_TERM.iter().find(|(name, _)| term.starts_with(name));
    let by_program = || BY_PROGRAM.iter().find(|(name, _)| program == *name);
    if let Some((_, protocol)) = by_term.or_else(by_program) {
        return Some(*protocol);
    }
    let is_kitty = env("KITTY_WINDOW_ID").is_some() && OTHERS.into_iter().all(|name| env(name).is_none());
    is_kitty.then_some(Protocol::Kitty)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PALETTE: Option<Protocol> = Some(Protocol::Blocks { is_true_color: false });

    fn of(mode: PreviewMode, env: &[(&str, &str)]) -> Option<Protocol> {
        choose(mode, true, |name| {
            env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn terminals_are_known_by_their_environment() {
        for (env, protocol) in [
            (&[("TERM", "xterm-kitty")][..], Some(Protocol::Kitty)),
            (&[("TERM", "xterm-256color"), ("KITTY_WINDOW_ID", "1")], Some(Protocol::Kitty)),
            (&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm")], Some(Protocol::Iterm2)),
            (&[("TERM", "foot-extra")], Some(Protocol::Sixel)),
            // Started from a Kitty, but a different terminal.
            (&[("KITTY_WINDOW_ID", "1"), ("TERM_PROGRAM", "vscode")], PALETTE),
            (&[("TERM", "xterm-256color")], PALETTE),
            (&[("COLORTERM", "truecolor")], Some(Protocol::Blocks { is_true_color: true })),
        ] {
            assert_eq!(of(PreviewMode::Auto, env), protocol, "{env:?}");
        }
    }

    #[test]
    fn a_multiplexer_always_gets_half_blocks() {
        for inside in
            [("TMUX", "/tmp/tmux-0/default,1,0"), ("STY", "1.pts"), ("TERM", "screen.xterm-256color")]
        {
            for mode in [
                PreviewMode::Auto,
                PreviewMode::Kitty,
                PreviewMode::Iterm2,
                PreviewMode::Sixel,
                PreviewMode::Blocks,
            ] {
                assert_eq!(of(mode, &[inside, ("KITTY_WINDOW_ID", "1")]), PALETTE, "{mode:?} {inside:?}");
            }
        }
    }

    #[test]
    fn the_chosen_protocol_is_used_and_half_blocks_need_colors() {
        assert_eq!(of(PreviewMode::Sixel, &[("TERM", "xterm-kitty")]), Some(Protocol::Sixel));
        assert_eq!(of(PreviewMode::Off, &[("TERM", "xterm-kitty")]), None);
        assert_eq!(choose(PreviewMode::Auto, false, |_| None), None);
        assert_eq!(choose(PreviewMode::Kitty, false, |_| None), Some(Protocol::Kitty));
    }
}
