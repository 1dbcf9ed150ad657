//! `rhub run`.

use runninghub::Code;

use super::{
    comfy,
    context::Context,
    submit::{self, Submission, told},
};
use crate::{
    args,
    assign::{self, NewValue},
    exit::{Error, Exit},
    target::{self, Target},
};

/// Submits a workflow and follows it to the end.
pub(super) async fn run(context: &mut Context, args: args::Run) -> Result<Exit, Error> {
    if context.global.server.is_some() {
        return comfy::run(context, args).await;
    }
    let target = Target::parse(&args.workflow)?;
    let changes = args.set.iter().map(|text| assign::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let list = args.node_info_list.as_deref().map(assign::node_info_list).transpose()?;
    let site = if let Target::Saved(_, site) = &target { *site } else { None };
    submit::check(context, &args.machine)?;
    let submission = Submission::new(context, &args.submitting, site)?;
    let hub = submission.hub();
    let id = if let Target::Saved(id, _) = &target { Some(id.clone()) } else { None };
    let is_alone = matches!(target, Target::Own(_)) && args.under.is_none();
    let mut submit = match target {
        Target::Saved(id, _) => hub.workflow(id),
        Target::Own(text) => hub.workflow_json(text),
    };
    if let Some(id) = args.under {
        submit = submit.under(target::saved(&id, "--under")?.0);
    }
    for change in changes {
        submit = match change.value {
            NewValue::Json(value) => submit.set(change.node, change.field, value),
            NewValue::File(path) => submit.set_file(change.node, change.field, path),
        };
    }
    if let Some(list) = list {
        submit = submit.node_info_list(list);
    }
    if args.no_metadata {
        submit = submit.add_metadata(false);
    }
    if args.machine.v2 {
        submit = submit.v2();
    }
    let submit = told!(submit, submission, args.machine, args.submitting);
    let start = async |told| {
        submit.on_step(told).submit().await.map_err(|error| match Error::from(error) {
            error if is_alone && error.code == Some(Code::INVALID_PARAMETER) => error
                .or_hint("it may want a saved workflow to submit the file under: name one with `--under ID`"),
            error => match &id {
                Some(id) if [Some(Code::NO_SUCH_WORKFLOW), Some(Code::NO_SUCH_APP)].contains(&error.code) => {
                    let known = error.hint.clone().unwrap_or_default();
                    error.hint(format!("{known}; an AI app is run with `rhub app run {id}`"))
                }
                _ => error,
            },
        })
    };
    submission.make(context, start).await
}
