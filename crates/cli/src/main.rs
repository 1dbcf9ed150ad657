#![doc = include_str!("../README.md")]

mod args;
mod assign;
mod cells;
mod commands;
mod duration;
mod exit;
mod key;
mod live;
mod log;
mod printer;
mod report;
mod schema;
mod secrets;
mod signals;
mod speed;
mod target;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    printer::tidy_up_on_panic();
    match args::Cli::try_parse() {
        Ok(cli) => commands::run(cli),
        Err(error) => commands::misused(&error),
    }
}
