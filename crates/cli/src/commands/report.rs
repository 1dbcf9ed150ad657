//! `rhub report`.

use std::{
    env,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use runninghub::{Fact, TaskId, answer, say};
use serde_json::{Value, json};
use tar::{Builder, Header};

use super::context::Context;
use crate::{
    args,
    event::Event,
    exit::{Error, Exit},
};

/// Packs the recording of a task, and this machine's records of it, into an archive.
pub(super) async fn report(context: &mut Context, args: args::Report) -> Result<Exit, Error> {
    let (task, recording) = context.recorded(&args.task_id).await?;
    let name = format!("rhub-report-{task}");
    let path = args.file.unwrap_or_else(|| PathBuf::from(format!("{name}.tar.gz")));
    let known = context.entry(task.as_str()).await.ok().map(|entry| answer::Task::from(&entry));
    let about = about(&task, known.as_ref());
    let cannot = |why: io::Error| {
        let path = Fact::of(path.display());
        Error::new(Exit::Store, say!("cannot write {path}: {why}", path, why))
            .hint(say!("choose another file: `rhub report {task} FILE`", task = &task))
    };
    // An earlier report is not replaced.
    let file = File::create_new(&path).map_err(cannot)?;
    let packed = pack(file, &name, &recording, &about);
    let files = packed.map_err(|why| {
        let _ = fs::remove_file(&path);
        cannot(why)
    })?;
    context.outcome.task_id = Some(task);
    context.show(Event::Packed { path: path.display().to_string(), files });
    context.advice.push(say!(
        "keys, signatures and passwords are removed, but the workflow, its texts and the file names are not: check them before you share the file"
    ));
    Ok(Exit::Done)
}

/// The facts that a developer asks for first.
fn about(task: &TaskId, known: Option<&answer::Task>) -> Value {
    let mut entry = serde_json::to_value(known).unwrap_or_default();
    if let Value::Object(entry) = &mut entry {
        // It contains the user's name.
        entry.remove("saved");
    }
    json!({
        "software": concat!("rhub ", env!("CARGO_PKG_VERSION")),
        "os": env::consts::OS,
        "arch": env::consts::ARCH,
        "task_id": task,
        "submit": entry,
    })
}

/// Writes the archive, and returns the names of its files.
fn pack(file: File, name: &str, recording: &Path, about: &Value) -> io::Result<Vec<String>> {
    let mut archive = Builder::new(GzEncoder::new(file, Compression::default()));
    let text = format!("{about:#}\n");
    let mut header = Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, format!("{name}/about.json"), text.as_bytes())?;
    let mut files = vec!["about.json".to_owned()];
    let mut paths = fs::read_dir(recording)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths.iter().filter(|path| path.is_file()) {
        let Some(file) = path.file_name() else { continue };
        archive.append_path_with_name(path, Path::new(name).join(file))?;
        files.push(file.to_string_lossy().into_owned());
    }
    archive.into_inner()?.finish()?.flush()?;
    Ok(files)
}
