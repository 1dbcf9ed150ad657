//! Features of a terminal other than text: progress in the taskbar or on the tab, the title, and links.

use std::{
    env,
    fmt::Write as _,
    path::{self, Path},
    sync::atomic::{AtomicBool, Ordering},
};

use anstyle_hyperlink::Hyperlink;
use anstyle_progress::{TermProgress, supports_term_progress};

use crate::{
    printer::Printer,
    terminal,
    writer::{self, Stream},
};

/// Saves and restores the title, on terminals that can.
const PUSH_TITLE: &str = "\x1b[22;2t";
const POP_TITLE: &str = "\x1b[23;2t";

/// Whether progress is shown, so that it can be removed when the process ends early.
static IS_SHOWN: AtomicBool = AtomicBool::new(false);

/// The progress of a run in the terminal's window.
#[derive(Debug)]
pub(crate) struct Window {
    printer: Printer,
    has_progress: bool,
    has_title: bool,
    /// The whole percent shown, if known.
    percent: Option<u8>,
}

impl Window {
    pub(crate) fn new(printer: Printer) -> Self {
        let is_terminal = terminal::is_terminal();
        Self {
            printer,
            has_progress: supports_term_progress(is_terminal),
            has_title: is_terminal && keeps_titles(|name| env::var(name).ok()),
            percent: None,
        }
    }

    /// Shows progress of 0 to 1, or that it is unknown.
    pub(crate) fn progress(&mut self, fraction: Option<f64>) {
        // Between 0 and 100, since the fraction is checked.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=100")]
        let percent = fraction.map(|fraction| (fraction.clamp(0.0, 1.0) * 100.0).floor() as u8);
        let was_shown = IS_SHOWN.load(Ordering::Relaxed);
        if (was_shown && self.percent == percent) || !(self.has_progress || self.has_title) {
            return;
        }
        let mut text = String::new();
        if self.has_progress {
            let progress = TermProgress::start();
            text += &percent.map_or(progress, |percent| progress.percent(percent)).to_string();
        }
        if self.has_title {
            if !was_shown {
                text += PUSH_TITLE;
            }
            let percent = percent.map(|percent| format!("{percent}% ")).unwrap_or_default();
            let _ = write!(text, "\x1b]2;{percent}rhub\x1b\\");
        }
        self.printer.terminal(&text);
        self.percent = percent;
        IS_SHOWN.store(true, Ordering::Relaxed);
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        reset();
    }
}

/// Removes the progress, if any is shown.
pub(crate) fn reset() {
    if IS_SHOWN.swap(false, Ordering::Relaxed) {
        let mut text = String::new();
        if supports_term_progress(true) {
            text += &TermProgress::remove().to_string();
        }
        if keeps_titles(|name| env::var(name).ok()) {
            text += POP_TITLE;
        }
        writer::write(Stream::Out, text);
    }
}

/// Terminals that are known to save a title and to restore it. On others it would stay after the run.
fn keeps_titles(variable: impl Fn(&str) -> Option<String>) -> bool {
    let term = variable("TERM").unwrap_or_default();
    let is_inside = ["TMUX", "STY"].iter().any(|name| variable(name).is_some_and(|value| !value.is_empty()));
    let is_known = ["xterm", "alacritty", "foot", "kitty", "wezterm", "vte"];
    !is_inside && is_known.iter().any(|name| term.starts_with(name))
}

/// A notification and the bell. Terminals ignore what they don't know.
pub(crate) fn notify(text: &str) {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let both = format!("\x1b]9;{text}\x1b\\\x07");
    if terminal::is_terminal() {
        writer::write(Stream::Out, both);
    } else if terminal::has_terminal() {
        writer::write(Stream::Err, both);
    }
}

/// The text as a link to a file, if the terminal shows links.
pub(crate) fn linked(text: &str, file: &Path) -> String {
    if !(terminal::is_terminal() && supports_hyperlinks::supports_hyperlinks()) {
        return text.to_owned();
    }
    // A relative path would depend on the terminal's folder.
    let link = path::absolute(file).map(|path| Hyperlink::with_path(&path)).unwrap_or_default();
    format!("{link}{text}{link:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_set_only_where_they_are_restored() {
        let keeps = |term: &str, tmux: &str| {
            keeps_titles(|name| match name {
                "TERM" => Some(term.to_owned()),
                "TMUX" => Some(tmux.to_owned()),
                _ => None,
            })
        };
        assert!(keeps("xterm-256color", ""));
        assert!(!keeps("xterm-256color", "/tmp/tmux"), "tmux has a title of its own");
        assert!(!keeps("linux", ""));
        assert!(!keeps("screen-256color", ""));
    }
}
