//! `rhub help`, `rhub completions`, `rhub man`.

use std::fs;

use clap_complete::env::Shells;
use runninghub::say;

use super::context::Context;
use crate::{
    args, complete,
    exit::{Error, Exit},
    help,
    printer::{self, Printer},
};

const NAME: &str = "rhub";

/// Prints the help of a command or a topic, in every format: it is text for users.
pub(super) fn help(printer: Printer, words: &[String]) -> Exit {
    let found = match words {
        [word] => help::topic(word).or_else(|| help::page(words)),
        words => help::page(words),
    };
    if let Some(text) = found {
        printer::page(&format!("{}\n", text.trim_end()));
        return Exit::Done;
    }
    let name = words.join(" ");
    let error = Error::usage(say!("unknown command or help topic `{name}`", name)).hint(say!(
        "`rhub help` lists the commands; the topics are {topics}",
        topics = help::TOPICS.join(", ")
    ));
    printer.error(&error);
    Exit::Usage
}

/// Prints the script that lets a shell query `rhub` for completions.
pub(super) fn completions(context: &mut Context, args: &args::Completions) -> Result<Exit, Error> {
    let shells = Shells::builtins();
    let mut script = Vec::new();
    let written = shells
        .completer(&args.shell)
        .map(|shell| shell.write_registration(complete::VARIABLE, NAME, NAME, NAME, &mut script));
    let Some(Ok(())) = written else {
        return Err(Error::usage(say!("completions are not available for this shell")));
    };
    context.printer.line(String::from_utf8_lossy(&script).trim_end());
    // Not even with `--json`: the output is a script.
    context.is_reported = true;
    Ok(Exit::Done)
}

/// Writes the man pages.
pub(super) fn man(context: &mut Context, args: &args::Man) -> Result<Exit, Error> {
    let name = || args.dir.display();
    let write = || {
        fs::create_dir_all(&args.dir)?;
        // Leave out the current values of environment variables: man pages are for any user.
        clap_mangen::generate_to(help::command().mut_args(|arg| arg.hide_env_values(true)), &args.dir)
    };
    write().map_err(|why| {
        let message = say!("cannot write man pages to {name}: {why}", name = name(), why);
        Error::new(Exit::Store, message)
    })?;
    context.is_reported = context.format != args::Format::Json;
    if context.is_reported {
        context.printer.say(&say!("✅ Wrote man pages to {name}", name = name()));
    }
    Ok(Exit::Done)
}
