//! `rhub rerun` and `rhub run --from`.

use std::path::Path;

use runninghub::{Kind, RunFile, say};

use super::{
    app,
    context::Context,
    service::{Settings, check_place},
    submit::{self, Submission},
};
use crate::{
    args,
    assign::{self, NewValue},
    exit::{Error, Exit},
    input,
};

/// Repeats a run from the ledger, with changes.
pub(super) async fn rerun(context: &mut Context, args: args::Rerun) -> Result<Exit, Error> {
    let entry = context.entry(&args.task_id).await?;
    let run = RunFile::of(&entry).ok_or_else(|| {
        Error::usage(say!("the ledger doesn't have the settings of this run"))
            .hint(say!("it was made by an older version of rhub; submit it again"))
    })?;
    let changes = Changes { set: &args.set, set_text: &args.set_text, label: entry.intent.label.clone() };
    again(context, &run, changes, &args.machine, &args.submitting).await
}

/// Repeats a run from a file next to its results, with changes.
pub(super) async fn from(context: &mut Context, file: &Path, args: &args::Run) -> Result<Exit, Error> {
    let name = || file.display();
    let text = input::read(file)
        .map_err(|why| Error::usage(say!("cannot read {name}: {why}", name = name(), why)))?;
    let run = RunFile::read(&text).map_err(|error| {
        let error = Error::from(error);
        let message = say!("cannot use {name}: {why}", name = name(), why = error.message.clone());
        Error { message, ..error }
    })?;
    check_place(&run.place())?;
    // For its own runs, this machine also knows the paths of files, and the graphs.
    let own = match &run.task_id {
        Some(task) => context.entry(task.as_str()).await.ok().and_then(|entry| RunFile::of(&entry)),
        None => None,
    };
    let run = own.unwrap_or(run);
    let changes = Changes { set: &args.set, set_text: &args.set_text, label: None };
    again(context, &run, changes, &args.machine, &args.submitting).await
}

/// The differences from the first run.
struct Changes<'a> {
    set: &'a [String],
    set_text: &'a [String],
    label: Option<String>,
}

async fn again(
    context: &mut Context,
    run: &RunFile,
    changes: Changes<'_>,
    machine: &args::Machine,
    submitting: &args::SubmitOptions,
) -> Result<Exit, Error> {
    let workspace = context.workspace()?.clone();
    let texts = changes.set_text.iter().map(|text| assign::text(text));
    let set = changes.set.iter().map(|text| change(&run.kind(), text)).chain(texts);
    let set: Vec<(String, NewValue)> = set.collect::<Result<_, _>>()?;
    let without: Vec<&str> = set.iter().map(|(name, _)| &**name).collect();
    let work = workspace.work(run).await?;
    let mut submit = assign::put_all(run.recipe.submit(work, &without)?, set);
    if let Some(label) = changes.label {
        submit = submit.label(label);
    }
    let submit = submit::on_machine(context, submit, machine)?;
    let Settings { site, known_url, server, .. } = Settings::of(&run.place());
    let settings = Settings { known_url, server, ..submit::settings(submitting, site) };
    let reach = |context: &mut Context| context.service(settings.clone());
    Submission::new(context, submitting, reach)?.make(context, submit, Error::from).await
}

/// Reads a change as the command does that first ran it.
fn change(kind: &Kind, text: &str) -> Result<(String, NewValue), Error> {
    match kind {
        Kind::App | Kind::Quick => app::parse(text),
        Kind::Model => assign::param(text),
        _ => assign::parse(text),
    }
}
