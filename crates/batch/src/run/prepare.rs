//! The submit of a row.

use std::path::Path;

use runninghub::{Error, ErrorKind, InstanceType, Submit};
use runninghub_core::{Fact, say};

use crate::{Disk, Item, Setting};

/// Adds a row's values. Relative paths are resolved against `base`. Its files must be unchanged since the row was
/// frozen.
pub(super) async fn prepare(mut submit: Submit, item: &Item, base: &Path) -> Result<Submit, Error> {
    for (field, setting) in &item.set {
        submit = match setting {
            Setting::Text(text) => submit.set_text(&**field, text),
            Setting::Json(value) => submit.set(&**field, value.clone()),
            Setting::File { path, sha256, .. } => {
                submit.set_file(&**field, base.join(path)).digest(base.join(path), *sha256)
            }
        };
    }
    if let Some(instance) = &item.instance {
        let known: InstanceType = instance.parse().map_err(|_| {
            Error::new(
                ErrorKind::Usage,
                say!("`{instance}` is not a type of instance", instance = instance.as_str()),
            )
        })?;
        submit = submit.instance_type(known);
    }
    if let Some(webhook) = &item.webhook {
        submit = submit.webhook(webhook);
    }
    let files = item.set.iter().filter_map(|(_, setting)| match setting {
        Setting::File { sha256, path, .. } => Some((*sha256, base.join(path))),
        _ => None,
    });
    let files: Vec<_> = files.collect();
    let disk = Disk { base: base.to_owned() };
    let check = move || {
        for (sha256, path) in files {
            let shown = Fact::of(path.display());
            match disk.digest(&path) {
                Ok(found) if found == sha256 => {}
                Ok(_) => {
                    let what = say!("the file {file} has changed since the batch was started", file = shown);
                    return Err(Error::new(ErrorKind::Usage, what)
                        .with_hint(say!("start the batch again to run the row with the new file")));
                }
                Err(why) => {
                    return Err(Error::new(
                        ErrorKind::Io,
                        say!("cannot read {what}: {why}", what = shown, why),
                    ));
                }
            }
        }
        Ok(())
    };
    // Off the async threads, because files may be large.
    let checked = tokio::task::spawn_blocking(check).await;
    checked.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Io, say!("the files of the row could not be read")).with_source(error))
    })?;
    Ok(submit)
}
