//! `rhub test`.

mod check;
mod diff;
mod find;
mod junit;
mod settings;

use std::path::Path;

use runninghub::{net::replace_file, say, sentence_of};

use super::context::Context;
use crate::{
    args,
    event::{Event, Tests},
    exit::{Error, Exit},
};

/// Compares the recordings below the given folders with their snapshots.
pub(super) fn test(context: &mut Context, args: &args::Test) -> Result<Exit, Error> {
    let recordings = find::recordings(&args.paths)?;
    let (mut all, mut cases) = (Tests::default(), Vec::new());
    for folder in recordings {
        let test = check::check(&folder, args.accept)?;
        all.add(test.verdict);
        if args.junit.is_some() {
            cases.push(test.clone());
        }
        context.show(Event::Test(Box::new(test)));
    }
    context.show(Event::Tests(all));
    if let Some(path) = &args.junit {
        write(path, &junit::report(&cases)?)?;
    }
    Ok(if all.failed == 0 { Exit::Done } else { Exit::TaskFailed })
}

/// Writes a file as a whole.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    replace_file(path, text.as_bytes()).map_err(|why| {
        let (path, why) = (path.display(), sentence_of(&why));
        Error::new(Exit::Store, say!("cannot write {path}: {why}", path, why))
    })
}
