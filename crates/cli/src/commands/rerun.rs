//! `rhub rerun`.

use runninghub::{Kind, Recipe, say};

use super::{
    app,
    context::Context,
    service::Settings,
    submit::{self, Submission},
};
use crate::{
    args,
    assign::{self, NewValue},
    exit::{Error, Exit},
};

/// Submits again what the ledger keeps of a run, with changes.
pub(super) async fn rerun(context: &mut Context, args: args::Rerun) -> Result<Exit, Error> {
    let workspace = context.workspace()?.clone();
    let entry = context.entry(&args.task_id).await?;
    let recipe = Recipe::kept(&entry).ok_or_else(|| {
        Error::usage(say!("the ledger did not keep what this run set"))
            .hint(say!("an older version of rhub made it; submit it anew"))
    })?;
    let texts = args.set_text.iter().map(|text| assign::text(text));
    let changes = args.set.iter().map(|text| change(&entry.intent.kind, text)).chain(texts);
    let changes: Vec<(String, NewValue)> = changes.collect::<Result<_, _>>()?;
    let without: Vec<&str> = changes.iter().map(|(name, _)| &**name).collect();
    let work = workspace.work(&entry, &recipe).await?;
    let mut submit = assign::put_all(recipe.submit(work, &without)?, changes);
    if let Some(label) = entry.intent.label.clone() {
        submit = submit.label(label);
    }
    let submit = submit::on_machine(context, submit, &args.machine)?;
    let Settings { site, known_url, server, .. } = Settings::of(&entry.intent.place);
    let settings = Settings { known_url, server, ..submit::settings(&args.submitting, site) };
    let reach = |context: &mut Context| context.service(settings.clone());
    Submission::new(context, &args.submitting, reach)?.make(context, submit, Error::from).await
}

/// Reads a change as the command does that first ran it.
fn change(kind: &Kind, text: &str) -> Result<(String, NewValue), Error> {
    match kind {
        Kind::App | Kind::Quick => app::parse(text),
        Kind::Model => assign::param(text),
        _ => assign::parse(text),
    }
}
