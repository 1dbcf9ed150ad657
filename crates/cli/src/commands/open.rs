//! `rhub open`.

use std::path::{Path, PathBuf};

use runninghub::{Fact, saved_results, say};

use super::context::Context;
use crate::{
    args,
    event::Event,
    exit::{Error, Exit},
};

/// Opens a task's saved results: the only file, or the folder.
pub(super) async fn open(context: &mut Context, args: args::Open) -> Result<Exit, Error> {
    let entry = context.entry(&args.task_id).await?;
    context.outcome.task_id.clone_from(&entry.task);
    let saved = entry.task.clone().zip(entry.saved);
    let Some((task, folder)) = saved else {
        return Err(Error::usage(say!("the results of this run were not saved"))
            .hint(say!("`rhub download {id}` saves them", id = &*args.task_id)));
    };
    let folder = PathBuf::from(folder);
    if !folder.is_dir() {
        let folder = Fact::of(folder.display());
        return Err(Error::usage(say!("the folder {folder} is gone", folder))
            .hint(say!("`rhub download {id}` saves the results again", id = &*args.task_id)));
    }
    let path = match saved_results(&folder, &task).as_deref() {
        Some([only]) => only.path.clone(),
        _ => folder,
    };
    context.show(Event::Opened { path: path.display().to_string() });
    if !args.print {
        start(&path)?;
    }
    Ok(Exit::Done)
}

/// Starts the system's program for a file.
fn start(path: &Path) -> Result<(), Error> {
    open::that_detached(path).map_err(|why| {
        let path = Fact::of(path.display());
        Error::new(Exit::Store, say!("cannot open {path}: {why}", path, why))
            .hint(say!("`rhub open --print` prints the path only"))
    })
}
