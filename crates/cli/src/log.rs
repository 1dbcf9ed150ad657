//! What is done, told to standard error or to a file; never to stdout.

use std::{fs::OpenOptions, io, sync::Mutex};

use runninghub::Untrusted;
use tracing_subscriber::{EnvFilter, fmt};

use crate::{args::Global, exit::Error};

/// Begins to log, where that is asked for.
///
/// # Errors
/// Usage, where the file cannot be opened.
pub(crate) fn begin(global: &Global) -> Result<(), Error> {
    let filter = match global.verbose {
        0 if global.log_file.is_none() => return Ok(()),
        0 | 2 => "runninghub=debug",
        1 => "runninghub=info",
        3 => "runninghub=trace",
        _ => "trace",
    };
    let builder = fmt().with_env_filter(EnvFilter::new(filter)).with_ansi(false).with_target(true);
    match &global.log_file {
        Some(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path).map_err(|error| {
                let name = Untrusted::from(path.to_string_lossy());
                Error::usage(format!("cannot write the log file {name}: {error}"))
            })?;
            builder.with_writer(Mutex::new(file)).init();
        }
        None => builder.with_writer(io::stderr).init(),
    }
    Ok(())
}
