//! The log, written to stderr or to a file; never to stdout.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    sync::Mutex,
};

use runninghub::say;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    args::Global,
    exit::Error,
    platform::private,
    secrets,
    writer::{self, Passing, Stream},
};

/// Starts logging, if requested.
///
/// # Errors
/// Usage, if the file cannot be opened.
pub(crate) fn begin(global: &Global) -> Result<(), Error> {
    let filter = match global.verbose {
        0 if global.log_file.is_none() => return Ok(()),
        0 | 2 => ours(LevelFilter::DEBUG),
        1 => ours(LevelFilter::INFO),
        3 => ours(LevelFilter::TRACE),
        _ => Targets::new().with_default(LevelFilter::TRACE),
    };
    let builder = fmt().with_max_level(LevelFilter::TRACE).with_ansi(false).with_target(true);
    match &global.log_file {
        Some(path) => {
            // It holds prompts, and names of files.
            let file = private(&mut OpenOptions::new()).create(true).append(true).open(path);
            let file = file.map_err(|why| {
                let path = path.display();
                Error::usage(say!("cannot write the log file {path}: {why}", path, why)).about("log-file")
            })?;
            builder.with_writer(Mutex::new(Clean(file))).finish().with(filter).init();
        }
        None => builder.with_writer(|| Clean(Beside)).finish().with(filter).init(),
    }
    Ok(())
}

/// The crates of this project, which share a name prefix.
fn ours(level: LevelFilter) -> Targets {
    Targets::new().with_target("runninghub", level)
}

/// stderr, written without blocking the program.
struct Beside;

impl Write for Beside {
    /// Receives a whole line, as [`Clean`] writes it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        writer::pass(Stream::Err, Passing::Log, String::from_utf8_lossy(line).into_owned());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Removes secrets and escapes from each line. Other crates log too, and at `trace` they log all their data.
struct Clean<W>(W);

impl<W: Write> Write for Clean<W> {
    /// Receives one event at a time, with its line break: the formatter writes it at once.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = secrets::clean(text.strip_suffix('\n').unwrap_or(&text));
        self.0.write_all(format!("{line}\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_without_secrets() {
        let mut out = Vec::new();
        let event = "TRACE Request: \"GET /ws?Rh-Comfy-Auth=c4n4ry HTTP/1.1\r\n\u{1b}[2J\"\n";
        assert_eq!(Clean(&mut out).write(event.as_bytes()).expect("memory"), event.len());
        let line = String::from_utf8(out).expect("text");
        assert_eq!(line, "TRACE Request: \"GET /ws?Rh-Comfy-Auth=*** HTTP/1.1\\r\\n\\u{1b}[2J\"\n");
    }
}
