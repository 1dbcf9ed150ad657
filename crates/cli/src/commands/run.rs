//! `rhub run`.

use super::{comfy, context::Context, submit::Submission};
use crate::{
    args,
    assign::{self, NewValue},
    exit::{Error, Exit},
    target::{self, Target},
};

/// The platform's code for a create that lacks something.
const PARAMS_INVALID: &str = "301";

/// Submits a workflow and follows it to the end.
pub(super) async fn run(context: &mut Context, args: args::Run) -> Result<Exit, Error> {
    if context.global.server.is_some() {
        return comfy::run(context, args).await;
    }
    let target = Target::parse(&args.workflow)?;
    let changes = args.set.iter().map(|text| assign::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let list = args.node_info_list.as_deref().map(assign::node_info_list).transpose()?;
    let site = if let Target::Saved(_, site) = &target { *site } else { None };
    let submission = Submission::new(context, &args.submitting, site)?;
    let hub = submission.hub();
    let is_alone = matches!(target, Target::Own(_)) && args.under.is_none();
    let mut submit = match target {
        Target::Saved(id, _) => {
            let learned = context.history().map(|history| history.learned(&id)).unwrap_or_default();
            hub.workflow(id).learned(learned)
        }
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
    if let Some(instance) = args.instance {
        submit = submit.instance_type(instance.parse().map_err(|_| Error::usage("unknown instance type"))?);
    }
    if let Some(url) = submission.webhook() {
        submit = submit.webhook(url);
    }
    if args.no_metadata {
        submit = submit.add_metadata(false);
    }
    if let Some(timeout) = args.submitting.queue_timeout {
        submit = submit.queue_timeout(timeout);
    }
    let start = async |told| {
        submit.on_wait(told).submit().await.map_err(|error| match Error::from(error) {
            error if is_alone && error.code.as_deref() == Some(PARAMS_INVALID) => error
                .or_hint("it may want a saved workflow to submit the file under: name one with `--under ID`"),
            error => error,
        })
    };
    submission.make(context, start).await
}
