#![doc = include_str!("../README.md")]
#![warn(clippy::expect_used, clippy::unwrap_used)]

mod args;
mod assign;
mod bug;
mod cells;
mod commands;
mod complete;
mod config;
mod duration;
mod event;
mod exit;
mod glyph;
mod help;
mod input;
mod key;
mod keyring;
mod lang;
mod live;
mod log;
#[cfg(feature = "preview")]
mod picture;
mod platform;
mod printer;
mod private;
mod prompt;
mod report;
mod secrets;
mod server_login;
mod shell;
mod signals;
mod since;
mod size;
mod speed;
mod target;
mod terminal;
mod transfers;
mod window;
mod writer;

use std::process::ExitCode;

fn main() -> ExitCode {
    bug::end_on_panic();
    if complete::answered() {
        return ExitCode::SUCCESS;
    }
    let exit = match config::parse() {
        Ok((cli, trouble)) => commands::run(cli, trouble),
        Err(error) => commands::misused(&error),
    };
    let signal = exit.signal();
    writer::finish(signal.is_some());
    // A signal after the work counts too: Ctrl-C must also stop a shell's loop.
    if let Some(signal) = signal.or_else(signals::take) {
        signals::die(signal);
    }
    exit.into()
}
