//! `rhub test`.

mod accept;
mod check;
mod diff;
mod find;
mod folder;
mod junit;
mod live;
mod page;
mod pictures;
mod ready;
mod settings;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use runninghub::{net::replace_file, say, sentence_of};

use super::context::Context;
use crate::{
    args,
    event::{Event, Tests},
    exit::{Error, Exit},
};

/// Compares the recordings below the given folders, or new runs of their workflows, with their snapshots.
pub(super) async fn test(context: &mut Context, args: &args::Test) -> Result<Exit, Error> {
    let folders = options(args).and_then(|()| find::recordings(&args.paths))?;
    let mut tests = Vec::new();
    let stopped = if args.live {
        live::live(context, args, folders, &mut tests).await
    } else {
        tests = offline(args, folders)?;
        for test in &tests {
            context.show(Event::Test(Box::new(test.clone())));
        }
        Ok(None)
    };
    // Nothing was tested.
    if tests.is_empty() {
        return Ok(stopped?.unwrap_or(Exit::Done));
    }
    let mut all = Tests::default();
    for test in &tests {
        all.add(test.verdict);
    }
    context.show(Event::Tests(all));
    if let Some(path) = &args.junit {
        write(path, &junit::report(&tests)?)?;
    }
    Ok(match stopped? {
        Some(exit) => exit,
        None if all.failed == 0 => Exit::Done,
        None => Exit::TaskFailed,
    })
}

/// Rejects combinations of options that have no effect.
fn options(args: &args::Test) -> Result<(), Error> {
    let does_nothing = |option: &'static str| {
        Err(Error::usage(say!("`{option}` needs `--live`, or `--accept` with `--report`", option)))
    };
    match args {
        args::Test { live: true, .. } | args::Test { accept: true, report: Some(_), .. } => Ok(()),
        args::Test { report: Some(_), .. } => does_nothing("--report"),
        args::Test { images: Some(_), .. } => does_nothing("--images"),
        _ => Ok(()),
    }
}

/// Tests recordings, or accepts the runs of an earlier report.
fn offline(args: &args::Test, folders: BTreeSet<PathBuf>) -> Result<Vec<crate::event::Test>, Error> {
    if let Some(report) = &args.report {
        return accept::from_report(report, folders, args.images.is_some());
    }
    folders.iter().map(|folder| check::check(folder, folder, args.accept)).collect()
}

/// Writes a file atomically.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    replace_file(path, text.as_bytes()).map_err(|why| {
        let (path, why) = (path.display(), sentence_of(&why));
        Error::new(Exit::Store, say!("cannot write {path}: {why}", path, why))
    })
}
